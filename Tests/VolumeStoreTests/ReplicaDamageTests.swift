// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// What a pool does when its own files are missing, damaged, or have no room.
@Suite struct ReplicaDamageTests {
    @Test func aReplicaWithoutItsCommitRecordIsLeftAlone() throws {
        let world = try ReplicaWorld(.pool, seed: 80)
        world.source.begin(size: 300_000)
        try world.transfer(.fullCopy)
        let volume = try world.volume()
        let path = "\(volume.directory)/commit.json"
        let record = try Data(contentsOf: URL(fileURLWithPath: path))
        let generations = try PoolDirectory.names(in: "\(volume.directory)/generations")
        try PoolDirectory.remove(path)
        try world.reopen()
        #expect(world.store.faults.map(\.error.code) == [.corrupt])
        #expect(try PoolDirectory.names(in: "\(volume.directory)/generations") == generations)
        // Nobody may begin anew over what is there.
        #expect(world.store.volume(volume.id) == nil)
        #expect(code { _ = try world.store.create(world.source.record()) } == .alreadyExists)
        try record.write(to: URL(fileURLWithPath: path))
        try world.reopen()
        try world.expectVisible(world.source.bytes)
    }

    /// A record that is lost after the commit was decided must not make a mixture (P1).
    @Test(arguments: ReplicaTarget.allCases, ["flip", "cut", "flipped list", "no list"])
    func aDecidedJournalIsAppliedWholeOrNotAtAll(
        _ target: ReplicaTarget,
        _ damage: String
    ) throws {
        let world = try ReplicaWorld(target, seed: 81)
        world.source.begin(size: 700_001)
        try world.transfer(.fullCopy)
        world.source.mutate()
        try world.reopen(Crash(at: .commitRecorded).options)
        #expect(throws: (any Error).self) { try world.transfer(.incremental) }
        let directory = try world.volume().directory
        let isList = damage.hasSuffix("list")
        // Records of 48 bytes; what the digest pages of the journal are stands behind all pages.
        let file = try BlockFile.open(
            "\(directory)/stage/\(isList ? "digests" : "durable.log")",
            writable: true
        )
        let start = isList ? 17_315_332_096 : 0
        let size = try file.size().bytes - start
        let middle = isList ? size / 2 : size / 96 * 48
        try #require(middle > 9)
        let before = try file.get(size, at: start)
        switch damage {
        case "flip", "flipped list": try file.put([before[middle + 9] ^ 4], at: start + middle + 9)
        case "cut": try file.resize(to: ByteCount(middle))
        default: try file.resize(to: ByteCount(start))
        }
        let damaged = try file.size()
        try world.reopen()
        #expect(world.store.faults.map(\.error.code) == [.corrupt])
        #expect(try world.volume().needsRecovery)
        #expect(code { _ = try world.volume().openVisible() } == .busy)
        #expect(try file.size() == damaged)
        // Who has the bytes again has the target.
        try file.put(before, at: start)
        try world.reopen()
        #expect(world.store.faults.isEmpty)
        try world.expectVisible(world.source.bytes)
    }

    @Test(arguments: ReplicaTarget.allCases, [TransferMode.fullCopy, .incremental, .fullVerify])
    func aTargetThatIsNotNewerIsRefusedByTheStoreToo(
        _ target: ReplicaTarget,
        _ mode: TransferMode
    ) throws {
        let world = try ReplicaWorld(target, seed: 82)
        world.source.begin(size: 100_000)
        try world.transfer(.fullCopy)
        let request = world.source.request(mode)
        #expect(throws: StageError.self) { _ = try world.volume().openStage(request) }
        try world.reopen()
        try world.expectVisible(world.source.bytes)
    }

