// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
public import Codecs

// offset size field
//      0    8 offset      of the chunk in the volume, a multiple of 4,096
//      8    4 raw length  bytes before compression, 1...1 MiB
//     12    1 codec       ChunkCodec
//     13    3 reserved    0
//     16    8 checksum    XXH3-64 of the uncompressed bytes
//     24    … payload     to the end of the body

/// The 24 bytes of a data frame's body before the payload.
///
/// Its own bytes have no checksum: a wrong place or length shows in the root digest, and TLS guards
/// the way. The payload's checksum finds faults of memory and of compressors at once.
public struct DataHeader: Hashable, Sendable {
    /// The bytes of an encoded header: 24.
    public static let encodedSize = 24

    /// Where the chunk starts in the volume; a multiple of a granule.
    public let offset: ByteOffset

    /// The bytes of the chunk before compression, in 1...1 MiB.
    public let rawLength: Int

    /// How the payload is compressed.
    public let codec: ChunkCodec

    /// XXH3-64 of the uncompressed bytes.
    public let checksum: UInt64

    /// The bytes of the volume that the chunk holds.
    public var extent: Extent { Extent(at: self.offset, length: ByteCount(self.rawLength)) }

    /// The header of a chunk that this side sends.
    public init(offset: ByteOffset, rawLength: Int, codec: ChunkCodec, checksum: UInt64) {
        precondition(
            rawLength > 0 && rawLength <= Geometry.maximumChunk.bytes,
            "a chunk cannot have \(rawLength) bytes"
        )
        precondition(
            offset.bytes.isMultiple(of: Geometry.granule.bytes),
            "a chunk cannot start at \(offset.bytes)"
        )
        self.offset = offset
        self.rawLength = rawLength
        self.codec = codec
        self.checksum = checksum
    }

    /// Reads the 24 bytes from `position` on, which the caller has received.
    public static func decode(
        _ buffer: borrowing ChunkBuffer,
        at position: Int
    ) throws(FrameError)
        -> Self
    {
        let place = buffer.load(UInt64.self, at: position)
        guard place < UInt64(Geometry.maximumVolume.bytes),
            place.isMultiple(of: UInt64(Geometry.granule.bytes)),
            let offset = ByteOffset(untrusted: place)
        else { throw .badValue(field: "data.offset", value: place) }
        let length = buffer.load(UInt32.self, at: position + 8)
        guard length > 0, Int(length) <= Geometry.maximumChunk.bytes else {
            throw .badValue(field: "data.rawLength", value: UInt64(length))
        }
        guard let codec = ChunkCodec(rawValue: buffer[position + 12]) else {
            throw .badValue(field: "data.codec", value: UInt64(buffer[position + 12]))
        }
        for index in 13..<16 where buffer[position + index] != 0 {
            throw .badReserved(field: "data \(index)", value: UInt64(buffer[position + index]))
        }
        return Self(
            offset: offset,
            rawLength: Int(length),
            codec: codec,
            checksum: buffer.load(UInt64.self, at: position + 16)
        )
    }

    /// Writes the 24 bytes from `position` on.
    public func encode(into buffer: inout ChunkBuffer, at position: Int) {
        buffer.store(UInt64(self.offset.bytes), at: position)
        buffer.store(UInt32(self.rawLength), at: position + 8)
        buffer.store(self.codec.rawValue, at: position + 12)
        buffer.clear(position + 13..<position + 16)
        buffer.store(self.checksum, at: position + 16)
    }
}
