// SPDX-License-Identifier: Apache-2.0

import BlockDiff
public import BlockTypes
import Codecs

/// What reading every byte of a generation has shown.
public struct VerificationReport: Hashable, Sendable {
    /// What was verified.
    public let generation: Generation
    /// The root of the bytes that are there now.
    public let root: RootDigest
    /// Bytes that were read; holes are not read.
    public let readBytes: ByteCount
    /// Leaves whose bytes do not have their stored digests.
    public let driftedLeaves: Int
    /// The first of these leaves, joined.
    public let drift: [Extent]

    /// Whether the bytes are what was proven when the generation became visible.
    public var isIntact: Bool { self.root == self.generation.root && self.driftedLeaves == 0 }
}

extension ReplicaReader {
    /// Reads every byte of the generation and computes its root again.
    ///
    /// Takes time and reads in proportion to the data; 1/4,096 of it is written for the time being
    /// beside the volume. Memory is bounded.
    ///
    /// - Parameter progress: called with the place up to which everything is verified; false stops.
    /// - Returns: what was found; nil when stopped.
    /// - Throws: what reading failed with.
    public func verify(
        progress: (ByteOffset) -> Bool = { (_) in true }
    ) throws(StoreError) -> VerificationReport? {
        let record = self.volume.record
        let name = "\(ReplicaPaths.verificationPrefix)\(UInt64.random(in: 0...UInt64.max))"
        let path = "\(self.volume.directory)/\(name)"
        let store = try DigestFile.create(path)
        defer { try? PoolDirectory.remove(path) }
        var tree = DigestTree(
            store: store,
            size: self.generation.size,
            volume: self.generation.volume,
            lineage: self.generation.lineage,
            key: record.key,
            algorithm: record.algorithm
        )
        var walk = LeafWalk(self, hasher: LeafHasher(key: record.key))
        let size = self.generation.size
        var stored = StoredLeaves(self.digests)
        var drift = ExtentSet()
        var drifted = 0
        while let (leaf, digest) = try walk.next() {
            if leaf.index.isMultiple(of: 1024), !progress(leaf.start) { return nil }
            try tree.set(leaf, digest)
            // Leaves that became zeros are found below, whether they were read or not.
            guard digest != .zero, try stored.digest(of: leaf) != digest else { continue }
            drifted += 1
            if drift.count < ReplicaLimits.listedDrift { drift.insert(leaf.extent(in: size)) }
        }
        // Holes are not walked leaf by leaf: where a digest is stored, there must be no zeros.
        var place = LeafIndex(0)
        var promised = DigestTree(
            store: self.digests,
            size: self.generation.size,
            volume: self.generation.volume,
            lineage: self.generation.lineage,
            key: record.key,
            algorithm: record.algorithm
        )
        while let leaf = try promised.nextNonZeroLeaf(from: place) {
            if try tree.digest(of: leaf) == .zero {
                drifted += 1
                if drift.count < ReplicaLimits.listedDrift { drift.insert(leaf.extent(in: size)) }
            }
            place = LeafIndex(leaf.index + 1)
        }
        guard progress(ByteOffset(self.generation.size.bytes)) else { return nil }
        return VerificationReport(
            generation: self.generation,
            root: try tree.root(),
            readBytes: walk.readBytes,
            driftedLeaves: drifted,
            drift: drift.extents
        )
    }
}

/// The digests of the leaves that have data, in order.
private struct LeafWalk: ~Copyable {
    private let reader: ReplicaReader
    private let hasher: LeafHasher
    private var buffer = ChunkBuffer(capacity: Geometry.leaf)
    private var place = ByteOffset.zero
    private(set) var readBytes = ByteCount.zero

    init(_ reader: ReplicaReader, hasher: LeafHasher) {
        self.reader = reader
        self.hasher = hasher
    }

    mutating func next() throws(StoreError) -> (LeafIndex, LeafDigest)? {
        while let found = try self.reader.nextExtent(from: self.place) {
            let leaf = LeafIndex(containing: self.place)
            let extent = leaf.extent(in: self.reader.generation.size)
            if found.kind == .zero, self.place == leaf.start, found.extent.end >= extent.end {
                // Whole leaves of the hole; the last one may hold data after the hole.
                let end = found.extent.end
                let isLast = end.bytes == self.reader.generation.size.bytes
                self.place = isLast ? end : end.roundedDown(to: Geometry.leaf)
                continue
            }
            let length = extent.length.roundedUpToGranules.bytes
            self.buffer.clear(0..<length)
            try self.reader.read(
                at: extent.start,
                length: extent.length.bytes,
                into: &self.buffer,
                at: 0
            )
            self.readBytes += extent.length
            self.place = extent.end
            guard !ZeroTest.isZero(self.buffer, 0..<length) else { return (leaf, .zero) }
            return (leaf, self.hasher.digest(ofLeafIn: self.buffer, 0..<length))
        }
        return nil
    }
}
