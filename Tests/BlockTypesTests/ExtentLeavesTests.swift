// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing

/// How extents lie on the leaves of a volume that ends inside its eleventh leaf.
///
/// Places are in granules, of which a leaf has 16.
@Suite struct ExtentLeavesTests {
    private typealias Granules = Range<Int>

    private let size = ByteCount(163 * Geometry.granule.bytes - 1)

    private func extent(_ granules: Range<Int>) -> Extent {
        let granule = Geometry.granule.bytes
        let end = min(granules.upperBound * granule, self.size.bytes)
        return Extent(ByteOffset(granules.lowerBound * granule), ByteOffset(end))
    }

    private static let split:
        [(all: Granules, whole: Range<Int>, head: Granules?, tail: Granules?)] =
            [
                (0..<16, 0..<1, nil, nil),
                (1..<32, 1..<2, 1..<16, nil),
                (0..<17, 0..<1, nil, 16..<17),
                (15..<65, 1..<4, 15..<16, 64..<65),
                (16..<163, 1..<11, nil, nil),
                (150..<163, 10..<11, 150..<160, nil),
            ]

    @Test(arguments: Self.split.indices)
    func wholeLeavesAndTheEdgesAroundThemMakeUpAnExtent(index: Int) {
        let (all, whole, head, tail) = Self.split[index]
        #expect(self.extent(all).wholeLeaves(in: self.size) == whole)
        let edges = self.extent(all).edges(around: whole)
        #expect(edges.head == head.map { self.extent($0) })
        #expect(edges.tail == tail.map { self.extent($0) })
    }

    @Test func theShortLeafAtTheEndIsWholeOnlyWhereTheExtentEndsWithTheVolume() {
        #expect(self.extent(160..<163).wholeLeaves(in: self.size) == 10..<11)
        #expect(self.extent(160..<162).wholeLeaves(in: self.size).isEmpty)
    }

    @Test(arguments: [1..<2, 1..<16, 15..<17, 1..<31, 0..<15, 161..<163])
    func whatHasNoWholeLeafIsHeadAltogether(granules: Range<Int>) {
        let extent = self.extent(granules)
        let whole = extent.wholeLeaves(in: self.size)
        #expect(whole.isEmpty)
        let edges = extent.edges(around: whole)
        #expect(edges.head == extent && edges.tail == nil)
    }

    @Test(
        arguments: [
            (0..<1, 0..<1), (0..<16, 0..<1), (15..<17, 0..<2), (16..<48, 1..<3),
            (162..<163, 10..<11),
        ] as [(Range<Int>, Range<Int>)]
    )
    func anExtentTouchesEachLeafOfWhichItHasAByte(granules: Range<Int>, leaves: Range<Int>) {
        #expect(self.extent(granules).touchedLeaves == leaves)
    }

    @Test(arguments: [(0, 0..<16), (9, 144..<160), (10, 160..<163)] as [(Int, Range<Int>)])
    func aLeafEndsWithItsVolumeAtTheLatest(index: Int, granules: Range<Int>) {
        #expect(LeafIndex(index).extent(in: self.size) == self.extent(granules))
    }
}
