// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import TestSupport
import Testing

@Suite struct DigestTreeTests {
    @Test(arguments: [

        (0, 1), (1, 1), (256 << 16, 1), (256 << 16 | 1, 2), (128 * 256 << 16, 2),
        ((128 * 256 << 16) + 1, 3), (64 << 40, 5),
    ])
    func theNumberOfLevelsFollowsFromTheSize(size: Int, levels: Int) {
        #expect(DigestTreeShape(size: ByteCount(size)).levels == levels)
    }

    @Test(arguments: zip(0..<5, [4_194_304, 32_768, 256, 2, 1]))
    func theLargestVolumeHasThePagesOfTheTable(level: Int, pages: Int) {
        #expect(DigestTreeShape(size: Geometry.maximumVolume).pages(level: level) == pages)
    }

    @Test func anUpdateIsSeenAndTakenBack() {
        var tree = Fixture.tree(size: .mebibytes(1))
        let empty = tree.root()
        tree.combine(LeafIndex(3), LeafDigest(low: 7, high: 9))
        #expect(tree.digest(of: LeafIndex(3)) == LeafDigest(low: 7, high: 9))
        #expect(tree.root() != empty)
        tree.combine(LeafIndex(3), LeafDigest(low: 7, high: 9))
        #expect(tree.root() == empty)
        #expect(tree.store.pageCount(level: 0) == 0)
    }

    @Test func theRootBindsSizeVolumeLineageAndKey() throws {
        let other = try #require(LineageKey([UInt8](repeating: 1, count: 32)))
        func root(
            size: Int = 1 << 20,
            volume: VolumeID = Fixture.volume,
            lineage: LineageID = Fixture.lineage,
            key: LineageKey = Fixture.key
        ) -> RootDigest {
            var tree = DigestTree(
                store: MemoryDigestPages(),
                size: ByteCount(size),
                volume: volume,
                lineage: lineage,
                key: key,
                algorithm: .ph128
            )
            tree.set(LeafIndex(0), LeafDigest(low: 1, high: 2))
            return tree.root()
        }
        let roots = [
            root(), root(size: 1 << 20 | 1), root(size: 1 << 30),
            root(volume: VolumeID(halves: Halves(high: 0, low: 1))),
            root(lineage: LineageID(halves: Halves(high: 0, low: 1))), root(key: other),
        ]
        #expect(Set(roots).count == roots.count)
        #expect(root() == root())
    }

    @Test func theSameDigestInAnotherLeafIsAnotherRoot() {
        let roots = [0, 1, 255, 256, 40_000]
            .map { leaf in
                var tree = Fixture.tree(size: .gibibytes(4))
                tree.set(LeafIndex(leaf), LeafDigest(low: 1, high: 0))
                return tree.root()
            }
        #expect(Set(roots).count == 5)
    }

    @Test func theOrderOfUpdatesDoesNotMatter() {
        let seed = TestSeed()
        var generator = seed.generator
        let size = ByteCount.gibibytes(3)
        let updates = (0..<500)
            .map { _ in
                (
                    LeafIndex(Int.random(in: 0..<49_152, using: &generator)),
                    LeafDigest(low: generator.next(), high: generator.next())
                )
            }
        let roots = (0..<3)
            .map { _ in
                var tree = Fixture.tree(size: size)
                for (leaf, share) in updates.shuffled(using: &generator) {
                    tree.combine(leaf, share)
                }
                return tree.root()
            }
        #expect(Set(roots).count == 1, "\(seed)")
    }

    @Test(arguments: [0, 1, 65_536, 1 << 24, (1 << 24) + 1, 2 << 30, (2 << 30) + 65_536, 5 << 38])
    func randomUpdatesAgreeWithTheDefinition(size: Int) throws {
        let seed = TestSeed()
        var generator = seed.generator
        var tree = Fixture.tree(size: ByteCount(size))
        var naive = Fixture.naive(size: ByteCount(size))
        for round in 0..<20 {
            try change(&tree, &naive, using: &generator)
            let isRight = tree.root().bytes == naive.root()
            try #require(isRight, "round \(round), \(seed)")
        }
    }

