// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// Several chunks of one thread under way at once.
@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable(), LoopFileSystem.reason))
struct StageWriterTests {
    private static let chunk = 1 << 20

    /// Brings the chunks of a source in their order; after each one `look` may look.
    private func bring(
        _ count: Int,
        of source: ReplicaSource,
        to stage: Stage,
        by writer: inout StageWriter,
        look: (Int, ByteCount) throws -> Void = { _, _ in }
    ) throws {
        var buffer = ChunkBuffer(capacity: Geometry.maximumChunk)
        for index in 0..<count {
            let start = index * Self.chunk
            buffer.copy(Array(source.bytes[start..<start + Self.chunk]), at: 0)
            try writer.write(
                &buffer,
                0..<Self.chunk,
                at: ByteOffset(start),
                to: stage,
                mark: ByteCount(start + Self.chunk)
            )
            try look(start + Self.chunk, writer.applied)
        }
    }

    @Test(arguments: LoopFileSystem.allCases)
    func chunksAreToldOfInTheirOrderAndAreWhatWasWritten(_ system: LoopFileSystem) throws {
        let seed = TestSeed()
        try system.mounted { directory in
            let world = try ReplicaWorld(
                .pool,
                seed: seed.value,
                in: directory,
                options: ReplicaOptions()
            )
            var generator = SeededGenerator(seed: seed.value)
            world.source.advance(to: noise(12 << 20, using: &generator))
            let volume = try world.volume()
            let stage = try volume.openStage(world.source.request(.fullCopy))
            var writer = StageWriter()
            var reached = ByteCount.zero
            try self.bring(12, of: world.source, to: stage, by: &writer) { written, applied in
                #expect(applied >= reached && applied.bytes <= written, "\(seed)")
                #expect(ByteCount(written) - applied <= StageWriter.mostPending, "\(seed)")
                reached = applied
                if written % (4 << 20) == 0 { try stage.flush() }
                // Nothing that is under way counts as durable (P3).
                #expect(stage.durableRanges.byteCount <= applied, "\(seed)")
            }
            try writer.drain(stage)
            #expect(writer.applied == ByteCount(12 << 20) && !writer.isBusy)
            let generation = try volume.commit(stage, expecting: world.source.root())
            try volume.close(stage)
            world.source.noteCommitted(generation)
            try world.expectVisible(world.source.bytes, "\(seed)")
        }
    }

    @Test func whatIsSmallIsWrittenAtOnceAndWaitsForWhatWasBegunBeforeIt() throws {
        try LoopFileSystem.ext4.mounted { directory in
            let world = try ReplicaWorld(.pool, seed: 5, in: directory, options: ReplicaOptions())
            var generator = SeededGenerator(seed: 5)
            world.source.advance(to: noise(3 << 20, using: &generator))
            let stage = try world.volume().openStage(world.source.request(.fullCopy))
            var writer = StageWriter()
            var small = ChunkBuffer(capacity: Geometry.maximumChunk)
            let last = ByteOffset(2 << 20)
            try writer.write(&small, 0..<4096, at: last, to: stage, mark: ByteCount(1))
            #expect(writer.applied == ByteCount(1) && !writer.isBusy)
            try self.bring(2, of: world.source, to: stage, by: &writer)
            writer.note(ByteCount(9 << 20))
            #expect(writer.applied == ByteCount(9 << 20) || writer.isBusy)
            try writer.drain(stage)
            #expect(writer.applied == ByteCount(9 << 20))
            try world.volume().close(stage)
        }
    }

    @Test func whereTheKernelHasNoRingEachChunkIsWrittenBeforeTheNext() throws {
        try LoopFileSystem.ext4.mounted { directory in
            let world = try ReplicaWorld(.pool, seed: 7, in: directory, options: ReplicaOptions())
            var generator = SeededGenerator(seed: 7)
            world.source.advance(to: noise(3 << 20, using: &generator))
            let volume = try world.volume()
            let stage = try volume.openStage(world.source.request(.fullCopy))
            var writer = StageWriter(usesRing: false)
            try self.bring(3, of: world.source, to: stage, by: &writer) { written, applied in
                #expect(applied == ByteCount(written))
            }
            let isBusy = writer.isBusy
            #expect(!isBusy)
            try writer.drain(stage)
            let generation = try volume.commit(stage, expecting: world.source.root())
            try volume.close(stage)
            world.source.noteCommitted(generation)
            try world.expectVisible(world.source.bytes)
        }
    }

    /// The kernel takes the chunk and says no later: none after it counts, and the stage is not trusted.
    @Test func aFullDiskIsToldAndNothingBehindItCounts() throws {
        try LoopFileSystem.ext4.mounted(mebibytes: 32) { directory in
            let world = try ReplicaWorld(.pool, seed: 6, in: directory, options: ReplicaOptions())
            var generator = SeededGenerator(seed: 6)
            world.source.advance(to: noise(64 << 20, using: &generator))
            let stage = try world.volume().openStage(world.source.request(.fullCopy))
            var writer = StageWriter()
            var told: StageError?
            do {
                try self.bring(64, of: world.source, to: stage, by: &writer)
                try writer.drain(stage)
            } catch let error as StageError {
                told = error
            }
            guard case .store(let error) = told else {
                Issue.record("a disk of 32 MiB took 64: \(String(describing: told))")
                return
            }
            #expect(error.code == .noSpace, "\(error)")
            let applied = writer.applied
            #expect(throws: StageError.self) { try writer.drain(stage) }
            // Whoever goes on nevertheless is told again.
            #expect(throws: StageError.self) {
                try self.bring(1, of: world.source, to: stage, by: &writer)
            }
            #expect(writer.applied == applied && applied < ByteCount(32 << 20))
        }
    }
}
