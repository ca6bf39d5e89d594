// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Locks
import VolumeStore

/// The digest tree of the target, which all data threads of a transfer bring up to date.
///
/// Starts as the base's tree, or empty. One short lock for each work unit: a megabyte of reading and
/// hashing stands against sixteen exclusive-ors here.
final class TargetDigests: Sendable {
    private let tree: Locked<DigestTree<DigestFile>>

    init(_ tree: sending DigestTree<DigestFile>) { self.tree = Locked(tree) }

    /// Takes shares of changed granules into their leaves.
    func combine(_ changes: [(leaf: LeafIndex, share: LeafDigest)]) throws(StoreError) {
        guard !changes.isEmpty else { return }
        try self.tree.withLock { (tree) throws(StoreError) in
            for change in changes { try tree.combine(change.leaf, change.share) }
        }
    }

    /// Sets the digests of consecutive leaves, and tells what they were.
    func exchange(
        _ digests: [LeafDigest],
        from first: LeafIndex,
        former: inout [LeafDigest]
    ) throws(StoreError) {
        former.removeAll(keepingCapacity: true)
        try self.tree.withLock { (tree) throws(StoreError) in
            for index in digests.indices {
                let leaf = LeafIndex(first.index + index)
                let old = try tree.digest(of: leaf)
                if old != digests[index] { try tree.set(leaf, digests[index]) }
                former.append(old)
            }
        }
    }

    /// The digest of a leaf.
    func digest(of leaf: LeafIndex) throws(StoreError) -> LeafDigest {
        try self.tree.withLock { (tree) throws(StoreError) in try tree.digest(of: leaf) }
    }

    /// Sets leaves to zero.
    func clear(_ leaves: Range<Int>) throws(StoreError) {
        try self.tree.withLock { (tree) throws(StoreError) in try tree.clear(leaves) }
    }

    /// Finds the first leaves in a range that are not zero, and sets them to zero.
    ///
    /// - Returns: adjacent leaves, at most `limit`; nil when all are zero.
    func takeNonZero(
        in leaves: Range<Int>,
        atMost limit: Int
    ) throws(StoreError) -> Range<Int>? {
        try self.tree.withLock { (tree) throws(StoreError) in
            guard let first = try tree.nextNonZeroLeaf(from: LeafIndex(leaves.lowerBound)),
                first.index < leaves.upperBound
            else { return nil }
            var end = first.index + 1
            while end < leaves.upperBound, end - first.index < limit {
                guard try tree.digest(of: LeafIndex(end)) != .zero else { break }
                end += 1
            }
            try tree.clear(first.index..<end)
            return first.index..<end
        }
    }

    /// Moves audits to leaves that hold data.
    func advance(_ plan: inout AuditPlan) throws(StoreError) {
        try self.tree.withLock { (tree) throws(StoreError) in
            var moved = plan
            try moved.advance { (leaf) throws(StoreError) in try tree.nextNonZeroLeaf(from: leaf) }
            plan = moved
        }
    }

    /// The root of the target; every digest is in the file, and not yet durable.
    func root() throws(StoreError) -> RootDigest {
        try self.tree.withLock { (tree) throws(StoreError) in try tree.root() }
    }

    /// Makes every digest durable that ``root()`` has left in the file.
    func sync() throws(StoreError) {
        try self.tree.withLock { (tree) throws(StoreError) in try tree.store.sync() }
    }
}