    @Test func grownAndShrunkVolumesAgreeWithTheDefinition() throws {
        let seed = TestSeed()
        var generator = seed.generator
        let sizes = [
            0, 1, 65_536, 65_537, 1 << 24, (1 << 24) + 1, 2 << 30, (2 << 30) + 1, 1 << 38,
            (1 << 38) + 4096, 64 << 40,
        ]
        var tree = Fixture.tree(size: .zero)
        var naive = Fixture.naive(size: .zero)
        for round in 0..<100 {
            let size = ByteCount(sizes.randomElement(using: &generator) ?? 0)
            tree.resize(to: size)
            naive.resize(to: size)
            if Bool.random(using: &generator) { try change(&tree, &naive, using: &generator) }
            if Bool.random(using: &generator) {
                let isRight = tree.root().bytes == naive.root()
                try #require(isRight, "round \(round), \(size), \(seed)")
            }
        }
        #expect(tree.root().bytes == naive.root(), "\(seed)")
    }

    @Test func aShrunkVolumeLeavesNoPageBehind() {
        var tree = Fixture.tree(size: .tebibytes(64))
        for index in 0..<64 {
            tree.set(LeafIndex(index * 16_777_216 + 5), LeafDigest(low: 1, high: 1))
        }
        _ = tree.root()
        tree.resize(to: .zero)
        _ = tree.root()
        #expect((0..<5).allSatisfy { tree.store.pageCount(level: $0) == 0 })
    }

    @Test func sixteenTebibytesWithAThousandLeavesCostAThousandPaths() throws {
        let seed = TestSeed()
        var generator = seed.generator
        let size = ByteCount.tebibytes(16)
        var tree = Fixture.tree(size: size)
        var naive = Fixture.naive(size: size)
        for _ in 0..<1000 {
            let leaf = Int.random(in: 0..<naive.leafCount, using: &generator)
            let digest = LeafDigest(low: generator.next(), high: generator.next())
            tree.set(LeafIndex(leaf), digest)
            naive.set(leaf, digest)
        }
        #expect(tree.root().bytes == naive.root(), "\(seed)")
        // For each leaf: its page when it is set, again when it is hashed, and twice the page above.
        // Level 2 has 64 pages, level 3 has one.
        #expect(tree.store.readCount <= 4 * 1000 + 2 * 65)
        #expect(tree.store.writeCount <= 3 * 1000 + 2 * 65)
        #expect(tree.store.pageCount(level: 0) <= 1000)
        let before = tree.store.readCount
        tree.combine(LeafIndex(0), LeafDigest(low: 1, high: 0))
        naive.combine(0, LeafDigest(low: 1, high: 0))
        #expect(tree.root().bytes == naive.root())
        #expect(tree.store.readCount - before <= 4)
        var leaves: [Int] = []
        var leaf = tree.nextNonZeroLeaf(from: LeafIndex(0))
        while let found = leaf {
            leaves.append(found.index)
            leaf = tree.nextNonZeroLeaf(from: LeafIndex(found.index + 1))
        }
        #expect(leaves == naive.leaves.keys.sorted())
    }

    @Test func clearingCostsStoredPagesNotTheRange() {
        var tree = Fixture.tree(size: .tebibytes(64))
        tree.set(LeafIndex(1_000_000_000), LeafDigest(low: 1, high: 1))
        let empty = Fixture.tree(size: .tebibytes(64)).store.readCount
        tree.clear(1..<tree.leafCount)
        #expect(tree.store.readCount - empty < 10)
        #expect(tree.nextNonZeroLeaf(from: LeafIndex(0)) == nil)
    }

    @Test func aStoreWithWrongNodesIsRebuilt() {
        var tree = Fixture.tree(size: .gibibytes(600))
        for leaf in stride(from: 0, to: tree.leafCount, by: 99_991) {
            tree.set(LeafIndex(leaf), LeafDigest(low: UInt64(leaf), high: 1))
        }
        let root = tree.root()
        var pages = tree.store
        // What a killed process may leave: nodes that agree with nothing.
        pages.write(DigestPage.zero, level: 1, index: 0)
        pages.write(patterned(), level: 1, index: 100)
        pages.write(patterned(), level: 2, index: 1)
        pages.write(patterned(), level: 3, index: 0)
        var damaged = DigestTree(
            store: pages,
            size: .gibibytes(600),
            volume: Fixture.volume,
            lineage: Fixture.lineage,
            key: Fixture.key,
            algorithm: .ph128
        )
        #expect(damaged.root() != root)
        damaged.rebuild()
        #expect(damaged.root() == root)
    }

