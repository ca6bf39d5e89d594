// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CLinuxStorage
import Glibc

// Holes, clones, copies and file systems.

extension BlockFile {
    /// What the file holds from `place` on: data or a hole, as far as it goes; nil at the end.
    ///
    /// A hole reads as zeros for certain, data may be zeros too. A block device, and a file system
    /// that knows no holes, is all data. The file must not be written meanwhile.
    public func nextExtent(from place: ByteOffset) throws(StoreError) -> KindedExtent? {
        let end = ByteOffset(try self.size().bytes)
        guard place < end else { return nil }
        if self.isBlockDevice { return KindedExtent(Extent(place, end), .data) }
        let data = uninterrupted { gw_seek_data(self.descriptor, Int64(place.bytes)) }
        switch -data {
        case Int64(ENXIO):
            return KindedExtent(Extent(place, end), .zero)
        case Int64(EINVAL), Int64(EOPNOTSUPP):
            return KindedExtent(Extent(place, end), .data)
        case 1...:
            throw StoreError(
                system: Int32(truncatingIfNeeded: -data),
                "cannot look for data after \(place.bytes)",
                path: self.path
            )
        case _:
            break
        }
        let start = min(ByteOffset(Int(data)), end)
        if place < start { return KindedExtent(Extent(place, start), .zero) }
        let hole = try checked("look for a hole after \(place.bytes)", path: self.path) {
            gw_seek_hole(self.descriptor, Int64(place.bytes))
        }
        // A file that shrinks meanwhile must not stop us: at least one byte is reported.
        let stop = min(max(ByteOffset(Int(hole)), place + ByteCount(1)), end)
        return KindedExtent(Extent(place, stop), .data)
    }

    /// Takes the space for the holes of a range, whose bytes stay zeros and whose file stays as long.
    ///
    /// Nothing happens on a device, or where the file system cannot promise space.
    ///
    /// - Returns: the data that the range ends in, as far as it goes on behind it: nothing in it needs
    ///   space. Nil where the range ends in a hole, or nobody knows.
    /// - Throws: `noSpace`; a part of the range may have its space then.
    @discardableResult
    package func reserve(_ extent: Extent) throws(StoreError) -> Extent? {
        guard !self.isBlockDevice else { return nil }
        var place = extent.start
        var data: Extent?
        while place < extent.end {
            // After the end of the file there is no space yet, as in a hole.
            let next = try self.nextExtent(from: place)
            let end = min(next?.extent.end ?? extent.end, extent.end)
            data = next?.kind == .data ? next?.extent : nil
            if data == nil {
                let start = place
                let result = uninterrupted {
                    gw_allocate_keeping_size(
                        self.descriptor,
                        Int64(start.bytes),
                        Int64((end - start).bytes)
                    )
                }
                if result == -EOPNOTSUPP || result == -ENOSYS { return nil }
                try checked("reserve \(Extent(start, end))", path: self.path) { result }
            }
            place = end
        }
        return data
    }

    /// Makes a reflink clone under a new name: same bytes, own future, no space.
    ///
    /// - Returns: the clone, writable.
    /// - Throws: `unsupported` where the file system has no reflinks; nothing is left behind.
    public func clone(to path: String) throws(StoreError) -> BlockFile {
        guard try self.fileSystem().mayClone else {
            throw StoreError(.unsupported, "cannot clone to \(path)", path: self.path)
        }
        let clone = try BlockFile.create(path, size: .zero)
        do throws(StoreError) {
            let result = uninterrupted { gw_ficlone(clone.descriptor, self.descriptor) }
            // EINVAL: what XFS without reflink=1, FUSE and devices answer.
            if result == -EINVAL {
                throw StoreError(
                    .unsupported,
                    "cannot clone to \(path)",
                    path: self.path,
                    errno: EINVAL
                )
            }
            try checked("clone to \(path)", path: self.path) { result }
        } catch {
            _ = gw_unlink(path)
            throw error
        }
        return clone
    }

