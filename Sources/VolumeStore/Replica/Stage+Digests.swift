// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import Locks
import Synchronization

// How staged bytes enter the digest tree. A leaf's digest is the exclusive or of the shares of its
// granules, so that a changed granule takes old share ^ new share, and the rest of the leaf is not
// read (docs/decisions/0002).

extension Stage {
    /// Adds the shares of a chunk's bytes; the last granule of a volume is padded with zeros.
    func addShares(
        of chunk: borrowing ChunkBuffer,
        _ range: Range<Int>,
        at place: ByteOffset,
        using scratch: inout StageScratch
    ) {
        let granule = Geometry.granule.bytes
        let whole = range.count / granule * granule
        self.hasher.addShares(
            of: chunk,
            at: range.lowerBound,
            length: whole,
            from: place,
            to: &scratch.shares
        )
        guard whole < range.count else { return }
        scratch.tail.clear(0..<granule)
        scratch.tail.copy(chunk, range.lowerBound + whole..<range.upperBound, at: 0)
        let last = place + ByteCount(whole)
        let index = LeafIndex(containing: last).index - LeafIndex(containing: place).index
        let slot = last.bytes % Geometry.leaf.bytes / granule
        scratch.shares[index] =
            scratch.shares[index] ^ self.hasher.share(ofGranule: slot, in: scratch.tail, at: 0)
    }

    /// The leaves of an extent whose digests follow from the new bytes alone.
    ///
    /// Those that it covers whole, and only in an incremental: nobody asks there for the digests of
    /// the base's leaves, so that no drift is ever noted for a leaf that has lost its base.
    func replacedLeaves(by extent: Extent) -> Range<Int> {
        guard self.record.mode == .incremental, self.files.base != nil else { return 0..<0 }
        return extent.wholeLeaves(in: self.record.target.size)
    }

    /// Adds the shares of what the base has in the place of an extent of at most one chunk.
    ///
    /// Leaves that are replaced whole are not read.
    func addBaseShares(
        of extent: Extent,
        using scratch: inout StageScratch
    ) throws(StageError) {
        let first = LeafIndex(containing: extent.start)
        let (head, tail) = extent.edges(around: self.replacedLeaves(by: extent))
        if let head { try self.addBaseShares(of: head, countedFrom: first, using: &scratch) }
        if let tail { try self.addBaseShares(of: tail, countedFrom: first, using: &scratch) }
    }

    private func addBaseShares(
        of extent: Extent,
        countedFrom first: LeafIndex,
        using scratch: inout StageScratch
    ) throws(StageError) {
        guard let base = self.files.base else { return }
        let isRead: Bool
        do {
            isRead = try base.read(extent, into: &scratch.base, at: 0)
        } catch {
            throw .store(error)
        }
        let length = extent.length.roundedUpToGranules.bytes
        // The shares of zeros are zero: a grown or sparse base costs no hashing.
        guard isRead, !ZeroTest.isZero(scratch.base, 0..<length) else { return }
        self.hasher.addShares(
            of: scratch.base,
            at: 0,
            length: length,
            from: extent.start,
            countedFrom: first,
            to: &scratch.shares
        )
    }

    /// Takes the gathered shares of a written extent into the tree, under one lock for all of it.
    func take(_ shares: [LeafDigest], of extent: Extent) throws(StageError) {
        let touched = extent.touchedLeaves
        let replaced = self.replacedLeaves(by: extent)
        try storing { () throws(StoreError) in
            try self.digests.withLock { (tree) throws(StoreError) in
                for index in touched {
                    let share = shares[index - touched.lowerBound]
                    if replaced.contains(index) {
                        try tree.set(LeafIndex(index), share)
                    } else {
                        try tree.combine(LeafIndex(index), share)
                    }
                }
            }
        }
    }

    /// Combines gathered shares into the tree, under one lock for the whole chunk.
    func combine(_ shares: [LeafDigest], from first: LeafIndex) throws(StageError) {
        try storing { () throws(StoreError) in
            try self.digests.withLock { (tree) throws(StoreError) in
                for (index, share) in shares.enumerated() where share != .zero {
                    try tree.combine(LeafIndex(first.index + index), share)
                }
            }
        }
    }

    /// Takes the bytes of an extent that became zeros out of the digests.
    func absorbZeros(
        _ extent: Extent,
        using scratch: inout StageScratch
    ) throws(StageError) {
        // Without inherited digests the extent's are zero already: it was never written before.
        guard self.files.inheritsDigests else { return }
        let whole = extent.wholeLeaves(in: self.record.target.size)
        let (head, tail) = extent.edges(around: whole)
        if let head { try self.absorbPartialLeaf(head, using: &scratch) }
        if let tail { try self.absorbPartialLeaf(tail, using: &scratch) }
        guard !whole.isEmpty else { return }
        try storing { () throws(StoreError) in
            try self.digests.withLock { (tree) throws(StoreError) in
                try tree.clear(whole)
            }
        }
    }

