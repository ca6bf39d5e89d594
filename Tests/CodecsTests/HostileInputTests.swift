// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import TestSupport
import Testing

/// What a peer may send instead of a compressed chunk (P7).
@Suite struct HostileInputTests {
    static let compressing: [ChunkCodec] = [.lz4, .deflate, .zstd]
    static let guardBytes = 64

    /// One decompressor for all that a test sends it, so that a bad chunk may harm a later one.
    private final class Thread {
        var decompressor = ChunkDecompressor()
    }

    private let thread = Thread()

    /// Decompresses into the middle of a guarded buffer; the result is nil where it was refused.
    private func decompressed(
        _ wire: [UInt8],
        to count: Int,
        _ codec: ChunkCodec
    ) -> [UInt8]? {
        let margin = Self.guardBytes
        let mark = [UInt8](repeating: 0xa5, count: margin)
        var target = buffer(of: mark + [UInt8](repeating: 0, count: count) + mark)
        let source = buffer(of: wire)
        let complete = self.thread.decompressor.decompress(
            source,
            0..<wire.count,
            into: &target,
            margin..<margin + count,
            codec: codec
        )
        let untouched =
            target.array(0..<margin) == mark
            && target.array(margin + count..<count + 2 * margin) == mark
        #expect(untouched, "\(codec) wrote outside of its target")
        return complete ? target.array(margin..<margin + count) : nil
    }

