// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct ReplicaGenerationTests {
    @Test func aReaderKeepsACommitInPlaceWaiting() throws {
        let world = try ReplicaWorld(.attached, seed: 50)
        world.source.begin(size: 500_000)
        try world.transfer(.fullCopy)
        let shown = world.source.bytes
        world.source.mutate()
        let volume = try world.volume()
        let stage = try world.stage(.incremental)
        do {
            let reader = try volume.openVisible()
            #expect(throws: StageError.self) {
                _ = try volume.commit(stage, expecting: world.source.root())
            }
            #expect(try reader.allBytes() == shown)
        }
        #expect(!volume.needsRecovery)
        let generation = try volume.commit(stage, expecting: world.source.root())
        try volume.close(stage)
        world.source.noteCommitted(generation)
        try world.expectVisible(world.source.bytes)
    }

    @Test func whoWaitsForACommitHearsOfItBeforeTheTidying() throws {
        let world = try ReplicaWorld(.pool, seed: 54)
        world.source.begin(size: 500_000)
        let former = try world.transfer(.fullCopy)
        let volume = try world.volume()
        let directory = "\(volume.directory)/generations/1-\(former.snapshot)"
        world.source.mutate()
        let stage = try world.stage(.fullCopy)
        var said: [Generation] = []
        let generation = try volume.commit(stage, expecting: world.source.root()) { visible in
            said.append(visible)
            #expect(volume.visible == visible)
            #expect(FileManager.default.fileExists(atPath: directory))
        }
        try volume.close(stage)
        #expect(said == [generation])
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test func aReaderOfAFileSeesItsGenerationToTheEnd() throws {
        let world = try ReplicaWorld(.pool, seed: 51)
        world.source.begin(size: 500_000)
        try world.transfer(.fullCopy)
        let shown = world.source.bytes
        let reader = try world.volume().openVisible()
        world.source.mutate()
        try world.transfer(.fullCopy)
        #expect(try reader.allBytes() == shown)
        try world.expectVisible(world.source.bytes)
    }

    @Test func verificationFindsBytesThatChangedUnderUs() throws {
        let world = try ReplicaWorld(.pool, seed: 52)
        world.source.begin(size: 2_000_000)
        let generation = try world.transfer(.fullCopy)
        let path = "\(try world.volume().directory)/generations/1-\(generation.snapshot)/image"
        let image = try BlockFile.open(path, writable: true)
        // One byte of data, and one in what was a hole.
        try image.put([try image.get(1, at: 15_000)[0] ^ 1], at: 15_000)
        try image.put([1], at: 20_480 * 50 + 17)
        let report = try #require(try world.volume().openVisible().verify())
        #expect(!report.isIntact)
        #expect(report.driftedLeaves == 2)
        #expect(report.drift == [extent(0, 65_536), extent(983_040, 1_048_576)])
        #expect(report.root != generation.root)
    }

    @Test(arguments: ReplicaTarget.allCases)
    func aFullVerifyFindsDriftAndRepairsIt(_ target: ReplicaTarget) throws {
        let world = try ReplicaWorld(target, seed: 53)
        world.source.begin(size: 2_000_000)
        let generation = try world.transfer(.fullCopy)
        let volume = try world.volume()
        let path =
            world.device ?? "\(volume.directory)/generations/1-\(generation.snapshot)/image"
        let image = try BlockFile.open(path, writable: true)
        try image.put([try image.get(1, at: 215_000)[0] ^ 1], at: 215_000)
        // An incremental does not look there, and keeps what it does not know.
        world.source.mutate(granules: 3)
        var request = world.source.request(.fullVerify)
        for session in 0..<2 {
            let stage = try world.volume().openStage(request)
            var scratch = StageScratch()
            let digests = try stage.leafDigests(
                from: LeafIndex(0),
                count: 31,
                using: &scratch
            )
            #expect(digests.count == 31)
            #expect(stage.driftedLeaves == 1)
            let drifted = extent(212_992, 217_088)
            if session == 0 {
                try stage.take(
                    KindedExtent(drifted, .data),
                    of: world.source,
                    using: &scratch
                )
                try stage.flush()
                // Known again after a restart, from the log.
                try world.reopen()
                request.transfer = .random(using: &world.source.generator)
                continue
            }
            for change in world.source.changes(.fullVerify)
            where !change.extent.overlaps(drifted) {
                try stage.take(change, of: world.source, using: &scratch)
            }
            let volume = try world.volume()
            let generation = try volume.commit(stage, expecting: world.source.root())
            try volume.close(stage)
            world.source.noteCommitted(generation)
        }
        try world.expectVisible(world.source.bytes)
    }

    @Test func granuleSharesAreThoseOfTheBase() throws {
        let world = try ReplicaWorld(.pool, seed: 54)
        world.source.begin(size: 200_000)
        try world.transfer(.fullCopy)
        world.source.mutate()
        let stage = try world.volume().openStage(world.source.request(.incremental))
        var scratch = StageScratch()
        let digests = try stage.leafDigests(from: LeafIndex(0), count: 4, using: &scratch)
        for leaf in 0..<4 {
            let shares = try stage.granuleShares(of: LeafIndex(leaf), using: &scratch)
            #expect(shares.count == 16)
            #expect(shares.reduce(LeafDigest.zero) { $0 ^ $1 } == digests[leaf])
        }
        #expect(stage.driftedLeaves == 0)
        #expect(throws: StageError.self) {
            _ = try stage.leafDigests(from: LeafIndex(3), count: 2, using: &scratch)
        }
        #expect(throws: StageError.self) {
            _ = try stage.granuleShares(of: LeafIndex(4), using: &scratch)
        }
        try world.volume().close(stage)
    }

    @Test func anExportHasTheSameBytesAndHoles() throws {
        let world = try ReplicaWorld(.pool, seed: 55)
        world.source.begin(size: 3_000_001)
        try world.transfer(.fullCopy)
        let path = "\(world.pool)/exported"
        let reader = try world.volume().openVisible()
        #expect(try reader.export(to: path))
        let exported = try BlockFile.open(path, writable: false)
        #expect(try exported.get(3_000_001, at: 0) == world.source.bytes)
        #expect(code { _ = try reader.export(to: path) } == .alreadyExists)
        #expect(try !reader.export(to: "\(world.pool)/stopped") { (_) in false })
        #expect(!FileManager.default.fileExists(atPath: "\(world.pool)/stopped"))
    }

    @Test func aReplicaIsDeletedWholeOrNotAtAll() throws {
        let world = try ReplicaWorld(.pool, seed: 56)
        world.source.begin(size: 100_000)
        try world.transfer(.fullCopy)
        let volume = try world.volume()
        do {
            let reader = try volume.openVisible()
            #expect(code { try world.store.delete(volume.id) } == .busy)
            #expect(try reader.allBytes() == world.source.bytes)
        }
        try world.store.delete(volume.id)
        #expect(world.store.volume(volume.id) == nil)
        #expect(code { try world.store.delete(volume.id) } == .notFound)
        #expect(code { _ = try volume.openVisible() } == .notFound)
        try world.reopen()
        #expect(world.store.volumes().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(world.pool)/volumes") == [])
    }

    @Test func onlyAReplicaThatShowsNothingCanBeginAnew() throws {
        let world = try ReplicaWorld(.pool, seed: 57)
        world.source.begin(size: 100_000)
        let volume = try world.volume()
        let stage = try world.stage(.fullCopy)
        try volume.close(stage)
        var record = volume.record
        record.lineage = .random(using: &world.source.generator)
        try world.store.reset(volume, to: record)
        #expect(try volume.stagedTransfer() == nil)
        try world.store.reset(volume, to: world.source.record())
        try world.transfer(.fullCopy)
        #expect(code { try world.store.reset(volume, to: record) } == .alreadyExists)
    }

    /// Nothing, as after a clumsy restore, and something that is no record.
    @Test(arguments: [nil, "{}"])
    func aDamagedVolumeIsLeftAloneAndNamed(insteadOfTheRecord: String?) throws {
        let world = try ReplicaWorld(.pool, seed: 58)
        world.source.begin(size: 100_000)
        try world.transfer(.fullCopy)
        let directory = try world.volume().directory
        let path = "\(directory)/volume.json"
        let record = try Data(contentsOf: URL(fileURLWithPath: path))
        try PoolDirectory.remove(path)
        if let insteadOfTheRecord {
            try Data(insteadOfTheRecord.utf8).write(to: URL(fileURLWithPath: path))
        }
        try world.reopen()
        #expect(world.store.volumes().isEmpty)
        #expect(world.store.faults.map(\.directory) == [directory])
        try record.write(to: URL(fileURLWithPath: path))
        try world.reopen()
        try world.expectVisible(world.source.bytes)
    }
}
