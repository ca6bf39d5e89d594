// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// Builds the body of a control frame; values are checked by their types' initialisers.
struct BodyWriter {
    private(set) var bytes: [UInt8] = []

    /// Appends a number in little-endian order.
    mutating func put(_ number: some FixedWidthInteger & UnsignedInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            self.bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    mutating func put(_ flag: Bool) { self.put(UInt8(flag ? 1 : 0)) }

    mutating func put(_ count: ByteCount) { self.put(UInt64(count.bytes)) }

    mutating func put(_ place: ByteOffset) { self.put(UInt64(place.bytes)) }

    mutating func put(_ identifier: some Identifier) { self.put(raw: identifier.bytes) }

    mutating func put(_ leaf: LeafIndex) { self.put(UInt64(leaf.index)) }

    mutating func put(_ digest: LeafDigest) {
        self.put(digest.low)
        self.put(digest.high)
    }

    /// Appends bytes whose number the reader knows.
    mutating func put(raw bytes: [UInt8]) { self.bytes += bytes }

    /// Appends a u16 length and that many bytes.
    mutating func put(counted bytes: [UInt8], limit: Int) {
        precondition(bytes.count <= limit, "\(bytes.count) bytes are over the limit of \(limit)")
        self.put(UInt16(bytes.count))
        self.bytes += bytes
    }
}
