// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// Asks for the digests of consecutive leaves of the base.
public struct LeafQuery: Hashable, Sendable {
    /// The first leaf.
    public let first: LeafIndex

    /// How many, in 1...4,000.
    public let count: Int

    /// The question about `count` leaves from `first` on.
    public init(first: LeafIndex, count: Int) {
        precondition((1...Limits.leavesPerQuery).contains(count), "\(count) leaves in a query")
        self.first = first
        self.count = count
    }

    /// The leaf numbers.
    public var leaves: Range<Int> { self.first.index..<self.first.index + self.count }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.first = try reader.leaf("leafQuery.first")
        let count = try reader.number(UInt32.self, "leafQuery.count")
        guard (1...Limits.leavesPerQuery).contains(Int(count)) else {
            throw .badValue(field: "leafQuery.count", value: UInt64(count))
        }
        self.count = Int(count)
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.first)
        writer.put(UInt32(self.count))
    }
}

/// The answer to a ``LeafQuery``.
public struct LeafDigests: Hashable, Sendable {
    /// The first leaf.
    public let first: LeafIndex

    /// 1...4,000 digests, of `first` and the leaves after it.
    public let digests: [LeafDigest]

    /// The digests of the leaves from `first` on.
    public init(first: LeafIndex, digests: [LeafDigest]) {
        precondition(
            (1...Limits.leavesPerQuery).contains(digests.count),
            "\(digests.count) leaf digests"
        )
        self.first = first
        self.digests = digests
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.first = try reader.leaf("leafDigests.first")
        let count = try reader.number(UInt32.self, "leafDigests.count")
        guard (1...Limits.leavesPerQuery).contains(Int(count)),
            reader.remaining == 16 * Int(count)
        else { throw .badValue(field: "leafDigests.count", value: UInt64(count)) }
        var digests: [LeafDigest] = []
        digests.reserveCapacity(Int(count))
        for _ in 0..<count { digests.append(try reader.leafDigest("leafDigests.digest")) }
        self.digests = digests
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.first)
        writer.put(UInt32(self.digests.count))
        for digest in self.digests { writer.put(digest) }
    }
}

/// Asks for the shares of every granule of some leaves of the base.
public struct GranuleQuery: Hashable, Sendable {
    /// 1...128 leaves, ascending.
    public let leaves: [LeafIndex]

    /// The question about these leaves.
    public init(_ leaves: [LeafIndex]) {
        precondition(
            (1...Limits.leavesPerGranuleQuery).contains(leaves.count)
                && zip(leaves, leaves.dropFirst()).allSatisfy { $0 < $1 },
            "\(leaves.count) leaves are not a granule query"
        )
        self.leaves = leaves
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        let count = try reader.number(UInt16.self, "granuleQuery.count")
        guard (1...Limits.leavesPerGranuleQuery).contains(Int(count)),
            reader.remaining == 8 * Int(count)
        else { throw .badValue(field: "granuleQuery.count", value: UInt64(count)) }
        var leaves: [LeafIndex] = []
        for _ in 0..<count {
            let leaf = try reader.leaf("granuleQuery.leaf")
            if let previous = leaves.last, leaf <= previous {
                throw .badValue(field: "granuleQuery.leaf", value: UInt64(leaf.index))
            }
            leaves.append(leaf)
        }
        self.leaves = leaves
    }

    func write(to writer: inout BodyWriter) {
        writer.put(UInt16(self.leaves.count))
        for leaf in self.leaves { writer.put(leaf) }
    }
}

/// The shares that the 16 granules of one leaf have in its digest.
public struct GranuleShares: Hashable, Sendable {
    /// The leaf.
    public let leaf: LeafIndex

    /// Sixteen shares, of the granules in order; zero after the volume's end.
    public let shares: [LeafDigest]

    /// The shares of the granules of `leaf`.
    public init(leaf: LeafIndex, shares: [LeafDigest]) {
        precondition(shares.count == Geometry.granulesPerLeaf, "\(shares.count) shares")
        self.leaf = leaf
        self.shares = shares
    }
}

/// The answer to a ``GranuleQuery``.
public struct GranuleDigests: Hashable, Sendable {
    /// The leaves of the question, in its order.
    public let leaves: [GranuleShares]

    /// The shares of these leaves' granules.
    public init(_ leaves: [GranuleShares]) {
        precondition(
            (1...Limits.leavesPerGranuleQuery).contains(leaves.count),
            "\(leaves.count) leaves are not a granule answer"
        )
        self.leaves = leaves
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        let count = try reader.number(UInt16.self, "granuleDigests.count")
        guard (1...Limits.leavesPerGranuleQuery).contains(Int(count)),
            reader.remaining == (8 + 16 * Geometry.granulesPerLeaf) * Int(count)
        else { throw .badValue(field: "granuleDigests.count", value: UInt64(count)) }
        var leaves: [GranuleShares] = []
        for _ in 0..<count {
            let leaf = try reader.leaf("granuleDigests.leaf")
            var shares: [LeafDigest] = []
            for _ in 0..<Geometry.granulesPerLeaf {
                shares.append(try reader.leafDigest("granuleDigests.share"))
            }
            leaves.append(GranuleShares(leaf: leaf, shares: shares))
        }
        self.leaves = leaves
    }

    func write(to writer: inout BodyWriter) {
        writer.put(UInt16(self.leaves.count))
        for leaf in self.leaves {
            writer.put(leaf.leaf)
            for share in leaf.shares { writer.put(share) }
        }
    }
}
