// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import TestSupport
import Testing
import VolumeStore
import WireProtocol

/// What a scripted sender has: a volume, its history, its bytes.
struct ScriptedVolume {
    var volume: VolumeID
    var lineage: LineageID
    var key: LineageKey
    var name: String
    var number: UInt64 = 0
    var snapshot: SnapshotID
    var bytes: [UInt8] = []
    var base: [UInt8] = []
    var visible: GenerationStamp?
    var generator: SeededGenerator

    init(seed: UInt64, name: String = "data") {
        var generator = SeededGenerator(seed: seed)
        self.volume = .random(using: &generator)
        self.lineage = .random(using: &generator)
        self.key = .random(using: &generator)
        self.snapshot = .random(using: &generator)
        self.name = name
        self.generator = generator
    }

    mutating func advance(to bytes: [UInt8]) {
        self.number += 1
        self.snapshot = .random(using: &self.generator)
        self.bytes = bytes
    }

    mutating func advance(size: Int) {
        self.advance(to: (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7 &* ($0 / 4096)) })
    }

    var target: TargetGeneration {
        TargetGeneration(
            number: GenerationNumber(self.number),
            snapshot: self.snapshot,
            size: ByteCount(self.bytes.count)
        )
    }

    mutating func offer(
        _ mode: TransferMode = .fullCopy,
        flags: OfferFlags = [],
        streams: Int = 1,
        base: GenerationStamp? = nil
    ) throws -> Offer {
        Offer(
            transfer: .random(using: &self.generator),
            subject: Offer.Subject(
                volume: self.volume,
                lineage: self.lineage,
                lineageKey: self.key,
                name: self.name
            ),
            route: Offer.Route(
                mode: mode,
                base: mode.needsBase ? base ?? self.visible : nil,
                target: self.target
            ),
            flags: flags,
            streams: streams,
            ticket: try #require(ResumeTicket([1, 2, 3]))
        )
    }

    func root() -> RootDigest {
        var tree = DigestTree(
            store: MemoryDigestPages(),
            size: ByteCount(self.bytes.count),
            volume: self.volume,
            lineage: self.lineage,
            key: self.key,
            algorithm: .ph128
        )
        for leaf in 0..<(self.bytes.count + 65_535) / 65_536 {
            tree.set(LeafIndex(leaf), self.digest(of: leaf, in: self.bytes))
        }
        return tree.root()
    }

    func digest(of leaf: Int, in bytes: [UInt8]) -> LeafDigest {
        var buffer = ChunkBuffer(capacity: Geometry.leaf)
        let start = leaf * 65_536
        buffer.copy(Array(bytes[start..<min(start + 65_536, bytes.count)]), at: 0)
        return LeafHasher(key: self.key).digest(ofLeafIn: buffer, 0..<65_536)
    }
}

/// The control connection of a session that was accepted.
struct ScriptedSession {
    let world: ReceiverWorld
    let control: Lane
    let accept: Accept
    let durable: ExtentSet

    /// Opens a session, on a connection that has served another one if there is one; throws the refusal
    /// if there is one.
    init(
        _ world: ReceiverWorld,
        _ offer: Offer,
        as cluster: ClusterID = ReceiverWorld.source,
        over resting: Lane? = nil,
        features: [Feature] = Feature.current
    ) throws {
        self.world = world
        self.control = try resting ?? world.connect(as: cluster)
        try self.control.hello(.control, as: cluster, features: features)
        try self.control.send(.offer(offer))
        let answer = try self.control.next()
        switch answer {
        case .refuse(let refusal): throw refusal
        case .error(let report): throw report
        case .accept(let accept):
            self.accept = accept
            var extents: [Extent] = []
            while extents.count < accept.rangeCount {
                guard case .ranges(let ranges) = try self.control.next() else { break }
                extents += ranges.extents
            }
            self.durable = ExtentSet(extents)
        case let frame: throw Unexpected(frame: frame)
        }
    }

    /// A data connection that has joined.
    func join(
        _ stream: Int = 0,
        as cluster: ClusterID = ReceiverWorld.source,
        over resting: Lane? = nil,
        features: [Feature] = Feature.current
    ) throws -> Lane {
        let lane = try resting ?? self.world.connect(as: cluster)
        try lane.hello(.data, as: cluster, features: features)
        try lane.send(
            .join(
                Join(
                    transfer: self.accept.transfer,
                    token: self.accept.token,
                    stream: StreamIndex(stream)
                )
            )
        )
        let answer = try lane.next()
        guard case .joined = answer else {
            if case .error(let report) = answer { throw report }
            throw Unexpected(frame: answer)
        }
        return lane
    }

    func commit(_ root: RootDigest, _ totals: StreamTotals) throws {
        try self.control.send(.commit(Commit(root: root, totals: totals)))
    }

    func committed() throws -> GenerationStamp {
        let frame = try self.control.next()
        if case .error(let report) = frame { throw report }
        guard case .committed(let committed) = frame else { throw Unexpected(frame: frame) }
        return committed.generation
    }

    /// Sends the bytes of a volume in chunks, all in one stream, and ends it unless the test does.
    func fill(
        _ volume: ScriptedVolume,
        _ lane: Lane,
        from start: Int = 0,
        chunk: Int = 65_536,
        ends: Bool = true
    ) throws -> StreamTotals {
        var totals = StreamTotals()
        for place in stride(from: start, to: volume.bytes.count, by: chunk) {
            let end = min(place + chunk, volume.bytes.count)
            try lane.chunk(Array(volume.bytes[place..<end]), at: place)
            totals.dataFrames += 1
            totals.rawBytes += ByteCount(end - place)
        }
        if ends { try lane.send(.end(totals)) }
        return totals
    }
}

extension ScriptedVolume {
    /// A whole transfer of all bytes.
    mutating func send(to world: ReceiverWorld) throws {
        let session = try ScriptedSession(world, self.offer(flags: .allowShrink))
        let lane = try session.join()
        let totals = try session.fill(self, lane)
        try session.commit(self.root(), totals)
        self.visible = try session.committed()
        self.base = self.bytes
        lane.close()
        session.control.close()
    }
}
