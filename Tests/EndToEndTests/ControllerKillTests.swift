// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Whatever is killed at whatever moment, the end is that of a run in which nothing was.
///
/// GODWIT_CONTROLLER_KILLS says how often, GODWIT_SEED repeats a run.
@Suite(.serialized, .timeLimit(.minutes(30))) struct ControllerKillTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private static let kills =
        Int(ProcessInfo.processInfo.environment["GODWIT_CONTROLLER_KILLS"] ?? "") ?? 6

    @Test func killedAnywhereItEndsAsWithoutKills() async throws {
        let seed = TestSeed()
        var generator = seed.generator
        let stage = try await KillStage(in: self.scratch.path, seed: seed)
        let calm = try await stage.move("calm", .calm)
        var (round, left) = (0, Self.kills)
        while left > 0 {
            round += 1
            let plan = KillPlan(min(left, 4), using: &generator)
            left -= plan.kills.count
            print("round \(round): \(plan)")
            let end = try await stage.move("storm-\(round)", plan)
            let (one, other) =
                plan.isDeletedOnce ? (end.withoutTransfers, calm.withoutTransfers) : (end, calm)
            #expect(
                one == other,
                "\(seed), round \(round): \(plan)\n\(one.difference(from: other))"
            )
        }
        try await stage.expectNoOrphans()
        await stage.end()
    }
}
