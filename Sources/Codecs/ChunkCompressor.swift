// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CLZ4
import CZlib

/// Compresses the chunks of one data thread, in memory that is allocated once.
public struct ChunkCompressor: ~Copyable {
    private let lz4State: UnsafeMutableRawPointer
    // In memory of its own, because zlib keeps pointers back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var zstd: ZstdCompressor?

    /// Allocates the state of LZ4 and deflate, about 300 KiB; Zstandard's comes with its first chunk.
    public init() {
        self.lz4State = .allocate(byteCount: Int(LZ4_sizeofState()), alignment: 16)
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        // Level 1: docs/decisions/0004 has the figures.
        let status = godwit_deflate_init(self.stream, 1)
        precondition(status == Z_OK, "zlib cannot start: \(status)")
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deallocate()
        self.lz4State.deallocate()
    }

    /// Compresses a chunk; nil when that saves less than a sixteenth, so it should go as it is.
    ///
    /// - Parameters:
    ///   - source: holds the chunk.
    ///   - range: the chunk, at most 1 MiB.
    ///   - target: takes the result; what lies behind it, up to the length of the chunk, may change.
    ///   - offset: where the result starts.
    ///   - codec: `none` always gives nil.
    /// - Returns: the number of bytes written.
    public mutating func compress(
        _ source: borrowing ChunkBuffer,
        _ range: Range<Int>,
        into target: inout ChunkBuffer,
        at offset: Int,
        codec: ChunkCodec
    ) -> Int? {
        precondition(
            range.count <= Geometry.maximumChunk.bytes,
            "\(range.count) bytes are no chunk"
        )
        let limit = min(range.count - range.count / 16, target.capacity - offset)
        return source.withUnsafeBytes(range) { input in
            target.withUnsafeMutableBytes(offset..<offset + limit) { output in
                guard !input.isEmpty, !output.isEmpty else { return nil }
                return switch codec {
                case .none: nil
                case .lz4: self.compressLZ4(input, output)
                case .deflate: self.deflate(input, output)
                case .zstd: self.compressZstd(input, output)
                }
            }
        }
    }

    private mutating func compressLZ4(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        // The whole length of both is at most 1 MiB, so it fits an Int32.
        let written = LZ4_compress_fast_extState(
            self.lz4State,
            input.baseAddress,
            output.baseAddress,
            Int32(input.count),
            Int32(output.count),
            1
        )
        return written > 0 ? Int(written) : nil
    }

    private mutating func compressZstd(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        if self.zstd == nil { self.zstd = ZstdCompressor() }
        return self.zstd?.compress(input, output) ?? nil
    }

    private mutating func deflate(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        deflateReset(self.stream)
        // zlib declares its input mutable and only reads it.
        self.stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress
        )
        self.stream.pointee.avail_in = UInt32(input.count)
        self.stream.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        self.stream.pointee.avail_out = UInt32(output.count)
        let status = CZlib.deflate(self.stream, Z_FINISH)
        return status == Z_STREAM_END ? output.count - Int(self.stream.pointee.avail_out) : nil
    }
}
