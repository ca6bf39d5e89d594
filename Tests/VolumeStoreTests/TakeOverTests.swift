// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// A former source becomes the replica of what was promoted in its place.
@Suite struct TakeOverTests {
    private typealias World = TakeOverWorld

    /// A replica that shows nothing that anybody may read before a run has verified it.
    private func expectUnproven(_ replica: ReplicaVolume, _ request: TakeOver) throws {
        #expect(!replica.isProven)
        #expect(replica.generations.isEmpty)
        #expect(replica.visible?.root == request.root)
        let reading = #expect(throws: StoreError.self) { try replica.openVisible() }
        #expect(reading?.code == .busy)
        #expect(replica.record.owner == request.owner)
        #expect(replica.record.lineage == request.lineage)
    }

    @Test func withoutACloneTheLiveBytesAreVerifiedBeforeAnybodyReadsThem() throws {
        let world = try World(TestSeed())
        try world.volume.fence(by: nil, at: 5)
        let request = world.request()
        let replica = try world.takeOver(request)
        try self.expectUnproven(replica, request)
        #expect(world.pool.sources.list().isEmpty)
        let taken = try #require(replica.record.takenOver)
        #expect(!taken.isExact)
        #expect(taken.savedAs == nil)
        try world.pool.reopen()
        let again = try #require(world.pool.replicas.volume(world.volume.id))
        try self.expectUnproven(again, request)
        try self.expectOnlyVerifyingRuns(again, request, world)
    }

    /// Brings the next generation as a verifying sender would: what differs from the live bytes.
    private func expectOnlyVerifyingRuns(
        _ replica: ReplicaVolume,
        _ request: TakeOver,
        _ world: World
    ) throws {
        var next = world.commonBytes
        next[200_000] ^= 1
        let target = StageTarget(
            volume: replica.id,
            lineage: request.lineage,
            number: GenerationNumber(request.former.number.number + 1),
            snapshot: .random(using: &world.generator),
            size: ByteCount(next.count)
        )
        var ask = StageRequest(
            transfer: .random(using: &world.generator),
            mode: .incremental,
            base: replica.visible,
            target: target,
            ticket: [1]
        )
        #expect(throws: StageError.self) { try replica.openStage(ask) }
        ask = StageRequest(
            transfer: .random(using: &world.generator),
            mode: .fullVerify,
            base: replica.visible,
            target: target,
            ticket: [1]
        )
        let stage = try replica.openStage(ask)
        var scratch = StageScratch()
        let leaves = (next.count + Geometry.leaf.bytes - 1) / Geometry.leaf.bytes
        _ = try stage.leafDigests(from: LeafIndex(0), count: leaves, using: &scratch)
        #expect(stage.driftedLeaves == 2)
        for start in stride(from: 0, to: next.count, by: 4096) {
            let end = min(start + 4096, next.count)
            guard next[start..<end] != world.liveBytes[start..<end] else { continue }
            var chunk = ChunkBuffer(capacity: Geometry.maximumChunk)
            chunk.copy(Array(next[start..<end]), at: 0)
            let place = ByteOffset(start)
            try stage.write(chunk, 0..<end - start, at: place, using: &scratch)
        }
        let root = plainRoot(next, replica.id, request.lineage, request.key)
        _ = try replica.commit(stage, expecting: root)
        try replica.close(stage)
        #expect(replica.isProven)
        #expect(replica.record.takenOver?.lostLeaves == 2)
        #expect(replica.generations.map(\.number) == [target.number])
        #expect(try replica.openVisible().allBytes() == next)
        #expect(try replica.openVisible().verify()?.isIntact == true)
    }

