// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import Foundation
import TestSupport
import Testing
import VolumeStore

/// What the source has: the bytes of one generation after another, and their roots.
struct ReplicaSource {
    let volume: VolumeID
    let lineage: LineageID
    let key: LineageKey
    let owner: ClusterID
    private(set) var number: UInt64 = 0
    private(set) var snapshot: SnapshotID
    private(set) var bytes: [UInt8] = []
    private(set) var base: [UInt8] = []
    private(set) var visible: Generation?
    var generator: SeededGenerator

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        self.volume = .random(using: &generator)
        self.lineage = .random(using: &generator)
        self.key = .random(using: &generator)
        self.owner = .random(using: &generator)
        self.snapshot = .random(using: &generator)
        self.generator = generator
    }

    /// The next generation has these bytes.
    mutating func advance(to bytes: [UInt8]) {
        self.number += 1
        self.snapshot = .random(using: &self.generator)
        self.bytes = bytes
    }

    /// The destination shows the current generation.
    mutating func noteCommitted(_ generation: Generation) {
        self.base = self.bytes
        self.visible = generation
    }

    var target: StageTarget {
        StageTarget(
            volume: self.volume,
            lineage: self.lineage,
            number: GenerationNumber(self.number),
            snapshot: self.snapshot,
            size: ByteCount(self.bytes.count)
        )
    }

    func record(_ backing: VolumeBacking = .pool) -> VolumeRecord {
        VolumeRecord(
            volume: self.volume,
            name: "data",
            role: .replica,
            size: self.target.size,
            lineage: self.lineage,
            key: self.key,
            algorithm: .ph128,
            backing: backing,
            owner: self.owner
        )
    }

    mutating func request(
        _ mode: TransferMode,
        discardsPartial: Bool = false
    ) -> StageRequest {
        StageRequest(
            transfer: .random(using: &self.generator),
            mode: mode,
            base: mode.needsBase ? self.visible : nil,
            target: self.target,
            ticket: [1, 2, 3],
            discardsPartial: discardsPartial
        )
    }

    /// The root that a sender computes, by the plainest way.
    func root() -> RootDigest {
        var tree = DigestTree(
            store: MemoryDigestPages(),
            size: self.target.size,
            volume: self.volume,
            lineage: self.lineage,
            key: self.key,
            algorithm: .ph128
        )
        let hasher = LeafHasher(key: self.key)
        var buffer = ChunkBuffer(capacity: Geometry.leaf)
        for start in stride(from: 0, to: self.bytes.count, by: Geometry.leaf.bytes) {
            let end = min(start + Geometry.leaf.bytes, self.bytes.count)
            buffer.clear(0..<Geometry.leaf.bytes)
            buffer.copy(Array(self.bytes[start..<end]), at: 0)
            let digest = hasher.digest(ofLeafIn: buffer, 0..<Geometry.leaf.bytes)
            tree.set(LeafIndex(start / Geometry.leaf.bytes), digest)
        }
        return tree.root()
    }

    /// The granules that a transfer has to bring, joined, with their kind.
    func changes(_ mode: TransferMode) -> [KindedExtent] {
        var changes: [KindedExtent] = []
        let granule = Geometry.granule.bytes
        for start in stride(from: 0, to: self.bytes.count, by: granule) {
            let end = min(start + granule, self.bytes.count)
            let isZero = same(self.bytes, [], start..<end)
            let kind: ExtentKind = isZero ? .zero : .data
            if mode.needsBase ? same(self.bytes, self.base, start..<end) : isZero { continue }
            if let last = changes.last, last.kind == kind, last.extent.end.bytes == start,
                end - last.extent.start.bytes <= 1 << 20
            {
                changes[changes.count - 1] = KindedExtent(
                    Extent(last.extent.start, ByteOffset(end)),
                    kind
                )
            } else {
                changes.append(KindedExtent(extent(start, end), kind))
            }
        }
        return changes
    }
}

/// Whether two volumes have the same bytes in a range; after the end there are zeros.
private func same(_ left: [UInt8], _ right: [UInt8], _ range: Range<Int>) -> Bool {
    let middle = min(max(right.count, range.lowerBound), range.upperBound)
    // memcmp: byte by byte takes minutes in a debug build.
    return left.withUnsafeBytes { left in
        right.withUnsafeBytes { right in
            zeros.withUnsafeBytes { zeros in
                guard let ours = left.baseAddress, let zeros = zeros.baseAddress else {
                    return true
                }
                let common = middle - range.lowerBound
                if let theirs = right.baseAddress, common > 0,
                    memcmp(ours + range.lowerBound, theirs + range.lowerBound, common) != 0
                {
                    return false
                }
                return memcmp(ours + middle, zeros, range.upperBound - middle) == 0
            }
        }
    }
}

private let zeros = [UInt8](repeating: 0, count: 4096)

extension Stage {
    /// Brings one change of a source.
    func take(
        _ change: KindedExtent,
        of source: ReplicaSource,
        using scratch: inout StageScratch
    ) throws {
        switch change.kind {
        case .zero:
            try self.zero(change.extent, using: &scratch)
        case .data:
            let range = change.extent.start.bytes..<change.extent.end.bytes
            var chunk = ChunkBuffer(capacity: Geometry.maximumChunk)
            chunk.copy(Array(source.bytes[range]), at: 0)
            try self.write(
                chunk,
                0..<range.count,
                at: change.extent.start,
                using: &scratch
            )
        }
    }
}

