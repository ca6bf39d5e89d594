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
                #expect(more.allSatisfy { $0 <= Self.limit })
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
    private let agent: TestAgent
    private let idle: Int

    init(_ agent: TestAgent) throws {
        self.agent = agent
        // From here on the kernel keeps a new high-water mark.
        try Data("5".utf8)
            .write(to: URL(fileURLWithPath: "/proc/\(agent.process.identifier)/clear_refs"))
        self.idle = try agent.memory("VmRSS")
    }

    /// How much more it had at its peak.
    func growth() throws -> Int { try self.agent.memory("VmHWM") - self.idle }
}
