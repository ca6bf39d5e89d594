// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Sender
import TestSupport
import Testing
import VolumeStore

/// What becomes of a pair's base when the record that tells of it cannot be read.
@Suite(.serialized) struct EndToEndRecordTests {
    private let world: World
    private let volume: SourceVolume
    private let record: URL

    init() throws {
        self.world = try World()
        self.volume = try self.world.volume(size: 4 << 20)
        var generator = self.world.generator
        try self.volume.write(noise(4 << 20, using: &generator), at: 0)
        self.record = URL(
            fileURLWithPath: "\(self.volume.directory)/pairs/\(World.destination).json"
        )
    }

    @Test func theRecordIsLeftAloneAndTheBaseIsKept() throws {
        let first = try self.world.run(self.volume)
        let whole = try Data(contentsOf: self.record)
        let torn = Data(whole.dropLast(8))
        try torn.write(to: self.record)
        let error = try #require(throws: ReplicationError.self) { try self.world.run(self.volume) }
        #expect(error.code == .stateFailed)
        #expect(error.remedy.contains("--full copy"))
        #expect(try Data(contentsOf: self.record) == torn)
        // Once it can be read again, nothing is missing.
        try whole.write(to: self.record)
        let next = try self.world.run(self.volume)
        #expect(next.mode == .incremental && next.base == first.target.number)
        #expect(try self.world.shows(self.volume))
    }

    @Test func aFullCopyReplacesADamagedRecord() throws {
        _ = try self.world.run(self.volume)
        let torn = Data(try Data(contentsOf: self.record).dropLast(8))
        try torn.write(to: self.record)
        let copied = try self.world.run(self.volume) { $0.mode = .full(.copy) }
        #expect(copied.mode == .fullCopy)
        #expect(try self.world.run(self.volume).mode == .incremental)
        #expect(try self.world.shows(self.volume))
    }

    /// What there is to read is found out after the offer went out: that session must end (P1, P3).
    @Test func whereTheBasesDigestsCannotBeReadTheOfferLeavesNothingBehind() throws {
        let first = try self.world.run(self.volume)
        let scratch = try TemporaryDirectory()
        let base = "\(scratch.path)/base"
        try FileManager.default.copyItem(atPath: self.volume.livePath, toPath: base)
        let digests = URL(
            fileURLWithPath: "\(self.volume.directory)/generations/"
                + "\(first.target.number.number)-\(first.target.snapshot)/digests"
        )
        let whole = try Data(contentsOf: digests)
        try Data(repeating: 0, count: whole.count).write(to: digests)
        try self.volume.write([UInt8](repeating: 7, count: 4096), at: 8192)
        let error = try #require(throws: ReplicationError.self) { try self.world.run(self.volume) }
        #expect(error.code == .sourceFailed, "\(error)")
        #expect(try self.world.shows(self.volume, bytesOf: base))
        try whole.write(to: digests)
        let next = try self.world.run(self.volume)
        #expect(next.mode == .incremental && next.base == first.target.number)
        #expect(try self.world.shows(self.volume))
    }
}
