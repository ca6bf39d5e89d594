// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// The same promises on real file systems and devices.
@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason))
struct ReplicaFileSystemTests {
    @Test(arguments: LoopFileSystem.allCases)
    func everyPoolTakesEveryMode(_ system: LoopFileSystem) throws {
        let seed = TestSeed()
        try system.mounted { directory in
            let options = ReplicaOptions()
            let world = try ReplicaWorld(.pool, seed: seed.value, in: directory, options: options)
            world.source.begin(size: 3_000_001)
            try world.transfer(.fullCopy)
            try world.expectVisible(world.source.bytes, "\(seed)")
            for mode in [TransferMode.incremental, .fullVerify, .incremental, .fullCopy] {
                world.source.mutate(size: 2_900_000 + Int(world.source.number) * 50_001)
                let stage = try world.stage(mode)
                let expected: StageBackend =
                    switch system {
                    case .xfs, .btrfs, .btrfsCompressed: mode.needsBase ? .clone : .fresh
                    case .ext4, .tmpfs: mode.needsBase ? .journal : .fresh
                    }
                #expect(stage.record.backend == expected)
                try world.volume().close(stage)
                try world.reopen(options)
                try world.transfer(mode)
                try world.expectVisible(world.source.bytes, "\(seed)")
            }
        }
    }

    @Test func clonesSurviveACrashAtEachStep() throws {
        try LoopFileSystem.xfs.mounted { directory in
            for point in CrashPoint.allCases {
                switch point {
                case .journalApplied, .journalSynced, .prepared, .releaseDecided: continue
                case .stageFilesCreated, .stageRecorded, .stagedBytesSynced, .stagedBytesLogged,
                    .rootProven, .digestsSynced, .generationRecorded, .commitRecorded, .switched,
                    .switchSynced, .commitFinished, .oldGenerationsRemoved:
                    break
                }
                let pool = "\(directory)/\(point)"
                try FileManager.default.createDirectory(
                    atPath: pool,
                    withIntermediateDirectories: false
                )
                let world = try ReplicaWorld(
                    .pool,
                    seed: 71,
                    in: pool,
                    options: ReplicaOptions()
                )
                world.source.begin(size: 700_001)
                try world.transfer(.fullCopy)
                world.source.mutate(size: 650_000)
                try ReplicaCrashTests.check(
                    world,
                    .incremental,
                    Crash(at: point),
                    reflink: .automatic
                )
            }
        }
    }

    @Test func theNextStageTakesTheSpareClone() throws {
        let seed = TestSeed()
        try LoopFileSystem.xfs.mounted { directory in
            let world = try ReplicaWorld(
                .pool,
                seed: seed.value,
                in: directory,
                options: ReplicaOptions()
            )
            world.source.begin(size: 900_000)
            for mode in [TransferMode.fullCopy, .incremental, .fullVerify, .incremental] {
                let spare = try Self.spare(of: world.volume())
                let stage = try world.stage(mode)
                if mode.needsBase {
                    #expect(try Self.inode("\(world.volume().directory)/stage/image") == spare)
                }
                let volume = try world.volume()
                let generation = try volume.commit(stage, expecting: world.source.root())
                volume.prepareNext()
                try volume.close(stage)
                world.source.noteCommitted(generation)
                try world.expectVisible(world.source.bytes, "\(seed)")
                world.source.mutate(size: 700_000 + 90_001 * Int(world.source.number))
            }
        }
    }

    @Test func aSpareCloneIsNeitherBelievedNorKeptByAnotherProcess() throws {
        try LoopFileSystem.xfs.mounted { directory in
            let options = ReplicaOptions()
            let world = try ReplicaWorld(.pool, seed: 73, in: directory, options: options)
            world.source.begin(size: 900_000)
            let stage = try world.stage(.fullCopy)
            let volume = try world.volume()
            world.source.noteCommitted(
                try volume.commit(stage, expecting: world.source.root())
            )
            volume.prepareNext()
            try volume.close(stage)
            let spare = "\(volume.directory)/spare.img"
            // What a crash in the middle of a clone might leave.
            try BlockFile.open(spare, writable: true).resize(to: ByteCount(4096))
            try world.reopen(options)
            _ = try world.volume()
            #expect(!PoolDirectory.exists(spare))
            world.source.mutate()
            try world.transfer(.incremental)
            try world.expectVisible(world.source.bytes)
        }
    }

    private static func spare(of volume: ReplicaVolume) -> UInt64? {
        try? self.inode("\(volume.directory)/spare.img")
    }

    private static func inode(_ path: String) throws -> UInt64? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt64
    }

    @Test func theLastGenerationsAreKeptWhereTheyAreCheap() throws {
        try LoopFileSystem.btrfs.mounted { directory in
            let options = ReplicaOptions(keptGenerations: 3)
            let world = try ReplicaWorld(.pool, seed: 72, in: directory, options: options)
            world.source.begin(size: 1_000_000)
            try world.transfer(.fullCopy)
            var states = [1: world.source.bytes]
            for number in 2...5 {
                world.source.mutate()
                try world.transfer(.incremental)
                states[number] = world.source.bytes
            }
            let volume = try world.volume()
            #expect(volume.generations.map(\.number.number) == [5, 4, 3])
            for number in 3...5 {
                let reader = try volume.open(GenerationNumber(UInt64(number)))
                #expect(try reader.allBytes() == states[number])
                #expect(try reader.verify()?.isIntact == true)
            }
            #expect(code { _ = try volume.open(GenerationNumber(2)) } == .notFound)
            let stored = try PoolDirectory.names(in: "\(volume.directory)/generations")
            #expect(stored.count == 3)
            // A full copy shares nothing with what was before: that would cost a whole volume.
            world.source.mutate()
            try world.transfer(.fullCopy)
            #expect(volume.generations.map(\.number.number) == [6])
            try world.reopen(ReplicaOptions(keptGenerations: 3))
            #expect(try world.volume().generations.map(\.number.number) == [6])
        }
    }

    @Test func aBlockDeviceIsFilledAndThenChangedInPlace() throws {
        let seed = TestSeed()
        try LoopDevice.attached(size: 4 << 20) { device in
            let noise = try BlockFile.open(device, writable: true)
            try noise.put([UInt8](repeating: 0x5A, count: 4 << 20), at: 0)
            try noise.sync()
            let world = try ReplicaWorld(.attached, seed: seed.value, device: device)
            world.source.begin(size: 3_000_001)
            let first = try world.stage(.fullCopy)
            #expect(first.record.backend == .direct)
            try world.volume().close(first)
            try world.transfer(.fullCopy)
            try world.expectVisible(world.source.bytes, "\(seed)")
            for (mode, size) in [
                (TransferMode.incremental, 3_000_001), (.incremental, 2_000_000),
                (.fullVerify, 4_000_000), (.fullCopy, 3_500_000),
            ] {
                world.source.mutate(size: size)
                let stage = try world.stage(mode)
                #expect(stage.record.backend == .journal)
                try world.volume().close(stage)
                try world.transfer(mode)
                try world.expectVisible(world.source.bytes, "\(seed)")
            }
            world.source.mutate(size: 5 << 20)
            #expect(throws: StageError.self) { try world.transfer(.incremental) }
        }
    }
}
