// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing

@Suite struct ChunkBufferTests {
    @Test(arguments: [0, 1, 4095, 4096, 1_048_576])
    func memoryIsAlignedToAPageAndZeroAtFirst(count: Int) {
        let buffer = ChunkBuffer(capacity: ByteCount(count))
        let capacity = buffer.capacity
        #expect(capacity == count)
        let aligned = buffer.withUnsafeBytes(0..<count) { bytes in
            Int(bitPattern: bytes.baseAddress).isMultiple(of: 4096)
        }
        #expect(aligned)
        let zero = buffer.array(0..<count).allSatisfy { $0 == 0 }
        #expect(zero)
    }

    /// Other tests have buffers too: what is kept in all is not ours alone.
    @Test func keptPagesComeBackClear() {
        // A size that nothing else has.
        let size = ByteCount(3 * 4096 + 8)
        for round in 0..<3 {
            var buffer = ChunkBuffer(capacity: size, isKept: true)
            let clear = buffer.array(0..<size.bytes).allSatisfy { $0 == 0 }
            #expect(clear, "round \(round)")
            buffer[round] = 1
            buffer.store(UInt32.max, at: 4000 + round)
            buffer.copy([7, 7], at: 8192 + round)
            buffer.withUnsafeMutableBytes(12_000..<12_010) { bytes in bytes[9] = 9 }
        }
    }

    @Test func soMuchIsKeptAndNoMore() {
        for _ in 0..<40 { Self.hold(24) }
        #expect(ChunkBuffer.kept <= .mebibytes(16))
        ChunkBuffer.trim()
        var buffer = ChunkBuffer(capacity: .mebibytes(1), isKept: true)
        let byte = buffer[1000]
        #expect(byte == 0)
        buffer[1000] = 1
    }

    /// Has so many buffers of a MiB at once, all written.
    private static func hold(_ count: Int) {
        guard count > 0 else { return }
        var buffer = ChunkBuffer(capacity: .mebibytes(1), isKept: true)
        buffer[buffer.capacity - 1] = 1
        Self.hold(count - 1)
    }

    @Test func numbersAreLittleEndianAtAnyOffset() {
        var buffer = ChunkBuffer(capacity: ByteCount(32))
        for offset in 0..<8 {
            buffer.store(UInt32(0x0102_0304), at: offset)
            let bytes = buffer.array(offset..<offset + 4)
            let number = buffer.load(UInt32.self, at: offset)
            #expect(bytes == [4, 3, 2, 1])
            #expect(number == 0x0102_0304)
        }
        buffer.store(UInt64.max - 1, at: 24)
        let last = buffer.load(UInt64.self, at: 24)
        #expect(last == UInt64.max - 1)
    }

    @Test func bytesAreReadAndWrittenOneByOne() {
        var buffer = ChunkBuffer(capacity: ByteCount(3))
        buffer[2] = 9
        let byte = buffer[2]
        #expect(byte == 9)
        let all = buffer.array(0..<3)
        #expect(all == [0, 0, 9])
    }

    @Test func clearingTouchesItsRangeOnly() {
        var buffer = ChunkBuffer(capacity: ByteCount(6))
        buffer.copy([1, 2, 3, 4, 5, 6], at: 0)
        buffer.clear(2..<4)
        buffer.clear(5..<5)
        let bytes = buffer.array(0..<6)
        #expect(bytes == [1, 2, 0, 0, 5, 6])
    }

    @Test func aRangeOfAnotherBufferIsCopied() {
        var source = ChunkBuffer(capacity: ByteCount(8))
        source.copy([1, 2, 3, 4, 5, 6, 7, 8], at: 0)
        var target = ChunkBuffer(capacity: ByteCount(8))
        target.copy(source, 3..<6, at: 1)
        target.copy([], at: 8)
        let bytes = target.array(0..<8)
        #expect(bytes == [0, 4, 5, 6, 0, 0, 0, 0])
    }

    @Test func matchingSeesEveryByteAtEveryAlignment() {
        var one = ChunkBuffer(capacity: ByteCount(300))
        var other = ChunkBuffer(capacity: ByteCount(300))
        for offset in [0, 1, 7, 64] {
            for place in 0..<200 {
                other[offset + place] = 1
                let different = one.matches(0..<200, other, offset..<offset + 200)
                #expect(!different, "byte \(place) at \(offset)")
                one[place] = 1
                let same = one.matches(0..<200, other, offset..<offset + 200)
                #expect(same)
                one[place] = 0
                other[offset + place] = 0
            }
        }
        let shorter = one.matches(0..<200, other, 0..<199)
        #expect(!shorter)
        let empty = one.matches(5..<5, other, 9..<9)
        #expect(empty)
    }

    @Test func lentBytesAreThoseOfTheRange() {
        var buffer = ChunkBuffer(capacity: ByteCount(4))
        buffer.withUnsafeMutableBytes(1..<3) { bytes in
            bytes[0] = 7
            bytes[1] = 8
        }
        let sum = buffer.withUnsafeBytes(1..<4) { bytes in bytes.reduce(0) { $0 + Int($1) } }
        #expect(sum == 15)
    }

    @Test func readingPastTheEndTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = ChunkBuffer(capacity: ByteCount(8)).load(UInt64.self, at: 1)
        }
    }

    @Test func writingPastTheEndTraps() async {
        await #expect(processExitsWith: .failure) {
            var buffer = ChunkBuffer(capacity: ByteCount(8))
            buffer.copy([1, 2], at: 7)
        }
    }

    @Test func readingBeforeTheStartTraps() async {
        await #expect(processExitsWith: .failure) {
            let buffer = ChunkBuffer(capacity: ByteCount(8))
            _ = buffer[-1]
        }
    }
}
