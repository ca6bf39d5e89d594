// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import CLZ4

/// Decompresses the chunks of one data thread, in memory that is allocated once.
///
/// The input is a peer's and may be anything (P7): the output never leaves its range, and what
/// does not give exactly the declared number of bytes is refused.
public struct ChunkDecompressor: ~Copyable {
    private var deflate: DeflateDecompressor?
    private var zstd: ZstdDecompressor?

    /// Allocates nothing: 50 KiB come with the first chunk of deflate, 95 with that of Zstandard.
    public init() {}

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
                    if self.deflate == nil { self.deflate = DeflateDecompressor() }
                    return self.deflate?.decompress(input, output) ?? false
                case .zstd:
                    if self.zstd == nil { self.zstd = ZstdDecompressor() }
                    return self.zstd?.decompress(input, output) ?? false
                }
            }
        }
    }
}
