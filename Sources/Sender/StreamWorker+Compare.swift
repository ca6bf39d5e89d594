// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import VolumeStore
import WireProtocol

// What of a candidate has to be sent. Whatever is found, the digests of the target take it in, also
// where the bytes are durable at the destination already and are not sent again.

extension StreamWorker {
    /// Finds and sends what differs in an extent that may hold data.
    mutating func process(_ extent: Extent) throws(StreamFailure) {
        switch self.context.confirmation {
        case .ship: try self.shipAll(extent)
        case .compareBase: try self.compareWithBase(extent)
        case .compareStored: try self.compareWithStored(extent)
        case .comparePeer: try self.compareWithPeer(extent)
        }
    }

    // MARK: Full copy

    private mutating func shipAll(_ extent: Extent) throws(StreamFailure) {
        let granules = try self.load(extent)
        self.changes.removeAll(keepingCapacity: true)
        var zeros = 0
        for granule in 0..<granules {
            let isZero = ZeroTest.isZero(self.target, Self.range(granule))
            self.kinds[granule] = isZero ? .same : .data
            if isZero { zeros += 1 }
        }
        for leaf in 0..<Self.leaves(granules) {
            let range = Self.leafRange(leaf, of: granules)
            let index = LeafIndex(containing: extent.start + ByteCount(range.lowerBound))
            let digest = self.context.hasher.digest(ofLeafIn: self.target, range)
            self.changes.append((index, digest))
        }
        let skipped = min(zeros * Geometry.granule.bytes, extent.length.bytes)
        self.context.progress.zero.add(ByteCount(skipped))
        try self.takeChanges()
        try self.sendRuns(at: extent.start, granules: granules)
    }

    // MARK: Two clones

    private mutating func compareWithBase(_ extent: Extent) throws(StreamFailure) {
        let granules = try self.load(extent)
        self.changes.removeAll(keepingCapacity: true)
        try self.compare(extent, in: extent)
        try self.takeChanges()
        self.learn(extent)
        try self.sendRuns(at: extent.start, granules: granules)
    }

    /// Tells how much of the whole leaves that were compared is equal to the base.
    private func learn(_ extent: Extent) {
        let whole = extent.wholeLeaves(in: self.context.size)
        guard !whole.isEmpty else { return }
        let slots = Self.slots(of: whole, in: extent)
        let same = self.kinds[slots].count { $0 == .same } * Geometry.granule.bytes
        let compared = ByteCount(slots.count * Geometry.granule.bytes)
        self.context.progress.compared.add(compared)
        self.context.progress.equal.add(ByteCount(same))
        self.context.dispenser.learn(compared: compared, equal: ByteCount(same))
    }

    /// Takes the whole leaves of an extent for changed; only its edges are compared.
    mutating func replaceLeaves(_ extent: Extent) throws(StreamFailure) {
        let granules = try self.load(extent)
        let whole = extent.wholeLeaves(in: self.context.size)
        self.changes.removeAll(keepingCapacity: true)
        let (head, tail) = extent.edges(around: whole)
        if let head { try self.compare(head, in: extent) }
        if let tail { try self.compare(tail, in: extent) }
        try self.takeChanges()
        self.digests.removeAll(keepingCapacity: true)
        for leaf in whole {
            let slots = Self.slots(of: leaf..<leaf + 1, in: extent)
            let granule = Geometry.granule.bytes
            let range = slots.lowerBound * granule..<slots.upperBound * granule
            self.digests.append(self.context.hasher.digest(ofLeafIn: self.target, range))
        }
        try self.exchangeDigests(from: LeafIndex(whole.lowerBound))
        for (index, leaf) in whole.enumerated() {
            let slots = Self.slots(of: leaf..<leaf + 1, in: extent)
            guard self.formerDigests[index] != self.digests[index] else {
                self.mark(slots, .same)
                continue
            }
            for slot in slots {
                self.kinds[slot] = ZeroTest.isZero(self.target, Self.range(slot)) ? .zero : .data
            }
        }
        try self.sendRuns(at: extent.start, granules: granules)
    }

    /// Compares a part of the extent in `target` with the base, granule by granule.
    private mutating func compare(_ part: Extent, in extent: Extent) throws(StreamFailure) {
        let first = (part.start - extent.start).bytes / Geometry.granule.bytes
        try self.loadBase(part, at: first * Geometry.granule.bytes)
        for granule in first..<first + Self.granules(in: part) {
            let range = Self.range(granule)
            if self.target.matches(range, self.base, range) {
                self.kinds[granule] = .same
                continue
            }
            let isZero = ZeroTest.isZero(self.target, range)
            self.kinds[granule] = isZero ? .zero : .data
            let place = extent.start + ByteCount(range.lowerBound)
            let slot = Self.slot(of: place)
            let old = self.context.hasher.share(
                ofGranule: slot,
                in: self.base,
                at: range.lowerBound
            )
            let new = isZero ? .zero : self.share(ofGranule: slot, at: range)
            self.changes.append((LeafIndex(containing: place), old ^ new))
        }
    }

