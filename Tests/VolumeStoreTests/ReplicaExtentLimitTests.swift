// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Synchronization
import TestSupport
import Testing
import VolumeStore

/// Transfers in more pieces than a stage remembers one by one (P6).
@Suite struct ReplicaExtentLimitTests {
    private static let limit = 8

    private var options: ReplicaOptions {
        ReplicaOptions(reflink: .never, trackedExtents: Self.limit)
    }

    @Test(arguments: [TransferMode.fullCopy, .incremental, .fullVerify])
    func intoAPoolItGoesOnAndIsWhole(_ mode: TransferMode) throws {
        let seed = TestSeed()
        let world = try ReplicaWorld(.pool, seed: seed.value, options: self.options)
        world.source.begin(size: 2_500_000)
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes, "\(seed)")
        world.source.mutate(granules: 200)
        #expect(world.source.changes(mode).count > 3 * Self.limit, "\(seed)")
        let stage = try world.stage(mode, flushEvery: 3)
        #expect(stage.durableRanges.count <= Self.limit, "\(seed)")
        let volume = try world.volume()
        let generation = try volume.commit(stage, expecting: world.source.root())
        try volume.close(stage)
        world.source.noteCommitted(generation)
        try world.expectVisible(world.source.bytes, "\(seed)")
    }

    @Test(arguments: [TransferMode.fullCopy, .incremental], [true, false])
    func afterABreakWhatIsRememberedIsThereAndTheRestTravelsAgain(
        _ mode: TransferMode,
        isRestarted: Bool
    ) throws {
        let seed = TestSeed()
        let world = try ReplicaWorld(.pool, seed: seed.value, options: self.options)
        world.source.begin(size: 2_500_000)
        try world.transfer(.fullCopy)
        world.source.mutate(granules: 200)
        let half = try world.stage(mode, flushEvery: 3, atMost: 60)
        try world.volume().close(half)
        if isRestarted { try world.reopen(self.options) }
        let again = try world.stage(mode, flushEvery: 3)
        #expect(again.isResumed, "\(seed)")
        let volume = try world.volume()
        let generation = try volume.commit(again, expecting: world.source.root())
        try volume.close(again)
        world.source.noteCommitted(generation)
        try world.expectVisible(world.source.bytes, "\(seed)")
    }

    @Test func aDeviceThatWouldHaveToBeZeroedInMorePlacesShowsNothing() throws {
        let world = try ReplicaWorld(.attached, seed: 81, options: self.options)
        world.source.begin(size: 2_500_000)
        let stage = try world.stage(.fullCopy, flushEvery: 3)
        let volume = try world.volume()
        let error = #expect(throws: StageError.self) {
            try volume.commit(stage, expecting: world.source.root())
        }
        guard case .tooFragmented? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(volume.visible == nil)
        try volume.discard(stage)
        // One that is not scattered has its way.
        world.source.advance(to: [UInt8](repeating: 7, count: 2_500_000))
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes)
    }
}

/// The number of kept generations may change while a pool is open.
@Suite struct ReplicaKeptGenerationsTests {
    private final class Wish: Sendable {
        let count = Atomic(3)
    }

    @Test(
        .enabled(if: LoopFileSystem.isAvailable([.btrfs]), LoopFileSystem.reason)
    )
    func theNextCommitKeepsWhatIsWantedThen() throws {
        try LoopFileSystem.btrfs.mounted { directory in
            let wish = Wish()
            let options = ReplicaOptions(
                keptGenerations: wish.count.load(ordering: .relaxed)
            )
            let world = try ReplicaWorld(.pool, seed: 82, in: directory, options: options)
            world.source.begin(size: 1_000_000)
            try world.transfer(.fullCopy)
            for wanted in [3, 3, 1, 4, 4] {
                wish.count.store(wanted, ordering: .relaxed)
                world.source.mutate()
                try world.transfer(.incremental)
            }
            let volume = try world.volume()
            #expect(volume.generations.map(\.number.number) == [6, 5, 4])
            wish.count.store(2, ordering: .relaxed)
            world.source.mutate()
            try world.transfer(.incremental)
            #expect(volume.generations.map(\.number.number) == [7, 6])
        }
    }
}
