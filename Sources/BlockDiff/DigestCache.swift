// SPDX-License-Identifier: Apache-2.0

/// The bounds of what this module keeps in memory.
public enum DigestLimits {
    /// Pages that one tree caches: 512, which is 2 MiB of memory.
    ///
    /// Covers 8 GiB of volume written in any order before a page is stored more than once; well
    /// below the 16 MiB that P6 leaves for digests.
    public static let cachedPages = 512

    /// Leaves that one audit looks at: enough to see a source that misses 1 % of the changes in
    /// all but e^-10 of the runs, and at most 64 MiB to read.
    public static let auditSamples = 1024

    /// Places drawn for each leaf to audit, since some of them will be reported as changed.
    public static let auditSurplus = 4
}

/// The name of a page in one tree.
struct PagePlace: Hashable {
    var level: Int
    var index: Int
}

/// A bounded set of pages, some of them not yet stored.
///
/// Holds: at most `capacity` entries; `slots` names each entry exactly once.
struct DigestCache: Sendable {
    struct Entry {
        var place: PagePlace
        var page: DigestPage
        /// The store does not have this content yet.
        var isDirty: Bool
        /// Used since the hand came by: survives once more.
        var isRecent: Bool
    }

    private let capacity: Int
    /// Changed in place by the tree; added and replaced only here.
    var entries: [Entry] = []
    private var slots: [PagePlace: Int] = [:]
    private var hand = 0
    /// The slot of the last look-up: neighbouring leaves share a page.
    private var last = 0

    init(capacity: Int) {
        precondition(capacity >= 2, "a parent and a child must fit: \(capacity)")
        self.capacity = capacity
    }

    var isFull: Bool { self.entries.count >= self.capacity }

    /// The slots in use.
    var indices: Range<Int> { self.entries.indices }

    mutating func slot(of place: PagePlace) -> Int? {
        if self.last < self.entries.count, self.entries[self.last].place == place {
            return self.last
        }
        guard let slot = self.slots[place] else { return nil }
        self.entries[slot].isRecent = true
        self.last = slot
        return slot
    }

    /// The slot to give up: the first one that was not used since the hand last came by.
    mutating func victim() -> Int {
        while self.entries[self.hand].isRecent {
            self.entries[self.hand].isRecent = false
            self.hand = (self.hand + 1) % self.entries.count
        }
        let slot = self.hand
        self.hand = (self.hand + 1) % self.entries.count
        return slot
    }

    mutating func append(_ place: PagePlace, _ page: DigestPage) -> Int {
        precondition(!self.isFull, "the cache holds \(self.entries.count) of \(self.capacity)")
        self.entries.append(Entry(place: place, page: page, isDirty: false, isRecent: true))
        self.slots[place] = self.entries.count - 1
        self.last = self.entries.count - 1
        return self.last
    }

    mutating func replace(_ slot: Int, with place: PagePlace, _ page: DigestPage) {
        precondition(!self.entries[slot].isDirty, "page \(self.entries[slot].place) is not stored")
        self.slots[self.entries[slot].place] = nil
        self.entries[slot] = Entry(place: place, page: page, isDirty: false, isRecent: true)
        self.slots[place] = slot
        self.last = slot
    }

    /// The slots of pages that the store does not have, in the order of the store.
    func dirtySlots() -> [Int] {
        self.entries.indices.filter { self.entries[$0].isDirty }
            .sorted {
                let left = self.entries[$0].place
                let right = self.entries[$1].place
                return (left.level, left.index) < (right.level, right.index)
            }
    }

    /// The first page of level 0 at or after `index` that the store does not have.
    func nextDirtyLeafPage(from index: Int) -> Int? {
        var least: Int?
        for entry in self.entries
        where entry.isDirty && entry.place.level == 0 && entry.place.index >= index {
            least = min(least ?? .max, entry.place.index)
        }
        return least
    }
}

/// A sparse set of page numbers: 4 KiB for each 32,768 pages of which at least one was touched.
struct PageSet: Sendable {
    private static let wordsPerChunk = 512
    private static let bitsPerChunk = 512 * 64

    /// Empty where no page was touched.
    private var chunks: [[UInt64]] = []

    mutating func insert(_ page: Int) {
        let chunk = page / Self.bitsPerChunk
        while self.chunks.count <= chunk { self.chunks.append([]) }
        if self.chunks[chunk].isEmpty {
            self.chunks[chunk] = [UInt64](repeating: 0, count: Self.wordsPerChunk)
        }
        let bit = page % Self.bitsPerChunk
        self.chunks[chunk][bit / 64] |= 1 << UInt64(bit % 64)
    }

    mutating func remove(_ page: Int) {
        let chunk = page / Self.bitsPerChunk
        guard chunk < self.chunks.count, !self.chunks[chunk].isEmpty else { return }
        let bit = page % Self.bitsPerChunk
        self.chunks[chunk][bit / 64] &= ~(1 << UInt64(bit % 64))
    }

    /// The least member at or after `page`.
    func next(from page: Int) -> Int? {
        var chunk = page / Self.bitsPerChunk
        var bit = page % Self.bitsPerChunk
        while chunk < self.chunks.count {
            var word = bit / 64
            while word < self.chunks[chunk].count {
                let rest = self.chunks[chunk][word] & (UInt64.max << UInt64(bit % 64))
                if rest != 0 {
                    return chunk * Self.bitsPerChunk + word * 64 + rest.trailingZeroBitCount
                }
                word += 1
                bit = word * 64
            }
            chunk += 1
            bit = 0
        }
        return nil
    }

    mutating func removeAll() { self.chunks.removeAll() }
}
