// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing
import WireProtocol

/// The bytes of every frame, fixed in files: a difference is a change of the protocol.
@Suite("Golden vectors", .serialized)
struct GoldenVectorTests {
    @Test("every valid frame has exactly the bytes of its file, both ways")
    func validVectors() throws {
        let vectors = try ValidVector.all()
        if VectorFiles.isWriting {
            for vector in vectors {
                try VectorFiles.write(
                    VectorFiles.hexadecimal(vector.bytes),
                    "\(vector.name).hex"
                )
                try VectorFiles.write(
                    FrameDescription.json(vector.frame),
                    "\(vector.name).json"
                )
            }
        }
        for vector in vectors {
            #expect(try VectorFiles.bytes("\(vector.name).hex") == vector.bytes, "\(vector.name)")
            #expect(
                try VectorFiles.read("\(vector.name).json") == FrameDescription.json(vector.frame),
                "\(vector.name)"
            )
            #expect(try assemble(vector.bytes) == [vector.frame], "\(vector.name)")
        }
        let names = Set(vectors.map(\.name))
        #expect(names.count == vectors.count)
        #expect(try VectorFiles.names(in: "", ending: ".hex") == names)
        #expect(try VectorFiles.names(in: "", ending: ".json") == names)
    }

    @Test("every frame type has a valid vector")
    func everyTypeIsThere() throws {
        var types: Set<FrameType> = []
        for vector in try ValidVector.all() {
            switch vector.frame {
            case .control(let frame): types.insert(frame.type)
            case .data: types.insert(.data)
            case .skipped: break
            }
        }
        #expect(types == Set(FrameType.allCases))
    }

    @Test("every invalid frame is refused with the error of its file")
    func invalidVectors() throws {
        let vectors = try InvalidVector.all()
        if VectorFiles.isWriting {
            for vector in vectors {
                try VectorFiles.write(
                    VectorFiles.hexadecimal(vector.bytes),
                    "invalid/\(vector.name).hex"
                )
                try VectorFiles.write(
                    "\(vector.error.code.name): \(vector.error)\n",
                    "invalid/\(vector.name).txt"
                )
            }
        }
        for vector in vectors {
            let name = "invalid/\(vector.name)"
            #expect(try VectorFiles.bytes("\(name).hex") == vector.bytes, "\(name)")
            #expect(
                try VectorFiles.read("\(name).txt")
                    == "\(vector.error.code.name): \(vector.error)\n"
            )
            #expect(throws: vector.error, "\(name)") { try assemble(vector.bytes) }
        }
        let names = Set(vectors.map(\.name))
        #expect(names.count == vectors.count)
        #expect(try VectorFiles.names(in: "invalid", ending: ".hex") == names)
    }

    @Test(
        "the payloads made by hand decompress to what they stand for",
        arguments: [(ChunkCodec.lz4, Sample.lz4Block), (.zstd, Sample.zstdFrame)]
    )
    func handMadePayloads(codec: ChunkCodec, payload: [UInt8]) throws {
        var source = ChunkBuffer(capacity: .kibibytes(4))
        var target = ChunkBuffer(capacity: .kibibytes(4))
        source.copy(payload, at: 0)
        var decompressor = ChunkDecompressor()
        let range = 0..<payload.count
        let isWhole = decompressor.decompress(source, range, into: &target, 0..<4096, codec: codec)
        #expect(isWhole)
        #expect(target.array(0..<4096) == Array(repeating: 0x41, count: 4096))
    }
}

/// The frames in bytes that are given whole.
func assemble(_ bytes: [UInt8]) throws(FrameError) -> [Assembled] {
    var assembler = FrameAssembler()
    var frames: [Assembled] = []
    try assembler.take(bytes, into: &frames)
    return frames
}
