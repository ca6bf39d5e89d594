// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import TestSupport
import Testing

@Suite struct LeafHasherTests {
    static let supported = LeafHasher.Variant.allCases.filter(\.isSupported)
    static let leaf = 0..<65_536

    let key: LineageKey

    init() throws { self.key = try #require(LineageKey(UInt8(0)..<32)) }

    // The numbers come from a third implementation, in Python, of docs/decisions/0002.
    @Test(
        arguments: supported,
        [
            (0, LeafDigest(low: 0x97a2_43d2_94e0_754f, high: 0x790a_e94a_d02d_b1b0)),
            (1, LeafDigest(low: 0x9b99_c794_3ad4_9c89, high: 0x989c_15ad_6678_363b)),
            (15, LeafDigest(low: 0x2e8c_d87f_16e0_a656, high: 0x3ccc_97e6_72ae_0f82)),
        ]
    )
    func sharesHaveTheirKnownAnswers(
        variant: LeafHasher.Variant,
        known: (slot: Int, share: LeafDigest)
    ) {
        let hasher = LeafHasher(key: self.key, variant: variant)
        let share = hasher.share(ofGranule: known.slot, in: buffer(of: pattern(4096)), at: 0)
        #expect(share == known.share)
    }

    @Test(arguments: supported)
    func theLeafHasItsKnownAnswer(variant: LeafHasher.Variant) {
        let hasher = LeafHasher(key: self.key, variant: variant)
        let digest = hasher.digest(ofLeafIn: buffer(of: pattern(65_536)), Self.leaf)
        #expect(
            digest == LeafDigest(low: 0x9d0d_cfa3_77d0_de42, high: 0x1e79_1bb9_3b43_bccc)
        )
    }

    @Test(arguments: supported)
    func everyVariantEqualsTheBitwiseReference(variant: LeafHasher.Variant) throws {
        var generator = SeededGenerator(seed: 11)
        for round in 0..<4 {
            let key = LineageKey.random(using: &generator)
            let hasher = LeafHasher(key: key, variant: variant)
            let slot = Int.random(in: 0..<16, using: &generator)
            let granule = round == 0 ? [UInt8](repeating: 0xff, count: 4096) : generator.bytes(4096)
            let share = hasher.share(ofGranule: slot, in: buffer(of: granule), at: 0)
            #expect(share == ReferencePH128(key: key).share(slot: slot, granule))
        }
    }

    @Test func theDefaultVariantEqualsThePortableOneOnWholeLeaves() {
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<16 {
            let key = LineageKey.random(using: &generator)
            let leaf = buffer(of: generator.bytes(65_536))
            let fast = LeafHasher(key: key).digest(ofLeafIn: leaf, Self.leaf)
            let slow = LeafHasher(key: key, variant: .portable).digest(ofLeafIn: leaf, Self.leaf)
            #expect(fast == slow)
        }
    }

    @Test(arguments: supported)
    func granulesNeedNoAlignment(variant: LeafHasher.Variant) {
        var generator = SeededGenerator(seed: 13)
        let hasher = LeafHasher(key: self.key, variant: variant)
        let granule = generator.bytes(4096)
        let aligned = hasher.share(ofGranule: 5, in: buffer(of: granule), at: 0)
        for offset in [1, 3, 8, 17, 31, 33, 63] {
            var shifted = ChunkBuffer(capacity: .kibibytes(8))
            shifted.copy(granule, at: offset)
            let share = hasher.share(ofGranule: 5, in: shifted, at: offset)
            #expect(share == aligned)
        }
    }

    @Test(arguments: supported)
    func zerosHaveTheDigestZeroInEverySlot(variant: LeafHasher.Variant) {
        let hasher = LeafHasher(key: self.key, variant: variant)
        let zeros = ChunkBuffer(capacity: Geometry.leaf)
        for slot in 0..<16 {
            let share = hasher.share(ofGranule: slot, in: zeros, at: slot * 4096)
            #expect(share == .zero)
        }
        let digest = hasher.digest(ofLeafIn: zeros, Self.leaf)
        #expect(digest == .zero)
    }

    @Test func aLeafIsTheSumOfItsShares() {
        var generator = SeededGenerator(seed: 14)
        let hasher = LeafHasher(key: self.key)
        let leaf = buffer(of: generator.bytes(65_536))
        let shares = hasher.shares(ofLeafIn: leaf, Self.leaf)
        let digest = hasher.digest(ofLeafIn: leaf, Self.leaf)
        #expect(shares.count == 16)
        #expect(shares.reduce(.zero, ^) == digest)
    }

