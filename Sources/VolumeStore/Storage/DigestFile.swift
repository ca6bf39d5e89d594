// SPDX-License-Identifier: Apache-2.0

public import BlockDiff
public import BlockTypes
import CLinuxStorage
import Codecs
import Glibc

/// The pages of a digest tree in a sparse file; memory and space grow with the data only.
///
/// ```
/// offset        size       what
/// 0             40 bytes   header: "GDWTDIGS", version u32 = 1, levels u32 = 5, page size
///                          u32 = 4096, zero u32, largest volume u64 = 64 TiB, XXH3-64 of the
///                          32 bytes before
/// 64 KiB        4 KiB      level 4 (one page)
/// 128 KiB       8 KiB      level 3
/// 192 KiB       1 MiB      level 2
/// 1,216 KiB     128 MiB    level 1
/// 132,288 KiB   16 GiB     level 0: 256 leaf digests a page
/// behind it                of a stage with a journal: `DigestPageMap`
/// ```
/// Numbers are little-endian. Each level has room for the largest volume, so that a volume can grow
/// without anything moving. Pages of zeros are holes. Regions start at multiples of 64 KiB, the
/// largest block of a file system, so that no block belongs to two levels.
///
/// What happens to the file between two syncs is not atomic: a killed process leaves any mixture of
/// old and new pages. Its owner throws it away or rebuilds it.
public struct DigestFile: DigestPageStore, Sendable {
    /// The version of the format.
    public static let version: UInt32 = 1

    private static let magic = Array("GDWTDIGS".utf8)
    private static let headerSize = 40
    private static let alignment = ByteCount.kibibytes(64)

    private let file: BlockFile

    private init(_ file: BlockFile) { self.file = file }

    /// The path of the file.
    public var path: String { self.file.path }

    /// Creates an empty file: a volume of zeros.
    ///
    /// `alreadyExists` where the name is taken.
    public static func create(_ path: String) throws(StoreError) -> DigestFile {
        let file = try BlockFile.create(path, size: .zero)
        do throws(StoreError) {
            try Self.header.lend { (bytes) throws(StoreError) in
                try file.write(bytes, at: .zero)
            }
        } catch {
            _ = gw_unlink(path)
            throw error
        }
        return DigestFile(file)
    }

    /// Opens a file; `corrupt` when it is not one of ours, `unsupported` for a later version.
    public static func open(_ path: String, writable: Bool) throws(StoreError) -> DigestFile {
        let file = try BlockFile.open(path, writable: writable)
        var header = [UInt8](repeating: 0, count: Self.headerSize)
        _ = try header.lendMutable { (bytes) throws(StoreError) in
            try file.read(at: .zero, into: bytes)
        }
        guard header.prefix(8).elementsEqual(Self.magic),
            Self.number(header, 32..<40) == Checksum.xxh3(Array(header.prefix(32)))
        else {
            throw StoreError(.corrupt, "cannot use it: it is no file of digests", path: path)
        }
        let version = Self.number(header, 8..<12)
        guard version == UInt64(Self.version) else {
            throw StoreError(
                .unsupported,
                "cannot read version \(version) of the format of digests",
                path: path
            )
        }
        guard header == Self.header else {
            throw StoreError(.corrupt, "cannot use it: its header names other sizes", path: path)
        }
        return DigestFile(file)
    }

    /// A page; nil when it is all zero.
    public func read(level: Int, index: Int) throws(StoreError) -> DigestPage? {
        let place = Self.place(level: level, index: index)
        var bytes = [UInt8](repeating: 0, count: DigestPage.size.bytes)
        let count = try bytes.lendMutable { (target) throws(StoreError) in
            try self.file.read(at: place, into: target)
        }
        // Past the end of the file, or a page that an interrupted write cut short: zeros follow.
        guard count > 0, let page = DigestPage(bytes), !page.isZero else { return nil }
        return page
    }

    /// Keeps a page; a page of zeros becomes a hole.
    public func write(_ page: DigestPage, level: Int, index: Int) throws(StoreError) {
        let place = Self.place(level: level, index: index)
        if page.isZero {
            try self.file.zero(Extent(at: place, length: DigestPage.size))
            return
        }
        try page.bytes.lend { (bytes) throws(StoreError) in
            try self.file.write(bytes, at: place)
        }
    }

