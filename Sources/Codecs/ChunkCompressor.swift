// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CLZ4

/// Compresses the chunks of one data thread, in memory that is allocated once.
///
/// A codec's own comes with its first chunk: few streams need more than that of LZ4.
public struct ChunkCompressor: ~Copyable {
    private let lz4State: UnsafeMutableRawPointer
    private var deflate: DeflateCompressor?
    private var zstd: ZstdCompressor?

    /// Allocates the state of LZ4, 16 KiB; that of deflate is about 260, that of Zstandard 760 KiB.
    public init() {
        self.lz4State = .allocate(byteCount: Int(LZ4_sizeofState()), alignment: 16)
    }

    deinit { self.lz4State.deallocate() }

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
                case .deflate: self.compressDeflate(input, output)
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

    private mutating func compressDeflate(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        if self.deflate == nil { self.deflate = DeflateCompressor() }
        return self.deflate?.compress(input, output) ?? nil
    }

    private mutating func compressZstd(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        if self.zstd == nil { self.zstd = ZstdCompressor() }
        return self.zstd?.compress(input, output) ?? nil
    }
}
