// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// A replica becomes a source, and a replica again, whole or not at all.
@Suite struct PromotionTests {
    /// A pool with a replica that shows its third generation.
    private static func world(
        _ target: ReplicaTarget,
        _ seed: TestSeed,
        in directory: String? = nil,
        reflink: ReflinkUse = .never
    ) throws -> ReplicaWorld {
        let options = ReplicaOptions(reflink: reflink)
        let world = try ReplicaWorld(target, seed: seed.value, in: directory, options: options)
        world.source.begin(size: 700_001)
        try world.transfer(.fullCopy)
        world.source.mutate()
        try world.transfer(.incremental)
        world.source.mutate(size: 720_001)
        try world.transfer(.incremental)
        return world
    }

    private static func promoted(
        _ pool: RolePool,
        _ world: ReplicaWorld,
        generation: UInt64? = nil
    ) throws -> SourceVolume {
        var generator = world.source.generator
        return try pool.changer.promote(
            try #require(pool.replicas.volume(world.source.volume)),
            generation: generation.map { GenerationNumber($0) },
            at: 1_700_000_000,
            using: &generator
        )
    }

    /// The volume is the source that a promotion of the newest generation makes.
    private static func expectPromoted(_ pool: RolePool, _ world: ReplicaWorld) throws {
        let volume = try #require(pool.sources.volume(world.source.volume))
        let visible = try #require(world.source.visible)
        #expect(pool.replicas.volume(volume.id) == nil)
        #expect(try volume.liveBytes() == world.source.bytes)
        #expect(volume.name == "data")
        #expect(volume.key == world.source.key)
        #expect(volume.lineage != world.source.lineage)
        let fork = try #require(volume.record.fork)
        #expect(fork.former(of: volume.id) == visible)
        #expect(fork.owner == world.source.owner)
        #expect(fork.promotedAt == 1_700_000_000)
        let root = plainRoot(world.source.bytes, volume.id, volume.lineage, volume.key)
        #expect(fork.root == root)
        // The first run back builds on the generation that both sides have.
        let pair = try volume.pair(world.source.owner)
        #expect(pair.committed?.root == root)
        #expect(pair.committed?.number == visible.number)
        #expect(pair.successfulRuns == 0)
        let base = try #require(try volume.snapshots().first)
        #expect(try base.generation() == pair.committed)
        // Numbers go on: none is used twice.
        var generator = world.source.generator
        let next = try volume.freeze(.random(using: &generator))
        #expect(next.number > visible.number)
        volume.release(next)
        try volume.prune()
        #expect(try volume.snapshots().map(\.number) == [visible.number])
    }

    private static func expectReplica(_ pool: RolePool, _ world: ReplicaWorld) throws {
        #expect(pool.sources.volume(world.source.volume) == nil)
        let replica = try #require(pool.replicas.volume(world.source.volume))
        #expect(replica.visible == world.source.visible)
        #expect(replica.record.lineage == world.source.lineage)
        #expect(replica.record.owner == world.source.owner)
        #expect(try replica.openVisible().allBytes() == world.source.bytes)
        #expect(try replica.openVisible().verify()?.isIntact == true)
    }

