// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// Stops at every crash point between the first byte of a group and its last switch.
///
/// Before the release is decided no volume shows anything new; after it all of them do (P1), whatever
/// stopped in between.
@Suite struct HoldCrashTests {
    /// The points that a held volume passes on a kind of target, before and after the decision.
    static func isPassed(
        _ point: CrashPoint,
        _ mode: TransferMode,
        _ target: ReplicaTarget,
        isFirst: Bool
    ) -> Bool {
        switch point {
        case .prepared, .releaseDecided: true
        case .journalApplied, .journalSynced, .stageFilesCreated, .stageRecorded,
            .stagedBytesSynced, .stagedBytesLogged, .rootProven, .digestsSynced,
            .generationRecorded, .commitRecorded, .switched, .switchSynced, .commitFinished,
            .oldGenerationsRemoved:
            ReplicaCrashTests.isPassed(point, mode, target, isFirst: isFirst)
        }
    }

    /// Runs a group up to the crash, and goes on as a restarted agent does.
    static func check(
        _ world: HoldWorld,
        _ mode: TransferMode,
        _ crash: Crash,
        _ comment: Comment
    ) throws {
        try world.reopen(crash)
        #expect(throws: (any Error).self) {
            try world.register()
            for index in world.sources.indices { try world.prepare(index, mode) }
            // Removing what is old is tidying, whose failure nobody hears of.
            try world.release()
            if crash.hasHappened { throw StoreError(.ioFailed, "crash") }
        }
        #expect(crash.hasHappened, comment)
        // A second crash in the recovery of the first one changes nothing.
        try? world.reopen(Crash(at: .switched))
        try world.reopen()
        #expect(world.store.faults.isEmpty && world.holds.faults.isEmpty, comment)
        let shown = try world.showsTargets(comment)
        #expect(Set(shown).count == 1, comment)
        if try world.hold().state == .held {
            #expect(shown == shown.map { _ in false }, comment)
            try Self.finish(world, mode, comment)
        } else {
            #expect(try world.hold().state == .committed, comment)
        }
        #expect(try world.showsTargets(comment) == shown.map { _ in true }, comment)
        // Asked again, nothing changes.
        #expect(try world.release().state == .committed, comment)
        try world.noteShown()
        for index in world.sources.indices {
            world.sources[index].mutate()
            try world.commit(index, .incremental)
            #expect(try world.shown(index) == world.sources[index].bytes, comment)
        }
    }

    /// Brings what is not prepared yet, and releases.
    private static func finish(
        _ world: HoldWorld,
        _ mode: TransferMode,
        _ comment: Comment
    ) throws {
        for (index, progress) in try world.progress().enumerated() {
            switch progress {
            case .waiting:
                #expect(throws: HoldError.self, comment) { try world.release() }
                try world.prepare(index, mode)
            case .prepared: break
            case .committed: Issue.record("nothing is visible", severity: .error)
            }
        }
        #expect(try world.showsTargets(comment).contains(true) == false, comment)
        try world.release()
    }

    @Test(arguments: CrashPoint.allCases, ReplicaTarget.allCases)
    func aGroupOfFirstCopiesIsShownWholeOrNotAtAll(
        _ point: CrashPoint,
        _ target: ReplicaTarget
    ) throws {
        guard Self.isPassed(point, .fullCopy, target, isFirst: true) else { return }
        for passing in Self.passings(of: point) {
            let world = try HoldWorld(target, volumes: 3, seed: 40)
            for index in world.sources.indices { world.sources[index].begin(size: 300_001) }
            let crash = Crash(at: point, passing: passing)
            try Self.check(world, .fullCopy, crash, "\(point), passing \(passing)")
        }
    }

    @Test(arguments: CrashPoint.allCases, ReplicaTarget.allCases)
    func aGroupOfIncrementalsIsShownWholeOrNotAtAll(
        _ point: CrashPoint,
        _ target: ReplicaTarget
    ) throws {
        guard Self.isPassed(point, .incremental, target, isFirst: false) else { return }
        for passing in Self.passings(of: point) {
            let world = try HoldWorld(target, volumes: 3, seed: 41)
            try Self.begin(world)
            let crash = Crash(at: point, passing: passing)
            try Self.check(world, .incremental, crash, "\(point), passing \(passing)")
        }
    }

    /// The stages of this one are clones, and its switches renames.
    @Test(.enabled(if: LoopFileSystem.isAvailable([.xfs]), LoopFileSystem.reason))
    func aGroupOfClonesIsShownWholeOrNotAtAll() throws {
        try LoopFileSystem.xfs.mounted { directory in
            for point in CrashPoint.allCases {
                switch point {
                case .journalApplied, .journalSynced: continue
                case .stageFilesCreated, .stageRecorded, .stagedBytesSynced, .stagedBytesLogged,
                    .rootProven, .digestsSynced, .generationRecorded, .prepared, .releaseDecided,
                    .commitRecorded, .switched, .switchSynced, .commitFinished,
                    .oldGenerationsRemoved:
                    break
                }
                let pool = "\(directory)/\(point)"
                try FileManager.default.createDirectory(
                    atPath: pool,
                    withIntermediateDirectories: false
                )
                let world = try HoldWorld(
                    .pool,
                    volumes: 2,
                    seed: 42,
                    in: pool,
                    reflink: .automatic
                )
                try Self.begin(world)
                let passing = point == .releaseDecided ? 1 : 2
                try Self.check(world, .incremental, Crash(at: point, passing: passing), "\(point)")
            }
        }
    }

    private static func begin(_ world: HoldWorld) throws {
        for index in world.sources.indices {
            world.sources[index].begin(size: 300_001)
            try world.commit(index, .fullCopy)
            world.sources[index].mutate(size: 310_000 + index)
        }
    }

    /// At the first, the second and the third volume; the decision is one for all.
    private static func passings(of point: CrashPoint) -> [Int] {
        point == .releaseDecided ? [1] : [1, 2, 3]
    }
}
