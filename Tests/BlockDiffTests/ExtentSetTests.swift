// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import TestSupport
import Testing

@Suite struct ExtentSetTests {
    @Test func neighboursBecomeOneExtent() {
        var set = ExtentSet([extent(0, 4), extent(8, 12)])
        set.insert(extent(4, 8))
        #expect(set.extents == [extent(0, 12)])
    }

    @Test func anExtentOverSeveralReplacesThem() {
        var set = ExtentSet([extent(2, 4), extent(6, 8), extent(10, 12), extent(20, 22)])
        set.insert(extent(3, 11))
        #expect(set.extents == [extent(2, 12), extent(20, 22)])
    }

    @Test func removingTheMiddleLeavesBothEnds() {
        var set = ExtentSet(extent(0, 12))
        set.remove(extent(4, 8))
        #expect(set.extents == [extent(0, 4), extent(8, 12)])
        #expect(set.byteCount == ByteCount(8))
    }

    @Test func unsortedAndOverlappingExtentsAreTaken() {
        let set = ExtentSet([extent(8, 12), extent(0, 4), extent(2, 6), extent(6, 7)])
        #expect(set.extents == [extent(0, 7), extent(8, 12)])
    }

    @Test func theEmptySetHasNothing() {
        let set = ExtentSet()
        #expect(set.isEmpty && set.count == 0 && set.byteCount == .zero)
        #expect(!set.contains(extent(0, 1)) && !set.overlaps(extent(0, 1)))
        #expect(set.gaps(in: extent(3, 5)) == [extent(3, 5)])
        #expect(set.extent(atOrAfter: .zero) == nil)
        #expect(set.union(set) == set)
    }

    @Test func extentsAtTheEndOfTheNumbersWork() {
        let end = ByteOffset(Int.max)
        var set = ExtentSet(Extent(ByteOffset(Int.max - 4), end))
        set.insert(extent(0, 1))
        set.remove(Extent(ByteOffset(Int.max - 1), end))
        #expect(set.byteCount == ByteCount(4))
    }

    @Test func aMillionExtentsInOrderAreQuick() {
        var set = ExtentSet()
        for index in 0..<1_000_000 { set.insert(extent(index * 2, index * 2 + 1)) }
        #expect(set.count == 1_000_000)
        #expect(set.extent(atOrAfter: ByteOffset(1_000_001)) == extent(1_000_002, 1_000_003))
    }

    /// 150,000 random calls against a set of bits.
    @Test func everyOperationAgreesWithABitmap() {
        let seed = TestSeed()
        var generator = seed.generator
        var set = ExtentSet()
        var bits: UInt64 = 0
        var other = ExtentSet()
        var otherBits: UInt64 = 0
        var failures = 0
        for round in 0..<150_000 {
            let some = anyExtent(using: &generator)
            let operation = Int.random(in: 0..<12, using: &generator)
            var isRight = true
            switch operation {
            case 0, 1:
                set.insert(some)
                bits |= mask(some)
            case 2, 3:
                set.remove(some)
                bits &= ~mask(some)
            case 4:
                isRight = set.contains(some) == (bits & mask(some) == mask(some))
                isRight = isRight && set.overlaps(some) == (bits & mask(some) != 0)
            case 5:
                isRight =
                    set.intersection(some) == extents(of: bits & mask(some))
                    && set.gaps(in: some) == extents(of: ~bits & mask(some))
            case 6:
                let after = bits & (UInt64.max << UInt64(some.start.bytes))
                let found = set.extent(atOrAfter: some.start)
                let whole = extents(of: bits).first { $0.end > some.start }
                isRight = found == whole && (found == nil) == (after == 0)
            case 7:
                set.formUnion(other)
                bits |= otherBits
            case 8:
                set = set.subtracting(other)
                bits &= ~otherBits
            case 9:
                let common = set.intersection(other)
                isRight = common.extents == extents(of: bits & otherBits)
            case 10:
                otherBits = generator.next() & generator.next()
                other = ExtentSet(extents(of: otherBits).shuffled(using: &generator))
                isRight = other.extents == extents(of: otherBits)
            default:
                isRight = set.byteCount.bytes == bits.nonzeroBitCount
            }
            isRight = isRight && set.isNormalised && set.extents == extents(of: bits)
            if !isRight {
                failures += 1
                Issue.record("operation \(operation) of round \(round) with \(some), \(seed)")
                if failures > 5 { return }
            }
        }
    }
}

/// The extent of a half-open range.
func extent(_ start: Int, _ end: Int) -> Extent { Extent(ByteOffset(start), ByteOffset(end)) }

private func anyExtent(using generator: inout SeededGenerator) -> Extent {
    let start = Int.random(in: 0..<64, using: &generator)
    return extent(start, min(64, start + Int.random(in: 1...16, using: &generator)))
}

private func mask(_ extent: Extent) -> UInt64 {
    (extent.start.bytes..<extent.end.bytes).reduce(0) { $0 | 1 << UInt64($1) }
}

private func extents(of bits: UInt64) -> [Extent] {
    var found: [Extent] = []
    var rest = bits
    var place = 0
    while rest != 0 {
        let gap = rest.trailingZeroBitCount
        rest >>= UInt64(gap)
        place += gap
        let length = (~rest).trailingZeroBitCount
        found.append(extent(place, place + length))
        rest = length == 64 ? 0 : rest >> UInt64(length)
        place += length
    }
    return found
}
