// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import TestSupport

extension SeededGenerator {
    /// Bytes that do not compress.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        while bytes.count < count {
            let word = self.next()
            for shift in stride(from: 0, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Bytes that compress about two to one: words from a small dictionary.
    mutating func text(_ count: Int) -> [UInt8] {
        let words = (0..<200)
            .map { _ in
                (0..<Int.random(in: 2...9, using: &self))
                    .map { _ in
                        UInt8.random(in: 97...122, using: &self)
                    } + [32]
            }
        var text: [UInt8] = []
        text.reserveCapacity(count + 16)
        while text.count < count { text += words[Int.random(in: 0..<words.count, using: &self)] }
        text.removeLast(text.count - count)
        return text
    }
}

/// The pattern under the known answers: byte i is 7·i + 31·(i / 256), modulo 256.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + ($0 >> 8) * 31) }
}

/// A buffer that holds exactly these bytes.
func buffer(of bytes: [UInt8]) -> ChunkBuffer {
    var buffer = ChunkBuffer(capacity: ByteCount(bytes.count))
    buffer.copy(bytes, at: 0)
    return buffer
}
