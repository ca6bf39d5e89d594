// SPDX-License-Identifier: Apache-2.0

/// A half-open byte range of a volume; never empty.
public struct Extent: Hashable, Sendable {
    /// The first byte.
    public let start: ByteOffset

    /// The place after the last byte; always greater than `start`.
    public let end: ByteOffset

    /// The range `start..<end`; an empty or reversed one is our own mistake and traps.
    public init(_ start: ByteOffset, _ end: ByteOffset) {
        precondition(start < end, "an extent cannot be empty: \(start.bytes)..<\(end.bytes)")
        self.start = start
        self.end = end
    }

    /// The range of `length` bytes from `start`.
    public init(at start: ByteOffset, length: ByteCount) {
        self.init(start, start + length)
    }

    /// The number of bytes, at least 1.
    public var length: ByteCount { self.end - self.start }

    /// Whether a byte is in both.
    public func overlaps(_ other: Self) -> Bool {
        self.start < other.end && other.start < self.end
    }

    /// The bytes that are in both; nil where there are none.
    public func intersection(_ other: Self) -> Self? {
        let start = max(self.start, other.start)
        let end = min(self.end, other.end)
        return start < end ? Self(start, end) : nil
    }

    /// The smallest range of whole granules around this one, cut at the end of the volume.
    public func roundedOut(to unit: ByteCount, within size: ByteCount) -> Self {
        Self(
            self.start.roundedDown(to: unit),
            min(self.end.roundedUp(to: unit), ByteOffset(size.bytes))
        )
    }
}

extension Extent: CustomStringConvertible {
    /// The text for messages and logs.
    public var description: String { "\(self.start.bytes)..<\(self.end.bytes)" }
}

/// What an extent of a volume holds.
public enum ExtentKind: UInt8, Hashable, Sendable, CaseIterable {
    /// Bytes that may differ from zero.
    case data = 0
    /// Reads as zeros: a hole, discarded, or unwritten space.
    case zero = 1
}

/// A byte range and what it holds.
public struct KindedExtent: Hashable, Sendable {
    /// The bytes.
    public let extent: Extent
    /// What they hold.
    public let kind: ExtentKind

    /// Takes the parts as they are.
    public init(_ extent: Extent, _ kind: ExtentKind) {
        self.extent = extent
        self.kind = kind
    }
}
