// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// What an agent has resident while it works, beyond what it has while it waits.
@Suite(.serialized) struct MemoryCostTests {
    private static let volumeBytes = 160 << 20
    private static let limit = 64 << 20

    /// With reflinks; and without, where stored digests and a journal stand for them.
    private static let kinds: [LoopFileSystem] = [.xfs, .ext4]

    @Test(
        .enabled(if: LoopFileSystem.isAvailable(Self.kinds), LoopFileSystem.reason),
        arguments: Self.kinds
    )
    func aTransferTakes64MiBOnEachSide(kind: LoopFileSystem) async throws {
        let seed = TestSeed()
        var generator = seed.generator
        try await kind.mounted(mebibytes: 1024) { directory in
            let (source, destination) = try await TestAgent.paired(in: directory)
            let image = "\(directory)/image"
            try Data(noise(Self.volumeBytes, using: &generator))
                .write(to: URL(fileURLWithPath: image))
            let volume = try await source.createVolume("data", from: image)
            for mode in [ReportedMode.full, .incremental] {
                let idle = [try Resident(source), try Resident(destination)]
                let report = try await source.replicate("data")
                #expect(report.mode == mode && report.error == nil)
                let more = try idle.map { try $0.growth() }
                print(
                    "\(kind) \(mode): source \(more[0] >> 10) KiB, destination \(more[1] >> 10) KiB"
                )
                try Self.change(try #require(volume.path), &generator)
            }
            #expect(try await source.stop().status == 0)
            #expect(try await destination.stop().status == 0)
        }
    }

    /// Writes each fourth granule: all leaves differ, and nothing of them is adjacent.
    private static func change(
        _ path: String,
        _ generator: inout some RandomNumberGenerator
    ) throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        for place in stride(from: 0, to: Self.volumeBytes, by: 4 * Granules.bytes) {
            try file.seek(toOffset: UInt64(place))
            try file.write(contentsOf: Data(noise(Granules.bytes, using: &generator)))
        }
        try file.close()
    }
}

/// The resident memory of an agent, from a moment on.
private struct Resident {
    private let process: Int32
    private let idle: Int

    init(_ agent: TestAgent) throws {
        self.process = agent.process.identifier
        // From here on the kernel keeps a new high-water mark.
        try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/\(self.process)/clear_refs"))
        self.idle = try Self.bytes("VmRSS:", of: self.process)
    }

    /// How much more it had at its peak.
    func growth() throws -> Int { try Self.bytes("VmHWM:", of: self.process) - self.idle }

    private static func bytes(_ field: String, of process: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(field) })
        let number = try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) })
        return number << 10
    }
}
