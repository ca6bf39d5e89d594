// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Glibc

/// What is measured.
enum Scenario: String, CaseIterable, Codable {
    /// The destination has nothing.
    case full
    /// The destination has the other state.
    case incremental
    /// The destination has this state.
    case unchanged
    /// As full, but killed half-way and started again; the second start is measured.
    case resume
    /// Random bytes from memory to memory.
    case transport
}

/// What every peer carries: one file, or a folder of files of which each is a volume.
struct Source {
    let name: String
    let path: String
    /// The size of all volumes together.
    let size: ByteCount
    /// About as many bytes of them are no holes.
    let dataSize: ByteCount
    /// The names of the files in the folder; empty where the path is the one file.
    let names: [String]

    init(
        name: String,
        path: String,
        size: ByteCount,
        dataSize: ByteCount? = nil,
        names: [String] = []
    ) {
        self.name = name
        self.path = path
        self.size = size
        self.dataSize = dataSize ?? size
        self.names = names
    }

    /// The files, where the source itself or a copy of it is at `path`.
    func files(at path: String) -> [String] {
        self.names.isEmpty ? [path] : self.names.map { "\(path)/\($0)" }
    }
}

/// One way to bring a volume to the other side.
protocol Peer: AnyObject {
    var name: String { get }

    /// One line for the report: the programs and options that a user would type.
    var summary: String { get }

    /// Why it cannot run here; nil when it can.
    var obstacle: String? { get }

    var scenarios: Set<Scenario> { get }

    /// Gets ready for a source, with an empty destination.
    func open(_ source: Source) throws

    /// The source has changed in these places. Peers with a copy of their own follow.
    func follow(_ difference: any Change, to state: VolumeState) throws

    /// Makes the destination empty again.
    func clear() throws

    /// The transfer, with the meter around the part that a user waits for.
    func transfer(_ scenario: Scenario) throws -> Sample

    /// Starts a full transfer and kills it when so many bytes have crossed loopback.
    func interrupt(afterLoopbackBytes count: Int) throws

    /// Compares both sides byte by byte.
    func isIdentical() throws -> Bool

    /// Ends everything that is left of it.
    func close() throws
}

/// A peer that brings the source's file to another file, whole.
protocol FilePeer: Peer {
    var source: Source? { get set }
    /// The path of the copy.
    var destination: String { get }
}

extension FilePeer {
    func open(_ source: Source) throws { self.source = source }

    func clear() throws { unlink(self.destination) }

    func isIdentical() throws -> Bool {
        guard let source = self.source else { return false }
        let same = try RawFile.same(source.path, self.destination)
        try RawFile.syncAndEvict(self.destination)
        return same
    }

    func close() throws { unlink(self.destination) }

    /// The source; an error before ``open(_:)``.
    func opened() throws -> Source {
        guard let source = self.source else { throw HarnessError("\(self.name) has no source") }
        return source
    }
}

extension Peer {
    func follow(_ difference: any Change, to state: VolumeState) throws {}

    func interrupt(afterLoopbackBytes count: Int) throws {
        throw HarnessError("\(self.name) cannot go on after a broken transfer")
    }

    /// The first of these programs that is missing.
    func missing(_ programs: String...) -> String? {
        programs.first { program($0) == nil }.map { "\($0) is not installed" }
    }
}