    @Test func aTreeIsTakenUpFromItsStore() {
        var tree = Fixture.tree(size: .gibibytes(8))
        tree.set(LeafIndex(100_000), LeafDigest(low: 4, high: 1))
        let root = tree.root()
        var again = DigestTree(
            store: tree.store,
            size: .gibibytes(8),
            volume: Fixture.volume,
            lineage: Fixture.lineage,
            key: Fixture.key,
            algorithm: .ph128
        )
        #expect(again.root() == root)
        #expect(again.digest(of: LeafIndex(100_000)) == LeafDigest(low: 4, high: 1))
    }

    @Test func aFailingStoreLosesNothing() throws {
        let seed = TestSeed()
        var generator = seed.generator
        let size = ByteCount.tebibytes(64)
        var naive = Fixture.naive(size: size)
        var tree = DigestTree(
            store: FailingPages(),
            size: size,
            volume: Fixture.volume,
            lineage: Fixture.lineage,
            key: Fixture.key,
            algorithm: .ph128
        )
        // Every seventh call fails: what was to be done is simply done again.
        for _ in 0..<700 {
            let leaf = Int.random(in: 0..<naive.leafCount, using: &generator)
            let share = LeafDigest(low: generator.next(), high: generator.next())
            naive.combine(leaf, share)
            while true {
                do throws(FailingPages.Full) {
                    try tree.combine(LeafIndex(leaf), share)
                    break
                } catch { continue }
            }
        }
        var root: RootDigest?
        while root == nil { root = try? tree.root() }
        #expect(root?.bytes == naive.root(), "\(seed)")
    }
}

/// A page in which no byte is zero.
private func patterned() -> DigestPage {
    DigestPage([UInt8](repeating: 0xA5, count: 4096)) ?? DigestPage.zero
}

/// Changes both trees in the same random way.
private func change(
    _ tree: inout DigestTree<MemoryDigestPages>,
    _ naive: inout NaiveDigestTree,
    using generator: inout SeededGenerator
) throws {
    guard naive.leafCount > 0 else { return }
    for _ in 0..<Int.random(in: 1...60, using: &generator) {
        // Half of them near the ends of pages and volumes.
        let last = naive.leafCount - 1
        let leaf =
            Bool.random(using: &generator)
            ? Int.random(in: 0...last, using: &generator)
            : min(
                last,
                [0, 255, 256, 257, last, 32_767, 32_768].randomElement(using: &generator) ?? 0
            )
        let digest = LeafDigest(low: generator.next(), high: generator.next() % 3)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0, 1:
            tree.combine(LeafIndex(leaf), digest)
            naive.combine(leaf, digest)
        case 2, 3:
            tree.set(LeafIndex(leaf), digest)
            naive.set(leaf, digest)
        case 4:
            let end = Int.random(in: leaf...naive.leafCount, using: &generator)
            tree.clear(leaf..<end)
            naive.clear(leaf..<end)
        default:
            #expect(tree.digest(of: LeafIndex(leaf)) == naive.leaves[leaf] ?? .zero)
            #expect(
                tree.nextNonZeroLeaf(from: LeafIndex(leaf))?.index
                    == naive.nextNonZeroLeaf(from: leaf)
            )
        }
    }
}

/// Pages in memory; every seventh call fails and does nothing.
private struct FailingPages: DigestPageStore {
    struct Full: Error {}

    private var pages = MemoryDigestPages()
    private var calls = 0

    private mutating func count() throws(Full) {
        self.calls += 1
        if self.calls.isMultiple(of: 7) { throw Full() }
    }

    mutating func read(level: Int, index: Int) throws(Full) -> DigestPage? {
        try self.count()
        return self.pages.read(level: level, index: index)
    }

    mutating func write(_ page: DigestPage, level: Int, index: Int) throws(Full) {
        try self.count()
        self.pages.write(page, level: level, index: index)
    }

    func nextPage(level: Int, from index: Int) throws(Full) -> Int? {
        self.pages.nextPage(level: level, from: index)
    }
}
