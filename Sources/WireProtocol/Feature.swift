// SPDX-License-Identifier: Apache-2.0

/// The name of something that a side can do beyond the frames of its version.
///
/// 1...64 characters of `a-z`, `0-9`, `.` and `-`.
public struct FeatureName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it is on the wire.
    public let text: String

    /// A name; nil for a text that is empty, too long or has another character.
    public init?(_ text: String) {
        guard (1...Limits.featureNameLength).contains(text.utf8.count),
            text.utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        self.text = text
    }

    private init(known text: String) { self.text = text }

    /// Leaf digests by the algorithm ph128; required by every peer of version 1.
    public static let digestPH128 = Self(known: "digest.ph128")

    /// Chunks compressed as LZ4 blocks.
    public static let codecLZ4 = Self(known: "codec.lz4")

    /// Chunks compressed as raw deflate streams (RFC 1951).
    public static let codecDeflate = Self(known: "codec.deflate")

    /// Chunks compressed as Zstandard frames (RFC 8878).
    public static let codecZstd = Self(known: "codec.zstd")

    /// A connection on which a transfer has ended may serve another one.
    public static let connectionReuse = Self(known: "connection.reuse")

    /// The name.
    public var description: String { self.text }

    /// Orders by name.
    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// A feature that a side has, and whether it refuses peers without it.
public struct Feature: Hashable, Sendable {
    /// Which feature.
    public let name: FeatureName

    /// Whether a peer that does not name the feature too is refused.
    public let isRequired: Bool

    /// A feature with this name.
    public init(_ name: FeatureName, isRequired: Bool) {
        self.name = name
        self.isRequired = isRequired
    }

    /// What this code has.
    public static let current = [
        Self(.digestPH128, isRequired: true),
        Self(.codecLZ4, isRequired: false),
        Self(.codecDeflate, isRequired: false),
        Self(.codecZstd, isRequired: false),
        Self(.connectionReuse, isRequired: false),
    ]
}
