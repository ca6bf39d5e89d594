// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing
import VolumeStore

/// Several replicas of one pair in one pool, and the holds on them; closed and opened as by a crash.
final class HoldWorld {
    let pool: String
    let pair: ClusterID
    let group: GroupID
    private let seed: UInt64
    private let reflink: ReflinkUse
    private let devices: Bool
    private let directory: TemporaryDirectory?
    var sources: [ReplicaSource]
    private(set) var store: ReplicaStore
    private(set) var holds: HoldStore

    static let now: UInt64 = 1_000_000

    init(
        _ target: ReplicaTarget,
        volumes: Int,
        seed: UInt64,
        in directory: String? = nil,
        reflink: ReflinkUse = .never
    ) throws {
        let place = directory == nil ? try TemporaryDirectory(inMemory: true) : nil
        self.directory = place
        self.pool = directory ?? place?.path ?? ""
        self.seed = seed
        self.reflink = reflink
        self.devices = target == .attached
        var generator = SeededGenerator(seed: seed)
        self.pair = .random(using: &generator)
        self.group = .random(using: &generator)
        self.sources = (0..<volumes).map { ReplicaSource(seed: seed &* 31 &+ UInt64($0)) }
        self.store = try ReplicaStore(pool: self.pool, options: ReplicaOptions(reflink: reflink))
        self.holds = try HoldStore(pool: self.pool, replicas: self.store)
        for (index, source) in self.sources.enumerated() {
            var record = source.record(
                self.devices ? .attached(path: self.device(index), isFrozen: false) : .pool
            )
            if self.devices {
                // Not zeros: a device has what somebody left on it.
                let noise = Data([UInt8](repeating: 0xA5, count: 3 << 20))
                try noise.write(to: URL(fileURLWithPath: self.device(index)))
            }
            record.owner = self.pair
            _ = try self.store.create(record)
        }
    }

    private func device(_ index: Int) -> String { "\(self.pool)/device-\(index)" }

    /// Opens the pool as a new process would.
    func reopen(_ crash: Crash? = nil) throws {
        let options =
            crash?.options(reflink: self.reflink) ?? ReplicaOptions(reflink: self.reflink)
        self.store = try ReplicaStore(pool: self.pool, options: options)
        self.holds = try HoldStore(pool: self.pool, replicas: self.store, hook: options.hook)
    }

    /// Remembers no more extents than these one by one.
    func limitExtents(to count: Int) throws {
        let options = ReplicaOptions(reflink: self.reflink, trackedExtents: count)
        self.store = try ReplicaStore(pool: self.pool, options: options)
        self.holds = try HoldStore(pool: self.pool, replicas: self.store)
    }

    func volume(_ index: Int) throws -> ReplicaVolume {
        try #require(self.store.volume(self.sources[index].volume))
    }

    var members: [HoldRecord.Member] {
        self.sources.map { HoldRecord.Member(volume: $0.volume, snapshot: $0.target.snapshot) }
    }

    @discardableResult
    func register() throws -> HoldRecord {
        try self.holds.register(self.group, of: self.pair, self.members, now: Self.now).hold
    }

    func hold() throws -> HoldRecord { try #require(self.holds.hold(self.group, of: self.pair)) }

    func progress() throws -> [HoldProgress] {
        let hold = try self.hold()
        return try hold.members.map { try self.holds.progress(of: $0, in: hold) }
    }

    @discardableResult
    func release() throws -> HoldRecord {
        try self.holds.release(self.group, of: self.pair, now: Self.now)
    }

    // MARK: Transfers

    /// Stages all that a volume's current generation needs.
    func stage(_ index: Int, _ mode: TransferMode) throws -> Stage {
        let stage = try self.volume(index).openStage(self.sources[index].request(mode))
        var scratch = StageScratch()
        let durable = stage.durableRanges
        for change in self.sources[index].changes(mode) {
            for gap in durable.gaps(in: change.extent) {
                let part = KindedExtent(gap, change.kind)
                try stage.take(part, of: self.sources[index], using: &scratch)
            }
        }
        return stage
    }

    /// Brings a volume's current generation as far as a hold lets it.
    func prepare(_ index: Int, _ mode: TransferMode) throws {
        let stage = try self.stage(index, mode)
        let volume = try self.volume(index)
        try volume.prepare(stage, expecting: self.sources[index].root())
        try volume.close(stage)
    }

    /// Brings and shows a volume's current generation without a hold.
    func commit(_ index: Int, _ mode: TransferMode) throws {
        let stage = try self.stage(index, mode)
        let volume = try self.volume(index)
        let generation = try volume.commit(stage, expecting: self.sources[index].root())
        try volume.close(stage)
        self.sources[index].noteCommitted(generation)
    }

    /// Notes what every volume shows as the base of what follows.
    func noteShown() throws {
        for index in self.sources.indices {
            self.sources[index].noteCommitted(try #require(try self.volume(index).visible))
        }
    }

    // MARK: What is visible

    func shown(_ index: Int) throws -> [UInt8]? {
        let volume = try self.volume(index)
        guard volume.visible != nil else { return nil }
        return try volume.openVisible().allBytes()
    }

    /// Whether each volume shows its target; else it must show its base.
    func showsTargets(_ comment: Comment) throws -> [Bool] {
        try self.sources.indices.map { index in
            let found = try self.shown(index)
            let source = self.sources[index]
            if found == source.bytes {
                let report = try self.volume(index).openVisible().verify()
                #expect(report?.isIntact == true, comment)
                return true
            }
            #expect(found == (source.visible == nil ? nil : source.base), comment)
            return false
        }
    }
}
