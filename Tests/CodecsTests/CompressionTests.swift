// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import TestSupport
import Testing

@Suite struct CompressionTests {
    static let compressing: [ChunkCodec] = [.lz4, .deflate, .zstd]
    static let sizes = [64, 100, 4095, 4096, 4097, 65_536, 1_000_003, 1_048_576]

    // "hello" as one stored block of RFC 1951, alone and inside a stream of RFC 1950.
    private static let rawDeflate: [UInt8] = [
        0x01, 0x05, 0x00, 0xfa, 0xff, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
    ]
    private static let zlibStream: [UInt8] = [0x78, 0x01] + rawDeflate + [0x06, 0x2c, 0x02, 0x15]

    @Test func deflateIsTheRawStreamThatTheWireFormatNames() {
        var decompressor = ChunkDecompressor()
        var target = ChunkBuffer(capacity: ByteCount(5))
        let isRaw = decompressor.decompress(
            buffer(of: Self.rawDeflate),
            0..<Self.rawDeflate.count,
            into: &target,
            0..<5,
            codec: .deflate
        )
        #expect(isRaw)
        #expect(target.array(0..<5) == Array("hello".utf8))
        let isZlib = decompressor.decompress(
            buffer(of: Self.zlibStream),
            0..<Self.zlibStream.count,
            into: &target,
            0..<5,
            codec: .deflate
        )
        #expect(!isZlib)
    }

    @Test(arguments: compressing, sizes)
    func whatWasCompressedComesBack(codec: ChunkCodec, count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        let kinds = [
            [UInt8](repeating: 0, count: count), [UInt8](repeating: 0x5a, count: count),
            pattern(count), generator.text(count),
        ]
        var compressor = ChunkCompressor()
        var decompressor = ChunkDecompressor()
        for (kind, bytes) in kinds.enumerated() {
            var wire = ChunkBuffer(capacity: Geometry.maximumChunk)
            let source = buffer(of: bytes)
            let written = compressor.compress(source, 0..<count, into: &wire, at: 0, codec: codec)
            // The pattern and short text have little to find; the other two must shrink.
            guard let written else {
                #expect(kind >= 2, "\(codec) gave up on \(count) equal bytes")
                continue
            }
            #expect(written <= count - count / 16)
            var target = ChunkBuffer(capacity: ByteCount(count))
            let complete = decompressor.decompress(
                wire,
                0..<written,
                into: &target,
                0..<count,
                codec: codec
            )
            #expect(complete)
            let same = target.matches(0..<count, source, 0..<count)
            #expect(same)
        }
    }

    @Test(arguments: compressing)
    func textShrinks(codec: ChunkCodec) throws {
        var generator = SeededGenerator(seed: 31)
        let source = buffer(of: generator.text(1_048_576))
        var wire = ChunkBuffer(capacity: Geometry.maximumChunk)
        var compressor = ChunkCompressor()
        let compressed = compressor.compress(
            source,
            0..<1_048_576,
            into: &wire,
            at: 0,
            codec: codec
        )
        #expect(try #require(compressed) < 700_000)
    }

    @Test(arguments: compressing, [1, 2, 15, 4096, 65_536, 1_048_576])
    func randomBytesAreNotWorthIt(codec: ChunkCodec, count: Int) {
        var generator = SeededGenerator(seed: 32)
        let source = buffer(of: generator.bytes(count))
        var wire = ChunkBuffer(capacity: Geometry.maximumChunk)
        var compressor = ChunkCompressor()
        let written = compressor.compress(source, 0..<count, into: &wire, at: 0, codec: codec)
        #expect(written == nil)
    }

    @Test(arguments: ChunkCodec.allCases)
    func nothingIsNotWorthIt(codec: ChunkCodec) {
        let source = ChunkBuffer(capacity: .kibibytes(4))
        var wire = ChunkBuffer(capacity: .kibibytes(4))
        var compressor = ChunkCompressor()
        let written = compressor.compress(source, 9..<9, into: &wire, at: 4096, codec: codec)
        #expect(written == nil)
    }

    @Test func noneIsNeverWorthIt() {
        let source = ChunkBuffer(capacity: .kibibytes(4))
        var wire = ChunkBuffer(capacity: .kibibytes(4))
        var compressor = ChunkCompressor()
        let written = compressor.compress(source, 0..<4096, into: &wire, at: 0, codec: .none)
        #expect(written == nil)
    }

    @Test(arguments: compressing)
    func theResultStaysBetweenItsOffsetAndTheLengthOfTheChunk(codec: ChunkCodec) {
        var generator = SeededGenerator(seed: 33)
        for bytes in [generator.text(8192), generator.bytes(8192)] {
            let source = buffer(of: [1, 2, 3] + bytes + [4, 5, 6])
            var wire = buffer(of: [UInt8](repeating: 0xa5, count: 100 + 8192 + 100))
            var compressor = ChunkCompressor()
            _ = compressor.compress(source, 3..<8195, into: &wire, at: 100, codec: codec)
            let around = wire.array(0..<100) + wire.array(8292..<8392)
            #expect(around == [UInt8](repeating: 0xa5, count: 200))
        }
    }

    @Test(arguments: compressing)
    func aShortTargetIsAReasonToGiveUpNotToWriteOn(codec: ChunkCodec) {
        var generator = SeededGenerator(seed: 34)
        let source = buffer(of: generator.text(65_536))
        var wire = ChunkBuffer(capacity: ByteCount(1000))
        var compressor = ChunkCompressor()
        let written = compressor.compress(source, 0..<65_536, into: &wire, at: 990, codec: codec)
        #expect(written == nil)
    }

    @Test(arguments: compressing)
    func oneCompressorServesChunksThatFailAndSucceedInTurn(codec: ChunkCodec) throws {
        var generator = SeededGenerator(seed: 35)
        var compressor = ChunkCompressor()
        var decompressor = ChunkDecompressor()
        var wire = ChunkBuffer(capacity: Geometry.leaf)
        var target = ChunkBuffer(capacity: Geometry.leaf)
        let random = buffer(of: generator.bytes(65_536))
        for _ in 0..<8 {
            let text = buffer(of: generator.text(65_536))
            _ = compressor.compress(random, 0..<65_536, into: &wire, at: 0, codec: codec)
            let refused = decompressor.decompress(
                random,
                0..<65_536,
                into: &target,
                0..<65_536,
                codec: codec
            )
            #expect(!refused)
            let written = try #require(
                compressor.compress(text, 0..<65_536, into: &wire, at: 0, codec: codec)
            )
            let complete = decompressor.decompress(
                wire,
                0..<written,
                into: &target,
                0..<65_536,
                codec: codec
            )
            #expect(complete)
            let same = target.matches(0..<65_536, text, 0..<65_536)
            #expect(same)
        }
    }

    @Test func theCodecNumbersAreThoseOfTheWire() {
        #expect(ChunkCodec.allCases.map(\.rawValue) == [0, 1, 2, 3])
        #expect(ChunkCodec(rawValue: 4) == nil)
    }
}
