// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Codecs

// offset size field
//      0    4 magic        47 44 57 54, "GDWT"
//      4    1 type         FrameType
//      5    1 flags        bit 0: a peer that does not know the type skips the frame
//      6    2 reserved     0
//      8    4 body length  within FrameType.bodyLengths
//     12    4 reserved     0
//     16    8 sequence     frames before this one on the connection in this direction
//     24    8 checksum     XXH3-64 of the bytes 0..<24

/// Marks on a frame that are independent of its type.
public struct FrameFlags: OptionSet, Hashable, Sendable {
    /// The bits of the flags field.
    public let rawValue: UInt8

    /// The marks with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A peer that does not know the frame's type reads over it instead of ending the session.
    public static let optional = Self(rawValue: 1)

    /// Every mark that version 1 knows.
    public static let known: Self = .optional
}

/// The fixed 32 bytes before each body; believed only after its own checksum is right.
public struct FrameHeader: Hashable, Sendable {
    /// The bytes of an encoded header: 32.
    public static let encodedSize = 32

    /// "GDWT", read as a little-endian number.
    public static let magic: UInt32 = 0x5457_4447

    /// What follows; nil for an optional frame of a later version: read over `bodyLength` bytes.
    public let type: FrameType?

    /// The number in the type field.
    public let typeNumber: UInt8

    /// The marks of the frame.
    public let flags: FrameFlags

    /// The bytes of the body, already within the limits of its type.
    public let bodyLength: Int

    /// The number of frames before this one on its connection, in its direction.
    public let sequence: UInt64

    /// The header of a frame that this side sends; its length must fit its type.
    public init(type: FrameType, flags: FrameFlags = [], bodyLength: Int, sequence: UInt64) {
        precondition(
            type.bodyLengths.contains(bodyLength),
            "a \(type.name) body of \(bodyLength) bytes is not in \(type.bodyLengths)"
        )
        self.type = type
        self.typeNumber = type.rawValue
        self.flags = flags
        self.bodyLength = bodyLength
        self.sequence = sequence
    }

    private init(
        untrusted type: UInt8,
        _ flags: FrameFlags,
        _ length: UInt32,
        _ sequence: UInt64
    )
        throws(FrameError)
    {
        let bodyLength = Int(length)
        let known = FrameType(rawValue: type)
        if let known {
            let lengths = known.bodyLengths
            if bodyLength > lengths.upperBound {
                throw .bodyTooLong(known, length: bodyLength, limit: lengths.upperBound)
            }
            if bodyLength < lengths.lowerBound {
                throw .bodyTooShort(known, length: bodyLength, minimum: lengths.lowerBound)
            }
        } else {
            guard flags.contains(.optional) else { throw .unknownType(type) }
            let limit = Limits.controlBody.bytes
            guard bodyLength <= limit else {
                throw .skippedTooLong(type: type, length: bodyLength, limit: limit)
            }
        }
        self.type = known
        self.typeNumber = type
        self.flags = flags
        self.bodyLength = bodyLength
        self.sequence = sequence
    }

    /// Reads the 32 bytes from `offset` on, which the caller has received.
    public static func decode(
        _ buffer: borrowing ChunkBuffer,
        at offset: Int
    ) throws(FrameError)
        -> Self
    {
        let magic = buffer.load(UInt32.self, at: offset)
        guard magic == Self.magic else { throw .badMagic(magic) }
        let checksum = Checksum.xxh3(buffer, offset..<offset + 24)
        guard buffer.load(UInt64.self, at: offset + 24) == checksum else {
            throw .badHeaderChecksum
        }
        let flags = FrameFlags(rawValue: buffer[offset + 5])
        guard FrameFlags.known.isSuperset(of: flags) else { throw .badFlags(flags.rawValue) }
        let first = buffer.load(UInt16.self, at: offset + 6)
        guard first == 0 else { throw .badReserved(field: "header 6", value: UInt64(first)) }
        let second = buffer.load(UInt32.self, at: offset + 12)
        guard second == 0 else { throw .badReserved(field: "header 12", value: UInt64(second)) }
        return try Self(
            untrusted: buffer[offset + 4],
            flags,
            buffer.load(UInt32.self, at: offset + 8),
            buffer.load(UInt64.self, at: offset + 16)
        )
    }

    /// Writes the 32 bytes from `offset` on.
    public func encode(into buffer: inout ChunkBuffer, at offset: Int) {
        buffer.store(Self.magic, at: offset)
        buffer.store(self.typeNumber, at: offset + 4)
        buffer.store(self.flags.rawValue, at: offset + 5)
        buffer.store(UInt16(0), at: offset + 6)
        buffer.store(UInt32(self.bodyLength), at: offset + 8)
        buffer.store(UInt32(0), at: offset + 12)
        buffer.store(self.sequence, at: offset + 16)
        buffer.store(Checksum.xxh3(buffer, offset..<offset + 24), at: offset + 24)
    }

    /// The 32 bytes; for control frames, which are built outside of the data path's buffers.
    public func encoded() -> [UInt8] {
        var writer = BodyWriter()
        writer.put(Self.magic)
        writer.put(self.typeNumber)
        writer.put(self.flags.rawValue)
        writer.put(UInt16(0))
        writer.put(UInt32(self.bodyLength))
        writer.put(UInt32(0))
        writer.put(self.sequence)
        writer.put(Checksum.xxh3(writer.bytes))
        return writer.bytes
    }
}

/// Counts the frames of one direction of a connection, so that none is lost, repeated or moved.
public struct FrameSequence: Hashable, Sendable {
    /// The number of the next frame.
    public private(set) var next: UInt64 = 0

    /// The count at the start of a connection.
    public init() {}

    /// Takes the number of a frame that is to be sent.
    public mutating func take() -> UInt64 {
        defer { self.next &+= 1 }
        return self.next
    }

    /// Checks the number of a frame that came.
    public mutating func accept(_ header: FrameHeader) throws(FrameError) {
        guard header.sequence == self.next else {
            throw .badSequence(expected: self.next, got: header.sequence)
        }
        self.next &+= 1
    }
}