    @Test(arguments: 1...16)
    func missingGranulesCountAsZeros(granules: Int) {
        var generator = SeededGenerator(seed: 15)
        let hasher = LeafHasher(key: self.key)
        let bytes = generator.bytes(granules * 4096)
        let short = buffer(of: bytes)
        let padded = buffer(of: bytes + [UInt8](repeating: 0, count: 65_536 - bytes.count))
        let digest = hasher.digest(ofLeafIn: short, 0..<bytes.count)
        let shares = hasher.shares(ofLeafIn: short, 0..<bytes.count)
        let paddedDigest = hasher.digest(ofLeafIn: padded, Self.leaf)
        let paddedShares = hasher.shares(ofLeafIn: padded, Self.leaf)
        #expect(digest == paddedDigest)
        #expect(shares == paddedShares)
    }

    @Test func changedSharesAloneTakeADigestOverAChange() {
        var generator = SeededGenerator(seed: 16)
        let hasher = LeafHasher(key: self.key)
        var leaf = buffer(of: generator.bytes(65_536))
        var digest = hasher.digest(ofLeafIn: leaf, Self.leaf)
        for _ in 0..<20 {
            let slot = Int.random(in: 0..<16, using: &generator)
            let old = hasher.share(ofGranule: slot, in: leaf, at: slot * 4096)
            leaf.copy(generator.bytes(4096), at: slot * 4096)
            let new = hasher.share(ofGranule: slot, in: leaf, at: slot * 4096)
            digest = digest ^ old ^ new
            let whole = hasher.digest(ofLeafIn: leaf, Self.leaf)
            #expect(digest == whole)
        }
    }

    @Test func everySingleBitCounts() {
        let hasher = LeafHasher(key: self.key)
        var leaf = ChunkBuffer(capacity: Geometry.granule)
        var seen: Set<LeafDigest> = [.zero]
        for place in 0..<4096 {
            for bit in 0..<8 {
                leaf[place] = 1 << UInt8(bit)
                seen.insert(hasher.share(ofGranule: 2, in: leaf, at: 0))
                leaf[place] = 0
            }
        }
        #expect(seen.count == 4096 * 8 + 1)
    }

    @Test func thePlaceOfAGranuleCounts() {
        var generator = SeededGenerator(seed: 17)
        let hasher = LeafHasher(key: self.key)
        let granule = buffer(of: generator.bytes(4096))
        let shares = Set((0..<16).map { hasher.share(ofGranule: $0, in: granule, at: 0) })
        #expect(shares.count == 16)
    }

    @Test func theOrderOfWordsCounts() {
        var generator = SeededGenerator(seed: 18)
        let hasher = LeafHasher(key: self.key)
        let bytes = generator.bytes(4096)
        let swapped = Array(bytes[8..<16] + bytes[0..<8] + bytes[16...])
        let one = hasher.share(ofGranule: 0, in: buffer(of: bytes), at: 0)
        let other = hasher.share(ofGranule: 0, in: buffer(of: swapped), at: 0)
        #expect(one != other)
    }

    @Test func theKeyCounts() {
        var generator = SeededGenerator(seed: 19)
        let granule = buffer(of: generator.bytes(4096))
        let shares = (0..<64)
            .map { _ in
                LeafHasher(key: .random(using: &generator)).share(ofGranule: 0, in: granule, at: 0)
            }
        #expect(Set(shares).count == 64)
    }

    @Test func randomLeavesDoNotCollide() {
        var generator = SeededGenerator(seed: 20)
        let hasher = LeafHasher(key: self.key)
        var leaf = buffer(of: generator.bytes(65_536))
        var lows: Set<UInt64> = []
        var highs: Set<UInt64> = []
        for _ in 0..<10_000 {
            let offset = Int.random(in: 0...65_528, using: &generator)
            leaf.store(generator.next(), at: offset)
            let digest = hasher.digest(ofLeafIn: leaf, Self.leaf)
            lows.insert(digest.low)
            highs.insert(digest.high)
        }
        // Each half alone: two equal ones among 10,000 are a chance of 2^-38.
        #expect(lows.count == 10_000)
        #expect(highs.count == 10_000)
    }

    @Test func oneHasherServesManyThreads() async {
        var generator = SeededGenerator(seed: 21)
        let hasher = LeafHasher(key: self.key)
        let bytes = generator.bytes(65_536)
        let expected = hasher.digest(ofLeafIn: buffer(of: bytes), Self.leaf)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let leaf = buffer(of: bytes)
                    return (0..<50)
                        .allSatisfy { _ in
                            hasher.digest(ofLeafIn: leaf, LeafHasherTests.leaf) == expected
                        }
                }
            }
            for await allEqual in group { #expect(allEqual) }
        }
    }

    @Test func aLeafOfHalfAGranuleIsOurOwnMistake() async {
        await #expect(processExitsWith: .failure) {
            var generator = SeededGenerator(seed: 22)
            let hasher = LeafHasher(key: .random(using: &generator))
            _ = hasher.digest(ofLeafIn: ChunkBuffer(capacity: Geometry.leaf), 0..<2048)
        }
    }
}
