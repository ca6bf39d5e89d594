// SPDX-License-Identifier: Apache-2.0

public import Codecs

/// Some of the chunk codecs: bit n stands for the codec with number n.
public struct CodecSet: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// The set with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Chunks as they are.
    public static let none = Self(rawValue: 1)

    /// LZ4 blocks.
    public static let lz4 = Self(rawValue: 2)

    /// Raw deflate streams (RFC 1951).
    public static let deflate = Self(rawValue: 4)

    /// Zstandard frames (RFC 8878).
    public static let zstd = Self(rawValue: 8)

    /// Every codec of version 1.
    public static let all: Self = [.none, .lz4, .deflate, .zstd]

    /// Whether chunks may have this codec.
    public func contains(_ codec: ChunkCodec) -> Bool {
        switch codec {
        case .none: self.contains(Self.none)
        case .lz4: self.contains(Self.lz4)
        case .deflate: self.contains(Self.deflate)
        case .zstd: self.contains(Self.zstd)
        }
    }
}