    /// What a removal leaves that was killed in the middle, or somebody's hand.
    @Test(arguments: ["durable.log", "image", "stage.json"])
    func aStageWithoutOneOfItsFilesCostsANewStart(_ file: String) throws {
        let world = try ReplicaWorld(.pool, seed: 86)
        world.source.begin(size: 500_000)
        let half = try world.stage(.fullCopy, flushEvery: 1, atMost: 5)
        try world.volume().close(half)
        try PoolDirectory.remove("\(world.volume().directory)/stage/\(file)")
        try world.reopen()
        let again = try world.stage(.fullCopy, atMost: 0)
        #expect(!again.isResumed)
        try world.volume().discard(again)
        #expect(try !PoolDirectory.exists("\(world.volume().directory)/stage"))
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes)
    }

    @Test func whatAKilledVerificationLeftIsRemoved() throws {
        let world = try ReplicaWorld(.pool, seed: 83)
        world.source.begin(size: 100_000)
        try world.transfer(.fullCopy)
        let directory = try world.volume().directory
        var names: [String] = []
        _ = try world.volume().openVisible()
            .verify { (_) in
                names = (try? PoolDirectory.names(in: directory)) ?? []
                return true
            }
        let left = try #require(names.first { $0.hasPrefix("verify") })
        _ = try DigestFile.create("\(directory)/\(left)")
        try world.reopen()
        #expect(!PoolDirectory.exists("\(directory)/\(left)"))
        try world.expectVisible(world.source.bytes)
    }

    @Test func aBaseThatDriftedInTooManyPlacesIsNone() {
        var ledger = StageLedger(limit: 1)
        func leaf(_ index: Int) -> Extent { extent(index << 16, (index + 1) << 16) }
        for index in 0..<ReplicaLimits.driftedPlaces {
            guard ledger.noteDrift(leaf(2 * index)) == .noted else {
                Issue.record("leaf \(2 * index) was not noted")
                return
            }
        }
        #expect(ledger.noteDrift(leaf(0)) == .known)
        #expect(ledger.noteDrift(leaf(2 * ReplicaLimits.driftedPlaces)) == .tooMuch)
    }

    @Test func aVerificationCountsEachLeafOnceAlsoWhenItCannotListThemAll() throws {
        let world = try ReplicaWorld(.pool, seed: 84)
        let leaf = Geometry.leaf.bytes
        let count = ReplicaLimits.listedDrift + 10
        var bytes = [UInt8](repeating: 0, count: 2 * leaf * count)
        for index in 0..<count { bytes[2 * leaf * index] = 1 }
        world.source.advance(to: bytes)
        let generation = try world.transfer(.fullCopy)
        let path = "\(try world.volume().directory)/generations/1-\(generation.snapshot)/image"
        let image = try BlockFile.open(path, writable: true)
        // Written zeros, so that the leaves are still read.
        for index in 0..<count { try image.put([0], at: 2 * leaf * index) }
        let report = try #require(try world.volume().openVisible().verify())
        #expect(report.driftedLeaves == count)
        #expect(report.drift.count == ReplicaLimits.listedDrift)
    }
}

/// A pool that is full.
@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason))
struct ReplicaSpaceTests {
    /// Once the commit is decided there is no way back: the room has to be there before (P1).
    @Test(arguments: [LoopFileSystem.tmpfs, .ext4])
    func aJournalThatWouldNotFitIsRefusedBeforeTheCommit(_ system: LoopFileSystem) throws {
        try system.mounted(mebibytes: 64) { directory in
            let world = try ReplicaWorld(.pool, seed: 85, in: directory)
            // Holes: the base takes no space, and what is written over them does.
            world.source.advance(to: [UInt8](repeating: 0, count: 10 << 20))
            try world.transfer(.fullCopy)
            let base = world.source.bytes
            world.source.advance(to: [UInt8](repeating: 7, count: 12 << 20))
            let stage = try world.stage(.incremental)
            #expect(stage.record.backend == .journal)
            try stage.flush()
            let filler = try fill(directory, leaving: 4 << 20)
            let volume = try world.volume()
            do throws(StageError) {
                _ = try volume.commit(stage, expecting: world.source.root())
                Issue.record("a commit without room")
            } catch {
                guard case .store(let failure) = error else { throw error }
                #expect(failure.code == .noSpace)
            }
            #expect(!volume.needsRecovery)
            #expect(try world.visibleBytes() == base)
            // With room, nothing of it has to travel again.
            try PoolDirectory.remove(filler)
            let generation = try volume.commit(stage, expecting: world.source.root())
            try volume.close(stage)
            world.source.noteCommitted(generation)
            try world.expectVisible(world.source.bytes)
        }
    }

    /// Writes a file until less than so many bytes are free.
    private func fill(_ directory: String, leaving rest: Int) throws -> String {
        let path = "\(directory)/filler"
        let file = try BlockFile.create(path, size: .zero)
        var place = 0
        while try PoolDirectory.freeSpace(at: directory) > ByteCount(rest) {
            try file.put([UInt8](repeating: 1, count: 1 << 20), at: place)
            try file.sync()
            place += 1 << 20
        }
        return path
    }
}
