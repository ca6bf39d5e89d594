// SPDX-License-Identifier: Apache-2.0

public import BlockDiff
public import BlockTypes
import CLinuxStorage

/// The physical extents of a file, from FIEMAP; pages through any number of them.
///
/// Writes back what is still in memory first (FIEMAP_FLAG_SYNC): unflushed bytes have no address.
public struct PhysicalExtentReader: PhysicalExtentStream {
    /// Extents of one call: 4,096, in 225 KiB of memory.
    public static let batch = 4096

    private let file: BlockFile
    private let page: ExtentPage
    private var index: UInt32 = 0
    private var place = ByteOffset.zero
    private var isLast = false

    /// Asks for the first page, so that a file system without FIEMAP is known at once.
    ///
    /// - Throws: `unsupported` where the file system does not tell.
    public init(_ file: BlockFile) throws(StoreError) {
        self.file = file
        self.page = ExtentPage(capacity: Self.batch)
        try self.page.load(from: file, at: .zero)
    }

    /// The next extent; nil after the last.
    public mutating func next() throws(StoreError) -> PhysicalExtent? {
        if self.index == self.page.count {
            guard !self.isLast, self.page.count > 0 else { return nil }
            try self.page.load(from: self.file, at: self.place)
            self.index = 0
            guard self.page.count > 0 else { return nil }
        }
        let raw = self.page[self.index]
        self.index += 1
        let flags = PhysicalExtentFlags(rawValue: raw.fe_flags)
        self.isLast = self.isLast || flags.contains(.last)
        guard let start = ByteOffset(untrusted: raw.fe_logical),
            let length = ByteCount(untrusted: raw.fe_length), length > .zero,
            !start.bytes.addingReportingOverflow(length.bytes).overflow
        else {
            throw StoreError(
                .ioFailed,
                "cannot believe an extent of \(raw.fe_length) bytes at \(raw.fe_logical)",
                path: self.file.path
            )
        }
        guard start >= self.place else {
            throw StoreError(
                .busy,
                "cannot compare it: its extents changed at \(start.bytes) meanwhile",
                path: self.file.path
            )
        }
        self.place = start + length
        return PhysicalExtent(
            logical: Extent(at: start, length: length),
            physical: raw.fe_physical,
            flags: flags
        )
    }
}

/// What may differ between two reflink clones, told by their physical extents; reads no data.
///
/// Both files have to exist and stay unwritten until the last extent was taken: an address
/// says what is there only as long as its owner lives. Never compare with addresses of the past.
public struct PhysicalExtentSource: ChangeSource {
    private var comparison: PhysicalComparison<PhysicalExtentReader, PhysicalExtentReader>

    /// Compares two files of one XFS or btrfs file system.
    ///
    /// - Parameters:
    ///   - base: the clone that was kept of the base generation.
    ///   - target: the clone that is to be sent.
    /// - Throws: `unsupported` when their addresses cannot be compared; nothing is wrong then, and
    ///   another change source has to do.
    public init(base: BlockFile, target: BlockFile) throws(StoreError) {
        guard !base.isBlockDevice, !target.isBlockDevice else {
            throw StoreError(
                .unsupported,
                "cannot compare addresses on a device",
                path: target.path
            )
        }
        let fileSystem = try target.fileSystem()
        let isOneFileSystem = try base.state().device == target.state().device
        guard fileSystem.hasComparableAddresses, isOneFileSystem else {
            throw StoreError(
                .unsupported,
                "cannot compare its addresses with those of \(base.path)",
                path: target.path
            )
        }
        self.comparison = PhysicalComparison(
            base: try PhysicalExtentReader(base),
            target: try PhysicalExtentReader(target),
            baseSize: try base.size(),
            size: try target.size()
        )
    }

    /// Physical extents.
    public var kind: ChangeSourceKind { .physicalExtents }

    /// A superset: an extent that was rewritten with equal bytes is reported.
    public var certainty: ChangeCertainty { .superset }

    /// The next extent that may differ.
    public mutating func next() throws(StoreError) -> KindedExtent? {
        try self.comparison.next()
    }
}

/// Memory for one FIEMAP call: the request and room for the answers behind it.
private final class ExtentPage {
    private let memory: UnsafeMutableRawPointer
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        let size = MemoryLayout<fiemap>.size + capacity * MemoryLayout<fiemap_extent>.stride
        // Freed in deinit; typed once here as the header that every access goes through.
        self.memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        self.memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    }

    deinit { self.memory.deallocate() }

    private var request: UnsafeMutablePointer<fiemap> {
        self.memory.assumingMemoryBound(to: fiemap.self)
    }

    /// The number of extents that the last call gave.
    var count: UInt32 { min(self.request.pointee.fm_mapped_extents, UInt32(self.capacity)) }

    subscript(index: UInt32) -> fiemap_extent {
        precondition(index < self.count, "extent \(index) of \(self.count)")
        return gw_fiemap_extent(self.request, index)
    }

    func load(from file: BlockFile, at place: ByteOffset) throws(StoreError) {
        self.request.pointee.fm_start = UInt64(place.bytes)
        self.request.pointee.fm_length = UInt64.max - UInt64(place.bytes)
        self.request.pointee.fm_flags = UInt32(FIEMAP_FLAG_SYNC)
        self.request.pointee.fm_mapped_extents = 0
        self.request.pointee.fm_extent_count = UInt32(self.capacity)
        try checked("ask for the physical extents", path: file.path) {
            gw_fiemap(file.descriptor, self.request)
        }
    }
}