    /// Copies the data, not the holes, to a new file of the same size.
    ///
    /// - Parameters:
    ///   - path: the name of the copy; must not exist.
    ///   - size: how much to copy; nil for all. A device has to say.
    /// - Returns: the copy, writable, not yet synced.
    /// - Throws: what reading or writing failed with; nothing is left behind.
    public func copyData(to path: String, size: ByteCount? = nil) throws(StoreError) -> BlockFile {
        var whole = try self.size()
        if let size { whole = min(whole, size) }
        let copy = try BlockFile.create(path, size: size ?? whole)
        do throws(StoreError) {
            try self.copyData(to: copy, size: whole)
        } catch {
            _ = gw_unlink(path)
            throw error
        }
        return copy
    }

    private func copyData(to copy: BlockFile, size: ByteCount) throws(StoreError) {
        var buffer = ChunkBuffer(capacity: Geometry.maximumChunk)
        var place = ByteOffset.zero
        while place.bytes < size.bytes, let next = try self.nextExtent(from: place) {
            let end = min(next.extent.end, ByteOffset(size.bytes))
            if next.kind == .data {
                var offset = next.extent.start
                while offset < end {
                    let count = min(buffer.capacity, (end - offset).bytes)
                    try self.read(at: offset, length: count, into: &buffer, at: 0)
                    try copy.write(buffer, 0..<count, at: offset)
                    copy.startWriteback(Extent(at: offset, length: ByteCount(count)))
                    offset += ByteCount(count)
                }
            }
            place = end
        }
    }

    /// A clone where the file system can, else a copy of the data.
    public func cloneOrCopy(to path: String) throws(StoreError) -> BlockFile {
        do throws(StoreError) {
            return try self.clone(to: path)
        } catch {
            guard error.code == .unsupported else { throw error }
            return try self.copyData(to: path)
        }
    }

    /// The bytes that the file takes on its file system.
    public func allocatedSize() throws(StoreError) -> ByteCount {
        ByteCount(untrusted: try self.state().allocated) ?? .zero
    }

    /// The file system that the file lies on.
    func fileSystem() throws(StoreError) -> FileSystemType {
        FileSystemType(
            rawValue: try checked("ask for the file system", path: self.path) {
                gw_file_system_type(self.descriptor)
            }
        )
    }
}

/// The kind of a file system, by the number that statfs(2) gives it.
struct FileSystemType: RawRepresentable, Hashable, Sendable {
    let rawValue: Int64

    static let xfs = Self(rawValue: 0x5846_5342)
    static let btrfs = Self(rawValue: 0x9123_683E)

    /// ext2, ext3 and ext4 have one number.
    static let ext = Self(rawValue: 0xEF53)
    static let tmpfs = Self(rawValue: 0x0102_1994)

    /// False where no file was ever cloned: trying it costs a file that is made and removed.
    var mayClone: Bool { self != .ext && self != .tmpfs }

    /// Whether equal addresses in two files of this file system mean equal bytes.
    ///
    /// A list of those that were tested: on a stacked one (overlay) the addresses of two files may
    /// belong to different devices.
    var hasComparableAddresses: Bool { self == .xfs || self == .btrfs }
}

/// Whether a file was touched: equal stamps, untouched file (clock and kernel permitting).
public struct FileStamp: Hashable, Sendable {
    /// Identifies the file on its device.
    public let inode: UInt64
    /// The number of bytes.
    public let size: ByteCount
    /// The last change of the bytes, in nanoseconds since 1970.
    public let modified: Int64
    /// The last change of bytes or attributes, in nanoseconds since 1970; programs cannot set it.
    public let changed: Int64

    /// A stamp that was stored before.
    public init(inode: UInt64, size: ByteCount, modified: Int64, changed: Int64) {
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    init(_ state: gw_file_state, size: ByteCount) {
        self.init(
            inode: state.inode,
            size: size,
            modified: state.modified_seconds &* 1_000_000_000 &+ state.modified_nanoseconds,
            changed: state.changed_seconds &* 1_000_000_000 &+ state.changed_nanoseconds
        )
    }
}

extension FileStamp: CustomStringConvertible {
    /// The four numbers with dots between them, for state files; ``init(_:)`` reads it back.
    public var description: String {
        "\(self.inode).\(self.size.bytes).\(self.modified).\(self.changed)"
    }

    /// The stamp of a description; nil for any other text.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let inode = UInt64(parts[0]), let bytes = UInt64(parts[1]),
            let size = ByteCount(untrusted: bytes), let modified = Int64(parts[2]),
            let changed = Int64(parts[3])
        else { return nil }
        self.init(inode: inode, size: size, modified: modified, changed: changed)
    }
}