    /// Takes the space that a page needs, whatever it holds.
    ///
    /// - Throws: `noSpace`; the page is as before.
    func reserve(level: Int, index: Int) throws(StoreError) {
        let place = Self.place(level: level, index: index)
        try self.file.reserve(Extent(at: place, length: DigestPage.size))
    }

    /// The first page at or after `index` that has space on disk.
    public func nextPage(level: Int, from index: Int) throws(StoreError) -> Int? {
        let region = Self.region(of: level)
        guard index < region.length.bytes / DigestPage.size.bytes else { return nil }
        var place = Self.place(level: level, index: index)
        while place < region.end, let next = try self.file.nextExtent(from: place) {
            guard next.kind == .data else {
                place = next.extent.end
                continue
            }
            return (next.extent.start - region.start).bytes / DigestPage.size.bytes
        }
        return nil
    }

    /// Writes what stands behind the pages, up to the end of the file; in place of what was there.
    ///
    /// What was there must not have been longer.
    func writeAppendix(_ bytes: [UInt8]) throws(StoreError) {
        try bytes.lend { (source) throws(StoreError) in
            try self.file.write(source, at: Self.region(of: 0).end)
        }
    }

    /// What stands behind the pages; `corrupt` where there is nothing, or more than `limit`.
    func readAppendix(limit: ByteCount) throws(StoreError) -> [UInt8] {
        let place = Self.region(of: 0).end
        let count = try self.file.size().bytes - place.bytes
        guard (1...limit.bytes).contains(count) else {
            throw StoreError(
                .corrupt,
                "cannot use what is behind the digests: it has \(max(count, 0)) bytes, and at most "
                    + "\(limit.bytes) are expected",
                path: self.path
            )
        }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.lendMutable { (target) throws(StoreError) in
            try self.file.read(at: place, into: target)
        }
        return Array(bytes.prefix(read))
    }

    /// Returns when all pages written so far are durable.
    public func sync() throws(StoreError) { try self.file.sync() }

    /// The space that the file takes.
    public func allocatedSize() throws(StoreError) -> ByteCount { try self.file.allocatedSize() }

    /// Makes an independent copy under a new name: a clone where possible, else the data only.
    ///
    /// The copy is writable and not yet synced.
    public func copy(to path: String) throws(StoreError) -> DigestFile {
        DigestFile(try self.file.cloneOrCopy(to: path))
    }
}

// MARK: - Layout

extension DigestFile {
    /// Where the pages of a level lie.
    static func region(of level: Int) -> Extent {
        let shape = DigestTreeShape(size: Geometry.maximumVolume)
        precondition(level >= 0 && level < shape.levels, "level \(level) of \(shape.levels)")
        var start = ByteOffset(Self.alignment.bytes)
        var above = shape.top
        while above > level {
            start += ByteCount(shape.pages(level: above) * DigestPage.size.bytes)
            start = start.roundedUp(to: Self.alignment)
            above -= 1
        }
        return Extent(
            at: start,
            length: ByteCount(shape.pages(level: level) * DigestPage.size.bytes)
        )
    }

    private static func place(level: Int, index: Int) -> ByteOffset {
        let region = Self.region(of: level)
        let place = region.start + ByteCount(index * DigestPage.size.bytes)
        precondition(place < region.end, "page \(index) is beyond the end of level \(level)")
        return place
    }

    private static var header: [UInt8] {
        var header = Self.magic
        header += Self.bytes(Self.version)
        header += Self.bytes(UInt32(DigestTreeShape.maximumLevels))
        header += Self.bytes(UInt32(DigestPage.size.bytes))
        header += Self.bytes(UInt32(0))
        header += Self.bytes(UInt64(Geometry.maximumVolume.bytes))
        header += Self.bytes(Checksum.xxh3(header))
        return header
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        stride(from: 0, to: number.bitWidth, by: 8)
            .map {
                UInt8(truncatingIfNeeded: number >> $0)
            }
    }

    private static func number(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
        bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
