// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing
import WireProtocol

/// However the bytes are cut, the frames are the same.
@Suite("Delivery of frames")
struct FrameDeliveryTests {
    @Test("a frame that is split at any byte is the same frame")
    func splitAtEveryByte() throws {
        for vector in try ValidVector.all() {
            for cut in 0...vector.bytes.count {
                var assembler = FrameAssembler()
                var frames: [Assembled] = []
                try assembler.take(vector.bytes[..<cut], into: &frames)
                #expect(frames.isEmpty || cut == vector.bytes.count)
                try assembler.take(vector.bytes[cut...], into: &frames)
                let isWhole = frames == [vector.frame] && assembler.isBetweenFrames
                #expect(isWhole, "\(vector.name) at \(cut)")
            }
        }
    }

    @Test("a frame that is truncated at any byte is no frame, and no error but missing bytes")
    func truncatedAtEveryByte() throws {
        for vector in try ValidVector.all() {
            for length in 0..<vector.bytes.count {
                var assembler = FrameAssembler()
                var frames: [Assembled] = []
                try assembler.take(vector.bytes[..<length], into: &frames)
                let isOpen = frames.isEmpty && assembler.isBetweenFrames == (length == 0)
                #expect(isOpen, "\(vector.name) cut to \(length)")
            }
        }
    }

    @Test("frames that come in one piece are told apart, for every pair of neighbours")
    func mergedWithNeighbours() throws {
        let vectors = try ValidVector.all()
        for left in vectors {
            for right in vectors {
                let bytes = left.bytes + WireBytes.renumbered(right.bytes, 1)
                #expect(
                    try assemble(bytes) == [left.frame, right.frame],
                    "\(left.name), \(right.name)"
                )
            }
        }
    }

    @Test("all frames of a connection in one piece are counted and told apart")
    func wholeConnection() throws {
        let vectors = try ValidVector.all()
        var sequence = FrameSequence()
        let bytes = vectors.flatMap { WireBytes.renumbered($0.bytes, sequence.take()) }
        #expect(try assemble(bytes) == vectors.map(\.frame))
        #expect(sequence.next == UInt64(vectors.count))
    }

    @Test("a repeated, a lost and a moved frame are noticed")
    func sequence() throws {
        let ping = ControlFrame.ping(1)
        let zeroth = ping.encodedFrame(sequence: 0)
        let second = ping.encodedFrame(sequence: 2)
        #expect(throws: FrameError.badSequence(expected: 1, got: 0)) {
            try assemble(zeroth + zeroth)
        }
        #expect(throws: FrameError.badSequence(expected: 1, got: 2)) {
            try assemble(zeroth + second)
        }
        #expect(throws: FrameError.badSequence(expected: 0, got: 2)) { try assemble(second) }
    }

    @Test("every bit of every header and control body is guarded")
    func singleBits() throws {
        for vector in try ValidVector.all() where vector.bytes.count < 1024 {
            if case .skipped = vector.frame { continue }
            let isData: Bool = if case .data = vector.frame { true } else { false }
            for bit in 0..<(isData ? FrameHeader.encodedSize : vector.bytes.count) * 8 {
                var bytes = vector.bytes
                bytes[bit / 8] ^= 1 << (bit % 8)
                let isNoticed = (try? assemble(bytes)) == nil
                if !isNoticed { Issue.record("\(vector.name) bit \(bit) was not noticed") }
            }
        }
    }
}
