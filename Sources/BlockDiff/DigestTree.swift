// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Codecs

/// The hash tree over the leaf digests of a volume; its root proves a generation (P2).
///
/// ```
///  root = HMAC(key, size, ids, top)          changes of leaves only mark their page;
///           │                                root() hashes the marked pages and the pages
///  level 2  ▣                                above them, nothing else: the proof costs time
///           │ ╲                              in proportion to what changed
///  level 1  ▣  ▢  ▢                          ▣ rehashed   ▢ kept
///           │
///  level 0  ▣ ▢ ▢ ▢ ▢                        256 leaf digests each
/// ```
///
/// Holds: a page of level n that is not in `stale[n]` agrees with its node in the level above, in
/// the cache and the store taken together. A page of zeros has the node of zeros and is not stored.
///
/// Memory: at most ``DigestLimits/cachedPages`` pages of 4 KiB and one bit for each touched page,
/// whatever the size of the volume. One owner at a time; not locked.
///
/// The store is consistent only after ``root()``: ``flush()`` alone leaves nodes behind their pages.
/// A store that a killed process left is either thrown away or passed through ``rebuild()``.
public struct DigestTree<Store: DigestPageStore> {
    /// The size of the volume.
    public private(set) var size: ByteCount

    /// Where the pages are kept; behind the cache until ``flush()`` or ``root()``.
    public private(set) var store: Store

    private let volume: VolumeID
    private let lineage: LineageID
    private let key: LineageKey
    private let algorithm: DigestAlgorithm
    private var shape: DigestTreeShape
    private var cache: DigestCache
    /// For each level, the pages whose node in the level above is out of date.
    private var stale: [PageSet]

    /// The tree over the pages of a store; an empty store is a volume of zeros.
    public init(
        store: Store,
        size: ByteCount,
        volume: VolumeID,
        lineage: LineageID,
        key: LineageKey,
        algorithm: DigestAlgorithm
    ) {
        self.store = store
        self.size = size
        self.volume = volume
        self.lineage = lineage
        self.key = key
        self.algorithm = algorithm
        self.shape = DigestTreeShape(size: size)
        self.cache = DigestCache(capacity: DigestLimits.cachedPages)
        self.stale = Array(repeating: PageSet(), count: DigestTreeShape.maximumLevels)
    }

    /// The number of leaves of the volume.
    public var leafCount: Int { self.shape.leaves }

    // MARK: Leaves

    /// Replaces the share of some granules of a leaf: exclusive or of their old and new shares.
    public mutating func combine(
        _ leaf: LeafIndex,
        _ share: LeafDigest
    ) throws(Store.Failure) {
        guard share != .zero else { return }
        let slot = try self.slot(holding: leaf)
        let inner = leaf.index % DigestPage.leaves
        let digest = self.cache.entries[slot].page[leaf: inner] ^ share
        self.cache.entries[slot].page[leaf: inner] = digest
        self.markChanged(slot)
    }

    /// Sets the digest of a leaf.
    public mutating func set(_ leaf: LeafIndex, _ digest: LeafDigest) throws(Store.Failure) {
        let slot = try self.slot(holding: leaf)
        let inner = leaf.index % DigestPage.leaves
        guard self.cache.entries[slot].page[leaf: inner] != digest else { return }
        self.cache.entries[slot].page[leaf: inner] = digest
        self.markChanged(slot)
    }

    /// The digest of a leaf.
    public mutating func digest(of leaf: LeafIndex) throws(Store.Failure) -> LeafDigest {
        let slot = try self.slot(holding: leaf)
        return self.cache.entries[slot].page[leaf: leaf.index % DigestPage.leaves]
    }

