// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing

struct NearExtentsTests {
    /// Extents in KiB, as they go in and as they come out.
    private func joined(_ extents: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
        var near = NearExtents()
        var found: [ClosedRange<Int>] = []
        let note = { (extent: Extent) in
            found.append(extent.start.bytes / 1024...extent.end.bytes / 1024)
        }
        for range in extents {
            near.add(
                Extent(ByteOffset(range.lowerBound * 1024), ByteOffset(range.upperBound * 1024)),
                note
            )
        }
        near.finish(note)
        near.finish(note)
        return found
    }

    @Test func whatLiesCloseTogetherIsOneRead() {
        #expect(self.joined([0...4, 8...12, 44...48]) == [0...48])
    }

    @Test func aGapOfMoreThan32KiBIsNotRead() {
        #expect(self.joined([0...4, 37...41]) == [0...4, 37...41])
    }

    @Test func whatBeginsInsideDoesNotShortenIt() {
        #expect(self.joined([0...64, 4...8]) == [0...64])
    }

    @Test func whatComesFromBeforeBeginsAnew() {
        #expect(self.joined([100...104, 0...4]) == [100...104, 0...4])
    }

    @Test func nothingGivesNothing() { #expect(self.joined([]).isEmpty) }
}
