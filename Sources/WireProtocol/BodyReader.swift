// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// Takes the body of a control frame apart; every step is checked, none can trap (P7).
struct BodyReader {
    private let type: FrameType
    private let bytes: [UInt8]
    private let end: Int
    private var position = 0

    /// Reads the bytes before `end`, which is at most the number of them.
    init(_ type: FrameType, _ bytes: [UInt8], end: Int) {
        precondition(end <= bytes.count, "the end \(end) is after \(bytes.count) bytes")
        self.type = type
        self.bytes = bytes
        self.end = end
    }

    /// The next `count` bytes, copied out.
    mutating func raw(_ count: Int, _ field: String) throws(FrameError) -> [UInt8] {
        guard count <= self.end - self.position else {
            throw .truncated(self.type, field: field)
        }
        defer { self.position += count }
        return Array(self.bytes[self.position..<self.position + count])
    }

    /// The next number, little-endian.
    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ kind: Number.Type,
        _ field: String
    ) throws(FrameError) -> Number {
        let size = Number.bitWidth / 8
        guard size <= self.end - self.position else {
            throw .truncated(self.type, field: field)
        }
        var value: Number = 0
        for index in 0..<size {
            value |= Number(self.bytes[self.position + index]) << (8 * index)
        }
        self.position += size
        return value
    }

    /// The next byte as 0 or 1.
    mutating func flag(_ field: String) throws(FrameError) -> Bool {
        let value = try self.number(UInt8.self, field)
        guard value <= 1 else { throw .badValue(field: field, value: UInt64(value)) }
        return value == 1
    }

    /// The next u64 as a number of bytes, at most `limit`.
    mutating func count(_ field: String, limit: Int = .max) throws(FrameError) -> ByteCount {
        let value = try self.number(UInt64.self, field)
        guard let count = ByteCount(untrusted: value), count.bytes <= limit else {
            throw .badValue(field: field, value: value)
        }
        return count
    }

    /// The next u64 as a number of things.
    mutating func tally(_ field: String) throws(FrameError) -> Int {
        try self.count(field).bytes
    }

    /// The next 16 bytes as an identifier.
    mutating func identifier<Name: Identifier>(
        _ kind: Name.Type,
        _ field: String
    )
        throws(FrameError) -> Name
    {
        guard let name = Name(bytes: try self.raw(16, field)) else {
            throw .truncated(self.type, field: field)
        }
        return name
    }

    /// The next 32 bytes as a root digest.
    mutating func root(_ field: String) throws(FrameError) -> RootDigest {
        guard let root = RootDigest(try self.raw(32, field)) else {
            throw .truncated(self.type, field: field)
        }
        return root
    }

    /// The next 16 bytes as a leaf digest.
    mutating func leafDigest(_ field: String) throws(FrameError) -> LeafDigest {
        let low = try self.number(UInt64.self, field)
        return LeafDigest(low: low, high: try self.number(UInt64.self, field))
    }

    /// The next u64 as the number of a leaf of the largest volume.
    mutating func leaf(_ field: String) throws(FrameError) -> LeafIndex {
        let value = try self.number(UInt64.self, field)
        guard value < UInt64(Geometry.maximumVolume.bytes / Geometry.leaf.bytes) else {
            throw .badValue(field: field, value: value)
        }
        return LeafIndex(Int(value))
    }

    /// The next two u64 as a range, `start..<end`, of the largest volume.
    mutating func range(_ field: String) throws(FrameError) -> Extent {
        let limit = Geometry.maximumVolume.bytes
        let start = try self.count(field, limit: limit)
        let end = try self.count(field, limit: limit)
        guard start < end else { throw .badValue(field: field, value: UInt64(end.bytes)) }
        return Extent(ByteOffset(start.bytes), ByteOffset(end.bytes))
    }

    /// A u16 length within `limit` and that many bytes.
    mutating func counted(_ field: String, limit: Int) throws(FrameError) -> [UInt8] {
        let length = try self.number(UInt16.self, field)
        guard Int(length) <= limit else { throw .badValue(field: field, value: UInt64(length)) }
        return try self.raw(Int(length), field)
    }

    /// A u16 length within `limit` and that many bytes of UTF-8 without control characters.
    mutating func text(_ field: String, limit: Int) throws(FrameError) -> String {
        let bytes = try self.counted(field, limit: limit)
        guard let text = String(validating: bytes, as: UTF8.self), WireText.isClean(text) else {
            throw .badText(field: field)
        }
        return text
    }

    /// The number of bytes that are left.
    var remaining: Int { self.end - self.position }

    /// Checks that the last field was the last.
    func finish() throws(FrameError) {
        guard self.remaining == 0 else {
            throw .trailingBytes(self.type, count: self.remaining)
        }
    }
}