    @Test(
        .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason),
        arguments: LoopFileSystem.reflinking
    )
    func fromACloneTheCommonGenerationIsShownAtOnce(_ system: LoopFileSystem) throws {
        let seed = TestSeed()
        try system.mounted { directory in
            let world = try World(seed, in: directory, reflink: .automatic)
            try world.volume.fence(by: "site-b", at: 5)
            let request = world.request()
            let replica = try world.takeOver(request)
            #expect(replica.isProven)
            #expect(try replica.openVisible().allBytes() == world.commonBytes)
            #expect(try replica.openVisible().verify()?.isIntact == true)
            let taken = try #require(replica.record.takenOver)
            #expect(taken.isExact)
            #expect(taken.lostLeaves == 2)
            #expect(taken.savedAs == "data-before-failback")
            try world.pool.reopen()
            let saved = try #require(world.pool.sources.volume(named: "data-before-failback"))
            #expect(try saved.liveBytes() == world.liveBytes)
            #expect(saved.record.copiedFrom?.lostLeaves == 2)
            try world.pool.sources.delete(saved)
            let again = try #require(world.pool.replicas.volume(world.volume.id))
            #expect(try again.openVisible().allBytes() == world.commonBytes)
        }
    }

    @Test(.enabled(if: LoopFileSystem.isAvailable([.xfs]), LoopFileSystem.reason))
    func nothingIsKeptWhereNothingWasWritten() throws {
        let seed = TestSeed()
        try LoopFileSystem.xfs.mounted { directory in
            let world = try World(seed, in: directory, reflink: .automatic)
            try world.volume.write(world.commonBytes, at: 0)
            try world.volume.fence(by: nil, at: 5)
            let replica = try world.takeOver(world.request())
            #expect(replica.record.takenOver?.lostLeaves == 0)
            #expect(world.pool.sources.list().isEmpty)
        }
    }

    @Test(arguments: RoleChangePoint.allCases)
    func aTakeOverThatIsStoppedLeavesTheSourceOrTheReplica(_ point: RoleChangePoint) throws {
        let world = try World(TestSeed())
        try world.volume.fence(by: nil, at: 5)
        try self.check(world, point)
    }

    @Test(.enabled(if: LoopFileSystem.isAvailable([.xfs]), LoopFileSystem.reason))
    func withClonesATakeOverThatIsStoppedIsSafeToo() throws {
        let seed = TestSeed()
        try LoopFileSystem.xfs.mounted { directory in
            for point in RoleChangePoint.allCases {
                let path = "\(directory)/\(point)"
                try FileManager.default.createDirectory(
                    atPath: path,
                    withIntermediateDirectories: false
                )
                let world = try World(seed, in: path, reflink: .automatic)
                try world.volume.fence(by: nil, at: 5)
                try self.check(world, point)
                let kept = try #require(
                    world.pool.sources.volume(named: "data-before-failback"),
                    "\(point)"
                )
                #expect(try kept.liveBytes() == world.liveBytes)
                #expect(world.pool.sources.list().count == 1)
            }
        }
    }

    private func check(_ world: World, _ point: RoleChangePoint) throws {
        let request = world.request()
        let crash = RoleCrash(at: point)
        try world.pool.reopen(crash)
        #expect(throws: TakeOverError.self) { try world.takeOver(request) }
        #expect(crash.hasHappened)
        try world.pool.reopen()
        if let source = world.pool.sources.volume(world.volume.id) {
            #expect(point == .prepared || point == .writesSaved)
            #expect(try source.liveBytes() == world.liveBytes)
            #expect(source.fence != nil)
            #expect(try source.pair(world.peer).committed == world.common)
            _ = try world.takeOver(request)
        }
        let replica = try #require(world.pool.replicas.volume(world.volume.id))
        #expect(replica.visible?.root == request.root)
        if replica.isProven {
            #expect(try replica.openVisible().allBytes() == world.commonBytes)
        } else {
            try self.expectUnproven(replica, request)
        }
    }

    @Test func whoIsNotFencedOrFencedForAnotherStaysASource() throws {
        let world = try World(TestSeed())
        self.expect(.notFenced, world.request(), world)
        try world.volume.fence(by: "site-c", at: 5)
        self.expect(.fencedFor, world.request(), world)
        try world.volume.fence(by: "site-b", at: 9)
        #expect(world.volume.fence?.since == 5)
        try world.volume.unfence()
        self.expect(.notFenced, world.request(), world)
        #expect(try world.volume.liveBytes() == world.liveBytes)
    }

    @Test func aStrangerAndAnotherHistoryAreRefused() throws {
        let world = try World(TestSeed())
        try world.volume.fence(by: nil, at: 5)
        let stranger = ClusterID.random(using: &world.generator)
        self.expect(.notOfThisPair, world.request(by: stranger), world)
        let common = world.common
        let keyless = TakeOver(
            owner: world.peer,
            ownerNames: [],
            former: common,
            lineage: .random(using: &world.generator),
            root: common.root,
            key: .random(using: &world.generator)
        )
        self.expect(.notOfThisPair, keyless, world)
        func changed(lineage: LineageID? = nil, number: UInt64? = nil) -> Generation {
            Generation(
                volume: common.volume,
                lineage: lineage ?? common.lineage,
                number: number.map { GenerationNumber($0) } ?? common.number,
                snapshot: common.snapshot,
                size: common.size,
                root: common.root
            )
        }
        let other = LineageID.random(using: &world.generator)
        self.expect(.otherHistory, world.request(of: changed(lineage: other)), world)
        // A later generation than any that this side knows of.
        self.expect(.otherHistory, world.request(of: changed(number: 9)), world)
        let wrong = TakeOver(
            owner: world.peer,
            ownerNames: [],
            former: common,
            lineage: other,
            root: common.root,
            key: world.volume.key
        )
        self.expect(.store, wrong, world)
        #expect(try world.volume.liveBytes() == world.liveBytes)
    }

    @Test func aRunThatIsUnderWayKeepsItWaiting() throws {
        let world = try World(TestSeed())
        try world.volume.fence(by: nil, at: 5)
        #expect(world.volume.beginRun(to: world.peer))
        self.expect(.store, world.request(), world)
        world.volume.endRun(to: world.peer)
        _ = try world.takeOver(world.request())
        #expect(!world.volume.beginRun(to: world.peer))
        #expect(throws: StoreError.self) {
            try world.volume.freeze(.random(using: &world.generator))
        }
    }

    /// The side that was to hear it died before: the other one was promoted from a generation that this
    /// one has only offered, with its root.
    @Test func theGenerationWhoseAcknowledgementWasLostIsCommonToo() throws {
        let world = try World(TestSeed())
        let sent = try world.volume.liveBytes()
        let unheard = try world.volume.commitGeneration(
            to: world.peer,
            isHeard: false,
            using: &world.generator
        )
        try world.volume.fence(by: nil, at: 5)
        let request = TakeOver(
            unheard,
            of: sent,
            by: world.peer,
            key: world.volume.key,
            using: &world.generator
        )
        let replica = try world.takeOver(request)
        // A copy of what was offered is kept until it is acknowledged.
        #expect(replica.isProven)
        #expect(try replica.openVisible().allBytes() == sent)
        #expect(replica.record.takenOver?.lostLeaves == 0)
        #expect(world.pool.sources.list().isEmpty)
    }

    @Test func anOlderGenerationThanTheCommonOneIsVerified() throws {
        let world = try World(TestSeed())
        let older = world.common
        _ = try world.volume.commitGeneration(to: world.peer, using: &world.generator)
        try world.volume.fence(by: nil, at: 5)
        let request = world.request(of: older)
        try self.expectUnproven(try world.takeOver(request), request)
    }

    @Test func whatIsAttachedStaysWhereItIsAndIsVerified() throws {
        let directory = try TemporaryDirectory(inMemory: true)
        var generator = TestSeed().generator
        let pool = try RolePool("\(directory.path)", reflink: .never)
        let device = "\(directory.path)/device"
        let bytes = noise(300_000, using: &generator)
        try Data(bytes).write(to: URL(fileURLWithPath: device))
        let name = try VolumeName("data")
        let volume = try pool.sources.attach(name, device, isFrozen: true, using: &generator)
        let peer = ClusterID.random(using: &generator)
        let common = try volume.commitGeneration(to: peer, using: &generator)
        try volume.write([1, 2, 3], at: 70_000)
        try volume.fence(by: nil, at: 5)
        let request = TakeOver(common, of: bytes, by: peer, key: volume.key, using: &generator)
        let replica = try pool.changer.takeOver(volume, request, at: 6, using: &generator)
        try self.expectUnproven(replica, request)
        #expect(replica.record.backing == volume.record.backing)
        #expect(FileManager.default.contents(atPath: device)?[70_001] == 2)
        #expect(pool.sources.list().isEmpty)
    }

    @Test func whatNobodyHasProvenCanStillBeCopiedByWhoAsksForIt() throws {
        let world = try World(TestSeed())
        try world.volume.fence(by: nil, at: 5)
        let replica = try world.takeOver(world.request())
        let copy = try world.pool.changer.copy(
            .unproven(replica),
            as: VolumeName("after-all"),
            verify: false,
            using: &world.generator
        )
        #expect(try copy.liveBytes() == world.liveBytes)
        #expect(copy.id != replica.id)
        #expect(!replica.isProven)
    }

    @Test func whatGrewSinceIsCutToTheCommonGeneration() throws {
        let world = try World(TestSeed())
        try world.volume.resize(to: ByteCount(900_000))
        try world.volume.write([7, 7], at: 899_000)
        try world.volume.fence(by: nil, at: 5)
        let replica = try world.takeOver(world.request())
        let images = try FileManager.default.subpathsOfDirectory(atPath: replica.directory)
            .filter { $0.hasSuffix("/image") }
        let image = try #require(images.first)
        let size = try BlockFile.open("\(replica.directory)/\(image)", writable: false).size()
        #expect(size == ByteCount(500_001))
    }

    private enum Expected { case notOfThisPair, notFenced, fencedFor, otherHistory, store }

    private func expect(_ expected: Expected, _ request: TakeOver, _ world: World) {
        do throws(TakeOverError) {
            _ = try world.takeOver(request)
            Issue.record("the source became a replica")
        } catch {
            let found: Expected =
                switch error {
                case .notOfThisPair: .notOfThisPair
                case .notFenced: .notFenced
                case .fencedFor: .fencedFor
                case .otherHistory: .otherHistory
                case .store: .store
                }
            #expect(found == expected)
        }
        #expect(world.pool.sources.volume(world.volume.id) != nil)
    }
}
