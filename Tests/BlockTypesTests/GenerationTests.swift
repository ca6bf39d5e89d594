// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Testing

@Suite struct GenerationTests {
    @Test func numbersCountUpToTheEndOfTheCounter() {
        #expect(GenerationNumber(1).next == GenerationNumber(2))
        #expect(GenerationNumber(.max).next == nil)
        #expect(GenerationNumber(1) < GenerationNumber(2))
    }

    @Test func aRootDigestIsItsSixtyFourDigits() throws {
        let root = try #require(RootDigest((0..<32).map { UInt8($0) }))
        #expect(
            root.description
                == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        )
        #expect(RootDigest([UInt8](repeating: 0, count: 31)) == nil)
        #expect(RootDigest([UInt8](repeating: 0, count: 33)) == nil)
    }

    @Test func leafDigestsCombineAndCancel() {
        let one = LeafDigest(low: 0b1100, high: 0b0011)
        let other = LeafDigest(low: 0b1010, high: 0b0101)
        #expect(one ^ other == LeafDigest(low: 0b0110, high: 0b0110))
        #expect(one ^ one == .zero)
        #expect(one ^ .zero == one)
    }

    @Test func theAlgorithmAndTheModesHaveTheNumbersOfTheFormat() {
        #expect(DigestAlgorithm.allCases.map(\.rawValue) == [1])
        #expect(TransferMode.allCases.map(\.rawValue) == [1, 2, 3])
    }

    @Test(arguments: [
        (TransferMode.incremental, true), (.fullCopy, false), (.fullVerify, true),
    ])
    func onlyAFullCopyNeedsNoBase(mode: TransferMode, needsBase: Bool) {
        #expect(mode.needsBase == needsBase)
    }

    @Test func generationsDifferInAnyOfTheirParts() throws {
        let volume = VolumeID(halves: Halves(high: 1, low: 2))
        let lineage = LineageID(halves: Halves(high: 3, low: 4))
        let snapshot = SnapshotID(halves: Halves(high: 5, low: 6))
        let root = try #require(RootDigest([UInt8](repeating: 7, count: 32)))
        let one = Generation(
            volume: volume,
            lineage: lineage,
            number: GenerationNumber(1),
            snapshot: snapshot,
            size: ByteCount(9),
            root: root
        )
        let other = Generation(
            volume: volume,
            lineage: lineage,
            number: GenerationNumber(2),
            snapshot: snapshot,
            size: ByteCount(9),
            root: root
        )
        #expect(one != other)
        #expect(Set([one, other, one]).count == 2)
    }
}
