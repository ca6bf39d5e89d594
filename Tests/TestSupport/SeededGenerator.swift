// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: the same numbers for the same seed, on every machine.
///
/// The tests' own, so that a fault of the product's generator is not on both sides of a comparison.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { self.state = seed }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var word = self.state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

/// Bytes without an order that a compressor could find, none of them zero.
package func noise(_ count: Int, using generator: inout some RandomNumberGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
        // Whole stretches of a pool: number by number is slow in a debug build.
        let start = Int.random(in: 0..<noisePool.count - 1, using: &generator)
        bytes += noisePool[start..<min(noisePool.count, start + count - bytes.count)]
    }
    return bytes
}

private let noisePool: [UInt8] = {
    var generator = SeededGenerator(seed: 99)
    return (0..<1_000_003).map { _ in UInt8(truncatingIfNeeded: generator.next()) | 1 }
}()