/// The kinds of targets that need nothing but a directory.
enum ReplicaTarget: String, CaseIterable, CustomTestStringConvertible {
    /// A pool without reflink: fresh files and journals.
    case pool
    /// A file elsewhere that is changed in place, as a device is: direct, then journals.
    case attached

    var testDescription: String { self.rawValue }
}

/// A pool with one replica, which a test can close and open again as a crash would.
final class ReplicaWorld {
    let pool: String
    let target: ReplicaTarget
    let device: String?
    var source: ReplicaSource
    private(set) var store: ReplicaStore
    private let directory: TemporaryDirectory?

    init(
        _ target: ReplicaTarget,
        seed: UInt64,
        in directory: String? = nil,
        device: String? = nil,
        options: ReplicaOptions = ReplicaOptions(reflink: .never)
    ) throws {
        let place = directory == nil ? try TemporaryDirectory(inMemory: true) : nil
        self.directory = place
        self.pool = directory ?? place?.path ?? ""
        self.target = target
        self.source = ReplicaSource(seed: seed)
        self.device =
            switch target {
            case .pool: nil
            case .attached: device ?? "\(self.pool)/device"
            }
        if let path = self.device, device == nil {
            // Not zeros: a device has what somebody left on it.
            let noise = Data([UInt8](repeating: 0xA5, count: 3 << 20))
            try noise.write(to: URL(fileURLWithPath: path))
        }
        self.store = try ReplicaStore(pool: self.pool, options: options)
    }

    /// The replica, made at the first call.
    func volume() throws -> ReplicaVolume {
        if let volume = self.store.volume(self.source.volume) { return volume }
        let backing: VolumeBacking =
            self.device.map { .attached(path: $0, isFrozen: false) } ?? .pool
        return try self.store.create(self.source.record(backing))
    }

    /// Opens the pool as a new process would.
    func reopen(_ options: ReplicaOptions = ReplicaOptions(reflink: .never)) throws {
        self.store = try ReplicaStore(pool: self.pool, options: options)
    }

    /// Stages all changes of the current generation, flushing after each `flushEvery` of them.
    func stage(
        _ mode: TransferMode,
        flushEvery: Int = 7,
        atMost limit: Int = .max
    ) throws -> Stage {
        let stage = try self.volume().openStage(self.source.request(mode))
        var scratch = StageScratch()
        let durable = stage.durableRanges
        for (index, change) in self.source.changes(mode).prefix(limit).enumerated() {
            for gap in durable.gaps(in: change.extent) {
                try stage.take(
                    KindedExtent(gap, change.kind),
                    of: self.source,
                    using: &scratch
                )
            }
            if index % flushEvery == flushEvery - 1 { try stage.flush() }
        }
        return stage
    }

    /// A whole transfer of the current generation.
    @discardableResult
    func transfer(_ mode: TransferMode) throws -> Generation {
        let stage = try self.stage(mode)
        let volume = try self.volume()
        let generation = try volume.commit(stage, expecting: self.source.root())
        try volume.close(stage)
        self.source.noteCommitted(generation)
        return generation
    }

    /// What readers get: all bytes of the visible generation; nil where there is none.
    func visibleBytes() throws -> [UInt8]? {
        let volume = try self.volume()
        guard volume.visible != nil else { return nil }
        return try volume.openVisible().allBytes()
    }

    /// The visible generation is what it says it is.
    func expectVisible(_ bytes: [UInt8], _ comment: Comment? = nil) throws {
        let found = try self.visibleBytes()
        #expect(found == bytes, comment)
        let report = try self.volume().openVisible().verify()
        #expect(report?.isIntact == true, comment)
    }
}

extension ReplicaReader {
    func allBytes() throws -> [UInt8] {
        var buffer = ChunkBuffer(capacity: self.generation.size)
        guard self.generation.size > .zero else { return [] }
        try self.read(at: .zero, length: self.generation.size.bytes, into: &buffer, at: 0)
        return buffer.array(0..<self.generation.size.bytes)
    }
}

extension ReplicaSource {
    /// Changes a part of the current bytes: scattered granules, some to zero; maybe another size.
    mutating func mutate(size: Int? = nil, granules: Int = 20) {
        var bytes = self.bytes
        let size = size ?? bytes.count
        if size < bytes.count { bytes.removeLast(bytes.count - size) }
        if size > bytes.count { bytes += [UInt8](repeating: 0, count: size - bytes.count) }
        let last = (size + 4095) / 4096
        for _ in 0..<(last == 0 ? 0 : granules) {
            let granule = Int.random(in: 0..<last, using: &self.generator)
            let range = granule * 4096..<min(granule * 4096 + 4096, size)
            let isZero = Bool.random(using: &self.generator)
            let fresh =
                isZero
                ? [UInt8](repeating: 0, count: range.count)
                : noise(range.count, using: &self.generator)
            bytes.overwrite(range, with: fresh)
        }
        self.advance(to: bytes)
    }

    /// A first generation: data, written zeros, holes.
    mutating func begin(size: Int) {
        var bytes = noise(size, using: &self.generator)
        for start in stride(from: 0, to: size, by: 5 * 4096) {
            let end = min(start + 2 * 4096, size)
            bytes.clear(start..<end)
        }
        self.advance(to: bytes)
    }
}
