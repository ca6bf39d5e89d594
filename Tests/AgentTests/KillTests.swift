// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// Kills either agent at random instants.
///
/// Each time the destination shows base or target, and
/// the transfer finishes by itself. GODWIT_KILLS says how often, GODWIT_SEED repeats a run.
@Suite(.serialized) struct KillTests {
    private let scratch: Scratch
    private static let volumeBytes = 24 << 20

    init() throws { self.scratch = try Scratch() }

    @Test(.timeLimit(.minutes(60)))
    func eitherSideMayDieAtAnyInstant() async throws {
        let variables = ProcessInfo.processInfo.environment
        let kills = Int(variables["GODWIT_KILLS"] ?? "") ?? 12
        let seed =
            UInt64(variables["GODWIT_SEED"] ?? "") ?? UInt64.random(in: 0 ... .max)
        print("KillTests: GODWIT_SEED=\(seed) GODWIT_KILLS=\(kills)")
        var generator = SeededGenerator(seed: seed)
        let source = try await TestAgent("s", in: self.scratch.path)
        let destination = try await TestAgent("d", in: self.scratch.path)
        try await source.pair(with: destination)
        let image = try self.scratch.random("image", bytes: Self.volumeBytes, seed: seed)
        let volume = try await source.value(
            VolumeInfo.self,
            "volume",
            "create",
            "db",
            "--from",
            image
        )
        let live = try #require(volume.path)
        _ = try await source.value([TransferReport].self, "replicate", "db", "--to", "remote")
        var base = try Data(contentsOf: URL(fileURLWithPath: live))
        for round in 0..<kills {
            try Self.change(live, &generator)
            let target = try Data(contentsOf: URL(fileURLWithPath: live))
            let accepted = try await source.value(
                [TransferInfo].self,
                "replicate",
                "db",
                "--to",
                "remote",
                "--limit",
                "24MiB/s",
                "--detach"
            )
            try await ContinuousClock()
                .sleep(
                    for: .milliseconds(Int.random(in: 0..<700, using: &generator))
                )
            let victim = Bool.random(using: &generator) ? source : destination
            try await victim.kill()
            if victim === destination { try await destination.restart() }
            let shown = try await self.shown(by: destination, round)
            #expect(
                shown == base || shown == target,
                "round \(round), seed \(seed): neither base nor target is shown"
            )
            if victim === source { try await source.restart() }
            let followed = try await source.godwit(
                "transfer",
                "show",
                accepted[0].id,
                "--follow",
                "--timeout",
                "120"
            )
            try #require(followed.status == 0, "round \(round), seed \(seed): \(followed.errors)")
            let after = try await self.shown(by: destination, round)
            #expect(after == target, "round \(round), seed \(seed): the target is not shown")
            base = target
        }
    }

    private func shown(by destination: TestAgent, _ round: Int) async throws -> Data {
        let copy = "\(self.scratch.path)/copy"
        try? FileManager.default.removeItem(atPath: copy)
        _ = try await destination.value(
            VolumeExportResult.self,
            "volume",
            "export",
            "db",
            "--to",
            copy
        )
        return try Data(contentsOf: URL(fileURLWithPath: copy))
    }

    /// Rewrites about a third of the volume in pieces of random place and size.
    private static func change(
        _ path: String,
        _ generator: inout SeededGenerator
    ) throws {
        let handle = try #require(FileHandle(forWritingAtPath: path))
        for _ in 0..<8 {
            let length = Int.random(in: 1..<(2 << 20), using: &generator)
            let place = Int.random(in: 0..<(Self.volumeBytes - length), using: &generator)
            try handle.seek(toOffset: UInt64(place))
            try handle.write(contentsOf: generator.data(length))
        }
        try handle.synchronize()
        try handle.close()
    }
}
