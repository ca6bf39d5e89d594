// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// Writable copies of a generation for rehearsals.
@Suite struct VolumeCopyTests {
    @Test(
        .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason),
        arguments: [LoopFileSystem.xfs, .ext4]
    )
    func aCopyIsIndependentOfTheReplicaThatGoesOn(_ system: LoopFileSystem) throws {
        let seed = TestSeed()
        try system.mounted { directory in
            let options = ReplicaOptions()
            let world = try ReplicaWorld(.pool, seed: seed.value, in: directory, options: options)
            world.source.begin(size: 700_001)
            try world.transfer(.fullCopy)
            let pool = try RolePool(directory, reflink: .automatic)
            let replica = try #require(pool.replicas.volume(world.source.volume))
            var generator = world.source.generator
            let copy = try pool.changer.copy(
                .replica(replica, nil),
                as: VolumeName("drill"),
                verify: true,
                using: &generator
            )
            let first = world.source.bytes
            #expect(try copy.liveBytes() == first)
            #expect(copy.id != replica.id)
            #expect(copy.lineage != replica.record.lineage)
            #expect(copy.key != replica.record.key)
            #expect(copy.record.copiedFrom?.verifiedRoot == world.source.visible?.root.description)
            try copy.write([1, 2, 3], at: 9)
            #expect(try replica.openVisible().allBytes() == first)
            try world.reopen(options)
            world.source.mutate()
            try world.transfer(.incremental)
            try world.expectVisible(world.source.bytes)
            try pool.sources.delete(copy)
        }
    }

    @Test func bytesThatAreNotTheGenerationsAreNotHandedOut() throws {
        let world = try ReplicaWorld(.pool, seed: TestSeed().value)
        world.source.begin(size: 300_000)
        try world.transfer(.fullCopy)
        let pool = try RolePool(world.pool, reflink: .never)
        let replica = try #require(pool.replicas.volume(world.source.volume))
        let image = try #require(
            try FileManager.default.subpathsOfDirectory(atPath: replica.directory)
                .first { $0.hasSuffix("/image") }
        )
        try BlockFile.open("\(replica.directory)/\(image)", writable: true).put([1, 2], at: 65_700)
        var generator = world.source.generator
        let error = #expect(throws: StoreError.self) {
            try pool.changer.copy(
                .replica(replica, nil),
                as: VolumeName("drill"),
                verify: true,
                using: &generator
            )
        }
        #expect(error?.code == .corrupt)
        #expect(pool.sources.list().isEmpty)
        #expect(try pool.hidden.isEmpty)
    }

    @Test func whatWasNeverSentCanBeCopiedButNotProven() throws {
        let directory = try TemporaryDirectory(inMemory: true)
        let pool = try RolePool(directory.path, reflink: .never)
        var generator = TestSeed().generator
        let volume = try pool.sources.make("data", size: 200_000, using: &generator)
        try volume.write(noise(1000, using: &generator), at: 3)
        let snapshot = try volume.freeze(.random(using: &generator))
        let error = #expect(throws: StoreError.self) {
            try pool.changer.copy(
                .snapshot(volume, snapshot),
                as: VolumeName("proven"),
                verify: true,
                using: &generator
            )
        }
        #expect(error?.code == .invalid)
        let copy = try pool.changer.copy(
            .snapshot(volume, snapshot),
            as: VolumeName("plain"),
            verify: false,
            using: &generator
        )
        #expect(try copy.liveBytes() == volume.liveBytes())
        volume.release(snapshot)
    }
}
