// SPDX-License-Identifier: Apache-2.0

/// The sizes that are fixed by the format of stored digests and of the wire.
///
/// A change here is a new digest algorithm (docs/wire-format.md) and a new state-file version.
public enum Geometry {
    /// The unit of what is sent: 4 KiB, the page of the file systems and databases we carry.
    public static let granule = ByteCount.kibibytes(4)

    /// The unit of the stored digests: 64 KiB.
    ///
    /// Smaller costs index, larger costs precision.
    public static let leaf = ByteCount.kibibytes(64)

    /// Granules in one leaf.
    public static let granulesPerLeaf = 16

    /// The largest payload of one data frame, before compression: 1 MiB.
    public static let maximumChunk = ByteCount.mebibytes(1)

    /// The largest volume: 64 TiB; every structure is checked and bounded for it.
    public static let maximumVolume = ByteCount.tebibytes(64)
}

/// The number of a leaf: its start is `index` × 64 KiB.
public struct LeafIndex: Hashable, Comparable, Sendable {
    /// The zero-based number.
    public let index: Int

    /// The leaf with this zero-based number.
    public init(_ index: Int) {
        precondition(index >= 0, "a leaf index cannot be negative: \(index)")
        self.index = index
    }

    /// The leaf that holds the byte at `place`.
    public init(containing place: ByteOffset) {
        self.index = place.bytes / Geometry.leaf.bytes
    }

    /// Where the leaf starts.
    public var start: ByteOffset { ByteOffset(self.index * Geometry.leaf.bytes) }

    /// Whether the left one comes first.
    public static func < (left: Self, right: Self) -> Bool { left.index < right.index }
}