    // MARK: Stored digests

    private mutating func compareWithStored(_ extent: Extent) throws(StreamFailure) {
        let granules = try self.load(extent)
        self.hashLeaves(granules)
        try self.exchangeDigests(from: LeafIndex(containing: extent.start))
        for leaf in self.digests.indices {
            let old = self.formerDigests[leaf]
            let slots = Self.slots(ofLeaf: leaf, of: granules)
            if old == self.digests[leaf] {
                self.mark(slots, .same)
            } else if self.digests[leaf] == .zero {
                self.mark(slots, .zero)
            } else if old == .zero {
                self.markData(slots)
            } else {
                self.mark(slots, .same)
                self.dirty.append(
                    LeafIndex(containing: extent.start + ByteCount(leaf * Geometry.leaf.bytes))
                )
            }
        }
        try self.sendRuns(at: extent.start, granules: granules)
        if self.dirty.count + SenderLimits.unitLeaves > Limits.leavesPerGranuleQuery {
            try self.resolveDirty()
        }
    }

    // MARK: Zeros

    /// Takes in an extent that reads as zeros.
    mutating func processZeros(_ extent: Extent) throws(StreamFailure) {
        switch self.context.confirmation {
        case .ship:
            self.context.progress.zero.add(extent.length)
        case .compareBase:
            try self.clearWithBase(extent)
            try self.send(zeros: extent)
        case .compareStored:
            try self.clearStored(extent)
        case .comparePeer:
            try self.clear(extent.touchedLeaves)
            try self.send(zeros: extent)
        }
    }

    /// Whole leaves become zero; of others the shares of the zeroed granules are taken out.
    private mutating func clearWithBase(_ extent: Extent) throws(StreamFailure) {
        let whole = extent.wholeLeaves(in: self.context.size)
        let (head, tail) = extent.edges(around: whole)
        if let head { try self.takeOut(head) }
        if !whole.isEmpty { try self.clear(whole) }
        if let tail { try self.takeOut(tail) }
    }

    /// Takes the base's shares of less than two leaves out of the digests.
    private mutating func takeOut(_ extent: Extent) throws(StreamFailure) {
        try self.loadBase(extent)
        self.changes.removeAll(keepingCapacity: true)
        for granule in 0..<Self.granules(in: extent) {
            let range = Self.range(granule)
            let place = extent.start + ByteCount(range.lowerBound)
            let share = self.context.hasher.share(
                ofGranule: Self.slot(of: place),
                in: self.base,
                at: range.lowerBound
            )
            self.changes.append((LeafIndex(containing: place), share))
        }
        try self.takeChanges()
    }

    private mutating func clear(_ leaves: Range<Int>) throws(StreamFailure) {
        let digests = self.context.digests
        try storing { () throws(StoreError) in try digests.clear(leaves) }
    }

    /// Sends zeros only where the stored digests say that the base has something else.
    private mutating func clearStored(_ extent: Extent) throws(StreamFailure) {
        let digests = self.context.digests
        var leaves = extent.touchedLeaves
        while !leaves.isEmpty {
            let found = try storing { () throws(StoreError) in
                try digests.takeNonZero(in: leaves, atMost: SenderLimits.clearedLeaves)
            }
            guard let found else { return }
            let start = LeafIndex(found.lowerBound).start
            let end = min(LeafIndex(found.upperBound).start, extent.end)
            try self.send(zeros: Extent(start, end))
            leaves = found.upperBound..<leaves.upperBound
        }
    }

    // MARK: Audit

    /// Reads a leaf that the change source did not report, and compares its digest (P9).
    mutating func audit(_ extent: Extent) throws(StreamFailure) {
        let length = Self.granules(in: extent) * Geometry.granule.bytes
        if !self.readDirectly(extent) { try self.read(self.context.image, extent.start, length) }
        self.context.progress.audited.add(extent.length)
        let digest = self.context.hasher.digest(ofLeafIn: self.target, 0..<length)
        let leaf = LeafIndex(containing: extent.start)
        let digests = self.context.digests
        let expected: LeafDigest
        switch self.context.confirmation {
        case .compareBase:
            expected = try storing { () throws(StoreError) in try digests.digest(of: leaf) }
        case .ship, .compareStored, .comparePeer:
            expected = .zero
        }
        guard digest == expected else { throw .missedChange(leaf) }
    }
}

// MARK: - Parts

extension StreamWorker {
    /// Reads an extent into `target`, with zeros up to the end of its last granule.
    ///
    /// - Returns: the number of granules.
    mutating func load(_ extent: Extent) throws(StreamFailure) -> Int {
        let granules = Self.granules(in: extent)
        try self.read(self.context.image, extent.start, granules * Geometry.granule.bytes)
        self.context.progress.read.add(extent.length)
        return granules
    }

