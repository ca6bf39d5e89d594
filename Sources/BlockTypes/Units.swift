// SPDX-License-Identifier: Apache-2.0

/// A number of bytes, never negative.
///
/// A quantity; a place in a volume is a ``ByteOffset``.
public struct ByteCount: Hashable, Comparable, Sendable {
    /// The number of bytes, in `0...Int.max`.
    public let bytes: Int

    /// A count of `bytes` bytes; a negative number is our own mistake and traps.
    public init(_ bytes: Int) {
        precondition(bytes >= 0, "a byte count cannot be negative: \(bytes)")
        self.bytes = bytes
    }

    /// A count from a number that a peer or a file gave; nil where it does not fit.
    public init?(untrusted value: UInt64) {
        guard let bytes = Int(exactly: value) else { return nil }
        self.bytes = bytes
    }

    /// No bytes: the start, or nothing at all.
    public static let zero = Self(0)

    /// `count` × 1,024 bytes.
    public static func kibibytes(_ count: Int) -> Self { Self(count << 10) }

    /// `count` × 1,048,576 bytes.
    public static func mebibytes(_ count: Int) -> Self { Self(count << 20) }

    /// `count` × 1,073,741,824 bytes.
    public static func gibibytes(_ count: Int) -> Self { Self(count << 30) }

    /// `count` × 1,099,511,627,776 bytes.
    public static func tebibytes(_ count: Int) -> Self { Self(count << 40) }

    /// Whether the left one comes first.
    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

    /// The sum; more than `Int.max` is our own mistake and traps.
    public static func + (left: Self, right: Self) -> Self { Self(left.bytes + right.bytes) }

    /// The difference; less than zero is our own mistake and traps.
    public static func - (left: Self, right: Self) -> Self { Self(left.bytes - right.bytes) }

    /// Adds in place.
    public static func += (left: inout Self, right: Self) { left = left + right }

    /// Subtracts in place.
    public static func -= (left: inout Self, right: Self) { left = left - right }
}

/// A place in a volume: the number of bytes before it.
public struct ByteOffset: Hashable, Comparable, Sendable {
    /// The number of bytes before this place, in `0...Int.max`.
    public let bytes: Int

    /// The place after `bytes` bytes; a negative number is our own mistake and traps.
    public init(_ bytes: Int) {
        precondition(bytes >= 0, "a byte offset cannot be negative: \(bytes)")
        self.bytes = bytes
    }

    /// A place from a number that a peer or a file gave; nil where it does not fit.
    public init?(untrusted value: UInt64) {
        guard let bytes = Int(exactly: value) else { return nil }
        self.bytes = bytes
    }

    /// No bytes: the start, or nothing at all.
    public static let zero = Self(0)

    /// Whether the left one comes first.
    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

    /// The sum; more than `Int.max` is our own mistake and traps.
    public static func + (place: Self, count: ByteCount) -> Self {
        Self(place.bytes + count.bytes)
    }

    /// The difference; less than zero is our own mistake and traps.
    public static func - (left: Self, right: Self) -> ByteCount {
        ByteCount(left.bytes - right.bytes)
    }

    /// Adds in place.
    public static func += (place: inout Self, count: ByteCount) { place = place + count }

    /// The nearest multiple of `unit` at or before this place.
    public func roundedDown(to unit: ByteCount) -> Self {
        Self(self.bytes / unit.bytes * unit.bytes)
    }

    /// The nearest multiple of `unit` at or after this place.
    public func roundedUp(to unit: ByteCount) -> Self {
        Self((self.bytes + unit.bytes - 1) / unit.bytes * unit.bytes)
    }
}