    private func compressed(_ bytes: [UInt8], _ codec: ChunkCodec) throws -> [UInt8] {
        var compressor = ChunkCompressor()
        var wire = ChunkBuffer(capacity: ByteCount(bytes.count))
        let source = buffer(of: bytes)
        let written = compressor.compress(source, 0..<bytes.count, into: &wire, at: 0, codec: codec)
        return wire.array(0..<(try #require(written)))
    }

    // By the command zstd: the same text twice, without and with its length in the header.
    private static let frames = [
        "28b52ffd005875000038676f64776974200100b6528b11",
        "28b52ffd60c00075000038676f64776974200100b6528b11",
    ]

    // Written by hand from the LZ4 block format, by Python's zlib and by the command zstd.
    @Test func chunksOfOtherImplementationsAreRead() throws {
        let literals: [UInt8] = [0x40, 0x61, 0x62, 0x63, 0x64]
        #expect(self.decompressed(literals, to: 4, .lz4) == Array("abcd".utf8))
        // "ab", a match of 14 bytes 2 back, then 5 literals.
        let match: [UInt8] = [0x2a, 0x61, 0x62, 2, 0, 0x50, 0x63, 0x63, 0x63, 0x63, 0x63]
        #expect(
            self.decompressed(match, to: 21, .lz4)
                == Array("ababababababababccccc".utf8)
        )
        let deflated = try #require(Hexadecimal.bytes(of: "4bcf4f29cf2c51481fa586260500"))
        #expect(
            self.decompressed(deflated, to: 448, .deflate)
                == Array(String(repeating: "godwit ", count: 64).utf8)
        )
        for text in Self.frames {
            let frame = try #require(Hexadecimal.bytes(of: text))
            #expect(
                self.decompressed(frame, to: 448, .zstd)
                    == Array(String(repeating: "godwit ", count: 64).utf8)
            )
        }
    }

    @Test func aChunkIsOneFrameOfZstandardAndNothingElse() throws {
        let frame = try #require(Hexadecimal.bytes(of: Self.frames[0]))
        let skipped: [UInt8] = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
        #expect(self.decompressed(frame + frame, to: 896, .zstd) == nil)
        #expect(self.decompressed(skipped + frame, to: 448, .zstd) == nil)
        #expect(self.decompressed(frame + skipped, to: 448, .zstd) == nil)
        #expect(self.decompressed(skipped, to: 4, .zstd) == nil)
        // The formats from before version 0.8 have other magic numbers.
        for old in UInt8(0x22)...0x27 {
            #expect(self.decompressed([old] + frame.dropFirst(), to: 448, .zstd) == nil)
        }
    }

    @Test func aFrameOfZstandardThatNeedsADictionaryIsRefused() throws {
        var frame = try #require(Hexadecimal.bytes(of: Self.frames[0]))
        // One byte of a dictionary's number, behind the size of the window.
        frame[4] |= 1
        frame.insert(7, at: 6)
        #expect(self.decompressed(frame, to: 448, .zstd) == nil)
    }

    // The output is the window, so that a declared one of 2 GiB takes no memory; 2^41 bytes are refused.
    @Test func theWindowThatAFrameOfZstandardDeclaresIsNotMade() throws {
        var frame = try #require(Hexadecimal.bytes(of: Self.frames[0]))
        frame[5] = 0xa8
        #expect(
            self.decompressed(frame, to: 448, .zstd)
                == Array(String(repeating: "godwit ", count: 64).utf8)
        )
        frame[5] = 0xf8
        #expect(self.decompressed(frame, to: 448, .zstd) == nil)
    }

    @Test(arguments: compressing)
    func everyTruncationIsRefused(codec: ChunkCodec) throws {
        var generator = SeededGenerator(seed: 41)
        let wire = try self.compressed(generator.text(2000), codec)
        for count in 1..<wire.count {
            let result = self.decompressed(
                Array(wire[0..<count]),
                to: 2000,
                codec
            )
            #expect(result == nil)
        }
    }

    @Test(arguments: compressing)
    func trailingBytesAreRefused(codec: ChunkCodec) throws {
        var generator = SeededGenerator(seed: 42)
        let wire = try self.compressed(generator.text(2000), codec)
        for extra in [[0], [0xff], wire] as [[UInt8]] {
            let result = self.decompressed(wire + extra, to: 2000, codec)
            #expect(result == nil)
        }
    }

    @Test(arguments: compressing)
    func anyOtherLengthThanTheDeclaredOneIsRefused(codec: ChunkCodec) throws {
        var generator = SeededGenerator(seed: 43)
        let wire = try self.compressed(generator.text(4096), codec)
        for count in [1, 2, 16, 4000, 4080, 4095, 4097, 4112, 8192] {
            #expect(self.decompressed(wire, to: count, codec) == nil)
        }
        #expect(self.decompressed(wire, to: 4096, codec) != nil)
    }

    @Test(arguments: compressing)
    func aBombStopsAtTheTarget(codec: ChunkCodec) throws {
        let wire = try self.compressed([UInt8](repeating: 0, count: 1 << 20), codec)
        #expect(wire.count < 6000)
        #expect(self.decompressed(wire, to: 4096, codec) == nil)
    }

    // Seed and round name the input of a failure.
    @Test(arguments: compressing, [UInt64](44...47))
    func corruptedChunksNeverLeaveTheTarget(codec: ChunkCodec, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let bytes = generator.text(3000)
        let wire = try self.compressed(bytes, codec)
        var refused = 0
        for _ in 0..<500 {
            var damaged = wire
            for _ in 0...Int.random(in: 0..<4, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] =
                    UInt8.random(in: 0...255, using: &generator)
            }
            let result = self.decompressed(damaged, to: 3000, codec)
            refused += result == nil ? 1 : 0
        }
        // Damage to literals keeps the length right: the chunk's checksum finds that.
        #expect(refused > 0)
        #expect(self.decompressed(wire, to: 3000, codec) == bytes)
    }

    @Test(arguments: compressing, [UInt64](48...51))
    func randomInputNeverLeavesTheTarget(codec: ChunkCodec, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let wire = generator.bytes(Int.random(in: 1...300, using: &generator))
            let count = Int.random(in: 1...5000, using: &generator)
            _ = self.decompressed(wire, to: count, codec)
        }
    }

    @Test func matchesFromBeforeTheStartAreRefused() {
        // LZ4: one literal, a match of 4 bytes 9 back, then 5 literals.
        let lz4: [UInt8] = [0x10, 0x61, 9, 0, 0x50, 0x62, 0x62, 0x62, 0x62, 0x62]
        #expect(self.decompressed(lz4, to: 10, .lz4) == nil)
        // Deflate, fixed codes: a match of 3 bytes 1 back, before anything was written.
        let deflate: [UInt8] = [0x03, 0x02, 0x00]
        #expect(self.decompressed(deflate, to: 3, .deflate) == nil)
    }

    @Test(arguments: ChunkCodec.allCases)
    func emptyAndOversizedRangesAreRefused(codec: ChunkCodec) {
        var decompressor = ChunkDecompressor()
        let wire = ChunkBuffer(capacity: .mebibytes(2))
        var target = ChunkBuffer(capacity: .mebibytes(2))
        let noInput = decompressor.decompress(wire, 5..<5, into: &target, 0..<4096, codec: codec)
        let noOutput = decompressor.decompress(wire, 0..<9, into: &target, 7..<7, codec: codec)
        let longInput = decompressor.decompress(
            wire,
            0..<1_048_577,
            into: &target,
            0..<4096,
            codec: codec
        )
        let longOutput = decompressor.decompress(
            wire,
            0..<4096,
            into: &target,
            0..<1_048_577,
            codec: codec
        )
        #expect(!noInput && !noOutput && !longInput && !longOutput)
    }

    @Test func plainBytesMustHaveTheDeclaredLength() {
        #expect(self.decompressed([1, 2, 3], to: 3, .none) == [1, 2, 3])
        #expect(self.decompressed([1, 2, 3], to: 4, .none) == nil)
        #expect(self.decompressed([1, 2, 3], to: 2, .none) == nil)
    }
}
