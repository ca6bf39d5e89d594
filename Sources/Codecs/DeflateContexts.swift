// SPDX-License-Identifier: Apache-2.0

import CZlib

/// What zlib needs to compress chunks, made for the first of them: about 260 KiB.
struct DeflateCompressor: ~Copyable {
    // In memory of its own, because zlib keeps pointers back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        // Level 1: docs/decisions/0004 has the figures.
        let status = godwit_deflate_init(self.stream, 1)
        precondition(status == Z_OK, "zlib cannot start: \(status)")
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// One raw stream; nil where the output has no room for it.
    func compress(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        deflateReset(self.stream)
        self.stream.pointee.take(input, output)
        let status = CZlib.deflate(self.stream, Z_FINISH)
        return status == Z_STREAM_END ? output.count - Int(self.stream.pointee.avail_out) : nil
    }
}

/// What zlib needs to decompress chunks, made for the first of them: about 50 KiB.
struct DeflateDecompressor: ~Copyable {
    // In memory of its own, because zlib keeps pointers back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let status = godwit_inflate_init(self.stream)
        precondition(status == Z_OK, "zlib cannot start: \(status)")
    }

    deinit {
        inflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// Whether the input is one raw stream that gives exactly the output.
    func decompress(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        inflateReset(self.stream)
        self.stream.pointee.take(input, output)
        let status = CZlib.inflate(self.stream, Z_FINISH)
        return status == Z_STREAM_END && self.stream.pointee.avail_in == 0
            && self.stream.pointee.avail_out == 0
    }
}

extension z_stream {
    /// Whole chunks, whose lengths fit 32 bits.
    fileprivate mutating func take(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) {
        // zlib declares its input mutable and only reads it.
        self.next_in = UnsafeMutablePointer(
            mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress
        )
        self.avail_in = UInt32(input.count)
        self.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        self.avail_out = UInt32(output.count)
    }
}
