// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct SourceSnapshotTests {
    private let place: TemporaryDirectory
    private let store: SourceStore
    private let volume: SourceVolume

    init() throws {
        self.place = try TemporaryDirectory()
        self.store = try SourceStore(pool: self.place.path)
        var generator = SeededGenerator(seed: 1)
        self.volume = try self.store.make("data", size: 2 << 20, using: &generator)
    }

    private func freeze(_ number: UInt64, isPinned: Bool = false) throws -> SourceSnapshot {
        try self.volume.freeze(
            SnapshotID(halves: Halves(high: 0, low: number)),
            isPinned: isPinned
        )
    }

    @Test func aSnapshotKeepsWhatWasThere() throws {
        var generator = SeededGenerator(seed: 2)
        let before = noise(8192, using: &generator)
        try self.volume.write(before, at: 65_536)
        let snapshot = try self.freeze(1)
        try self.volume.write(noise(8192, using: &generator), at: 65_536)
        #expect(try snapshot.openImage().get(8192, at: 65_536) == before)
        #expect(snapshot.size == .mebibytes(2))
    }

    @Test func numbersAreNeverUsedTwice() throws {
        let first = try self.freeze(1)
        let second = try self.freeze(2)
        #expect(first.number < second.number)
        self.volume.release(first)
        self.volume.release(second)
        try self.volume.prune()
        let again = try SourceStore(pool: self.place.path)
        let third = try again.volume(self.volume.id)?
            .freeze(
                SnapshotID(halves: Halves(high: 0, low: 3))
            )
        #expect(try #require(third).number == GenerationNumber(3))
    }

    private func reopened() throws -> SourceVolume {
        try #require(try SourceStore(pool: self.place.path).volume(self.volume.id))
    }

    @Test func anotherProcessGoesOnAfterTheNumbersOfDirectories() throws {
        for number in 1...3 { _ = try self.freeze(UInt64(number)) }
        // As a kill between a number and what is frozen leaves it.
        let unfinished =
            "\(self.volume.directory)/generations/9-\(String(repeating: "a", count: 32))"
        try FileManager.default.createDirectory(
            atPath: unfinished,
            withIntermediateDirectories: true
        )
        var generator = SeededGenerator(seed: 6)
        let next = try self.reopened().freeze(.random(using: &generator))
        #expect(next.number == GenerationNumber(10))
    }

    @Test(arguments: [[], [1], [1, 2]])
    func aNumberIsNotUsedAgainWhenItsDirectoryIsGone(kept: [UInt64]) throws {
        for number in 1...3 as ClosedRange<UInt64> {
            let snapshot = try self.freeze(number, isPinned: kept.contains(number))
            self.volume.release(snapshot)
        }
        try self.volume.prune()
        #expect(try self.volume.snapshots().map(\.number.number) == kept)
        // What distrusts a change source writes the same record.
        try self.volume.distrust(.physicalExtents)
        var generator = SeededGenerator(seed: 7)
        let next = try self.reopened().freeze(.random(using: &generator))
        #expect(next.number == GenerationNumber(4))
    }

    @Test func aRootWithoutItsDigestsCountsForNothing() throws {
        let base = try self.freeze(1)
        _ = try DigestFile.create(base.workingDigestsPath)
        try base.record(try generation(of: self.volume, base), .ph128)
        #expect(try base.generation() != nil)
        try FileManager.default.removeItem(atPath: base.digestsPath)
        #expect(try base.generation() == nil)
    }

    @Test func whatIsReadInPlaceIsAnImageUntilItIsWritten() throws {
        var generator = SeededGenerator(seed: 8)
        let path = "\(self.place.path)/disk"
        let disk = try BlockFile.create(path, size: .mebibytes(1))
        try disk.put([1, 2, 3], at: 4096)
        let volume = try self.store.attach(
            VolumeName("disk"),
            path,
            isFrozen: true,
            using: &generator
        )
        let base = try volume.freeze(.random(using: &generator))
        var record = PairRecord(pair: .random(using: &generator))
        record.committed = try generation(of: volume, base)
        try volume.store(record)
        volume.release(base)
        try volume.prune()
        let left = try #require(try volume.snapshots().first)
        #expect(try left.openImage().get(3, at: 4096) == [1, 2, 3])
        try disk.put([4], at: 4096)
        #expect(try volume.snapshots().map(\.imagePath) == [nil])
        #expect(try volume.reopen(base.number, base.snapshot)?.imagePath == nil)
    }

    @Test func whatNobodyNeedsIsPruned() throws {
        let used = try self.freeze(1)
        let pinned = try self.freeze(2, isPinned: true)
        let pending = try self.freeze(3)
        let forgotten = try self.freeze(4)
        for snapshot in [pinned, pending, forgotten] { self.volume.release(snapshot) }
        var record = PairRecord(pair: ClusterID(halves: Halves(high: 1, low: 1)))
        record.pending = PendingTarget(
            number: pending.number,
            snapshot: pending.snapshot,
            size: pending.size,
            mode: .fullCopy,
            reason: nil
        )
        try self.volume.store(record)
        try self.volume.prune()
        let left = try self.volume.snapshots().map(\.number)
        #expect(left == [used, pinned, pending].map(\.number))
        self.volume.release(used)
        try self.volume.prune()
        #expect(try self.volume.snapshots().map(\.number) == [pinned, pending].map(\.number))
    }

    @Test func ofACopiedBaseOnlyTheDigestsAreKept() throws {
        let base = try self.freeze(1)
        _ = try DigestFile.create(base.workingDigestsPath)
        let generation = try generation(of: self.volume, base)
        try base.record(generation, .ph128)
        self.volume.release(base)
        var record = PairRecord(pair: ClusterID(halves: Halves(high: 1, low: 1)))
        record.committed = generation
        try self.volume.store(record)
        try self.volume.prune()
        let left = try #require(try self.volume.reopen(base.number, base.snapshot))
        #expect(try left.generation() == generation)
        if base.record.backing == .copy {
            #expect(left.imagePath == nil)
            #expect(code { _ = try left.openImage() } == .notFound)
        }
        self.volume.release(left)
    }

    @Test func whatAKilledFreezeLeftIsPruned() throws {
        let directory =
            "\(self.volume.directory)/generations/9-\(String(repeating: "a", count: 32))"
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(directory)/image"))
        try self.volume.prune()
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test func theVolumeKnowsWhetherItWasWrittenSince() throws {
        let snapshot = try self.freeze(1)
        #expect(try self.volume.isUnchanged(since: snapshot))
        try self.volume.write([1], at: 0)
        #expect(try !self.volume.isUnchanged(since: snapshot))
    }

    @Test func aPairIsRemembered() throws {
        let snapshot = try self.freeze(1)
        var record = PairRecord(pair: ClusterID(halves: Halves(high: 5, low: 6)))
        record.committed = try generation(of: self.volume, snapshot)
        record.pending = PendingTarget(
            number: GenerationNumber(7),
            snapshot: snapshot.snapshot,
            size: .mebibytes(1),
            mode: .incremental,
            reason: "why"
        )
        record.successfulRuns = 6
        record.runs = [
            RunRecord(
                finishedAt: 1_700_000_000,
                outcome: "committed",
                mode: "full",
                targetGeneration: 1,
                changedBytes: 4096,
                wireBytes: 5000,
                seconds: 0.25,
                comparedBytes: 1 << 20,
                equalBytes: 4096
            )
        ]
        try self.volume.store(record)
        let again = try SourceStore(pool: self.place.path)
        let volume = try #require(again.volume(self.volume.id))
        #expect(try volume.pair(record.pair) == record)
        #expect(try volume.pairs() == [record])
        try volume.forget(record.pair)
        #expect(try volume.pairs().isEmpty)
    }

    @Test func aDistrustedSourceStaysDistrusted() throws {
        try self.volume.distrust(.physicalExtents)
        try self.volume.distrust(.physicalExtents)
        let again = try SourceStore(pool: self.place.path)
        let volume = try #require(again.volume(self.volume.id))
        #expect(volume.distrusted == [.physicalExtents])
        try volume.trust(.physicalExtents)
        #expect(volume.distrusted.isEmpty)
    }
}

