// SPDX-License-Identifier: Apache-2.0

/// How the payload of a chunk is encoded; the raw value is the number on the wire.
public enum ChunkCodec: UInt8, Hashable, Sendable, CaseIterable {
    /// The bytes as they are.
    case none = 0
    /// One LZ4 block without a frame.
    case lz4 = 1
    /// One raw deflate stream (RFC 1951) without a header; for peers without Zstandard.
    case deflate = 2
    /// One Zstandard frame (RFC 8878); repays its cost on slow links only.
    case zstd = 3
}
