// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct ReplicaResumeTests {
    @Test(arguments: ReplicaTarget.allCases, [TransferMode.fullCopy, .incremental, .fullVerify])
    func aTransferGoesOnAfterARestart(_ target: ReplicaTarget, _ mode: TransferMode) throws {
        let seed = TestSeed()
        let world = try ReplicaWorld(target, seed: seed.value)
        world.source.begin(size: 2_500_000)
        try world.transfer(.fullCopy)
        world.source.mutate(size: 2_700_123, granules: 200)
        let all = world.source.changes(mode)
        let half = try world.stage(mode, flushEvery: 3, atMost: all.count / 2)
        let durable = half.durableRanges
        #expect(!durable.isEmpty)
        try world.reopen()
        let again = try world.stage(mode)
        #expect(again.isResumed)
        #expect(durable.subtracting(again.durableRanges).isEmpty)
        #expect(again.record.transfer == half.record.transfer)
        let volume = try world.volume()
        let generation = try volume.commit(again, expecting: world.source.root())
        try volume.close(again)
        world.source.noteCommitted(generation)
        try world.expectVisible(world.source.bytes, "\(seed)")
    }

    @Test(arguments: ReplicaTarget.allCases)
    func aSessionOfTheSameProcessGoesOnWithoutReadingAgain(_ target: ReplicaTarget) throws {
        let world = try ReplicaWorld(target, seed: 31)
        world.source.begin(size: 2_500_000)
        let half = try world.stage(.fullCopy, atMost: 20)
        let volume = try world.volume()
        try volume.close(half)
        let again = try world.stage(.fullCopy)
        #expect(again === half)
        #expect(again.isResumed)
        let generation = try volume.commit(again, expecting: world.source.root())
        try volume.close(again)
        world.source.noteCommitted(generation)
        try world.expectVisible(world.source.bytes)
    }

    @Test func aTransferOfAnotherTargetBeginsAnew() throws {
        let world = try ReplicaWorld(.pool, seed: 32)
        world.source.begin(size: 1_000_000)
        let half = try world.stage(.fullCopy, atMost: 10)
        try world.volume().close(half)
        world.source.mutate()
        let other = try world.stage(.fullCopy)
        #expect(!other.isResumed)
        let volume = try world.volume()
        let generation = try volume.commit(other, expecting: world.source.root())
        try volume.close(other)
        world.source.noteCommitted(generation)
        try world.expectVisible(world.source.bytes)
    }

    @Test func aSenderCanHaveTheStageThrownAway() throws {
        let world = try ReplicaWorld(.pool, seed: 33)
        world.source.begin(size: 1_000_000)
        let half = try world.stage(.fullCopy, flushEvery: 1, atMost: 10)
        let volume = try world.volume()
        try volume.close(half)
        let stage = try volume.openStage(
            world.source.request(.fullCopy, discardsPartial: true)
        )
        #expect(!stage.isResumed)
        #expect(stage.durableRanges.isEmpty)
        try volume.discard(stage)
    }

    /// Damages the log in every way; what is left is a prefix of what was logged.
    @Test(arguments: ["cut", "flip", "zero", "garbage"])
    func aTornLogCountsUpToItsFirstBadRecord(_ damage: String) throws {
        let seed = TestSeed()
        var generator = seed.generator
        for target in ReplicaTarget.allCases {
            let world = try ReplicaWorld(target, seed: seed.value)
            world.source.begin(size: 1_500_000)
            let stage = try world.stage(.fullCopy, flushEvery: 2)
            try stage.flush()
            let whole = stage.durableRanges
            let log = try BlockFile.open(
                "\(world.volume().directory)/stage/durable.log",
                writable: true
            )
            let size = try log.size().bytes
            let place = Int.random(in: 0..<size, using: &generator)
            switch damage {
            case "cut": try log.resize(to: ByteCount(place))
            case "flip":
                let byte = try log.get(1, at: place)[0]
                try log.put([byte ^ 0x10], at: place)
            case "zero": try log.put([UInt8](repeating: 0, count: size - place), at: place)
            default: try log.put(noise(500, using: &generator), at: place)
            }
            try world.reopen()
            let again = try world.stage(.fullCopy, atMost: 0)
            #expect(again.durableRanges.subtracting(whole).isEmpty, "\(seed)")
            #expect(again.durableRanges.count <= place / 48 + 1, "\(seed)")
            try world.volume().close(again)
            // The repaired log grows on from its last good record.
            _ = try world.stage(.fullCopy, atMost: 50)
            try world.reopen()
            try world.transfer(.fullCopy)
            try world.expectVisible(world.source.bytes, "\(seed)")
        }
    }

    @Test func aDamagedStageRecordCostsANewStart() throws {
        let world = try ReplicaWorld(.pool, seed: 35)
        world.source.begin(size: 1_000_000)
        let stage = try world.stage(.fullCopy)
        try stage.flush()
        let path = "\(try world.volume().directory)/stage/stage.json"
        try BlockFile.open(path, writable: true).put([UInt8(ascii: "!")], at: 60)
        try world.reopen()
        let again = try world.stage(.fullCopy)
        #expect(!again.isResumed)
        try world.volume().discard(again)
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes)
    }

    @Test func oldStagesAreThrownAwayAndFreshOnesStay() throws {
        let world = try ReplicaWorld(.pool, seed: 36)
        world.source.begin(size: 1_000_000)
        let stage = try world.stage(.fullCopy, flushEvery: 1, atMost: 3)
        let volume = try world.volume()
        let now = Int64(Date().timeIntervalSince1970 * 1e9)
        // An open session keeps its stage whatever its age.
        #expect(world.store.discardStages(untouchedSince: now + 3_600_000_000_000).isEmpty)
        try volume.close(stage)
        #expect(world.store.discardStages(untouchedSince: now - 3_600_000_000_000).isEmpty)
        #expect(
            world.store.discardStages(untouchedSince: now + 3_600_000_000_000) == [volume.id]
        )
        #expect(try volume.stagedTransfer() == nil)
    }
}
