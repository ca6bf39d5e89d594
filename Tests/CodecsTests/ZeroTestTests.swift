// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Testing

@Suite struct ZeroTestTests {
    @Test func zerosAreZeroAtEveryMisalignmentBetweenOtherBytes() {
        for offset in 0..<65 {
            for count in [0, 1, 7, 63, 64, 65, 255, 256, 257, 511, 600] {
                var buffer = buffer(of: [UInt8](repeating: 0xff, count: 800))
                buffer.clear(offset..<offset + count)
                let isZero = ZeroTest.isZero(buffer, offset..<offset + count)
                #expect(isZero, "\(count) bytes at \(offset)")
            }
        }
    }

    @Test func oneBitIsSeenAtEveryPlace() {
        for offset in [0, 1, 31, 64] {
            for count in [1, 255, 256, 600] {
                var buffer = ChunkBuffer(capacity: ByteCount(800))
                for place in offset..<offset + count {
                    buffer[place] = 0x80
                    let isZero = ZeroTest.isZero(buffer, offset..<offset + count)
                    #expect(!isZero, "\(count) bytes at \(offset), set at \(place)")
                    buffer[place] = 0
                }
            }
        }
    }

    @Test func aWholeChunkOfZerosIsZero() {
        let buffer = ChunkBuffer(capacity: Geometry.maximumChunk)
        let isZero = ZeroTest.isZero(buffer, 0..<buffer.capacity)
        #expect(isZero)
    }
}
