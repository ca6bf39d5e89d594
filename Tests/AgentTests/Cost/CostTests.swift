// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// What a transfer costs besides time: these figures do not depend on how fast a machine is.
///
/// The processes are those of a user. What belongs to a run and not to its bytes is taken away by
/// comparing a transfer with one of four times as many bytes.
@Suite(.serialized) struct CostTests {
    private static let small = 48
    private static let large = 4 * 48
    /// Chunks are of a MiB.
    private static let chunks = Double(large - small)

    /// At most, for each MiB that travels, in sender and receiver.
    ///
    /// Measured: 5.3 and 3.2. The sender reads, sends, and reads and writes a page of digests,
    /// and may tell the kernel what it will read, which is 5.7; the receiver receives and writes.
    private static let callsPerMebibyte = [6.5, 4.0]

    @Test(
        .enabled(if: SystemCallCount.isAvailable, SystemCallCount.reason),
        .enabled(if: LoopFileSystem.isAvailable([.ext4]), LoopFileSystem.reason)
    )
    func aMebibyteTakesFewSystemCalls() async throws {
        try await LoopFileSystem.ext4.mounted(mebibytes: 768) { directory in
            let (source, destination) = try await TestAgent.paired(in: directory)
            var counts: [[SystemCallCount]] = []
            for size in [Self.small, Self.large] {
                try await Self.createVolume("v\(size)", mebibytes: size, on: source)
                counts.append(
                    try await Self.calls(of: [source, destination], in: directory) {
                        _ = try await Self.replicate("v\(size)", on: source)
                    }
                )
            }
            for (side, bound) in Self.callsPerMebibyte.enumerated() {
                let (few, many) = (counts[0][side], counts[1][side])
                let each = Double(many.withoutWaits - few.withoutWaits) / Self.chunks
                print("\(Self.sides[side]): \(each) system calls for a MiB")
                // The chunks were read or received while somebody looked.
                #expect(each >= 1)
                #expect(each <= bound, "\(Self.sides[side]): \(few)\n\(many)")
            }
            #expect(try await source.stop().status == 0)
            #expect(try await destination.stop().status == 0)
        }
    }

    /// At most, for each run of one MiB, in sender and receiver.
    ///
    /// Measured: 18 and 17.
    private static let syncsPerRun = [20, 19]

    @Test(
        .enabled(if: SystemCallCount.isAvailable, SystemCallCount.reason),
        .enabled(if: LoopFileSystem.isAvailable([.ext4]), LoopFileSystem.reason)
    )
    func aRunSyncsSeldom() async throws {
        try await LoopFileSystem.ext4.mounted(mebibytes: 256) { directory in
            let (source, destination) = try await TestAgent.paired(in: directory)
            try await Self.createVolume("v", mebibytes: 1, on: source)
            for run in ["full", "unchanged", "unchanged again"] {
                let counts = try await Self.calls(of: [source, destination], in: directory) {
                    _ = try await Self.replicate("v", on: source, streams: 1)
                }
                print("\(run): \(counts.map(\.syncs)) syncs")
                for (side, bound) in Self.syncsPerRun.enumerated() {
                    // Without any, what is shown could be lost (P3).
                    #expect(1...bound ~= counts[side].syncs, "\(Self.sides[side]), \(run)")
                }
            }
            #expect(try await source.stop().status == 0)
            #expect(try await destination.stop().status == 0)
        }
    }

    /// At most, for each chunk, in the data threads of sender and receiver.
    ///
    /// Optimised, none: what there is comes with acknowledgements, which the clock has a say in.
    /// Without optimisation each call of a closure and each generic value may take one: the number
    /// is the same each time (26 and 10 were measured), so it shows what was added.
    private static let allocationsPerChunk = Command.isOptimised ? [0.25, 0.25] : [32.0, 16.0]

    @Test(arguments: [CodecSetting.none, .lz4, .deflate, .zstd])
    func aChunkTakesNoAllocation(codec: CodecSetting) async throws {
        let scratch = try Scratch()
        let counter = try await AllocationCount.counter(in: scratch.path)
        let tables = try ["s.table", "d.table"]
            .map { name in
                try AllocationCount.Table("\(scratch.path)/\(name)", writtenBy: counter)
            }
        let source = try await TestAgent("s", in: scratch.path, environment: tables[0].environment)
        let destination = try await TestAgent(
            "d",
            in: scratch.path,
            environment: tables[1].environment
        )
        try await source.pair(with: destination)
        var growth: [[AllocationCount]] = []
        for size in [Self.small, Self.large] {
            try await Self.createVolume("v\(size)", mebibytes: size, on: source)
            let before = try tables.map { try $0.reading() }
            try await Self.replicate("v\(size)", on: source, codec)
            growth.append(try zip(tables, before).map { try $0.reading().subtracting($1) })
        }
        for (side, threads) in ["gw-send", "gw-data"].enumerated() {
            let (few, many) = (growth[0][side], growth[1][side])
            let each = Double(many.number(in: threads) - few.number(in: threads)) / Self.chunks
            let tls = Double(many.number(in: "tls") - few.number(in: "tls")) / Self.chunks
            print("\(Self.sides[side]), \(codec): \(each) allocations for a chunk, libssl \(tls)")
            // The streams' buffers, so the counting itself works.
            #expect(few.number(in: threads) > 0 && few.number(in: "tls") > 0)
            #expect(each <= Self.allocationsPerChunk[side], "\(Self.sides[side]): \(many)")
        }
        #expect(try await source.stop().status == 0)
        #expect(try await destination.stop().status == 0)
    }

    private static let sides = ["source", "destination"]

    private static func calls(
        of agents: [TestAgent],
        in directory: String,
        _ body: () async throws -> Void
    ) async throws -> [SystemCallCount] {
        try await SystemCallCount.of(
            agents.map(\.process.identifier),
            in: directory,
            body
        )
    }

    /// Half of it compresses.
    private static func createVolume(
        _ name: String,
        mebibytes: Int,
        on agent: TestAgent
    ) async throws {
        var generator = TestSeed(name).generator
        let image = "\(agent.pool).image"
        var data = Data()
        for _ in 0..<mebibytes {
            data += noise(1 << 19, using: &generator)
            data += Data(repeating: 65, count: 1 << 19)
        }
        try data.write(to: URL(fileURLWithPath: image))
        try await agent.createVolume(name, from: image)
        try FileManager.default.removeItem(atPath: image)
    }

    @discardableResult
    private static func replicate(
        _ name: String,
        on agent: TestAgent,
        _ codec: CodecSetting = .none,
        streams: Int = 2
    ) async throws -> TransferReport {
        let reports = try await agent.value(
            [TransferReport].self,
            "replicate",
            name,
            "--to",
            "remote",
            "--streams",
            "\(streams)",
            "--codec",
            codec.rawValue
        )
        let report = try #require(reports.first)
        #expect(report.error == nil && report.streams == streams)
        return report
    }
}
