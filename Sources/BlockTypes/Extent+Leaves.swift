// SPDX-License-Identifier: Apache-2.0

// How the bytes of an extent lie on the leaves of its volume, of which the last one may be short.

extension Extent {
    /// The numbers of the leaves that it covers whole, in a volume of this size.
    ///
    /// The last leaf of a volume counts as whole where the extent ends with the volume. Empty, at
    /// an unspecified place, where it covers none.
    public func wholeLeaves(in size: ByteCount) -> Range<Int> {
        let leaf = Geometry.leaf
        let first = self.start.roundedUp(to: leaf).bytes / leaf.bytes
        let end =
            self.end.bytes == size.bytes
            ? self.end.roundedUp(to: leaf) : self.end.roundedDown(to: leaf)
        return first..<max(first, end.bytes / leaf.bytes)
    }

    /// What of it lies before and behind its whole leaves; all of it is head where it has none.
    ///
    /// No array: this is asked once a chunk, and nothing is allocated there.
    public func edges(around leaves: Range<Int>) -> (head: Self?, tail: Self?) {
        guard !leaves.isEmpty else { return (self, nil) }
        let start = LeafIndex(leaves.lowerBound).start
        let end = LeafIndex(leaves.upperBound).start
        return (
            head: self.start < start ? Self(self.start, start) : nil,
            tail: end < self.end ? Self(end, self.end) : nil
        )
    }

    /// The numbers of the leaves of which it has at least one byte.
    public var touchedLeaves: Range<Int> {
        let leaf = Geometry.leaf
        let end = self.end.roundedUp(to: leaf).bytes / leaf.bytes
        return LeafIndex(containing: self.start).index..<end
    }
}

extension LeafIndex {
    /// The bytes of the leaf, cut at the end of a volume of this size.
    ///
    /// A leaf behind the end is our own mistake and traps.
    public func extent(in size: ByteCount) -> Extent {
        Extent(self.start, min(self.start + Geometry.leaf, ByteOffset(size.bytes)))
    }
}