    /// Reads what should be a hole past the page cache; false where that cannot be.
    private mutating func readDirectly(_ extent: Extent) -> Bool {
        let length = extent.length
        guard let holes = self.context.holes, length.bytes.isMultiple(of: Geometry.granule.bytes)
        else {
            return false
        }
        do throws(StoreError) {
            try holes.read(at: extent.start, length: length.bytes, into: &self.target, at: 0)
            return true
        } catch {
            return false
        }
    }

    private mutating func read(
        _ file: BlockFile,
        _ place: ByteOffset,
        _ length: Int
    ) throws(StreamFailure) {
        do throws(StoreError) {
            try file.read(at: place, length: length, into: &self.target, at: 0)
        } catch {
            throw .store(error)
        }
    }

    private mutating func loadBase(
        _ extent: Extent,
        at offset: Int = 0
    ) throws(StreamFailure) {
        guard let base = self.context.base else { preconditionFailure("a clone is compared") }
        let length = Self.granules(in: extent) * Geometry.granule.bytes
        do throws(StoreError) {
            try base.read(at: extent.start, length: length, into: &self.base, at: offset)
        } catch {
            throw .store(error)
        }
        // A longer base has bytes after the target's end, which are no part of its last granule.
        self.base.clear(offset + extent.length.bytes..<offset + length)
        self.context.progress.read.add(extent.length)
    }

    /// The digests of the leaves in `target`, into `digests`.
    mutating func hashLeaves(_ granules: Int) {
        self.digests.removeAll(keepingCapacity: true)
        self.appendLeaves(granules)
    }

    /// The same, behind those that are there.
    mutating func appendLeaves(_ granules: Int) {
        for leaf in 0..<Self.leaves(granules) {
            self.digests.append(
                self.context.hasher.digest(
                    ofLeafIn: self.target,
                    Self.leafRange(leaf, of: granules)
                )
            )
        }
    }

    mutating func exchangeDigests(from first: LeafIndex) throws(StreamFailure) {
        do throws(StoreError) {
            try self.context.digests.exchange(
                self.digests,
                from: first,
                former: &self.formerDigests
            )
        } catch {
            throw .store(error)
        }
    }

    private mutating func takeChanges() throws(StreamFailure) {
        do throws(StoreError) {
            try self.context.digests.combine(self.changes)
        } catch {
            throw .store(error)
        }
    }

    private mutating func mark(_ granules: Range<Int>, _ kind: GranuleKind) {
        for granule in granules { self.kinds[granule] = kind }
    }

    /// The base has zeros here: what is zero in the target too need not be sent.
    private mutating func markData(_ granules: Range<Int>) {
        for granule in granules {
            let isZero = ZeroTest.isZero(self.target, Self.range(granule))
            self.kinds[granule] = isZero ? .same : .data
        }
    }

    /// The share of a granule of the target, which is the one of this number in its leaf.
    func share(ofGranule slot: Int, at range: Range<Int>) -> LeafDigest {
        self.context.hasher.share(ofGranule: slot, in: self.target, at: range.lowerBound)
    }

    // MARK: Arithmetic

    static func granules(in extent: Extent) -> Int {
        (extent.length.bytes + Geometry.granule.bytes - 1) / Geometry.granule.bytes
    }

    static func leaves(_ granules: Int) -> Int {
        (granules + Geometry.granulesPerLeaf - 1) / Geometry.granulesPerLeaf
    }

    /// The granules of leaves in the buffer that an extent was read into.
    static func slots(of leaves: Range<Int>, in extent: Extent) -> Range<Int> {
        let start = (LeafIndex(leaves.lowerBound).start - extent.start).bytes
        let end = min(
            (LeafIndex(leaves.upperBound).start - extent.start).bytes,
            self.granules(in: extent) * Geometry.granule.bytes
        )
        return start / Geometry.granule.bytes..<end / Geometry.granule.bytes
    }

    /// The bytes of a granule in a buffer.
    static func range(_ granule: Int) -> Range<Int> {
        granule * Geometry.granule.bytes..<(granule + 1) * Geometry.granule.bytes
    }

    /// The granules of a leaf in a buffer.
    static func slots(ofLeaf leaf: Int, of granules: Int) -> Range<Int> {
        let first = leaf * Geometry.granulesPerLeaf
        return first..<min(first + Geometry.granulesPerLeaf, granules)
    }

    /// The bytes of a leaf in a buffer.
    static func leafRange(_ leaf: Int, of granules: Int) -> Range<Int> {
        let slots = self.slots(ofLeaf: leaf, of: granules)
        return slots.lowerBound * Geometry.granule.bytes..<slots.upperBound
            * Geometry.granule.bytes
    }

    /// The place of a granule in its leaf.
    static func slot(of place: ByteOffset) -> Int {
        place.bytes % Geometry.leaf.bytes / Geometry.granule.bytes
    }
}
