// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing

@Suite struct UnitsTests {
    @Test func multiplesAreThoseOf1024() {
        #expect(ByteCount.kibibytes(3).bytes == 3 * 1024)
        #expect(ByteCount.mebibytes(3).bytes == 3 * 1_048_576)
        #expect(ByteCount.gibibytes(3).bytes == 3 * 1_073_741_824)
        #expect(ByteCount.tebibytes(3).bytes == 3 * 1_099_511_627_776)
    }

    @Test(arguments: [
        (UInt64(0), 0), (1, 1), (UInt64(Int.max), Int.max),
        (UInt64(Int.max) + 1, nil), (UInt64.max, nil),
    ])
    func numbersOfAPeerMustFit(value: UInt64, bytes: Int?) {
        #expect(ByteCount(untrusted: value)?.bytes == bytes)
        #expect(ByteOffset(untrusted: value)?.bytes == bytes)
    }

    @Test func countsAddAndCompare() {
        var count = ByteCount(5) + ByteCount(7)
        #expect(count == ByteCount(12))
        count += ByteCount(8)
        count -= ByteCount(1)
        #expect(count == ByteCount(19))
        #expect(count - ByteCount(19) == .zero)
        #expect(ByteCount(1) < ByteCount(2))
    }

    @Test func placesMoveByCountsAndLieCountsApart() {
        var place = ByteOffset(100) + ByteCount(28)
        #expect(place == ByteOffset(128))
        place += ByteCount(2)
        #expect(place - ByteOffset(100) == ByteCount(30))
        #expect(ByteOffset.zero < place)
    }

    @Test(arguments: [
        (0, 0, 0), (1, 0, 4096), (4095, 0, 4096), (4096, 4096, 4096), (4097, 4096, 8192),
    ])
    func placesRoundToUnits(bytes: Int, down: Int, up: Int) {
        #expect(ByteOffset(bytes).roundedDown(to: Geometry.granule) == ByteOffset(down))
        #expect(ByteOffset(bytes).roundedUp(to: Geometry.granule) == ByteOffset(up))
    }

    @Test func aNegativeCountIsOurOwnMistake() async {
        await #expect(processExitsWith: .failure) { _ = ByteCount(4) - ByteCount(5) }
    }

    @Test func aNegativePlaceIsOurOwnMistake() async {
        await #expect(processExitsWith: .failure) { _ = ByteOffset(-1) }
    }

    @Test func theGeometryFitsTogether() {
        #expect(Geometry.granule.bytes * Geometry.granulesPerLeaf == Geometry.leaf.bytes)
        #expect(Geometry.maximumChunk.bytes.isMultiple(of: Geometry.leaf.bytes))
        #expect(Geometry.granule.bytes == 4096)
        #expect(Geometry.leaf.bytes == 65_536)
        #expect(Geometry.maximumChunk.bytes == 1_048_576)
        #expect(Geometry.maximumVolume.bytes == 70_368_744_177_664)
    }

    @Test(arguments: [(0, 0), (65_535, 0), (65_536, 1), (1_000_000, 15)])
    func aLeafHoldsThePlacesFromItsStart(place: Int, index: Int) {
        let leaf = LeafIndex(containing: ByteOffset(place))
        #expect(leaf == LeafIndex(index))
        #expect(leaf.start.bytes <= place && place < leaf.start.bytes + Geometry.leaf.bytes)
        #expect(leaf < LeafIndex(index + 1))
    }
}
