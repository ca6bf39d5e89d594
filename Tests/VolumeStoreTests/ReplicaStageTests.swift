// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

@Suite struct ReplicaStageTests {
    static let sizes = [1, 4095, 4096, 65_536, 65_537, 300_000, 2_097_152 + 123]

    @Test(arguments: ReplicaTarget.allCases, Self.sizes)
    func aFullCopyThenAnIncrementalShowTheSource(_ target: ReplicaTarget, _ size: Int) throws {
        let seed = TestSeed()
        let world = try ReplicaWorld(target, seed: seed.value)
        world.source.begin(size: size)
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes, "\(seed)")
        for _ in 0..<3 {
            world.source.mutate()
            try world.transfer(.incremental)
            try world.expectVisible(world.source.bytes, "\(seed)")
        }
        world.source.mutate()
        try world.transfer(.fullVerify)
        try world.expectVisible(world.source.bytes, "\(seed)")
        world.source.mutate()
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes, "\(seed)")
    }

    @Test(arguments: [
        (200_000, 400_001), (400_001, 200_000), (10_000, 9000), (9000, 10_000), (65_536, 1),
        (1, 2_000_000), (1_000_000, 65_536 * 3), (100, 0), (0, 100),
    ])
    func aVolumeMayGrowOrShrinkBetweenGenerations(_ before: Int, _ after: Int) throws {
        for target in ReplicaTarget.allCases {
            let seed = TestSeed()
            let world = try ReplicaWorld(target, seed: seed.value)
            world.source.begin(size: before)
            try world.transfer(.fullCopy)
            world.source.mutate(size: after, granules: 4)
            try world.transfer(.incremental)
            try world.expectVisible(world.source.bytes, "\(target) \(seed)")
            world.source.mutate(size: before, granules: 4)
            try world.transfer(.fullVerify)
            try world.expectVisible(world.source.bytes, "\(target) \(seed)")
            world.source.mutate(size: after, granules: 4)
            try world.transfer(.fullCopy)
            try world.expectVisible(world.source.bytes, "\(target) \(seed)")
        }
    }

    @Test func anEmptyVolumeIsAGenerationToo() throws {
        let world = try ReplicaWorld(.pool, seed: 1)
        world.source.advance(to: [])
        try world.transfer(.fullCopy)
        #expect(try world.visibleBytes() == [])
        world.source.advance(to: [])
        try world.transfer(.incremental)
        #expect(try world.volume().visible?.number == GenerationNumber(2))
    }

    @Test(arguments: ReplicaTarget.allCases)
    func largeZeroExtentsCostNoReadsAndReadAsZeros(_ target: ReplicaTarget) throws {
        let world = try ReplicaWorld(target, seed: 3)
        world.source.begin(size: 3_000_000)
        try world.transfer(.fullCopy)
        world.source.advance(to: [UInt8](repeating: 0, count: 3_000_000))
        let volume = try world.volume()
        let stage = try volume.openStage(world.source.request(.incremental))
        var scratch = StageScratch()
        // Not on leaves, over several pages of digests' worth of them.
        for part in [extent(0, 4096), extent(4096, 2_998_272), extent(2_998_272, 3_000_000)] {
            try stage.zero(part, using: &scratch)
        }
        _ = try volume.commit(stage, expecting: world.source.root())
        try volume.close(stage)
        try world.expectVisible(world.source.bytes)
    }

    @Test func aGranuleComesOnce() throws {
        let world = try ReplicaWorld(.pool, seed: 4)
        world.source.begin(size: 1_000_000)
        let stage = try world.volume().openStage(world.source.request(.fullCopy))
        var scratch = StageScratch()
        let chunk = ChunkBuffer(capacity: ByteCount(65_536))
        try stage.write(chunk, 0..<65_536, at: .zero, using: &scratch)
        #expect(throws: StageError.duplicate(extent(61_440, 65_536))) {
            try stage.write(chunk, 0..<4096, at: ByteOffset(61_440), using: &scratch)
        }
        try stage.flush()
        #expect(throws: StageError.duplicate(extent(4096, 12_288))) {
            try stage.zero(extent(4096, 12_288), using: &scratch)
        }
    }

    @Test(arguments: [extent(999_424, 1_003_520), extent(1, 4097), extent(0, 4095)])
    func bytesOutsideOfTheTargetAreRefused(_ wrong: Extent) throws {
        let world = try ReplicaWorld(.pool, seed: 5)
        world.source.begin(size: 1_000_000)
        let stage = try world.volume().openStage(world.source.request(.fullCopy))
        var scratch = StageScratch()
        let chunk = ChunkBuffer(capacity: ByteCount(65_536))
        #expect(throws: StageError.outside(wrong)) {
            try stage.write(chunk, 0..<wrong.length.bytes, at: wrong.start, using: &scratch)
        }
        #expect(throws: StageError.outside(wrong)) { try stage.zero(wrong, using: &scratch) }
    }

    // P2: what is staged is proven before it is shown.
    @Test(arguments: ReplicaTarget.allCases)
    func theWrongRootIsRefusedAndNothingChanges(_ target: ReplicaTarget) throws {
        let world = try ReplicaWorld(target, seed: 6)
        world.source.begin(size: 500_000)
        try world.transfer(.fullCopy)
        let shown = world.source.bytes
        let rightRoot = world.source.root()
        world.source.mutate()
        let stage = try world.stage(.incremental)
        let volume = try world.volume()
        let found = world.source.root()
        #expect(throws: StageError.rootMismatch(expected: rightRoot, found: found)) {
            _ = try volume.commit(stage, expecting: rightRoot)
        }
        try volume.discard(stage)
        try world.expectVisible(shown)
        #expect(try volume.stagedTransfer() == nil)
        try world.transfer(.incremental)
        try world.expectVisible(world.source.bytes)
    }

    @Test(arguments: ReplicaTarget.allCases)
    func oneDifferentByteOnTheDiskFailsTheProofAfterARestart(_ target: ReplicaTarget) throws {
        let world = try ReplicaWorld(target, seed: 7)
        world.source.begin(size: 500_000)
        let stage = try world.stage(.fullCopy)
        try stage.flush()
        let volume = try world.volume()
        let path = world.device ?? "\(volume.directory)/stage/image"
        let file = try BlockFile.open(path, writable: true)
        let byte = try file.get(1, at: 10_000)
        try file.put([byte[0] ^ 1], at: 10_000)
        try world.reopen()
        let again = try world.stage(.fullCopy)
        #expect(again.isResumed)
        #expect(throws: StageError.self) {
            _ = try world.volume().commit(again, expecting: world.source.root())
        }
        try world.volume().discard(again)
        try world.transfer(.fullCopy)
        try world.expectVisible(world.source.bytes)
    }

    @Test(arguments: [false, true])
    func aLeafThatIsReplacedWholeTakesNothingFromTheBase(resumes: Bool) throws {
        let seed = TestSeed()
        let world = try ReplicaWorld(.pool, seed: seed.value)
        let leaf = Geometry.leaf.bytes
        world.source.begin(size: 9 * leaf + 5000)
        try world.transfer(.fullCopy)
        var bytes = world.source.bytes
        // Whole leaves with parts of others on both sides, and the short one at the end.
        for range in [2 * leaf - 4096..<4 * leaf + 8192, 9 * leaf..<bytes.count] {
            bytes.replaceSubrange(
                range,
                with: noise(range.count, using: &world.source.generator)
            )
        }
        world.source.advance(to: bytes)
        // Were a byte of it read for the digests, the roots would differ.
        let volume = try world.volume()
        let visible = try #require(volume.visible)
        let name = try #require(PoolDirectory.names(in: "\(volume.directory)/generations").first)
        #expect(name.hasPrefix("\(visible.number.number)-"))
        let image = try BlockFile.open(
            "\(volume.directory)/generations/\(name)/image",
            writable: true
        )
        for place in [2 * leaf + 1, 4 * leaf - 1, 9 * leaf + 4999] {
            let byte = try image.get(1, at: place)
            try image.put([byte[0] ^ 1], at: place)
        }
        if resumes {
            let stage = try world.stage(.incremental, flushEvery: 1)
            try volume.close(stage)
            try world.reopen()
        }
        try world.transfer(.incremental)
        try world.expectVisible(bytes, "\(seed)")
    }

    @Test func severalThreadsStageAtOnce() throws {
        let seed = TestSeed()
        let world = try ReplicaWorld(.pool, seed: seed.value)
        world.source.begin(size: 8_000_000)
        try world.transfer(.fullCopy)
        world.source.mutate(granules: 600)
        let stage = try world.volume().openStage(world.source.request(.incremental))
        let changes = world.source.changes(.incremental)
        let source = world.source
        DispatchQueue.concurrentPerform(iterations: 4) { lane in
            var scratch = StageScratch()
            for (index, change) in changes.enumerated() where index % 4 == lane {
                do {
                    try stage.take(change, of: source, using: &scratch)
                    if index % 50 == 0 && lane == 0 { try stage.flush() }
                } catch {
                    Issue.record(error)
                }
            }
        }
        let volume = try world.volume()
        _ = try volume.commit(stage, expecting: source.root())
        try volume.close(stage)
        try world.expectVisible(source.bytes, "\(seed)")
    }

    @Test func aWrongBaseIsRefusedByTheStoreToo() throws {
        let world = try ReplicaWorld(.pool, seed: 8)
        world.source.begin(size: 100_000)
        try world.transfer(.fullCopy)
        let stale = world.source.visible
        world.source.mutate()
        try world.transfer(.incremental)
        world.source.mutate()
        var request = world.source.request(.incremental)
        request.base = stale
        let volume = try world.volume()
        #expect(throws: StageError.self) { _ = try volume.openStage(request) }
        #expect(try volume.stagedTransfer() == nil)
        try world.transfer(.incremental)
    }

    @Test func oneSessionHasAVolumeAtATime() throws {
        let world = try ReplicaWorld(.pool, seed: 9)
        world.source.begin(size: 100_000)
        let volume = try world.volume()
        let stage = try volume.openStage(world.source.request(.fullCopy))
        #expect(throws: StageError.self) {
            _ = try volume.openStage(world.source.request(.fullCopy))
        }
        try volume.close(stage)
        try volume.discard(volume.openStage(world.source.request(.fullCopy)))
    }
}
