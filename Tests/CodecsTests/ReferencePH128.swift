// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs

/// ph128 written a second time, bit by bit, from docs/decisions/0002 alone.
///
/// Shares nothing with CDigest but HMAC-SHA-256, which has its own known answers.
struct ReferencePH128 {
    /// A polynomial over GF(2) of degree below 128.
    struct Polynomial: Equatable {
        var low: UInt64
        var high: UInt64

        static let zero = Self(low: 0, high: 0)

        func added(_ other: Self) -> Self {
            Self(low: self.low ^ other.low, high: self.high ^ other.high)
        }

        func bit(_ place: Int) -> Bool {
            (place < 64 ? self.low >> place : self.high >> (place - 64)) & 1 == 1
        }

        /// Multiplied by x, and by the field's polynomial taken away where that leaves it.
        func timesX() -> Self {
            Self(
                low: self.low << 1 ^ (self.bit(127) ? 0x87 : 0),
                high: self.high << 1 | self.low >> 63
            )
        }

        /// The product in the field; of two words it is the plain product, which stays below x^127.
        func times(_ other: Self) -> Self {
            var product = Self.zero
            var shifted = self
            for place in 0..<128 {
                if other.bit(place) { product = product.added(shifted) }
                shifted = shifted.timesX()
            }
            return product
        }
    }

    private let inner: [[UInt64]]
    private let outer: [[Polynomial]]

    init(key: LineageKey) {
        var words: [UInt64] = []
        var counter: UInt32 = 0
        while words.count < 2 * 512 + 16 * 2 * 2 {
            let label = Array("godwit ph128 v1".utf8)
            let number = (0..<4).map { UInt8(truncatingIfNeeded: counter >> (8 * $0)) }
            let block = Checksum.hmacSHA256(key: key.bytes, label + number)
            words += stride(from: 0, to: 32, by: 8).map { Self.word(block, at: $0) }
            counter += 1
        }
        self.inner = [Array(words[0..<512]), Array(words[512..<1024])]
        self.outer = (0..<16)
            .map { slot in
                (0..<2)
                    .map { which in
                        let place = 1024 + slot * 4 + which * 2
                        return Polynomial(low: words[place], high: words[place + 1])
                    }
            }
    }

    /// The share of one granule of 4096 bytes.
    func share(slot: Int, _ granule: [UInt8]) -> LeafDigest {
        let share = self.keyed(slot, granule)
            .added(self.keyed(slot, [UInt8](repeating: 0, count: 4096)))
        return LeafDigest(low: share.low, high: share.high)
    }

    private func keyed(_ slot: Int, _ granule: [UInt8]) -> Polynomial {
        var sum = Polynomial.zero
        for which in 0..<2 {
            var pseudoDot = Polynomial.zero
            for place in stride(from: 0, to: 512, by: 2) {
                let left = Self.word(granule, at: 8 * place) ^ self.inner[which][place]
                let right = Self.word(granule, at: 8 * place + 8) ^ self.inner[which][place + 1]
                pseudoDot = pseudoDot.added(
                    Polynomial(low: left, high: 0).times(Polynomial(low: right, high: 0))
                )
            }
            sum = sum.added(pseudoDot.times(self.outer[slot][which]))
        }
        return sum
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * $1) }
    }
}