@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason))
struct SourceReflinkTests {
    @Test(arguments: LoopFileSystem.reflinking)
    func aSnapshotIsAClone(on kind: LoopFileSystem) throws {
        var generator = SeededGenerator(seed: 1)
        try kind.mounted { directory in
            let store = try SourceStore(pool: directory)
            let volume = try store.make("data", size: 64 << 20, using: &generator)
            let bytes = noise(1 << 20, using: &generator)
            try volume.write(bytes, at: 4 << 20)
            let snapshot = try volume.freeze(.random(using: &generator))
            #expect(snapshot.isClone)
            try volume.write([1, 2, 3], at: 4 << 20)
            #expect(try snapshot.openImage().get(1 << 20, at: 4 << 20) == bytes)
            #expect(try !volume.isUnchanged(since: snapshot))
        }
    }

    @Test(arguments: [LoopFileSystem.xfs, .btrfs])
    func cloningDoesNotLookLikeAWrite(on kind: LoopFileSystem) throws {
        var generator = SeededGenerator(seed: 2)
        try kind.mounted { directory in
            let store = try SourceStore(pool: directory)
            let volume = try store.make("data", size: 1 << 20, using: &generator)
            try volume.write(noise(65_536, using: &generator), at: 0)
            let first = try volume.freeze(.random(using: &generator))
            let second = try volume.freeze(.random(using: &generator))
            #expect(try volume.isUnchanged(since: first))
            #expect(try volume.isUnchanged(since: second))
        }
    }

