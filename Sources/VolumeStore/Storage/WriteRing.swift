// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import CLinuxStorage

/// A queue of writes past the page cache (io_uring) that one thread has under way.
///
/// Made and used by one thread. Whoever owns the bytes keeps them until the token of their write was
/// taken, or the ring has ended, which waits for them.
struct WriteRing: ~Copyable {
    private let ring: OpaquePointer
    private(set) var underWay = 0

    /// Nil where the kernel has no io_uring or this process may not use it.
    init?(depth: Int) {
        guard let ring = gw_ring_open(UInt32(depth)) else { return nil }
        self.ring = ring
    }

    deinit {
        for _ in 0..<self.underWay {
            var (token, result) = (UInt64(0), Int32(0))
            while !gw_ring_take(self.ring, &token, &result) { Self.wait(self.ring) }
        }
        gw_ring_close(self.ring)
    }

    /// Begins to write; false where the kernel takes no more: then nothing was begun.
    mutating func begin(
        _ buffer: borrowing ChunkBuffer,
        _ range: Range<Int>,
        to file: BlockFile,
        at place: ByteOffset,
        token: Int
    ) -> Bool {
        let isBegun = buffer.withUnsafeBytes(range) { bytes in
            gw_ring_write(
                self.ring,
                file.descriptor,
                bytes.baseAddress,
                UInt32(bytes.count),
                UInt64(place.bytes),
                UInt64(token)
            ) == 0
        }
        if isBegun { self.underWay += 1 }
        return isBegun
    }

    /// A write that has ended: its token, and the bytes that it wrote or a negated errno.
    mutating func take() -> (token: Int, result: Int)? {
        var token: UInt64 = 0
        var result: Int32 = 0
        guard gw_ring_take(self.ring, &token, &result) else { return nil }
        self.underWay -= 1
        return (Int(token), Int(result))
    }

    /// Waits until one has ended.
    func wait() {
        precondition(self.underWay > 0, "nothing is under way")
        Self.wait(self.ring)
    }

    /// Without it nobody knows when the kernel is done with the bytes.
    private static func wait(_ ring: OpaquePointer) {
        let result = gw_ring_wait(ring)
        precondition(result == 0, "cannot wait for writes: error \(-result)")
    }
}
