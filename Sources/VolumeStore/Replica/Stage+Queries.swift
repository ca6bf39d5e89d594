// SPDX-License-Identifier: Apache-2.0

import BlockDiff
public import BlockTypes
import Codecs
import Locks
import Synchronization

// What a sender asks about the base to decide what to send. The answers are computed from the base's
// bytes, never taken from stored digests: a base that changed under us is found here (full verify).

extension Stage {
    /// The digests of leaves as the base has them, computed from its bytes.
    ///
    /// Zero for holes, which are not read, and after the end of the base. A leaf whose stored digest
    /// says otherwise has drifted: it is counted, and the stage goes on from what is really there.
    ///
    /// - Returns: one digest for each of the leaves.
    /// - Throws: `outside` for leaves that the target does not have; `store` when reading fails.
    public func leafDigests(
        from first: LeafIndex,
        count: Int,
        using scratch: inout StageScratch
    ) throws(StageError) -> [LeafDigest] {
        let size = self.record.target.size.bytes
        let leaves = (size + Geometry.leaf.bytes - 1) / Geometry.leaf.bytes
        guard count > 0, count <= leaves, first.index <= leaves - count else {
            throw .outside(Extent(at: first.start, length: Geometry.leaf))
        }
        guard let base = self.files.base else {
            return [LeafDigest](repeating: .zero, count: count)
        }
        var digests: [LeafDigest] = []
        digests.reserveCapacity(count)
        var stored = StoredLeaves(self.files.baseDigests)
        var holeEnd = ByteOffset.zero
        for index in first.index..<first.index + count {
            let leaf = LeafIndex(index)
            let digest: LeafDigest
            let promised: LeafDigest
            do {
                let extent = leaf.extent(in: self.record.target.size)
                if holeEnd <= leaf.start { holeEnd = try base.endOfHole(at: leaf.start) }
                if holeEnd >= extent.end {
                    digest = .zero
                } else {
                    digest = try self.digest(of: extent, in: base, using: &scratch)
                }
                promised = leaf == self.cutLeaf ? digest : try stored.digest(of: leaf)
            } catch {
                throw .store(error)
            }
            if digest != promised { try self.noteDrift(of: leaf, promised ^ digest) }
            digests.append(digest)
        }
        return digests
    }

    /// The shares of the 16 granules of a leaf as the base has them.
    ///
    /// - Returns: 16 shares; zero for granules of zeros and after the end.
    /// - Throws: as ``leafDigests(from:count:using:)``.
    public func granuleShares(
        of leaf: LeafIndex,
        using scratch: inout StageScratch
    ) throws(StageError) -> [LeafDigest] {
        guard leaf.start.bytes < self.record.target.size.bytes else {
            throw .outside(Extent(at: leaf.start, length: Geometry.leaf))
        }
        let extent = leaf.extent(in: self.record.target.size)
        let none = [LeafDigest](repeating: .zero, count: Geometry.granulesPerLeaf)
        guard let base = self.files.base else { return none }
        do {
            guard try base.read(extent, into: &scratch.base, at: 0) else { return none }
        } catch {
            throw .store(error)
        }
        let length = extent.length.roundedUpToGranules.bytes
        return self.hasher.shares(ofLeafIn: scratch.base, 0..<length)
    }

    private func digest(
        of extent: Extent,
        in base: BaseView,
        using scratch: inout StageScratch
    ) throws(StoreError) -> LeafDigest {
        let length = extent.length.roundedUpToGranules.bytes
        guard try base.read(extent, into: &scratch.base, at: 0),
            !ZeroTest.isZero(scratch.base, 0..<length)
        else { return .zero }
        return self.hasher.digest(ofLeafIn: scratch.base, 0..<length)
    }

    /// Takes a leaf's digest from what its base promised to what it has; once.
    private func noteDrift(of leaf: LeafIndex, _ difference: LeafDigest) throws(StageError) {
        let extent = leaf.extent(in: self.record.target.size)
        switch self.ledger.withLock({ $0.noteDrift(extent) }) {
        case .known: return
        case .noted: break
        case .tooMuch:
            throw .store(
                StoreError(
                    .wrongBase,
                    "the base has other bytes than were committed in more than "
                        + "\(ReplicaLimits.driftedPlaces) places: it is not the base any more",
                    path: self.directory
                )
            )
        }
        self.driftCount.add(1, ordering: .relaxed)
        do throws(StageError) {
            try self.combine([difference], from: leaf)
        } catch {
            self.torn.store(true, ordering: .releasing)
            throw error
        }
    }
}

/// Reads stored leaf digests one after the other, a page at a time.
struct StoredLeaves {
    private let file: DigestFile?
    private var page = DigestPage.zero
    private var pageIndex = -1

    init(_ file: DigestFile?) { self.file = file }

    mutating func digest(of leaf: LeafIndex) throws(StoreError) -> LeafDigest {
        guard let file = self.file else { return .zero }
        let index = leaf.index / DigestPage.leaves
        if index != self.pageIndex {
            self.page = try file.read(level: 0, index: index) ?? DigestPage.zero
            self.pageIndex = index
        }
        return self.page[leaf: leaf.index % DigestPage.leaves]
    }
}
