// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import Synchronization
import Testing
import VolumeStore

/// Stops at the n-th passing of a crash point, as a killed process does: nothing is cleaned up.
final class Crash: Sendable {
    private let point: CrashPoint
    private let countdown: Atomic<Int>

    init(at point: CrashPoint, passing count: Int = 1) {
        self.point = point
        self.countdown = Atomic(count)
    }

    var hasHappened: Bool { self.countdown.load(ordering: .relaxed) <= 0 }

    var options: ReplicaOptions {
        self.options(reflink: .never)
    }

    func options(reflink: ReflinkUse) -> ReplicaOptions {
        ReplicaOptions(reflink: reflink) { (point) throws(StoreError) in
            guard point == self.point else { return }
            guard self.countdown.subtract(1, ordering: .relaxed).newValue > 0 else {
                throw StoreError(.ioFailed, "crash at \(point)")
            }
        }
    }
}

@Suite struct ReplicaCrashTests {
    /// Runs a transfer up to the crash; whatever is left, readers get the base or the target (P1).
    static func check(
        _ world: ReplicaWorld,
        _ mode: TransferMode,
        _ crash: Crash,
        reflink: ReflinkUse = .never
    ) throws {
        let before = world.source.visible == nil ? nil : world.source.base
        try world.reopen(crash.options(reflink: reflink))
        #expect(throws: (any Error).self) { try world.transfer(mode) }
        #expect(crash.hasHappened)
        // A second crash in the recovery of the first one changes nothing.
        try? world.reopen(Crash(at: .switched).options(reflink: reflink))
        try world.reopen(ReplicaOptions(reflink: reflink))
        #expect(world.store.faults.isEmpty)
        let found = try world.visibleBytes()
        if found == world.source.bytes {
            let visible = try #require(try world.volume().visible)
            #expect(visible.root == world.source.root())
            world.source.noteCommitted(visible)
        } else {
            #expect(found == before)
            try world.transfer(mode)
        }
        try world.expectVisible(world.source.bytes)
        world.source.mutate()
        try world.transfer(.incremental)
        try world.expectVisible(world.source.bytes)
    }

    /// The points that a mode passes on a kind of target.
    static func isPassed(
        _ point: CrashPoint,
        _ mode: TransferMode,
        _ target: ReplicaTarget,
        isFirst: Bool
    ) -> Bool {
        switch point {
        case .journalApplied, .journalSynced:
            switch target {
            case .pool: mode.needsBase
            case .attached: !isFirst
            }
        // Only of volumes that wait for others: ReplicaHoldCrashTests.
        case .prepared, .releaseDecided: false
        case .stageFilesCreated, .stageRecorded, .stagedBytesSynced, .stagedBytesLogged,
            .rootProven, .digestsSynced, .generationRecorded, .commitRecorded, .switched,
            .switchSynced, .commitFinished, .oldGenerationsRemoved:
            true
        }
    }

    @Test(arguments: CrashPoint.allCases, ReplicaTarget.allCases)
    func aFirstFullCopyShowsNothingOrTheTarget(
        _ point: CrashPoint,
        _ target: ReplicaTarget
    ) throws {
        guard Self.isPassed(point, .fullCopy, target, isFirst: true) else { return }
        let world = try ReplicaWorld(target, seed: 20)
        world.source.begin(size: 700_001)
        try Self.check(world, .fullCopy, Crash(at: point))
    }

    @Test(arguments: CrashPoint.allCases, ReplicaTarget.allCases)
    func anIncrementalShowsBaseOrTarget(_ point: CrashPoint, _ target: ReplicaTarget) throws {
        guard Self.isPassed(point, .incremental, target, isFirst: false) else { return }
        for size in [700_001, 900_000, 333_333] {
            let world = try ReplicaWorld(target, seed: 21)
            world.source.begin(size: 700_001)
            try world.transfer(.fullCopy)
            world.source.mutate(size: size)
            try Self.check(world, .incremental, Crash(at: point))
        }
    }

    @Test(arguments: CrashPoint.allCases, ReplicaTarget.allCases)
    func aSecondFullCopyShowsBaseOrTarget(_ point: CrashPoint, _ target: ReplicaTarget) throws {
        guard Self.isPassed(point, .fullCopy, target, isFirst: false) else { return }
        let world = try ReplicaWorld(target, seed: 22)
        world.source.begin(size: 700_001)
        try world.transfer(.fullCopy)
        world.source.mutate(size: 500_000, granules: 60)
        try Self.check(world, .fullCopy, Crash(at: point))
    }

    @Test(arguments: 2...5)
    func aCrashBetweenFlushesKeepsWhatIsLogged(_ passing: Int) throws {
        for target in ReplicaTarget.allCases {
            let world = try ReplicaWorld(target, seed: 23)
            world.source.begin(size: 3_000_000)
            let crash = Crash(at: .stagedBytesSynced, passing: passing)
            try world.reopen(crash.options)
            #expect(throws: (any Error).self) { try world.transfer(.fullCopy) }
            try world.reopen()
            let stage = try world.stage(.fullCopy, atMost: 0)
            #expect(stage.isResumed)
            #expect(!stage.durableRanges.isEmpty)
            try world.volume().close(stage)
            try world.transfer(.fullCopy)
            try world.expectVisible(world.source.bytes)
        }
    }

    @Test func aFailedSyncThrowsTheStageAway() throws {
        let world = try ReplicaWorld(.pool, seed: 24)
        world.source.begin(size: 3_000_000)
        try world.reopen(Crash(at: .stagedBytesSynced, passing: 2).options)
        let volume = try world.volume()
        let stage = try volume.openStage(world.source.request(.fullCopy))
        var scratch = StageScratch()
        let changes = world.source.changes(.fullCopy)
        try stage.take(changes[0], of: world.source, using: &scratch)
        try stage.flush()
        try stage.take(changes[1], of: world.source, using: &scratch)
        #expect(throws: StageError.self) { try stage.flush() }
        #expect(stage.isFailed)
        // Not retried as if it were clean (P3).
        #expect(throws: StageError.self) { try stage.flush() }
        #expect(throws: StageError.self) { try volume.close(stage) }
        #expect(try volume.stagedTransfer() == nil)
        try world.reopen()
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes)
    }
}
