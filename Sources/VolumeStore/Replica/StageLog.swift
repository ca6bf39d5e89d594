// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs

/// The list of what is durable in a stage: the file `stage/durable.log`.
///
/// Fixed-size records, only appended, after the bytes they speak of were synced (P3):
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | kind: 1 data, 2 zeros, 3 drifted |
/// | 1 | 7 | 0 |
/// | 8 | 8 | start of the extent in the volume |
/// | 16 | 8 | end of the extent |
/// | 24 | 8 | data: where its bytes lie in the staged file |
/// | 32 | 8 | low half of the transfer id + number of the record |
/// | 40 | 8 | XXH3-64 of bytes 0 to 39 |
///
/// Little-endian. A reader stops at the first record that is not whole, not in order or of another
/// transfer: the torn tail that a crash leaves is as if it had never been written.
struct StageLog: ~Copyable {
    static let recordSize = 48
    private static let recordsPerPage = 1024

    private let file: BlockFile
    private let tag: UInt64
    private var page: ChunkBuffer
    /// The number of records that are in the file and durable, or about to be.
    private(set) var count: Int

    /// The log in `file`; an existing one has to be replayed before anything is appended.
    init(_ file: BlockFile, of transfer: TransferID) {
        self.file = file
        self.tag = transfer.halves.low
        self.page = ChunkBuffer(capacity: ByteCount(Self.recordSize * Self.recordsPerPage))
        self.count = 0
    }

    /// Reads the records up to the torn tail, or to the first one that `body` does not want.
    ///
    /// The rest is cut off: what is appended later must not be followed by what was there before.
    mutating func replay(
        _ body: (StageLogRecord) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try self.read(body)
        try self.file.resize(to: ByteCount(self.count * Self.recordSize))
    }

    /// Reads the records of a decided commit: exactly so many, and nothing behind them.
    ///
    /// Everything was synced before the commit was decided: nothing can be torn, and what is missing
    /// was damaged later. Nothing is cut off.
    ///
    /// - Parameters:
    ///   - expected: the number in the commit record; nil in one that does not say.
    ///   - body: is called with each record, also with those before one that is missing.
    /// - Throws: `corrupt` when the records are not all there.
    mutating func replayDecided(
        _ expected: Int?,
        _ body: (StageLogRecord) throws(StoreError) -> Void
    ) throws(StoreError) {
        try self.read { (record) throws(StoreError) in
            try body(record)
            return true
        }
        let size = try self.file.size().bytes
        let expected = expected ?? size / Self.recordSize
        guard self.count == expected, size == expected * Self.recordSize else {
            throw StoreError(
                .corrupt,
                "the list of what the decided commit has to apply is damaged: \(self.count) of "
                    + "\(expected) records can be read; it waits until the file is put back",
                path: self.file.path
            )
        }
    }

    private mutating func read(
        _ body: (StageLogRecord) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let size = try self.file.size().bytes
        var place = 0
        reading: while place + Self.recordSize <= size {
            let records = min((size - place) / Self.recordSize, Self.recordsPerPage)
            try self.file.read(
                at: ByteOffset(place),
                length: records * Self.recordSize,
                into: &self.page,
                at: 0
            )
            for index in 0..<records {
                guard let record = self.decode(at: index * Self.recordSize), try body(record)
                else { break reading }
                self.count += 1
            }
            place += records * Self.recordSize
        }
    }

    /// Goes on after records that another object of this type has replayed.
    mutating func resume(after count: Int) { self.count = count }

    /// Appends records; durable when it returns.
    mutating func append(_ records: [StageLogRecord]) throws(StoreError) {
        var rest = records[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Self.recordsPerPage)
            let place = ByteOffset(self.count * Self.recordSize)
            for (index, record) in batch.enumerated() {
                self.encode(record, at: index * Self.recordSize)
                self.count += 1
            }
            try self.file.write(self.page, 0..<batch.count * Self.recordSize, at: place)
            rest = rest.dropFirst(batch.count)
        }
        try self.file.sync()
    }

    private mutating func encode(_ record: StageLogRecord, at offset: Int) {
        self.page.clear(offset..<offset + 8)
        self.page[offset] = record.kind.rawValue
        self.page.store(UInt64(record.extent.start.bytes), at: offset + 8)
        self.page.store(UInt64(record.extent.end.bytes), at: offset + 16)
        self.page.store(UInt64(record.position.bytes), at: offset + 24)
        self.page.store(self.tag &+ UInt64(self.count), at: offset + 32)
        let checksum = Checksum.xxh3(self.page, offset..<offset + 40)
        self.page.store(checksum, at: offset + 40)
    }

    private func decode(at offset: Int) -> StageLogRecord? {
        let checksum = Checksum.xxh3(self.page, offset..<offset + 40)
        guard self.page.load(UInt64.self, at: offset + 40) == checksum,
            self.page.load(UInt64.self, at: offset + 32) == self.tag &+ UInt64(self.count),
            let kind = StageLogRecord.Kind(rawValue: self.page[offset]),
            let start = ByteOffset(untrusted: self.page.load(UInt64.self, at: offset + 8)),
            let end = ByteOffset(untrusted: self.page.load(UInt64.self, at: offset + 16)),
            let position = ByteOffset(untrusted: self.page.load(UInt64.self, at: offset + 24)),
            start < end, end.bytes <= Geometry.maximumVolume.bytes,
            position.bytes <= Int.max - Geometry.maximumVolume.bytes
        else { return nil }
        return StageLogRecord(kind, Extent(start, end), at: position)
    }
}

/// One record of a stage's log.
struct StageLogRecord: Hashable, Sendable {
    enum Kind: UInt8 {
        /// The extent has the bytes at `position` of the staged file.
        case data = 1
        /// The extent reads as zeros.
        case zeros = 2
        /// The base's bytes were found not to have their stored digests in these leaves.
        case drifted = 3
    }

    var kind: Kind
    var extent: Extent
    /// Where the bytes of data lie in the staged file; 0 for other kinds.
    var position: ByteOffset

    init(_ kind: Kind, _ extent: Extent, at position: ByteOffset = .zero) {
        self.kind = kind
        self.extent = extent
        self.position = position
    }

    /// The record of both, where one continues the other.
    func joined(with next: Self) -> Self? {
        guard self.kind == next.kind, self.extent.end == next.extent.start else { return nil }
        if self.kind == .data {
            guard self.position + self.extent.length == next.position else { return nil }
        }
        return Self(self.kind, Extent(self.extent.start, next.extent.end), at: self.position)
    }
}

extension [StageLogRecord] {
    /// The records in the order of the volume, with neighbours joined.
    ///
    /// What drifted comes first: a later record of zeros sets such a leaf again.
    func coalesced() -> [StageLogRecord] {
        var result: [StageLogRecord] = []
        let ordered = self.sorted { left, right in
            let leftRank = left.kind == .drifted ? 0 : 1
            let rightRank = right.kind == .drifted ? 0 : 1
            return (leftRank, left.extent.start) < (rightRank, right.extent.start)
        }
        for record in ordered {
            if let joined = result.last?.joined(with: record) {
                result[result.count - 1] = joined
            } else {
                result.append(record)
            }
        }
        return result
    }
}
