// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing

@Suite struct ExtentTests {
    private func extent(_ start: Int, _ end: Int) -> Extent {
        Extent(ByteOffset(start), ByteOffset(end))
    }

    @Test func anExtentHasAStartAnEndAndALength() {
        let extent = Extent(at: ByteOffset(10), length: ByteCount(5))
        #expect(extent == self.extent(10, 15))
        #expect(extent.length == ByteCount(5))
        #expect(extent.description == "10..<15")
    }

    @Test(
        arguments: [
            (0, 10, nil), (0, 11, 10..<11), (12, 15, 12..<15), (5, 30, 10..<20), (19, 25, 19..<20),
            (20, 25, nil), (10, 20, 10..<20),
        ] as [(Int, Int, Range<Int>?)]
    )
    func extentsShareWhatIsInBoth(start: Int, end: Int, shared: Range<Int>?) {
        let ours = self.extent(10, 20)
        let other = self.extent(start, end)
        let expected = shared.map { self.extent($0.lowerBound, $0.upperBound) }
        #expect(ours.intersection(other) == expected)
        #expect(other.intersection(ours) == expected)
        #expect(ours.overlaps(other) == (expected != nil))
        #expect(other.overlaps(ours) == (expected != nil))
    }

    @Test(arguments: [
        (1, 2, 0, 4096), (0, 4096, 0, 4096), (4095, 4097, 0, 8192), (8192, 8193, 8192, 9000),
        (8999, 9000, 8192, 9000),
    ])
    func roundingOutGivesWholeGranulesUpToTheEndOfTheVolume(
        start: Int,
        end: Int,
        outStart: Int,
        outEnd: Int
    ) {
        let rounded = self.extent(start, end)
            .roundedOut(to: Geometry.granule, within: ByteCount(9000))
        #expect(rounded == self.extent(outStart, outEnd))
    }

    @Test func anEmptyExtentIsOurOwnMistake() async {
        await #expect(processExitsWith: .failure) { _ = Extent(ByteOffset(7), ByteOffset(7)) }
    }

    @Test func aReversedExtentIsOurOwnMistake() async {
        await #expect(processExitsWith: .failure) { _ = Extent(ByteOffset(8), ByteOffset(7)) }
    }

    @Test func theKindsHaveTheNumbersOfTheFormat() {
        #expect(ExtentKind.allCases.map(\.rawValue) == [0, 1])
        let zero = KindedExtent(self.extent(0, 1), .zero)
        #expect(zero != KindedExtent(self.extent(0, 1), .data))
    }
}
