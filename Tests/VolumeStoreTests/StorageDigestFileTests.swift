// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import TestSupport
import Testing

@testable import VolumeStore

@Suite struct StorageDigestFileTests {
    private let place: TemporaryDirectory

    init() throws { self.place = try TemporaryDirectory() }

    private func path(_ name: String) -> String { "\(self.place.path)/\(name)" }

    private func tree<Store: DigestPageStore>(
        _ store: Store,
        _ size: ByteCount
    ) throws
        -> DigestTree<Store>
    {
        let key = try #require(LineageKey([UInt8](repeating: 3, count: 32)))
        return DigestTree(
            store: store,
            size: size,
            volume: VolumeID(halves: Halves(high: 1, low: 2)),
            lineage: LineageID(halves: Halves(high: 3, low: 4)),
            key: key,
            algorithm: .ph128
        )
    }

    @Test func aTreeInAFileHasTheRootOfATreeInMemory() throws {
        let seed = TestSeed()
        var generator = seed.generator
        let file = try DigestFile.create(self.path("digests"))
        var onDisk = try self.tree(file, .tebibytes(2))
        var inMemory = try self.tree(MemoryDigestPages(), .tebibytes(2))
        for _ in 0..<4 {
            for _ in 0..<700 {
                let leaf = LeafIndex(Int.random(in: 0..<inMemory.leafCount, using: &generator))
                let share = LeafDigest(low: generator.next(), high: generator.next())
                try onDisk.combine(leaf, share)
                inMemory.combine(leaf, share)
            }
            let start = Int.random(in: 0..<inMemory.leafCount, using: &generator)
            let end = min(inMemory.leafCount, start + 8_000_000)
            try onDisk.clear(start..<end)
            inMemory.clear(start..<end)
            #expect(try onDisk.root() == inMemory.root(), "\(seed)")
        }
        try file.sync()
        var again = try self.tree(
            DigestFile.open(file.path, writable: false),
            .tebibytes(2)
        )
        #expect(try again.root() == inMemory.root(), "\(seed)")
        var leaf = inMemory.nextNonZeroLeaf(from: LeafIndex(0))
        while let found = leaf {
            #expect(try again.nextNonZeroLeaf(from: found) == found)
            #expect(try again.digest(of: found) == inMemory.digest(of: found))
            leaf = inMemory.nextNonZeroLeaf(from: LeafIndex(found.index + 1))
        }
    }

    @Test func aSparseVolumeOfSixteenTebibytesTakesLittleSpace() throws {
        var generator = SeededGenerator(seed: 7)
        let file = try DigestFile.create(self.path("digests"))
        var tree = try self.tree(file, .tebibytes(16))
        for _ in 0..<1000 {
            let leaf = LeafIndex(Int.random(in: 0..<tree.leafCount, using: &generator))
            try tree.set(leaf, LeafDigest(low: generator.next(), high: 1))
        }
        _ = try tree.root()
        // A page for each leaf, one above each, 64 and 1: 8 MiB, and the file system's own blocks.
        #expect(try file.allocatedSize() < .mebibytes(9))
        try tree.clear(0..<tree.leafCount)
        _ = try tree.root()
        try file.sync()
        #expect(try file.allocatedSize() < .mebibytes(1))
    }

    @Test func theNextPageIsFoundAcrossHoles() throws {
        let file = try DigestFile.create(self.path("digests"))
        var page = DigestPage()
        page[leaf: 0] = LeafDigest(low: 1, high: 1)
        for index in [0, 77, 4_194_303] { try file.write(page, level: 0, index: index) }
        try file.write(page, level: 1, index: 32_767)
        func pages(_ level: Int) throws -> [Int] {
            var found: [Int] = []
            while let next = try file.nextPage(level: level, from: (found.last ?? -1) + 1) {
                if try file.read(level: level, index: next) != nil { found.append(next) }
                guard try file.read(level: level, index: next) != nil else { break }
            }
            return found
        }
        try file.sync()
        #expect(try pages(0) == [0, 77, 4_194_303])
        #expect(try pages(1) == [32_767])
        #expect(try file.nextPage(level: 2, from: 0) == nil)
        #expect(try file.nextPage(level: 4, from: 0) == nil)
        #expect(try file.nextPage(level: 0, from: 4_194_304) == nil)
        #expect(try file.read(level: 0, index: 1) == nil)
    }