    /// Sets a range of leaves to zero; costs time for the stored pages in it, not for its length.
    public mutating func clear(_ leaves: Range<Int>) throws(Store.Failure) {
        precondition(
            leaves.upperBound <= self.leafCount,
            "leaves \(leaves) are outside of a volume of \(self.leafCount)"
        )
        guard !leaves.isEmpty else { return }
        let first = (leaves.lowerBound + DigestPage.leaves - 1) / DigestPage.leaves
        // The last page may be short: it is whole when the range reaches the volume's end.
        let end =
            leaves.upperBound == self.leafCount
            ? self.shape.pages(level: 0) : leaves.upperBound / DigestPage.leaves
        if first >= end {
            for page in leaves.lowerBound / DigestPage.leaves...(leaves.upperBound - 1)
                / DigestPage.leaves
            {
                try self.clear(leaves, inPage: page)
            }
            return
        }
        if leaves.lowerBound < first * DigestPage.leaves {
            try self.clear(leaves, inPage: first - 1)
        }
        if leaves.upperBound > end * DigestPage.leaves { try self.clear(leaves, inPage: end) }
        try self.clearPages(first..<end, level: 0)
    }

    /// The first leaf at or after `leaf` whose digest is not zero; skips what is not stored.
    public mutating func nextNonZeroLeaf(
        from leaf: LeafIndex
    ) throws(Store.Failure) -> LeafIndex? {
        guard leaf.index < self.leafCount else { return nil }
        var page = leaf.index / DigestPage.leaves
        var inner = leaf.index % DigestPage.leaves
        while true {
            let slot = try self.slot(PagePlace(level: 0, index: page))
            if let found = self.cache.entries[slot].page.firstNonZeroLeaf(from: inner) {
                return LeafIndex(page * DigestPage.leaves + found)
            }
            guard let next = try self.nextLeafPage(from: page + 1) else { return nil }
            page = next
            inner = 0
        }
    }

    // MARK: The root

    /// The root over all leaves, the size and the identities; also stores everything.
    ///
    /// - Complexity: one SHA-256 of 4 KiB for each page touched since the last root, and for the
    ///   pages above them.
    public mutating func root() throws(Store.Failure) -> RootDigest {
        try self.refresh()
        try self.flush()
        let slot = try self.slot(PagePlace(level: self.shape.top, index: 0))
        return self.format.root(
            top: self.format.node(
                level: self.shape.top,
                index: 0,
                page: self.cache.entries[slot].page
            ),
            size: self.size,
            volume: self.volume,
            lineage: self.lineage
        )
    }

    /// Stores every page that changed.
    ///
    /// The nodes above them are only up to date after a root.
    public mutating func flush() throws(Store.Failure) {
        for slot in self.cache.dirtySlots() { try self.storePage(slot) }
    }

    /// Fits the tree to a grown or shrunk volume.
    ///
    /// What is cut off becomes zero. When the new end lies inside a leaf, that leaf's digest has to
    /// be set by the caller, who knows its bytes.
    public mutating func resize(to size: ByteCount) throws(Store.Failure) {
        let new = DigestTreeShape(size: size)
        let old = self.shape
        if new.leaves < old.leaves {
            try self.clear(new.leaves..<old.leaves)
        }
        // With every node right, the levels above the new top can go, or the old top can get
        // its place in a new level.
        try self.refresh()
        if new.levels < old.levels {
            for level in new.levels..<old.levels {
                try self.clearPages(0..<old.pages(level: level), level: level)
                self.stale[level].removeAll()
            }
        }
        self.size = size
        self.shape = new
        if new.levels > old.levels { self.stale[old.top].insert(0) }
    }

    /// Distrusts every stored node and marks all stored leaves, so that the next root hashes them.
    ///
    /// For a store that a killed process left behind. Costs time in proportion to the stored pages.
    public mutating func rebuild() throws(Store.Failure) {
        for level in stride(from: self.shape.top, to: 0, by: -1) {
            try self.clearPages(0..<self.shape.pages(level: level), level: level)
        }
        var page = try self.nextLeafPage(from: 0)
        while let index = page {
            self.stale[0].insert(index)
            page = try self.nextLeafPage(from: index + 1)
        }
    }
}

// MARK: - Pages

extension DigestTree {
    private var format: DigestFormat { DigestFormat(key: self.key, algorithm: self.algorithm) }