    @Test(arguments: [LoopFileSystem.xfs, .btrfs])
    func theCloneOfABaseIsKept(on kind: LoopFileSystem) throws {
        var generator = SeededGenerator(seed: 3)
        try kind.mounted { directory in
            let store = try SourceStore(pool: directory)
            let volume = try store.make("data", size: 1 << 20, using: &generator)
            let base = try volume.freeze(.random(using: &generator))
            var record = PairRecord(pair: .random(using: &generator))
            record.committed = try generation(of: volume, base)
            try volume.store(record)
            volume.release(base)
            try volume.prune()
            let left = try #require(try volume.reopen(base.number, base.snapshot))
            #expect(left.isClone)
            _ = try left.openImage()
        }
    }

    @Test func anAttachedFileIsClonedBesideItAndNothingIsLeft() throws {
        var generator = SeededGenerator(seed: 4)
        let pool = try TemporaryDirectory()
        try LoopFileSystem.xfs.mounted { directory in
            let store = try SourceStore(pool: pool.path)
            let file = try BlockFile.create("\(directory)/disk", size: .mebibytes(1))
            let volume = try store.attach(
                VolumeName("disk"),
                file.path,
                isFrozen: false,
                using: &generator
            )
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["disk"])
            let snapshot = try volume.freeze(.random(using: &generator))
            #expect(snapshot.isClone)
            #expect(snapshot.imagePath?.hasPrefix("\(directory)/disk.godwit-") == true)
            volume.release(snapshot)
            try volume.prune()
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["disk"])
            _ = try volume.freeze(.random(using: &generator), isPinned: true)
            for snapshot in try volume.snapshots() { volume.release(snapshot) }
            try store.delete(volume)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["disk"])
        }
    }

    @Test func whereNoSnapshotCanBeMadeTheWaysOutAreNamed() throws {
        var generator = SeededGenerator(seed: 5)
        let pool = try TemporaryDirectory()
        let store = try SourceStore(pool: pool.path)
        try LoopDevice.attached(size: 1 << 20) { device in
            do {
                _ = try store.attach(
                    VolumeName("disk"),
                    device,
                    isFrozen: false,
                    using: &generator
                )
                Issue.record("a device that is not frozen was attached")
            } catch let error as StoreError {
                #expect(error.code == .unsupported)
                for way in ["--frozen", "XFS or btrfs", "--from"] {
                    #expect(error.description.contains(way))
                }
            }
            let volume = try store.attach(
                VolumeName("disk"),
                device,
                isFrozen: true,
                using: &generator
            )
            let snapshot = try volume.freeze(.random(using: &generator))
            #expect(snapshot.size == .mebibytes(1))
            #expect(snapshot.record.liveStamp == nil)
        }
    }
}
