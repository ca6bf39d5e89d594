// SPDX-License-Identifier: Apache-2.0

import CPages

/// Page-aligned memory for chunks, with exactly one owner.
///
/// Allocated once per data thread and used for every chunk (P6), aligned to 4 KiB so that it can be
/// handed to direct I/O. Zero at first, and resident only where it was touched: most of a buffer for
/// chunks of a MiB is never used in a run of few bytes. Every access is checked against the capacity: offsets
/// may come from a peer's frame. Pointers are lent only to the modules that wrap C.
public struct ChunkBuffer: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer
    private let isKept: Bool
    /// Behind them no byte was written.
    private var used = 0

    /// Memory of `capacity` bytes, all zero.
    ///
    /// - Parameters:
    ///   - capacity: how many.
    ///   - isKept: whether its pages are kept for the next such buffer until ``trim()``. For what is
    ///     made for each run and written from its start: all of a range that is lent for writing is
    ///     taken as written.
    public init(capacity: ByteCount, isKept: Bool = false) {
        let count = capacity.bytes
        let memory =
            count == 0 ? nil : isKept ? godwit_pages_take(count) : godwit_pages_new(count)
        precondition(count == 0 || memory != nil, "no memory for a buffer of \(count) bytes")
        self.memory = UnsafeMutableRawBufferPointer(start: memory, count: count)
        self.isKept = isKept
    }

    deinit {
        guard let memory = self.memory.baseAddress else { return }
        if self.isKept {
            godwit_pages_keep(memory, self.memory.count, self.used)
        } else {
            godwit_pages_free(memory, self.memory.count)
        }
    }

    /// Gives back the pages that are kept for the next buffers: for when there is nothing to do.
    public static func trim() { godwit_pages_trim() }

    /// The memory that pages kept for the next buffers take, at most 16 MiB.
    public static var kept: ByteCount { ByteCount(godwit_pages_kept()) }

    /// The number of bytes.
    public var capacity: Int { self.memory.count }

    /// One byte.
    public subscript(index: Int) -> UInt8 {
        get {
            self.check(index..<index + 1)
            return self.memory[index]
        }
        set {
            self.note(index..<index + 1)
            self.memory[index] = newValue
        }
    }

    /// A little-endian number at any offset.
    public func load<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
        self.check(offset..<offset + MemoryLayout<Number>.size)
        return Number(
            littleEndian: self.memory.loadUnaligned(fromByteOffset: offset, as: Number.self)
        )
    }

    /// Stores a number in little-endian order at any offset.
    public mutating func store(_ number: some FixedWidthInteger, at offset: Int) {
        self.note(offset..<offset + number.bitWidth / 8)
        self.memory.storeBytes(of: number.littleEndian, toByteOffset: offset, as: type(of: number))
    }

    /// Sets every byte of the range to zero.
    public mutating func clear(_ range: Range<Int>) {
        self.note(range)
        guard let base = self.memory.baseAddress, !range.isEmpty else { return }
        (base + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    }

    /// Copies bytes in, from `offset` on.
    public mutating func copy(_ bytes: [UInt8], at offset: Int) {
        self.check(offset..<offset + bytes.count)
        self.withUnsafeMutableBytes(offset..<offset + bytes.count) { target in
            target.copyBytes(from: bytes)
        }
    }

    /// Copies a range of another buffer in, from `offset` on.
    public mutating func copy(
        _ source: borrowing ChunkBuffer,
        _ range: Range<Int>,
        at offset: Int
    ) {
        source.withUnsafeBytes(range) { bytes in
            self.withUnsafeMutableBytes(offset..<offset + range.count) { target in
                target.copyMemory(from: bytes)
            }
        }
    }

    /// The bytes of a range, copied out.
    ///
    /// For control frames and tests, not for the data path.
    public func array(_ range: Range<Int>) -> [UInt8] {
        self.check(range)
        return Array(self.memory[range])
    }

    /// Whether two ranges hold the same bytes.
    public func matches(
        _ range: Range<Int>,
        _ other: borrowing ChunkBuffer,
        _ otherRange: Range<Int>
    ) -> Bool {
        guard range.count == otherRange.count else { return false }
        return self.withUnsafeBytes(range) { left in
            other.withUnsafeBytes(otherRange) { right in sameBytes(left, right) }
        }
    }

    /// Lends a range to a module that wraps C; the pointer must not outlive the call.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ range: Range<Int>,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.check(range)
        return try body(UnsafeRawBufferPointer(rebasing: self.memory[range]))
    }

    /// Lends a range for writing to a module that wraps C; the pointer must not outlive the call.
    package mutating func withUnsafeMutableBytes<Result, Failure: Error>(
        _ range: Range<Int>,
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.note(range)
        return try body(UnsafeMutableRawBufferPointer(rebasing: self.memory[range]))
    }

    /// Checks a range that is written.
    private mutating func note(_ range: Range<Int>) {
        self.check(range)
        self.used = max(self.used, range.upperBound)
    }

    private func check(_ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= self.memory.count,
            "buffer access \(range) is outside of 0..<\(self.memory.count)"
        )
    }
}

/// Compares word by word: `elementsEqual` on raw buffers is not vectorised.
private func sameBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    var offset = 0
    while offset + 64 <= left.count {
        let lanes = left.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
        guard lanes == right.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self) else {
            return false
        }
        offset += 64
    }
    while offset < left.count {
        guard left[offset] == right[offset] else { return false }
        offset += 1
    }
    return true
}