    /// Less than a leaf, in one leaf or on both sides of a boundary.
    private func absorbPartialLeaf(
        _ extent: Extent,
        using scratch: inout StageScratch
    ) throws(StageError) {
        scratch.clearShares()
        try self.addBaseShares(of: extent, using: &scratch)
        try self.combine(scratch.shares, from: LeafIndex(containing: extent.start))
    }

    // MARK: A target that ends inside a leaf of a longer base

    /// The leaf in which a shrunk target ends; its digest is not the base's.
    var cutLeaf: LeafIndex? {
        guard self.files.inheritsDigests, let base = self.record.base?.generation.size,
            self.record.target.size < base,
            !self.record.target.size.bytes.isMultiple(of: Geometry.leaf.bytes)
        else { return nil }
        return LeafIndex(containing: ByteOffset(self.record.target.size.bytes))
    }

    /// Computes the digest of the cut leaf from the bytes that are left of it.
    func resetCutLeaf() throws(StoreError) {
        guard let leaf = self.cutLeaf, let base = self.files.base else { return }
        var buffer = ChunkBuffer(capacity: Geometry.leaf)
        let extent = leaf.extent(in: self.record.target.size)
        let isRead = try base.read(extent, into: &buffer, at: 0)
        let length = extent.length.roundedUpToGranules.bytes
        let digest = isRead ? self.hasher.digest(ofLeafIn: buffer, 0..<length) : .zero
        try self.digests.withLock { (tree) throws(StoreError) in try tree.set(leaf, digest) }
    }

    // MARK: After a restart

    /// Takes up what an earlier process left: reads the log, and every byte that it names.
    ///
    /// The digests are computed again from what is on the disk (P2); nothing that was in memory is
    /// trusted. The log's torn tail, and what it does not name, is as if it had never arrived.
    func restore() throws(StageError) {
        var scratch = StageScratch()
        var staged = ChunkBuffer(capacity: Geometry.maximumChunk)
        let size = self.record.target.size.bytes
        var log = StageLog(self.files.log, of: self.record.transfer)
        try storing { () throws(StoreError) in
            try log.replay { (record) throws(StoreError) in
                guard record.extent.end.bytes <= size,
                    self.ledger.withLock({ $0.restore(record) })
                else { return false }
                do throws(StageError) {
                    try self.absorb(record, through: &staged, using: &scratch)
                } catch {
                    switch error {
                    case .store(let error): throw error
                    case .duplicate, .outside, .rootMismatch, .tooFragmented: return false
                    }
                }
                return true
            }
        }
        let count = log.count
        self.log.withLock { $0.resume(after: count) }
        self.ledger.withLock { $0.finishRestoring() }
        self.resumed.store(true, ordering: .releasing)
    }

    private func absorb(
        _ record: StageLogRecord,
        through staged: inout ChunkBuffer,
        using scratch: inout StageScratch
    ) throws(StageError) {
        switch record.kind {
        case .data:
            try self.absorbStaged(record, through: &staged, using: &scratch)
        case .zeros:
            try self.absorbZeros(record.extent, using: &scratch)
        case .drifted:
            for leaf in record.extent.touchedLeaves {
                _ = try self.leafDigests(from: LeafIndex(leaf), count: 1, using: &scratch)
            }
        }
    }

    private func absorbStaged(
        _ record: StageLogRecord,
        through staged: inout ChunkBuffer,
        using scratch: inout StageScratch
    ) throws(StageError) {
        let end = record.position + record.extent.length
        if self.record.backend == .journal {
            self.journalEnd.max(
                ByteCount(end.bytes).roundedUpToGranules.bytes,
                ordering: .relaxed
            )
        }
        var done = 0
        while done < record.extent.length.bytes {
            let length = min(record.extent.length.bytes - done, Geometry.maximumChunk.bytes)
            let extent = Extent(
                at: record.extent.start + ByteCount(done),
                length: ByteCount(length)
            )
            do {
                try self.files.target.read(
                    at: record.position + ByteCount(done),
                    length: length,
                    into: &staged,
                    at: 0
                )
            } catch {
                throw .store(error)
            }
            scratch.clearShares()
            self.addShares(of: staged, 0..<length, at: extent.start, using: &scratch)
            try self.addBaseShares(of: extent, using: &scratch)
            try self.take(scratch.shares, of: extent)
            done += length
        }
    }
}
