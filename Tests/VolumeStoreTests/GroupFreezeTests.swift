// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct GroupFreezeTests {
    /// Three volumes in a pool, written an hour ago.
    private final class World {
        let directory: TemporaryDirectory?
        let pool: String
        var generator: SeededGenerator
        let store: SourceStore
        let volumes: [SourceVolume]

        init(in directory: String? = nil) throws {
            let place = directory == nil ? try TemporaryDirectory(inMemory: true) : nil
            self.directory = place
            self.pool = directory ?? place?.path ?? ""
            self.generator = SeededGenerator(seed: 60)
            self.store = try SourceStore(pool: self.pool)
            var volumes: [SourceVolume] = []
            for name in ["a", "b", "c"] {
                volumes.append(try self.store.make(name, size: 20_000, using: &self.generator))
            }
            self.volumes = volumes
            try self.write(1)
            for volume in volumes {
                let before = Date(timeIntervalSinceNow: -3600)
                try FileManager.default.setAttributes(
                    [.modificationDate: before],
                    ofItemAtPath: volume.livePath
                )
            }
        }

        func write(_ number: UInt8) throws {
            for volume in self.volumes { try volume.write([number], at: 5000) }
        }

        func contents(_ group: FrozenGroup) throws -> [UInt8] {
            try group.snapshots.map { snapshot in
                let path = try #require(snapshot.imagePath)
                return try #require(
                    try Data(contentsOf: URL(fileURLWithPath: path)).dropFirst(5000).first
                )
            }
        }

        func release(_ group: FrozenGroup) {
            for (volume, snapshot) in zip(self.volumes, group.snapshots) {
                volume.release(snapshot)
            }
        }
    }

    /// The clock of the machine; each pause moves it on.
    private final class Time {
        var pauses = 0
        var offset: Int64 = 0

        var now: Int64 {
            Int64(Date().timeIntervalSince1970 * 1e9) + self.offset
        }

        func pause(_ nanoseconds: Int64) {
            self.pauses += 1
            // As if it had been waited for: what was written before is long past.
            self.offset += 3600 * 1_000_000_000
        }
    }

    @Test func volumesThatNobodyWritesAreFrozenAtOneInstant() throws {
        let (world, time) = (try World(), Time())
        let group = try GroupFreeze(now: { time.now }, pause: time.pause)
            .freeze(world.volumes, using: &world.generator)
        #expect(group.isAtomic)
        #expect(time.pauses == 0)
        #expect(try world.contents(group) == [1, 1, 1])
        world.release(group)
    }

    @Test func aWriteInBetweenThrowsTheViewsAway() throws {
        let (world, time) = (try World(), Time())
        // The first is frozen then, the others are not yet.
        let freeze = GroupFreeze(
            now: { time.now },
            pause: time.pause,
            hook: { attempt, volume in if attempt == 1, volume == 0 { try? world.write(2) } }
        )
        let group = try freeze.freeze(world.volumes, using: &world.generator)
        #expect(group.isAtomic)
        #expect(time.pauses == 1)
        #expect(try world.contents(group) == [2, 2, 2])
        // Nothing is left of the try that was thrown away.
        for volume in world.volumes {
            #expect(try volume.snapshots().map(\.number.number) == [2])
        }
        world.release(group)
    }

    @Test func whatNeverStopsWritingIsFrozenAtSeveralInstantsAndSaysSo() throws {
        let (world, time) = (try World(), Time())
        var number: UInt8 = 1
        let write: (Int, Int) -> Void = { _, volume in
            guard volume == 0 else { return }
            number += 1
            try? world.write(number)
            // Stamps move in steps: a write must not have that of the one before.
            for (index, volume) in world.volumes.enumerated() {
                let stamp = Date(timeIntervalSinceNow: -1800 + Double(number) + Double(index))
                try? FileManager.default.setAttributes(
                    [.modificationDate: stamp],
                    ofItemAtPath: volume.livePath
                )
            }
        }
        let freeze = GroupFreeze(now: { time.now }, pause: time.pause, hook: write)
        let group = try freeze.freeze(world.volumes, using: &world.generator)
        #expect(!group.isAtomic)
        #expect(time.pauses == GroupFreeze.attempts - 1)
        let last = UInt8(GroupFreeze.attempts)
        #expect(try world.contents(group) == [last, last + 1, last + 1])
        world.release(group)
    }

    /// A stamp of this very moment could be that of a later write too.
    @Test func aWriteOfAMomentAgoIsNotTakenForQuiet() throws {
        let (world, time) = (try World(), Time())
        try world.write(3)
        time.offset = -60 * 1_000_000_000
        let group = try GroupFreeze(now: { time.now }, pause: time.pause)
            .freeze(world.volumes, using: &world.generator)
        #expect(group.isAtomic)
        #expect(time.pauses == 1)
        world.release(group)
    }

    @Test func clonesAreFrozenTogetherToo() throws {
        guard LoopFileSystem.isAvailable([.xfs]) else { return }
        try LoopFileSystem.xfs.mounted { directory in
            let (world, time) = (try World(in: directory), Time())
            let write: (Int, Int) -> Void = { attempt, volume in
                if attempt < 3, volume == 1 { try? world.write(UInt8(attempt + 1)) }
            }
            let freeze = GroupFreeze(now: { time.now }, pause: time.pause, hook: write)
            let group = try freeze.freeze(world.volumes, using: &world.generator)
            #expect(group.isAtomic)
            #expect(group.snapshots.allSatisfy { $0.isClone })
            #expect(try world.contents(group) == [3, 3, 3])
            world.release(group)
        }
    }

    @Test func theViewsOfAnOpenGroupOutliveAPruneAndARestart() throws {
        let (world, time) = (try World(), Time())
        let frozen = try GroupFreeze(now: { time.now }, pause: time.pause)
            .freeze(world.volumes, using: &world.generator)
        let views = Array(zip(world.volumes, frozen.snapshots))
        let record = GroupRecord(
            id: .random(using: &world.generator),
            pair: "remote",
            cluster: .random(using: &world.generator),
            isAtomic: frozen.isAtomic,
            frozen: frozen.time,
            members: views.map { volume, view in
                GroupRecord.Member(
                    name: volume.name,
                    volume: volume.id,
                    number: view.number,
                    snapshot: view.snapshot,
                    transfer: .random(using: &world.generator)
                )
            },
            request: "{}"
        )
        try GroupStore(pool: world.pool, sources: world.store).begin(record, views)
        let sources = try SourceStore(pool: world.pool)
        let groups = try GroupStore(pool: world.pool, sources: sources)
        #expect(groups.group(record.id) == record)
        let volume = try #require(sources.volume(named: "a"))
        #expect(groups.open(volume.id, to: "remote") == record)
        try volume.prune()
        #expect(try volume.snapshots().count == 1)
        #expect(throws: StoreError.self) { try sources.delete(volume) }
        try groups.change(record.id) { $0.state = .cancelled }
        #expect(groups.open(volume.id, to: "remote") == nil)
        groups.releaseView(of: "a", in: record.id)
        try volume.prune()
        #expect(try volume.snapshots().isEmpty)
        // One that has ended takes nothing into use again.
        let later = try GroupStore(pool: world.pool, sources: sources)
        #expect(later.group(record.id)?.state == .cancelled)
        groups.forget(record.id)
        #expect(groups.groups().isEmpty)
    }
}
