// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CLinuxStorage
import Glibc
import Synchronization

/// A regular file or a block device that holds the bytes of a volume.
///
/// Every call works at a place of its own and none uses the file position, so any number of threads
/// may use one file at once. Interrupted and short calls are carried on inside. Closed when the
/// last reference goes.
public final class BlockFile: Sendable {
    /// The path it was opened by.
    public let path: String

    /// Whether it is a block device; else it is a regular file.
    public let isBlockDevice: Bool

    let descriptor: Int32
    private let readCounter = Atomic<Int>(0)

    private init(descriptor: Int32, path: String, isBlockDevice: Bool) {
        self.descriptor = descriptor
        self.path = path
        self.isBlockDevice = isBlockDevice
    }

    deinit { _ = gw_close(self.descriptor) }

    /// Opens a regular file or a block device; anything else is `invalid`.
    ///
    /// - Parameters:
    ///   - path: symbolic links are followed.
    ///   - writable: whether bytes may be changed.
    ///   - exclusive: for a block device: `busy` where it is mounted or another one has it so.
    /// - Returns: the open file.
    /// - Throws: `notFound`, `permission`, `invalid`, `busy`.
    public static func open(
        _ path: String,
        writable: Bool,
        exclusive: Bool = false
    ) throws(StoreError) -> BlockFile {
        try Self.open(path, writable: writable, direct: false, exclusive: exclusive)
    }

    /// Opens past the page cache: places, lengths and buffer offsets must be multiples of 4 KiB.
    ///
    /// `unsupported` or `invalid` where the file system has no direct I/O.
    public static func openDirect(
        _ path: String,
        writable: Bool
    ) throws(StoreError) -> BlockFile {
        try Self.open(path, writable: writable, direct: true, exclusive: false)
    }

    /// The same file for reading past the page cache, whatever its path names by now.
    ///
    /// What it reads takes no memory of the cache: a hole there is zeroed pages. What was written
    /// and is still in the cache only is written out before it is read.
    ///
    /// - Returns: nil where the file system has no direct I/O.
    public func bypassingCache() -> BlockFile? {
        try? Self.openDirect("/proc/self/fd/\(self.descriptor)", writable: false)
    }

    private static func open(
        _ path: String,
        writable: Bool,
        direct: Bool,
        exclusive: Bool
    ) throws(StoreError) -> BlockFile {
        let what = "open for \(writable ? "writing" : "reading")"
        let descriptor = try checked(what, path: path) {
            gw_open(path, writable, direct, false)
        }
        let file: BlockFile
        do throws(StoreError) {
            let state = try Self.state(of: descriptor, path: path)
            guard state.is_regular || state.is_block_device else {
                throw StoreError(
                    .invalid,
                    "cannot use it as a volume: it is neither a file nor a block device",
                    path: path
                )
            }
            file = BlockFile(
                descriptor: descriptor,
                path: path,
                isBlockDevice: state.is_block_device
            )
        } catch {
            _ = gw_close(descriptor)
            throw error
        }
        guard exclusive, file.isBlockDevice else { return file }
        // O_EXCL without O_CREAT has a meaning for block devices only.
        let claimed = try checked(what + " alone", path: path) {
            gw_open(path, writable, direct, true)
        }
        return BlockFile(descriptor: claimed, path: path, isBlockDevice: true)
    }

    /// Creates a sparse regular file of `size` bytes; `alreadyExists` where the name is taken.
    ///
    /// The name is durable only after the directory was synced.
    public static func create(_ path: String, size: ByteCount) throws(StoreError) -> BlockFile {
        let descriptor = try checked("create", path: path) { gw_create(path, 0o600) }
        let file = BlockFile(descriptor: descriptor, path: path, isBlockDevice: false)
        do throws(StoreError) {
            if size > .zero { try file.resize(to: size) }
        } catch {
            _ = gw_unlink(path)
            throw error
        }
        return file
    }

    /// The number of bytes.
    public func size() throws(StoreError) -> ByteCount {
        var bytes: UInt64 = 0
        if self.isBlockDevice {
            try checked("ask for the size", path: self.path) {
                gw_block_size(self.descriptor, &bytes)
            }
        } else {
            bytes = try self.state().size
        }
        guard let size = ByteCount(untrusted: bytes) else {
            throw StoreError(.corrupt, "cannot believe a size of \(bytes) bytes", path: self.path)
        }
        return size
    }

    /// Cuts the file or grows it with zeros; a device can only keep its size.
    public func resize(to size: ByteCount) throws(StoreError) {
        if self.isBlockDevice {
            let present = try self.size()
            guard size == present else {
                throw StoreError(
                    .unsupported,
                    "cannot make a device of \(present.bytes) bytes have \(size.bytes) bytes",
                    path: self.path
                )
            }
            return
        }
        try checked("set the size to \(size.bytes) bytes", path: self.path) {
            gw_ftruncate(self.descriptor, Int64(size.bytes))
        }
    }

