// SPDX-License-Identifier: Apache-2.0

/// Counts the generations of one lineage, from 1.
public struct GenerationNumber: Hashable, Comparable, Sendable {
    /// Its place in the lineage, from 1.
    public let number: UInt64

    /// Takes the parts as they are.
    public init(_ number: UInt64) { self.number = number }

    /// The number of the generation after this one; nil at the end of the counter.
    public var next: Self? {
        let (sum, overflow) = self.number.addingReportingOverflow(1)
        return overflow ? nil : Self(sum)
    }

    /// Whether the left one comes first.
    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// The root of the hash tree over a generation's leaves and its size: 32 bytes.
public struct RootDigest: Hashable, Sendable, CustomStringConvertible {
    /// The bytes, most significant first.
    public let bytes: [UInt8]

    /// A digest of exactly 32 bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Sixty-four hexadecimal digits.
    public var description: String { Hexadecimal.text(of: self.bytes) }
}

/// The digest of one leaf: 128 bits; all zero for a leaf of zeros.
///
/// Secret: never shown or logged.
public struct LeafDigest: Hashable, Sendable {
    /// The lower 64 bits.
    public var low: UInt64
    /// The upper 64 bits.
    public var high: UInt64

    /// Takes the parts as they are.
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The digest of a leaf that holds only zeros.
    public static let zero = Self(low: 0, high: 0)

    /// Replaces the share of some granules: digests combine by exclusive or (docs/decisions/0002).
    public static func ^ (left: Self, right: Self) -> Self {
        Self(low: left.low ^ right.low, high: left.high ^ right.high)
    }
}

/// Which digests a lineage uses; negotiated, stored and bound into every root.
public enum DigestAlgorithm: UInt8, Hashable, Sendable, CaseIterable {
    /// Pseudo-dot-product hash over GF(2)[x] under a secret lineage key, SHA-256 above the leaves.
    case ph128 = 1
}

/// One immutable state of a volume.
///
/// What a destination shows is always exactly one of these (P1).
public struct Generation: Hashable, Sendable {
    /// The volume this is a state of.
    public let volume: VolumeID
    /// The history it belongs to.
    public let lineage: LineageID
    /// Its place in the lineage, from 1.
    public let number: GenerationNumber
    /// The frozen view it was read from.
    public let snapshot: SnapshotID
    /// The number of bytes of the volume.
    public let size: ByteCount
    /// The proof of its contents.
    public let root: RootDigest

    /// Takes the parts as they are.
    public init(
        volume: VolumeID,
        lineage: LineageID,
        number: GenerationNumber,
        snapshot: SnapshotID,
        size: ByteCount,
        root: RootDigest
    ) {
        self.volume = volume
        self.lineage = lineage
        self.number = number
        self.snapshot = snapshot
        self.size = size
        self.root = root
    }
}

/// How a transfer gets the destination to the target generation.
public enum TransferMode: UInt8, Hashable, Sendable, CaseIterable {
    /// Ships what differs from the base, as the change source tells it.
    case incremental = 1
    /// Needs no base and ships every byte that is not zero.
    case fullCopy = 2
    /// Re-reads every byte on both sides, compares leaf digests, ships what differs.
    case fullVerify = 3

    /// Whether a base generation is part of the offer.
    public var needsBase: Bool {
        switch self {
        case .incremental, .fullVerify: true
        case .fullCopy: false
        }
    }
}
