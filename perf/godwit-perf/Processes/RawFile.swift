// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Glibc

/// An open file; every call names the path when it fails.
final class RawFile {
    let path: String
    let descriptor: Int32
    // SEEK_DATA and SEEK_HOLE, which the Glibc module does not show (lseek(2)).
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    init(_ path: String, writable: Bool = false, create: Bool = false) throws(HarnessError) {
        self.path = path
        let flags = (writable ? O_RDWR : O_RDONLY) | (create ? O_CREAT : 0) | O_CLOEXEC
        self.descriptor = open(path, flags, 0o644)
        guard self.descriptor >= 0 else { throw .system("open", path) }
    }

    deinit { close(self.descriptor) }

    func size() throws(HarnessError) -> ByteCount {
        let end = lseek(self.descriptor, 0, SEEK_END)
        guard end >= 0 else { throw .system("seek in", self.path) }
        return ByteCount(end)
    }

    func resize(to size: ByteCount) throws(HarnessError) {
        guard ftruncate(self.descriptor, size.bytes) == 0 else {
            throw .system("resize", self.path)
        }
    }

    /// Reads until the memory is full or the file ends; returns the bytes read.
    func read(
        at offset: ByteOffset,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(HarnessError) -> Int {
        var done = 0
        while done < memory.count {
            let count = pread(
                self.descriptor,
                memory.baseAddress.map { $0 + done },
                memory.count - done,
                offset.bytes + done
            )
            guard count >= 0 else { throw .system("read", self.path) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(_ memory: UnsafeRawBufferPointer, at offset: ByteOffset) throws(HarnessError) {
        var done = 0
        while done < memory.count {
            let count = pwrite(
                self.descriptor,
                memory.baseAddress.map { $0 + done },
                memory.count - done,
                offset.bytes + done
            )
            guard count > 0 else { throw .system("write", self.path) }
            done += count
        }
    }

    func sync() throws(HarnessError) {
        guard fsync(self.descriptor) == 0 else { throw .system("fsync", self.path) }
    }

    /// Gives the file's clean pages in the page cache back.
    func evict() { posix_fadvise(self.descriptor, 0, 0, POSIX_FADV_DONTNEED) }

    /// The next range that is allocated, at or after `offset`; nil at the end.
    func nextData(from offset: ByteOffset) throws(HarnessError) -> Extent? {
        let start = lseek(self.descriptor, offset.bytes, Self.seekData)
        if start < 0, errno == ENXIO { return nil }
        guard start >= 0 else { throw .system("seek in", self.path) }
        let end = lseek(self.descriptor, start, Self.seekHole)
        guard end > start else { throw .system("seek in", self.path) }
        return Extent(ByteOffset(start), ByteOffset(end))
    }
}

extension RawFile {
    /// The unit in which whole files are read here.
    static let step = 1 << 20

    /// Puts every byte of a file into the page cache; returns the bytes that are allocated.
    @discardableResult
    static func warm(_ path: String) throws(HarnessError) -> ByteCount {
        let file = try RawFile(path)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: self.step, alignment: 4096)
        defer { memory.deallocate() }
        var total = 0
        var place = ByteOffset.zero
        while let extent = try file.nextData(from: place) {
            place = extent.start
            while place < extent.end {
                let length = min(self.step, (extent.end - place).bytes)
                let part = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
                total += try file.read(at: place, into: part)
                place += ByteCount(length)
            }
        }
        return ByteCount(total)
    }

    /// Makes a file durable and returns its pages: what the next peer must not find warm.
    static func syncAndEvict(_ path: String) throws(HarnessError) {
        let file = try RawFile(path)
        try file.sync()
        file.evict()
    }

    /// Whether two files hold the same bytes; reads every byte of both that is in no hole.
    static func same(_ left: String, _ right: String) throws(HarnessError) -> Bool {
        let one = try RawFile(left)
        let two = try RawFile(right)
        let size = try one.size()
        guard try two.size() == size else { return false }
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: 2 * self.step,
            alignment: 4096
        )
        defer { memory.deallocate() }
        let first = UnsafeMutableRawBufferPointer(rebasing: memory[..<self.step])
        let second = UnsafeMutableRawBufferPointer(rebasing: memory[self.step...])
        var place = ByteOffset.zero
        // Where both have a hole both are zeros.
        while let extent = try Self.nextData(of: one, two, from: place) {
            place = extent.start
            while place < extent.end {
                let wanted = min(self.step, (extent.end - place).bytes)
                let a = UnsafeMutableRawBufferPointer(rebasing: first[..<wanted])
                let b = UnsafeMutableRawBufferPointer(rebasing: second[..<wanted])
                guard try one.read(at: place, into: a) == wanted,
                    try two.read(at: place, into: b) == wanted,
                    let left = a.baseAddress, let right = b.baseAddress,
                    memcmp(left, right, wanted) == 0
                else { return false }
                place += ByteCount(wanted)
            }
        }
        return true
    }

    /// The next range that is allocated in one of two files.
    private static func nextData(
        of one: RawFile,
        _ two: RawFile,
        from place: ByteOffset
    ) throws(HarnessError) -> Extent? {
        let found = [try one.nextData(from: place), try two.nextData(from: place)]
        return found.compactMap(\.self).min { $0.start < $1.start }
    }
}
