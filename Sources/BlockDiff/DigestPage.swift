// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// One page of a digest tree: 4,096 bytes, by value.
///
/// A page of level 0 holds 256 leaf digests of 16 bytes (low half, then high half, both
/// little-endian). A page of a higher level holds 128 nodes of 32 bytes, each the digest of a page
/// one level below. The same bytes are stored and hashed.
public struct DigestPage: Hashable, Sendable {
    /// The bytes of a page.
    public static let size = ByteCount.kibibytes(4)

    /// Leaf digests in a page of level 0: 256, which is 16 MiB of volume.
    public static let leaves = 256

    /// Nodes in a page of a higher level: 128.
    public static let nodes = 128

    /// The page of zeros.
    ///
    /// Shared until it is written to, so that holes cost no memory.
    public static let zero = Self(storage: [UInt8](repeating: 0, count: 4096))

    /// The 4,096 bytes.
    public private(set) var bytes: [UInt8]

    private init(storage: [UInt8]) { self.bytes = storage }

    /// A page of zeros.
    public init() { self = Self.zero }

    /// A page of exactly 4,096 bytes; nil for any other number.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size.bytes else { return nil }
        self.bytes = bytes
    }

    /// Whether every byte is zero: nothing to store and nothing to hash.
    public var isZero: Bool {
        // 64 bytes at a time without a branch between them: the inner loop is vectorised.
        var start = 0
        while start < self.bytes.count {
            var all: UInt8 = 0
            var index = start
            while index < start + 64 {
                all |= self.bytes[index]
                index += 1
            }
            if all != 0 { return false }
            start += 64
        }
        return true
    }

    /// The leaf digest in a slot of `0..<256`.
    public subscript(leaf slot: Int) -> LeafDigest {
        get { LeafDigest(low: self.word(at: slot * 16), high: self.word(at: slot * 16 + 8)) }
        set {
            self.setWord(newValue.low, at: slot * 16)
            self.setWord(newValue.high, at: slot * 16 + 8)
        }
    }

    /// The node in a slot of `0..<128`: 32 bytes.
    public subscript(node slot: Int) -> [UInt8] {
        get { Array(self.bytes[slot * 32..<slot * 32 + 32]) }
        set {
            precondition(newValue.count == 32, "a node has 32 bytes, not \(newValue.count)")
            self.bytes.replaceSubrange(slot * 32..<slot * 32 + 32, with: newValue)
        }
    }

    /// The first slot at or after `slot` whose leaf digest is not zero.
    func firstNonZeroLeaf(from slot: Int) -> Int? {
        (slot..<Self.leaves).first { self[leaf: $0] != .zero }
    }

    private func word(at offset: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 { word |= UInt64(self.bytes[offset + index]) << UInt64(8 * index) }
        return word
    }

    private mutating func setWord(_ word: UInt64, at offset: Int) {
        for index in 0..<8 {
            self.bytes[offset + index] = UInt8(truncatingIfNeeded: word >> UInt64(8 * index))
        }
    }
}

/// Where the pages of a digest tree are kept; sparse.
///
/// Pages are named by level and index. What was never written, or was written as zeros, may be
/// forgotten: it is read as nil.
public protocol DigestPageStore {
    /// What goes wrong with the storage.
    associatedtype Failure: Error

    /// A page; nil when it is all zero.
    mutating func read(level: Int, index: Int) throws(Failure) -> DigestPage?

    /// Keeps a page. A page of zeros may be dropped instead.
    mutating func write(_ page: DigestPage, level: Int, index: Int) throws(Failure)

    /// The first page at or after `index` that is stored, and so may be different from zero.
    ///
    /// Costs nothing for the pages that are not there.
    func nextPage(level: Int, from index: Int) throws(Failure) -> Int?
}

/// Digest pages in memory, for tests and small volumes.
public struct MemoryDigestPages: DigestPageStore, Sendable {
    private struct Level {
        var indices: [Int] = []
        var pages: [DigestPage] = []

        func slot(of index: Int) -> Int {
            var low = 0
            var high = self.indices.count
            while low < high {
                let middle = (low + high) / 2
                if self.indices[middle] < index { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private var levels: [Level] = []

    /// How many pages were read, also those that are not stored.
    public private(set) var readCount = 0

    /// How many pages were written.
    public private(set) var writeCount = 0

    /// No pages.
    public init() {}

    /// The number of stored pages of a level.
    public func pageCount(level: Int) -> Int {
        level < self.levels.count ? self.levels[level].indices.count : 0
    }

    /// A page; nil when it is all zero.
    public mutating func read(level: Int, index: Int) -> DigestPage? {
        self.readCount += 1
        guard level < self.levels.count else { return nil }
        let slot = self.levels[level].slot(of: index)
        guard slot < self.levels[level].indices.count, self.levels[level].indices[slot] == index
        else { return nil }
        return self.levels[level].pages[slot]
    }

    /// Keeps a page, or drops it when it is zero.
    public mutating func write(_ page: DigestPage, level: Int, index: Int) {
        self.writeCount += 1
        while level >= self.levels.count { self.levels.append(Level()) }
        let slot = self.levels[level].slot(of: index)
        let isPresent =
            slot < self.levels[level].indices.count && self.levels[level].indices[slot] == index
        switch (isPresent, page.isZero) {
        case (true, false):
            self.levels[level].pages[slot] = page
        case (true, true):
            self.levels[level].indices.remove(at: slot)
            self.levels[level].pages.remove(at: slot)
        case (false, false):
            self.levels[level].indices.insert(index, at: slot)
            self.levels[level].pages.insert(page, at: slot)
        case (false, true):
            break
        }
    }

    /// The first stored page at or after `index`.
    public func nextPage(level: Int, from index: Int) -> Int? {
        guard level < self.levels.count else { return nil }
        let slot = self.levels[level].slot(of: index)
        return slot < self.levels[level].indices.count ? self.levels[level].indices[slot] : nil
    }
}
