// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CLZ4
import CZlib

/// Decompresses the chunks of one data thread, in memory that is allocated once.
///
/// The input is a peer's and may be anything (P7): the output never leaves its range, and what
/// does not give exactly the declared number of bytes is refused.
public struct ChunkDecompressor: ~Copyable {
    // In memory of its own, because zlib keeps pointers back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private var zstd: ZstdDecompressor?

    /// Allocates the state of deflate, about 50 KiB; Zstandard's comes with its first chunk.
    public init() {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let status = godwit_inflate_init(self.stream)
        precondition(status == Z_OK, "zlib cannot start: \(status)")
    }

    deinit {
        inflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// Decompresses a chunk, and says whether it gave exactly `target` and used all of the input.
    ///
    /// After false the target's bytes may be anything; no byte outside of it was touched.
    public mutating func decompress(
        _ source: borrowing ChunkBuffer,
        _ range: Range<Int>,
        into buffer: inout ChunkBuffer,
        _ target: Range<Int>,
        codec: ChunkCodec
    ) -> Bool {
        let maximum = Geometry.maximumChunk.bytes
        guard !range.isEmpty, !target.isEmpty, range.count <= maximum, target.count <= maximum
        else { return false }
        return source.withUnsafeBytes(range) { input in
            buffer.withUnsafeMutableBytes(target) { output in
                switch codec {
                case .none:
                    guard input.count == output.count else { return false }
                    output.copyMemory(from: input)
                    return true
                case .lz4:
                    let written = LZ4_decompress_safe(
                        input.baseAddress,
                        output.baseAddress,
                        Int32(input.count),
                        Int32(output.count)
                    )
                    return Int(written) == output.count
                case .deflate:
                    return self.inflate(input, output)
                case .zstd:
                    if self.zstd == nil { self.zstd = ZstdDecompressor() }
                    return self.zstd?.decompress(input, output) ?? false
                }
            }
        }
    }

    private mutating func inflate(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        inflateReset(self.stream)
        // zlib declares its input mutable and only reads it.
        self.stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress
        )
        self.stream.pointee.avail_in = UInt32(input.count)
        self.stream.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        self.stream.pointee.avail_out = UInt32(output.count)
        let status = CZlib.inflate(self.stream, Z_FINISH)
        return status == Z_STREAM_END && self.stream.pointee.avail_in == 0
            && self.stream.pointee.avail_out == 0
    }
}