    @Test func whatStandsBehindThePagesIsNoneOfThem() throws {
        let file = try DigestFile.create(self.path("digests"))
        let limit = ByteCount(100)
        #expect(code { _ = try file.readAppendix(limit: limit) } == .corrupt)
        try file.writeAppendix([1, 2, 3])
        try file.writeAppendix([4, 5, 6, 7])
        try file.sync()
        #expect(try file.readAppendix(limit: limit) == [4, 5, 6, 7])
        #expect(
            try BlockFile.open(file.path, writable: false).get(5, at: 17_315_332_096) == [
                4, 5, 6, 7, 0,
            ]
        )
        for level in 0..<5 { #expect(try file.nextPage(level: level, from: 0) == nil) }
        #expect(try file.read(level: 0, index: 4_194_303) == nil)
        try file.writeAppendix([UInt8](repeating: 1, count: 101))
        #expect(code { _ = try file.readAppendix(limit: limit) } == .corrupt)
    }

    @Test func aCopyIsIndependent() throws {
        let file = try DigestFile.create(self.path("digests"))
        var page = DigestPage()
        page[leaf: 9] = LeafDigest(low: 1, high: 2)
        try file.write(page, level: 0, index: 1000)
        let copy = try file.copy(to: self.path("copy"))
        try copy.write(DigestPage.zero, level: 0, index: 1000)
        #expect(try copy.read(level: 0, index: 1000) == nil)
        #expect(try file.read(level: 0, index: 1000) == page)
        let opened = try DigestFile.open(self.path("copy"), writable: true)
        #expect(try opened.nextPage(level: 0, from: 0) == nil)
    }

    @Test(arguments: 0..<40)
    func aDamagedHeaderIsRefused(byte: Int) throws {
        let file = try DigestFile.create(self.path("digests"))
        let raw = try BlockFile.open(file.path, writable: true)
        let value = try raw.get(1, at: byte)[0]
        try raw.put([value ^ 0x10], at: byte)
        #expect(code { _ = try DigestFile.open(file.path, writable: false) } == .corrupt)
    }

    @Test func filesOfOtherKindsAreRefused() throws {
        try Data().write(to: URL(fileURLWithPath: self.path("empty")))
        try Data(repeating: 1, count: 9999).write(to: URL(fileURLWithPath: self.path("other")))
        #expect(code { _ = try DigestFile.open(self.path("empty"), writable: false) } == .corrupt)
        #expect(code { _ = try DigestFile.open(self.path("other"), writable: false) } == .corrupt)
        #expect(code { _ = try DigestFile.open(self.path("none"), writable: false) } == .notFound)
    }

    @Test func theFormatIsTheOneThatIsWrittenDown() throws {
        let file = try DigestFile.create(self.path("digests"))
        let raw = try BlockFile.open(file.path, writable: false)
        #expect(
            try raw.get(32, at: 0) == Array("GDWTDIGS".utf8) + [
                1, 0, 0, 0, 5, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0,
            ]
        )
        var page = DigestPage()
        page[leaf: 0] = LeafDigest(low: 0x0102, high: 3)
        for (level, kibibytes) in [(4, 64), (3, 128), (2, 192), (1, 1216), (0, 132_288)] {
            try file.write(page, level: level, index: 0)
            #expect(try raw.get(9, at: kibibytes << 10) == [2, 1, 0, 0, 0, 0, 0, 0, 3])
        }
        try file.write(page, level: 1, index: 32_767)
        try file.write(page, level: 0, index: 4_194_303)
        #expect(try raw.get(2, at: (132_288 << 10) - 4096) == [2, 1])
        #expect(try raw.size().bytes == (132_288 << 10) + (16 << 30))
    }
}
