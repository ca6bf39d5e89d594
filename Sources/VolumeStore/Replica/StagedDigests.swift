// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs

/// The digest pages of a stage: its own file, over those of the base where they stay in place.
///
/// A clone or an empty file needs no base. With a journal the base's pages are read until the stage
/// has its own; which ones it has is kept in a bitmap, also for pages that became zero.
struct StagedDigests: DigestPageStore, Sendable {
    typealias Failure = StoreError

    private let base: DigestFile?
    private let own: DigestFile
    private(set) var present: DigestPageMap

    /// Pages in `own` alone, or with a base, those that were written in `own` and else the base's.
    init(own: DigestFile, over base: DigestFile?) {
        self.own = own
        self.base = base
        self.present = DigestPageMap()
    }

    mutating func read(level: Int, index: Int) throws(StoreError) -> DigestPage? {
        guard let base = self.base, !self.present.contains(level: level, index: index) else {
            return try self.own.read(level: level, index: index)
        }
        return try base.read(level: level, index: index)
    }

    mutating func write(_ page: DigestPage, level: Int, index: Int) throws(StoreError) {
        if self.base != nil { self.present.insert(level: level, index: index) }
        try self.own.write(page, level: level, index: index)
    }

    func nextPage(level: Int, from index: Int) throws(StoreError) -> Int? {
        let own = try self.own.nextPage(level: level, from: index)
        guard let base = self.base else { return own }
        // A page of the base that the stage replaced by zeros is reported too: that is allowed.
        guard let below = try base.nextPage(level: level, from: index) else { return own }
        return min(own ?? below, below)
    }

    /// Makes the pages durable, and which of them replace the base's.
    func sync() throws(StoreError) {
        if self.base != nil { try self.own.writeAppendix(self.present.encoded) }
        try self.own.sync()
    }
}

/// Which digest pages a stage replaces: one bit a page, 640 KiB for the largest volume.
///
/// Stored behind the pages of `stage/digests` before the commit record, because a journal is applied
/// again after a crash: u32 number of levels; for each, u32 number of words and the words (u64, bit n of
/// word w is page 64 w + n); XXH3-64 of all that. Little-endian.
struct DigestPageMap: Hashable, Sendable {
    private var levels: [[UInt64]] = []

    func contains(level: Int, index: Int) -> Bool {
        guard level < self.levels.count, index / 64 < self.levels[level].count else { return false }
        return self.levels[level][index / 64] >> UInt64(index % 64) & 1 == 1
    }

    mutating func insert(level: Int, index: Int) {
        while self.levels.count <= level { self.levels.append([]) }
        let missing = index / 64 + 1 - self.levels[level].count
        if missing > 0 {
            self.levels[level].append(contentsOf: repeatElement(0, count: missing))
        }
        self.levels[level][index / 64] |= 1 << UInt64(index % 64)
    }

    /// Calls `body` with each page, ascending.
    func visit(
        _ body: (_ level: Int, _ index: Int) throws(StoreError) -> Void
    ) throws(StoreError) {
        for (level, words) in self.levels.enumerated() {
            for (number, word) in words.enumerated() {
                var rest = word
                while rest != 0 {
                    try body(level, number * 64 + rest.trailingZeroBitCount)
                    rest &= rest - 1
                }
            }
        }
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt32(self.levels.count))
        for words in self.levels {
            bytes.append(littleEndian: UInt32(words.count))
            for word in words { bytes.append(littleEndian: word) }
        }
        bytes.append(littleEndian: Checksum.xxh3(bytes))
        return bytes
    }

    init() {}

    /// The map that a stage left in its digests; `corrupt` when it is damaged or not there.
    init(of stage: DigestFile) throws(StoreError) {
        let bytes = try stage.readAppendix(limit: ByteCount.mebibytes(4))
        guard let pages = Self(encoded: bytes) else {
            throw StoreError(.corrupt, "the list of digest pages is damaged", path: stage.path)
        }
        self = pages
    }

    /// The map in the bytes of a file; nil when they are damaged.
    init?(encoded bytes: [UInt8]) {
        guard bytes.count >= 12 else { return nil }
        let body = Array(bytes.dropLast(8))
        guard bytes.number(at: body.count, UInt64.self) == Checksum.xxh3(body),
            let levels = body.number(at: 0, UInt32.self)
        else { return nil }
        var place = 4
        for _ in 0..<levels {
            guard let count = body.number(at: place, UInt32.self) else { return nil }
            place += 4
            guard Int(count) <= (body.count - place) / 8 else { return nil }
            self.levels.append(
                (0..<Int(count)).compactMap { body.number(at: place + $0 * 8, UInt64.self) }
            )
            place += Int(count) * 8
        }
        guard place == body.count else { return nil }
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            self.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    fileprivate func number<Number: FixedWidthInteger & UnsignedInteger>(
        at offset: Int,
        _ type: Number.Type
    ) -> Number? {
        let size = Number.bitWidth / 8
        guard offset >= 0, size <= self.count, offset <= self.count - size else { return nil }
        var value: Number = 0
        for index in (0..<size).reversed() {
            value = value << 8 | Number(self[offset + index])
        }
        return value
    }
}
