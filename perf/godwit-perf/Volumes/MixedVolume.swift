// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// What a segment of the mixed volume holds.
enum SegmentKind: CaseIterable {
    /// Rows of a table in 8 KiB pages; LZ4 takes them to about a third.
    case rows
    case incompressible
    /// Zeros that were written, so they are allocated.
    case zeros
    case hole

    /// What version `version` of a volume made from `seed` holds at `offset`.
    func fill(
        _ memory: UnsafeMutableRawBufferPointer,
        seed: UInt64,
        version: UInt64,
        at offset: Int
    ) {
        var generator = Generator(seed: seed ^ version << 56 ^ UInt64(offset))
        switch self {
        case .hole, .zeros:
            memory.initializeMemory(as: UInt8.self, repeating: 0)
        case .incompressible:
            for place in stride(from: 0, to: memory.count, by: 8) {
                memory.storeBytes(
                    of: generator.next().littleEndian,
                    toByteOffset: place,
                    as: UInt64.self
                )
            }
        case .rows:
            for place in stride(from: 0, to: memory.count, by: RowPage.size) {
                let end = min(place + RowPage.size, memory.count)
                RowPage.fill(
                    UnsafeMutableRawBufferPointer(rebasing: memory[place..<end]),
                    number: UInt64((offset + place) / RowPage.size),
                    &generator
                )
            }
        }
    }
}

/// The deterministic mixed volume: 35 % rows, 35 % incompressible, 10 % zeros, 20 % holes.
struct MixedVolume {
    /// The kinds change every 1 MiB, in an order that depends on the seed alone.
    static let segment = ByteCount.mebibytes(1)

    let size: ByteCount
    let kinds: [SegmentKind]
    private let seed: UInt64

    init(size: ByteCount, seed: UInt64) {
        let count = size.bytes / Self.segment.bytes
        precondition(count >= 20, "a mixed volume needs 20 MiB, not \(size.bytes) bytes")
        var kinds = [SegmentKind](repeating: .hole, count: count)
        let rows = count * 35 / 100
        let zeros = count / 10
        for index in 0..<rows { kinds[index] = .rows }
        for index in rows..<2 * rows { kinds[index] = .incompressible }
        for index in 2 * rows..<2 * rows + zeros { kinds[index] = .zeros }
        var generator = Generator(seed: seed)
        generator.shuffle(&kinds)
        self.size = ByteCount(count * Self.segment.bytes)
        self.kinds = kinds
        self.seed = seed
    }

    /// Writes the volume to a new sparse file.
    func write(to path: String) throws(HarnessError) {
        let file = try RawFile(path, writable: true, create: true)
        try file.resize(to: self.size)
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.segment.bytes,
            alignment: 4096
        )
        defer { memory.deallocate() }
        for (index, kind) in self.kinds.enumerated() where kind != .hole {
            self.fill(memory, kind, version: 0, at: index * Self.segment.bytes)
            try file.write(UnsafeRawBufferPointer(memory), at: ByteOffset(index * memory.count))
        }
        try file.sync()
    }

    /// What version `version` of the volume holds at `offset`.
    func fill(
        _ memory: UnsafeMutableRawBufferPointer,
        _ kind: SegmentKind,
        version: UInt64,
        at offset: Int
    ) {
        kind.fill(memory, seed: self.seed, version: version, at: offset)
    }

    /// The kind at a place.
    func kind(at offset: Int) -> SegmentKind { self.kinds[offset / Self.segment.bytes] }
}

/// One page of a table: a header, then rows with keys, codes, amounts, times and filler.
enum RowPage {
    static let size = 8192
    private static let row = 128
    private static let words: [[UInt8]] = [
        "accounts", "invoice", "delivered", "pending", "Lisboa", "Anchorage", "Auckland", "Texel",
        "Wadden Sea", "returned", "standard", "express", "customer", "supplier", "EUR", "NZD",
    ]
    .map { Array($0.utf8) }

    static func fill(
        _ page: UnsafeMutableRawBufferPointer,
        number: UInt64,
        _ generator: inout Generator
    ) {
        page.initializeMemory(as: UInt8.self, repeating: 0x20)
        page.storeBytes(of: number.littleEndian, toByteOffset: 0, as: UInt64.self)
        page.storeBytes(of: generator.next().littleEndian, toByteOffset: 8, as: UInt64.self)
        var place = self.row
        while place + self.row <= page.count {
            let row = UnsafeMutableRawBufferPointer(rebasing: page[place..<place + self.row])
            let random = generator.next()
            let key = number &* 63 &+ UInt64(place / self.row)
            row.storeBytes(of: key.littleEndian, toByteOffset: 0, as: UInt64.self)
            // Half of a row's random bits are a code that does not compress.
            row.storeBytes(of: random.littleEndian, toByteOffset: 8, as: UInt64.self)
            row.storeBytes(
                of: generator.next().littleEndian,
                toByteOffset: 16,
                as: UInt64.self
            )
            row.storeBytes(
                of: (1_700_000_000_000 &+ key &* 37).littleEndian,
                toByteOffset: 24,
                as: UInt64.self
            )
            self.put(self.words[Int(random & 15)], in: row, at: 32)
            self.put(self.words[Int(random >> 4 & 15)], in: row, at: 48)
            var amount = random >> 8 & 0xf_ffff
            for digit in 0..<8 {
                row[71 - digit] = 48 + UInt8(amount % 10)
                amount /= 10
            }
            self.put(self.words[Int(random >> 32 & 15)], in: row, at: 80)
            self.put(self.words[Int(random >> 36 & 15)], in: row, at: 96)
            place += self.row
        }
    }

    private static func put(_ word: [UInt8], in row: UnsafeMutableRawBufferPointer, at place: Int) {
        for (index, byte) in word.enumerated() { row[place + index] = byte }
    }
}
