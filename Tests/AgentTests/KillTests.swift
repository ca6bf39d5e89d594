// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Kills either agent at random instants, on both ways of staging and switching.
///
/// Each time the destination shows its base or its target, byte for byte (P1), the transfer finishes by
/// itself after the restart, and what was durable stays where it is (P5). GODWIT_KILLS says how often,
/// GODWIT_SEED repeats a run.
@Suite(.serialized) struct KillTests {
    private let kills = Int(ProcessInfo.processInfo.environment["GODWIT_KILLS"] ?? "") ?? 6

    /// Sparse copies at the source, a redo journal at the destination.
    @Test(.timeLimit(.minutes(60)))
    func eitherSideMayDieAtAnyInstant() async throws {
        let scratch = try Scratch()
        try await self.loop(in: scratch.path, on: "a plain directory", TestSeed())
    }

    /// Clones on both sides, a switch by renaming.
    @Test(
        .timeLimit(.minutes(60)),
        .enabled(if: LoopFileSystem.isAvailable([.xfs]), LoopFileSystem.reason)
    )
    func eitherSideMayDieAtAnyInstantOnXFS() async throws {
        let seed = TestSeed()
        try await LoopFileSystem.xfs.mounted(mebibytes: 640) { directory in
            try await self.loop(in: directory, on: "XFS", seed)
        }
    }

    private func loop(in directory: String, on ground: String, _ seed: TestSeed) async throws {
        var loop = try await KillLoop(in: directory, on: ground, seed)
        do {
            for number in 0..<self.kills { try await loop.round(number) }
            print(loop.tally.text)
        } catch {
            print(loop.tally.text)
            await loop.end()
            throw error
        }
        await loop.end()
    }
}
