// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct HoldTests {
    private static func prepared(
        _ target: ReplicaTarget = .pool,
        volumes: Int = 2
    ) throws -> HoldWorld {
        let world = try HoldWorld(target, volumes: volumes, seed: 50)
        try world.register { world in
            for index in world.sources.indices {
                world.sources[index].begin(size: 200_000 + index)
            }
        }
        for index in world.sources.indices { try world.prepare(index, .fullCopy) }
        return world
    }

    @Test func nothingIsShownBeforeAllMembersArePrepared() throws {
        let world = try HoldWorld(.pool, volumes: 2, seed: 51)
        for index in world.sources.indices { world.sources[index].begin(size: 100_000) }
        try world.register()
        try world.prepare(0, .fullCopy)
        #expect(throws: HoldError.notPrepared(1)) { try world.release() }
        #expect(try world.shown(0) == nil)
        try world.prepare(1, .fullCopy)
        let roots = world.sources.map { $0.root() }
        for (progress, root) in zip(try world.progress(), roots) {
            guard case .prepared(let generation) = progress else {
                Issue.record("\(progress)")
                continue
            }
            #expect(generation.root == root)
        }
        #expect(try world.release().state == .committed)
        #expect(try world.showsTargets("released") == [true, true])
    }

    /// The stage of a killed process is believed only when it was read again (P2).
    @Test(arguments: ReplicaTarget.allCases)
    func oneOtherByteOnTheDiskKeepsTheWholeGroupBack(_ target: ReplicaTarget) throws {
        let world = try Self.prepared(target)
        try world.reopen()
        let volume = try world.volume(1)
        let path =
            target == .pool ? "\(volume.directory)/stage/image" : "\(world.pool)/device-1"
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: 50_000)
        let byte = try #require(try handle.read(upToCount: 1)).first ?? 0
        try handle.seek(toOffset: 50_000)
        try handle.write(contentsOf: Data([byte ^ 1]))
        try handle.close()
        #expect(throws: HoldError.self) { try world.release() }
        #expect(try world.hold().state == .held)
        #expect(try world.showsTargets("damaged") == [false, false])
        // Its sender comes again, with everything.
        #expect(try world.progress()[1] == .waiting)
        try world.prepare(1, .fullCopy)
        try world.release()
        #expect(try world.showsTargets("repaired") == [true, true])
    }

    @Test func aPreparedStageIsGoneOnWithByASenderThatComesAgain() throws {
        let world = try Self.prepared()
        try world.reopen()
        #expect(try !world.volume(0).hasProven(world.members[0].snapshot))
        let stage = try world.stage(0, .fullCopy)
        #expect(stage.isResumed)
        // While somebody may write to it, it is not released.
        #expect(throws: HoldError.self) { try world.release() }
        try world.volume(0).close(stage)
        try world.prepare(0, .fullCopy)
        #expect(try world.volume(0).hasProven(world.members[0].snapshot))
        try world.release()
        #expect(try world.showsTargets("released") == [true, true])
    }

    @Test func whatTheLogDoesNotNameIsProvenByReadingAllOfIt() throws {
        let world = try HoldWorld(.pool, volumes: 1, seed: 52)
        world.sources[0].begin(size: 900_000)
        try world.register()
        try world.limitExtents(to: 3)
        try world.prepare(0, .fullCopy)
        try world.reopen()
        try world.release()
        #expect(try world.showsTargets("released") == [true])
    }

    @Test func aDroppedGroupIsRefusedAndLeavesNothing() throws {
        let world = try Self.prepared()
        let (pair, group) = (world.pair, world.group)
        #expect(try world.holds.drop(group, of: pair, now: HoldWorld.now).state == .dropped)
        let volume = try world.volume(0)
        #expect(try volume.stagedTransfer() == nil)
        let snapshot = world.members[0].snapshot
        #expect(world.holds.verdict(on: volume.id, snapshot, of: pair) == .dropped(group))
        #expect(throws: HoldError.dropped) { try world.release() }
        #expect(throws: HoldError.dropped) { try world.register() }
        // Asked again, and after a restart.
        try world.reopen()
        try world.holds.drop(group, of: pair, now: HoldWorld.now)
        #expect(world.holds.verdict(on: volume.id, snapshot, of: pair) == .dropped(group))
    }

    @Test func aReleasedGroupCannotBeDropped() throws {
        let world = try Self.prepared()
        try world.release()
        #expect(throws: HoldError.released) {
            try world.holds.drop(world.group, of: world.pair, now: HoldWorld.now)
        }
        #expect(try world.showsTargets("released") == [true, true])
    }

    @Test func aVolumeThatIsBeingPromotedKeepsItsGroupUnshown() throws {
        let world = try Self.prepared()
        let volume = world.members[1].volume
        try world.holds.beginRoleChange(of: volume)
        #expect(throws: HoldError.busy("one of its volumes is being promoted")) {
            try world.release()
        }
        #expect(throws: HoldError.busy("the volume is being promoted already")) {
            try world.holds.beginRoleChange(of: volume)
        }
        #expect(try world.hold().state == .held)
        #expect(try world.showsTargets("held back") == [false, false])
        world.holds.endRoleChange(of: volume)
        try world.release()
        #expect(try world.showsTargets("released") == [true, true])
        // What is shown wholly keeps nobody.
        try world.holds.beginRoleChange(of: volume)
        world.holds.endRoleChange(of: volume)
    }

    @Test func aVolumeOfAGroupThatIsBeingShownDoesNotChangeItsRole() throws {
        let world = try Self.prepared()
        try world.reopen(Crash(at: .releaseDecided))
        #expect(throws: (any Error).self) { try world.release() }
        #expect(try world.hold().state == .releasing)
        for member in world.members {
            #expect(throws: HoldError.released) {
                try world.holds.beginRoleChange(of: member.volume)
            }
        }
        try world.release()
        #expect(try world.showsTargets("released") == [true, true])
        try world.holds.beginRoleChange(of: world.members[0].volume)
    }

    @Test func aVolumeIsHeldForItsSnapshotAloneAndForItsPairAlone() throws {
        let world = try Self.prepared()
        var generator = SeededGenerator(seed: 53)
        let volume = world.members[0].volume
        let other = SnapshotID.random(using: &generator)
        let stranger = ClusterID.random(using: &generator)
        let verdict = { world.holds.verdict(on: volume, $0, of: $1) }
        #expect(verdict(world.members[0].snapshot, world.pair) == .held(world.group))
        #expect(verdict(other, world.pair) == .occupied(world.group))
        #expect(verdict(world.members[0].snapshot, stranger) == .free)
        #expect(throws: HoldError.notFound) {
            try world.holds.release(world.group, of: stranger, now: HoldWorld.now)
        }
        try world.release()
        #expect(verdict(other, world.pair) == .free)
    }

    @Test func aLaterGroupOfThePairTakesTheVolumeOver() throws {
        let world = try Self.prepared()
        var generator = SeededGenerator(seed: 54)
        let later = GroupID.random(using: &generator)
        world.sources[0].mutate()
        let (hold, superseded) = try world.holds.register(
            later,
            of: world.pair,
            [world.members[0]],
            now: HoldWorld.now
        )
        #expect(hold.state == .held)
        #expect(superseded.map(\.group) == [world.group])
        #expect(try world.volume(1).stagedTransfer() == nil)
    }

    @Test func anIdentityIsNotUsedForOtherMembers() throws {
        let world = try Self.prepared()
        world.sources[0].mutate()
        #expect(throws: HoldError.differs) { try world.register() }
    }

    @Test func aHoldNobodyAskedAboutGoesStale() throws {
        let world = try Self.prepared()
        let week: UInt64 = 7 * 86_400
        let asked = HoldWorld.now + 3 * 86_400
        world.holds.touch(world.group, of: world.pair, now: asked)
        try world.reopen()
        #expect(world.holds.expire(untouchedSince: HoldWorld.now + 10, now: asked).isEmpty)
        #expect(world.holds.heldVolumes() == Set(world.members.map(\.volume)))
        // The stages of a hold do not go before it, however old they are.
        let stale = world.store.discardStages(
            untouchedSince: .max,
            keeping: world.holds.heldVolumes()
        )
        #expect(stale.isEmpty)
        let dropped = world.holds.expire(untouchedSince: asked + week, now: asked + 2 * week)
        #expect(dropped.map(\.group) == [world.group])
        #expect(try world.volume(0).stagedTransfer() == nil)
        // What has ended is forgotten a week later.
        #expect(world.holds.expire(untouchedSince: asked + 4 * week, now: asked + 5 * week) == [])
        #expect(world.holds.holds().isEmpty)
    }
}

extension HoldWorld {
    func register(_ body: (HoldWorld) -> Void) throws {
        body(self)
        try self.register()
    }
}
