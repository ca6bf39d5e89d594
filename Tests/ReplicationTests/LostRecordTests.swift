// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Sender
import TestSupport
import Testing
import VolumeStore

/// A kill between the commit at the destination and the source's own record, while the digests of the
/// source become durable (docs/decisions/0026, point 3).
@Suite(.serialized) struct LostRecordTests {
    private let world: World
    private let volume: SourceVolume
    /// What the destination shows, and the source has neither recorded nor digests of.
    private let shown: Generation

    init() throws {
        self.world = try World()
        self.volume = try self.world.volume(size: 4 << 20)
        var generator = self.world.generator
        try self.volume.write(noise(4 << 20, using: &generator), at: 0)
        _ = try self.world.run(self.volume)
        try self.volume.write(noise(4096, using: &generator), at: 1 << 20)
        self.shown = try self.world.killedAfterCommit(of: self.volume, recordsDigests: false)
    }

    private func write(at place: Int) throws {
        var generator = self.world.generator
        try self.volume.write(noise(4096, using: &generator), at: place)
    }

    @Test func theNextRunRecordsTheCommitAndTheOneAfterItComparesEverything() throws {
        let next = try self.world.run(self.volume)
        #expect(next.target == self.shown && next.progress.changedBytes == .zero)
        #expect(try self.volume.pair(World.destination).committed == self.shown)
        try self.write(at: 2 << 20)
        let verified = try self.world.run(self.volume)
        #expect(verified.mode == .fullVerify && verified.fullReason == .baseDigestsLost)
        #expect(verified.progress.changedBytes == .kibibytes(4))
        #expect(try self.world.shows(self.volume), "\(self.world.seed)")
    }

    @Test func whereTheApplicationHasWrittenMeanwhileTheNextRunComparesEverything() throws {
        try self.write(at: 2 << 20)
        let next = try self.world.run(self.volume)
        #expect(next.mode == .fullVerify && next.fullReason == .baseDigestsLost)
        #expect(next.target.number > self.shown.number)
        #expect(try self.world.shows(self.volume), "\(self.world.seed)")
    }

    @Test func onceEverythingWasComparedARunIsIncrementalAgain() throws {
        try self.write(at: 2 << 20)
        _ = try self.world.run(self.volume)
        try self.write(at: 3 << 20)
        let next = try self.world.run(self.volume)
        #expect(next.mode == .incremental && next.progress.changedBytes == .kibibytes(4))
        #expect(try self.world.shows(self.volume), "\(self.world.seed)")
    }
}
