// SPDX-License-Identifier: Apache-2.0

import CZstd

/// What libzstd needs to compress chunks, made for the first of them: about 760 KiB.
///
/// Most streams never get to this codec, and sixteen of them may run at once.
struct ZstdCompressor: ~Copyable {
    /// docs/decisions/0029 has the figures.
    private static let level: Int32 = 2

    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("no memory for zstd") }
        let status = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
        precondition(ZSTD_isError(status) == 0, "zstd has no level \(Self.level): \(status)")
        self.context = context
    }

    deinit { ZSTD_freeCCtx(self.context) }

    /// One frame; nil where the output has no room for it.
    func compress(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let written = ZSTD_compress2(
            self.context,
            output.baseAddress,
            output.count,
            input.baseAddress,
            input.count
        )
        return ZSTD_isError(written) == 0 ? written : nil
    }
}

/// What libzstd needs to decompress chunks, made for the first of them: about 95 KiB.
struct ZstdDecompressor: ~Copyable {
    /// How each frame begins (RFC 8878, section 3.1.1).
    private static let magic: UInt32 = 0xfd2f_b528

    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createDCtx() else { preconditionFailure("no memory for zstd") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(self.context) }

    /// Whether the input is one frame that gives exactly the output.
    ///
    /// The output is the window too, so that nothing is allocated by what a frame says of itself.
    func decompress(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        // libzstd also reads formats from before 0.8, goes on with a second frame, and jumps over
        // frames that are to be skipped.
        guard input.count >= 4,
            UInt32(littleEndian: input.loadUnaligned(as: UInt32.self)) == Self.magic,
            ZSTD_findFrameCompressedSize(input.baseAddress, input.count) == input.count
        else { return false }
        let written = ZSTD_decompressDCtx(
            self.context,
            output.baseAddress,
            output.count,
            input.baseAddress,
            input.count
        )
        return written == output.count
    }
}