    /// Reads all of the bytes or throws; what lies past the end reads as zeros.
    ///
    /// - Parameters:
    ///   - place: the first byte to read.
    ///   - length: the number of bytes.
    ///   - buffer: where they go.
    ///   - offset: the first byte of the buffer that is overwritten.
    /// - Throws: what the kernel reported; the buffer's content is undefined then.
    public func read(
        at place: ByteOffset,
        length: Int,
        into buffer: inout ChunkBuffer,
        at offset: Int
    ) throws(StoreError) {
        try buffer.withUnsafeMutableBytes(offset..<offset + length) {
            (target) throws(StoreError) in
            let count = try self.read(at: place, into: target)
            // Within the target: `count` is at most its own.
            UnsafeMutableRawBufferPointer(rebasing: target[count...])
                .initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    /// Writes all of the bytes or throws.
    ///
    /// They are durable after ``sync()``, not before (P3).
    public func write(
        _ buffer: borrowing ChunkBuffer,
        _ range: Range<Int>,
        at place: ByteOffset
    ) throws(StoreError) {
        try buffer.withUnsafeBytes(range) { (source) throws(StoreError) in
            try self.write(source, at: place)
        }
    }

    /// Makes the range read back as zeros, without space where that is possible.
    ///
    /// Never makes a file longer. Punches a hole, has the device zero the blocks, or writes zeros.
    public func zero(_ extent: Extent) throws(StoreError) {
        let end = min(extent.end, ByteOffset(try self.size().bytes))
        guard extent.start < end else { return }
        let extent = Extent(extent.start, end)
        if self.isBlockDevice {
            try self.zeroOnDevice(extent)
            return
        }
        let result = uninterrupted {
            gw_punch_hole(
                self.descriptor,
                Int64(extent.start.bytes),
                Int64(extent.length.bytes)
            )
        }
        switch -result {
        case 0: return
        case EOPNOTSUPP, ENOSYS: try self.writeZeros(extent)
        case let errno:
            throw StoreError(system: errno, "cannot zero \(extent)", path: self.path)
        }
    }

    /// Asks the kernel to start writing the range to the device; advisory, proves nothing.
    public func startWriteback(_ extent: Extent) {
        _ = gw_sync_file_range_write(
            self.descriptor,
            Int64(extent.start.bytes),
            Int64(extent.length.bytes)
        )
    }

    /// Asks the kernel to read the range in, without waiting for it; advisory.
    public func prefetch(_ extent: Extent) {
        _ = gw_advise_will_need(
            self.descriptor,
            Int64(extent.start.bytes),
            Int64(extent.length.bytes)
        )
    }

    /// Returns when everything written so far is durable.
    ///
    /// After a failure the kernel has forgotten what it could not write: the staged generation has
    /// to be thrown away, a second sync proves nothing (P3).
    public func sync() throws(StoreError) {
        try checked("sync", path: self.path) { gw_fdatasync(self.descriptor) }
    }

    /// Bytes that were read through this object; for tests that count.
    public var readBytes: ByteCount { ByteCount(self.readCounter.load(ordering: .relaxed)) }

    /// When and how the file was last changed.
    ///
    /// Says nothing about writes to a block device.
    public func modificationStamp() throws(StoreError) -> FileStamp {
        FileStamp(try self.state(), size: try self.size())
    }

    func state() throws(StoreError) -> gw_file_state {
        try Self.state(of: self.descriptor, path: self.path)
    }

    private static func state(
        of descriptor: Int32,
        path: String
    ) throws(StoreError) -> gw_file_state {
        var state = gw_file_state()
        try checked("look at", path: path) { gw_fstat(descriptor, &state) }
        return state
    }
}

// MARK: - Raw bytes

extension BlockFile {
    /// Reads as much as there is; less than asked for only at the end.
    func read(
        at place: ByteOffset,
        into target: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Int {
        var done = 0
        while done < target.count {
            // Within the target: `done` is less than its count.
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[done...])
            let count = try checked(
                "read \(target.count) bytes at \(place.bytes)",
                path: self.path
            ) {
                gw_pread(self.descriptor, rest.baseAddress, rest.count, Int64(place.bytes + done))
            }
            if count == 0 { break }
            done += Int(count)
        }
        self.readCounter.add(done, ordering: .relaxed)
        return done
    }

    /// Writes all of the bytes.
    func write(_ source: UnsafeRawBufferPointer, at place: ByteOffset) throws(StoreError) {
        var done = 0
        while done < source.count {
            // Within the source: `done` is less than its count.
            let rest = UnsafeRawBufferPointer(rebasing: source[done...])
            let count = try checked(
                "write \(source.count) bytes at \(place.bytes)",
                path: self.path
            ) {
                gw_pwrite(self.descriptor, rest.baseAddress, rest.count, Int64(place.bytes + done))
            }
            guard count > 0 else {
                throw StoreError(
                    .noSpace,
                    "cannot write \(source.count) bytes at \(place.bytes): nothing was taken",
                    path: self.path
                )
            }
            done += Int(count)
        }
    }

    /// The device zeroes whole sectors; what sticks out is written.
    private func zeroOnDevice(_ extent: Extent) throws(StoreError) {
        var sector: Int32 = 0
        try checked("ask for the sector size", path: self.path) {
            gw_block_sector(self.descriptor, &sector)
        }
        let unit = ByteCount(max(Int(sector), 512))
        let start = extent.start.roundedUp(to: unit)
        let end = extent.end.roundedDown(to: unit)
        guard start < end else {
            try self.writeZeros(extent)
            return
        }
        let result = uninterrupted {
            gw_block_zero_out(
                self.descriptor,
                UInt64(start.bytes),
                UInt64(end.bytes - start.bytes)
            )
        }
        switch -result {
        case 0: break
        case EOPNOTSUPP, EINVAL, ENOTTY: try self.writeZeros(Extent(start, end))
        case let errno: throw StoreError(system: errno, "cannot zero \(extent)", path: self.path)
        }
        if extent.start < start { try self.writeZeros(Extent(extent.start, start)) }
        if end < extent.end { try self.writeZeros(Extent(end, extent.end)) }
    }

    private func writeZeros(_ extent: Extent) throws(StoreError) {
        let zeros = ChunkBuffer(capacity: min(extent.length, Geometry.maximumChunk))
        var place = extent.start
        while place < extent.end {
            let count = min(zeros.capacity, (extent.end - place).bytes)
            try self.write(zeros, 0..<count, at: place)
            place += ByteCount(count)
        }
    }
}