    private mutating func slot(holding leaf: LeafIndex) throws(Store.Failure) -> Int {
        precondition(
            leaf.index < self.leafCount,
            "leaf \(leaf.index) is outside of a volume of \(self.leafCount)"
        )
        return try self.slot(PagePlace(level: 0, index: leaf.index / DigestPage.leaves))
    }

    /// The cache slot of a page, which is read when it is not there.
    private mutating func slot(_ place: PagePlace) throws(Store.Failure) -> Int {
        if let slot = self.cache.slot(of: place) { return slot }
        let page = try self.store.read(level: place.level, index: place.index) ?? DigestPage.zero
        guard self.cache.isFull else { return self.cache.append(place, page) }
        let slot = self.cache.victim()
        try self.storePage(slot)
        self.cache.replace(slot, with: place, page)
        return slot
    }

    private mutating func storePage(_ slot: Int) throws(Store.Failure) {
        let entry = self.cache.entries[slot]
        guard entry.isDirty else { return }
        try self.store.write(entry.page, level: entry.place.level, index: entry.place.index)
        self.cache.entries[slot].isDirty = false
    }

    private mutating func markChanged(_ slot: Int) {
        self.cache.entries[slot].isDirty = true
        self.stale[self.cache.entries[slot].place.level]
            .insert(self.cache.entries[slot].place.index)
    }

    private func nextLeafPage(from index: Int) throws(Store.Failure) -> Int? {
        let pages = self.shape.pages(level: 0)
        let stored = try self.store.nextPage(level: 0, from: index) ?? pages
        let next = min(stored, self.cache.nextDirtyLeafPage(from: index) ?? pages)
        return next < pages ? next : nil
    }

    /// Zeroes the leaves of one page that are in the range.
    private mutating func clear(_ leaves: Range<Int>, inPage page: Int) throws(Store.Failure) {
        let slot = try self.slot(PagePlace(level: 0, index: page))
        let start = page * DigestPage.leaves
        var isChanged = false
        for leaf in leaves.clamped(to: start..<start + DigestPage.leaves)
        where self.cache.entries[slot].page[leaf: leaf - start] != .zero {
            self.cache.entries[slot].page[leaf: leaf - start] = .zero
            isChanged = true
        }
        if isChanged { self.markChanged(slot) }
    }

    /// Zeroes whole pages: those in the cache, and of the others only those that are stored.
    private mutating func clearPages(
        _ pages: Range<Int>,
        level: Int
    ) throws(Store.Failure) {
        for slot in self.cache.indices
        where self.cache.entries[slot].place.level == level
            && pages.contains(self.cache.entries[slot].place.index)
            && !self.cache.entries[slot].page.isZero
        {
            self.cache.entries[slot].page = DigestPage.zero
            self.markChanged(slot)
        }
        var index = pages.lowerBound
        while let stored = try self.store.nextPage(level: level, from: index),
            stored < pages.upperBound
        {
            if self.cache.slot(of: PagePlace(level: level, index: stored)) == nil {
                try self.store.write(DigestPage.zero, level: level, index: stored)
                self.stale[level].insert(stored)
            }
            index = stored + 1
        }
    }

    /// Brings the nodes of all stale pages up to date, level by level.
    private mutating func refresh() throws(Store.Failure) {
        let format = self.format
        for level in 0..<self.shape.top {
            var page = self.stale[level].next(from: 0)
            while let index = page {
                let child = try self.slot(PagePlace(level: level, index: index))
                let node = format.node(
                    level: level,
                    index: index,
                    page: self.cache.entries[child].page
                )
                let parent = try self.slot(
                    PagePlace(level: level + 1, index: index / DigestPage.nodes)
                )
                if self.cache.entries[parent].page[node: index % DigestPage.nodes] != node {
                    self.cache.entries[parent].page[node: index % DigestPage.nodes] = node
                    self.markChanged(parent)
                }
                self.stale[level].remove(index)
                page = self.stale[level].next(from: index + 1)
            }
        }
        self.stale[self.shape.top].removeAll()
    }
}

extension DigestTree: Sendable where Store: Sendable {}
