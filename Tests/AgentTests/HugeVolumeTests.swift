// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// What an agent needs does not grow with the volume (P6).
@Suite(.serialized) struct HugeVolumeTests {
    private static let volumeBytes: UInt64 = 16 << 40
    private static let leafBytes: UInt64 = 65_536
    private static let changedLeaves = 1000
    /// Of the whole process at its peak, from its start on: program, libraries, servers, all of it.
    private static let residentLimit = 128 << 20

    /// With reflinks; and without, where snapshots are sparse copies and changes go through a journal.
    private static let kinds: [LoopFileSystem] = [.xfs, .tmpfs]

    @Test(
        .enabled(if: LoopFileSystem.isAvailable(Self.kinds), LoopFileSystem.reason),
        .timeLimit(.minutes(20)),
        arguments: Self.kinds
    )
    func sparse16TiBTake128MiBOnEachSide(kind: LoopFileSystem) async throws {
        let seed = TestSeed()
        var generator = seed.generator
        try await kind.mounted(mebibytes: 2048) { directory in
            let (source, destination) = try await TestAgent.paired(in: directory)
            let volume = try await source.createVolume("huge", size: "16TiB")
            let live = try SparseFile(try #require(volume.path))
            #expect(live.size == Self.volumeBytes)
            for mode in [ReportedMode.full, .incremental] {
                try self.change(live, &generator)
                let report = try await source.replicate("huge")
                #expect(report.mode == mode && report.error == nil)
                #expect(report.volumeBytes == Self.volumeBytes)
                #expect(report.changedBytes <= UInt64(Self.changedLeaves) * Self.leafBytes)
                let sender = try source.memory("VmHWM")
                let receiver = try destination.memory("VmHWM")
                print(
                    "16 TiB on \(kind), \(mode) of \(Self.changedLeaves) leaves: "
                        + "\(report.seconds) s, \(report.changeSource ?? "-"), peak resident "
                        + "source \(sender >> 20) MiB, destination \(receiver >> 20) MiB"
                )
                #expect(sender <= Self.residentLimit && receiver <= Self.residentLimit)
            }
            let copy = "\(directory)/copy"
            let exported = try await destination.godwit("volume", "export", "huge", "--to", copy)
            #expect(exported.status == 0, "\(exported.errors)")
            #expect(try live.isEqual(to: try SparseFile(copy)), "\(seed)")
            #expect(try await source.stop().status == 0)
            #expect(try await destination.stop().status == 0)
        }
    }

    /// The most streams that one transfer may have, each with its buffers and two writes under way.
    @Test(.enabled(if: LoopFileSystem.isAvailable([.ext4]), LoopFileSystem.reason))
    func sixteenStreamsTake128MiBOnEachSide() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        try await LoopFileSystem.ext4.mounted(mebibytes: 1024) { directory in
            let (source, destination) = try await TestAgent.paired(in: directory)
            let image = "\(directory)/image"
            try Data(noise(192 << 20, using: &generator))
                .write(to: URL(fileURLWithPath: image))
            try await source.createVolume("wide", from: image)
            let before = (try source.memory("VmHWM"), try destination.memory("VmHWM"))
            let reports = try await source.value(
                [TransferReport].self,
                "replicate",
                "wide",
                "--to",
                "remote",
                "--streams",
                "16"
            )
            let report = try #require(reports.first)
            #expect(report.streams == 16 && report.error == nil)
            let (sender, receiver) = (
                try source.memory("VmHWM") - before.0, try destination.memory("VmHWM") - before.1
            )
            print("16 streams: source \(sender >> 20) MiB more, destination \(receiver >> 20) MiB")
            #expect(sender <= Self.residentLimit && receiver <= Self.residentLimit)
            #expect(try await source.stop().status == 0)
            #expect(try await destination.stop().status == 0)
        }
    }

    /// Writes leaves that lie anywhere.
    private func change(_ file: SparseFile, _ generator: inout some RandomNumberGenerator) throws {
        for _ in 0..<Self.changedLeaves {
            let leaf = UInt64.random(
                in: 0..<Self.volumeBytes / Self.leafBytes,
                using: &generator
            )
            try file.write(
                Data(noise(Int(Self.leafBytes), using: &generator)),
                at: leaf * Self.leafBytes
            )
        }
    }
}

/// A file with more holes than a byte-by-byte comparison could ever read.
private final class SparseFile {
    let size: UInt64
    private let handle: FileHandle

    init(_ path: String) throws {
        self.handle = try #require(FileHandle(forUpdatingAtPath: path))
        self.size = try self.handle.seekToEnd()
    }

    func write(_ data: Data, at offset: UInt64) throws {
        try self.handle.seek(toOffset: offset)
        try self.handle.write(contentsOf: data)
    }

    private func read(_ range: Range<UInt64>) throws -> Data {
        try self.handle.seek(toOffset: range.lowerBound)
        var data = Data()
        while data.count < range.count {
            let part = try self.handle.read(upToCount: range.count - data.count) ?? Data()
            guard !part.isEmpty else { break }
            data.append(part)
        }
        return data
    }

    /// Where the file has bytes, in pieces of at most 1 MiB; all else reads as zeros.
    private func extents() -> [Range<UInt64>] {
        var extents: [Range<UInt64>] = []
        let descriptor = self.handle.fileDescriptor
        // <unistd.h> shows them to GNU sources only.
        let (seekData, seekHole): (Int32, Int32) = (3, 4)
        var place = lseek(descriptor, 0, seekData)
        while place >= 0 {
            let end = lseek(descriptor, place, seekHole)
            for start in stride(from: place, to: end, by: 1 << 20) {
                extents.append(UInt64(start)..<UInt64(min(start + 1 << 20, end)))
            }
            place = lseek(descriptor, end, seekData)
        }
        return extents
    }

    /// Compares wherever one of the two has bytes.
    func isEqual(to other: SparseFile) throws -> Bool {
        guard self.size == other.size else { return false }
        for extent in self.extents() + other.extents() {
            guard try self.read(extent) == other.read(extent) else { return false }
        }
        return true
    }
}