    @Test(arguments: ReplicaTarget.allCases)
    func aReplicaBecomesAWritableSourceUnderAForkOfItsHistory(_ target: ReplicaTarget) throws {
        let world = try Self.world(target, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        let volume = try Self.promoted(pool, world)
        if let device = world.device { #expect(volume.livePath == device) }
        #expect(try pool.hidden.isEmpty)
        try Self.expectPromotedUnwritten(pool, world)
        try pool.reopen()
        try Self.expectPromotedUnwritten(pool, world)
    }

    /// As ``expectPromoted(_:_:)``, without a snapshot where the volume lies on a device.
    private static func expectPromotedUnwritten(_ pool: RolePool, _ world: ReplicaWorld) throws {
        if world.device == nil { return try Self.expectPromoted(pool, world) }
        let volume = try #require(pool.sources.volume(world.source.volume))
        #expect(Array(try volume.liveBytes().prefix(720_001)) == world.source.bytes)
        #expect(try volume.pair(world.source.owner).committed?.root == volume.record.fork?.root)
    }

    @Test func withoutReflinksNoSecondCopyIsMade() throws {
        let world = try Self.world(.pool, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        let replica = try #require(pool.replicas.volume(world.source.volume))
        let before = try Self.inodes(below: replica.directory)
        let volume = try Self.promoted(pool, world)
        let live = try BlockFile.open(volume.livePath, writable: false).modificationStamp()
        #expect(before.contains(live.inode))
        #expect(try volume.snapshots().allSatisfy { $0.imagePath == nil })
    }

    private static func inodes(below directory: String) throws -> Set<UInt64> {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: directory)
        return Set(
            try paths.filter { $0.hasSuffix("/image") }
                .map {
                    try BlockFile.open("\(directory)/\($0)", writable: false).modificationStamp()
                        .inode
                }
        )
    }

    @Test(arguments: RoleChangePoint.allCases, ReplicaTarget.allCases)
    func aPromotionThatIsStoppedLeavesTheReplicaOrTheSource(
        _ point: RoleChangePoint,
        _ target: ReplicaTarget
    ) throws {
        guard point != .writesSaved else { return }
        let world = try Self.world(target, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        let crash = RoleCrash(at: point)
        try pool.reopen(crash)
        #expect(throws: StoreError.self) { try Self.promoted(pool, world) }
        #expect(crash.hasHappened)
        try pool.reopen()
        if pool.sources.volume(world.source.volume) == nil {
            #expect(point == .prepared)
            try Self.expectReplica(pool, world)
            _ = try Self.promoted(pool, world)
        }
        try Self.expectPromotedUnwritten(pool, world)
    }

    @Test(arguments: RoleChangePoint.allCases)
    func aReversionThatIsStoppedLeavesTheSourceOrTheReplica(_ point: RoleChangePoint) throws {
        guard point != .writesSaved else { return }
        let world = try Self.world(.pool, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        _ = try Self.promoted(pool, world)
        let crash = RoleCrash(at: point)
        try pool.reopen(crash)
        let volume = try #require(pool.sources.volume(world.source.volume))
        #expect(throws: StoreError.self) { try pool.changer.revert(volume) }
        #expect(crash.hasHappened)
        try pool.reopen()
        if let volume = pool.sources.volume(world.source.volume) {
            #expect(point == .prepared)
            #expect(try volume.liveBytes() == world.source.bytes)
            _ = try pool.changer.revert(volume)
        }
        try Self.expectReplica(pool, world)
        // And its owner goes on as if nothing had been.
        try world.reopen()
        world.source.mutate()
        try world.transfer(.incremental)
        try world.expectVisible(world.source.bytes)
    }

    @Test func withoutACloneTheWayBackEndsWithTheFirstWrite() throws {
        let world = try Self.world(.pool, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        let volume = try Self.promoted(pool, world)
        try volume.write([1, 2, 3], at: 4096)
        let error = #expect(throws: StoreError.self) { try pool.changer.revert(volume) }
        #expect(error?.code == .unsupported)
        #expect(pool.sources.volume(volume.id) === volume)
        #expect(try volume.pair(world.source.owner).committed != nil)
    }

    @Test func noWayBackWhereTheFormerOwnerMayFollowAlready() throws {
        let world = try Self.world(.pool, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        let volume = try Self.promoted(pool, world)
        try volume.noteTakeOver(asked: true)
        let error = #expect(throws: StoreError.self) { try pool.changer.revert(volume) }
        #expect(error?.code == .unsupported)
        try volume.noteTakeOver(asked: false)
        _ = try pool.changer.revert(volume)
        try Self.expectReplica(pool, world)
    }

    @Test func whoReadsOrSendsKeepsThePromotionWaiting() throws {
        let world = try Self.world(.pool, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        let replica = try #require(pool.replicas.volume(world.source.volume))
        do {
            let reader = try replica.openVisible()
            let error = #expect(throws: StoreError.self) { try Self.promoted(pool, world) }
            #expect(error?.code == .busy)
            withExtendedLifetime(reader) {}
        }
        world.source.mutate()
        let stage = try replica.openStage(world.source.request(.incremental))
        let error = #expect(throws: StoreError.self) { try Self.promoted(pool, world) }
        #expect(error?.code == .busy)
        try replica.close(stage)
        // What was staged goes with the replica.
        _ = try Self.promoted(pool, world)
        #expect(throws: StageError.self) {
            try replica.openStage(world.source.request(.incremental))
        }
        #expect(try replica.discardLeftover() == false)
    }

    @Test func aNameOfAnotherSourceIsNotTakenTwice() throws {
        let world = try Self.world(.pool, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        var generator = world.source.generator
        _ = try pool.sources.make("data", size: 4096, using: &generator)
        let error = #expect(throws: StoreError.self) { try Self.promoted(pool, world) }
        #expect(error?.code == .alreadyExists)
        try Self.expectReplicaBeside(pool, world)
    }

    private static func expectReplicaBeside(_ pool: RolePool, _ world: ReplicaWorld) throws {
        #expect(pool.sources.volume(world.source.volume) == nil)
        let replica = try #require(pool.replicas.volume(world.source.volume))
        #expect(try replica.openVisible().allBytes() == world.source.bytes)
    }

    @Test func whatIsNotKeptIsNotPromoted() throws {
        let world = try Self.world(.pool, TestSeed())
        let pool = try RolePool(world.pool, reflink: .never)
        let error = #expect(throws: StoreError.self) {
            try Self.promoted(pool, world, generation: 1)
        }
        #expect(error?.code == .notFound)
        try Self.expectReplica(pool, world)
    }

    @Test(
        .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason),
        arguments: LoopFileSystem.allCases
    )
    func onEachFileSystemAPromotionGoesForthAndBack(_ system: LoopFileSystem) throws {
        let seed = TestSeed()
        try system.mounted { directory in
            let world = try Self.world(.pool, seed, in: directory, reflink: .automatic)
            let pool = try RolePool(directory, reflink: .automatic)
            let volume = try Self.promoted(pool, world)
            try Self.expectPromoted(pool, world)
            try pool.reopen()
            try Self.expectPromoted(pool, world)
            let hasClones = LoopFileSystem.reflinking.contains(system)
            let again = try #require(pool.sources.volume(volume.id))
            #expect(try again.snapshots().first?.isClone == hasClones)
            if hasClones { try again.write([9], at: 5) }
            _ = try pool.changer.revert(again)
            try Self.expectReplica(pool, world)
            try pool.reopen()
            try Self.expectReplica(pool, world)
        }
    }

    @Test(.enabled(if: LoopFileSystem.isAvailable([.xfs]), LoopFileSystem.reason))
    func withClonesEachPointAndAnOlderGenerationAreSafeToo() throws {
        let seed = TestSeed()
        try LoopFileSystem.xfs.mounted { directory in
            for point in RoleChangePoint.allCases where point != .writesSaved {
                let path = "\(directory)/\(point)"
                try FileManager.default.createDirectory(
                    atPath: path,
                    withIntermediateDirectories: false
                )
                let world = try Self.world(.pool, seed, in: path, reflink: .automatic)
                let pool = try RolePool(path, reflink: .automatic)
                let crash = RoleCrash(at: point)
                try pool.reopen(crash)
                #expect(throws: StoreError.self) { try Self.promoted(pool, world) }
                #expect(crash.hasHappened)
                try pool.reopen()
                if pool.sources.volume(world.source.volume) == nil {
                    try Self.expectReplica(pool, world)
                    _ = try Self.promoted(pool, world)
                }
                try Self.expectPromoted(pool, world)
            }
            let path = "\(directory)/older"
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: false
            )
            let world = try Self.world(.pool, seed, in: path, reflink: .automatic)
            let pool = try RolePool(path, reflink: .automatic)
            let replica = try #require(pool.replicas.volume(world.source.volume))
            let older = try replica.open(GenerationNumber(2)).allBytes()
            #expect(older != world.source.bytes)
            let volume = try Self.promoted(pool, world, generation: 2)
            #expect(try volume.liveBytes() == older)
            var generator = world.source.generator
            let next = try volume.freeze(.random(using: &generator))
            #expect(next.number.number == 4)
            volume.release(next)
        }
    }
}
