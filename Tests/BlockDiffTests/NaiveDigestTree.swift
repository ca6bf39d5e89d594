// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs

/// The digest tree as its definition says it: everything is hashed again for each root.
struct NaiveDigestTree {
    var size: ByteCount
    var leaves: [Int: LeafDigest] = [:]
    var volume: VolumeID
    var lineage: LineageID
    var key: LineageKey

    var leafCount: Int { (size.bytes + 65_535) / 65_536 }

    mutating func combine(_ leaf: Int, _ share: LeafDigest) {
        let digest = (self.leaves[leaf] ?? .zero) ^ share
        self.leaves[leaf] = digest == .zero ? nil : digest
    }

    mutating func set(_ leaf: Int, _ digest: LeafDigest) {
        self.leaves[leaf] = digest == .zero ? nil : digest
    }

    mutating func clear(_ range: Range<Int>) {
        self.leaves = self.leaves.filter { !range.contains($0.key) }
    }

    mutating func resize(to size: ByteCount) {
        self.size = size
        self.clear(self.leafCount..<Int.max)
    }

    func nextNonZeroLeaf(from leaf: Int) -> Int? { self.leaves.keys.filter { $0 >= leaf }.min() }

    func root() -> [UInt8] {
        var pages: [Int: [UInt8]] = [:]
        for (leaf, digest) in self.leaves {
            let place = leaf % 256 * 16
            pages[leaf / 256, default: [UInt8](repeating: 0, count: 4096)]
                .replaceSubrange(
                    place..<place + 16,
                    with: bytes(digest.low) + bytes(digest.high)
                )
        }
        var count = (self.leafCount + 255) / 256
        var level: UInt8 = 0
        while count > 1 {
            var above: [Int: [UInt8]] = [:]
            for (index, page) in pages {
                let place = index % 128 * 32
                above[index / 128, default: [UInt8](repeating: 0, count: 4096)]
                    .replaceSubrange(
                        place..<place + 32,
                        with: self.node(level, index, page)
                    )
            }
            pages = above
            count = (count + 127) / 128
            level += 1
        }
        let top = pages[0].map { self.node(level, 0, $0) } ?? [UInt8](repeating: 0, count: 32)
        return Checksum.hmacSHA256(
            key: self.key.bytes,
            Array("godwit root v1".utf8) + [1] + bytes(UInt32(4096)) + bytes(UInt32(65_536))
                + bytes(UInt64(self.size.bytes)) + self.volume.bytes + self.lineage.bytes + top
        )
    }

    private func node(_ level: UInt8, _ index: Int, _ page: [UInt8]) -> [UInt8] {
        // Pages are only made for leaves that are not zero: none of them is.
        Checksum.sha256([1, 1, level] + bytes(UInt64(index)) + self.key.bytes + page)
    }
}

private func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

/// Names and keys that never change, for vectors.
enum Fixture {
    static let volume = VolumeID(halves: Halves(high: 0x0102_0304_0506_0708, low: 9))
    static let lineage = LineageID(halves: Halves(high: 0x1112_1314_1516_1718, low: 10))
    static let key: LineageKey = {
        guard let key = LineageKey((0..<32).map { UInt8($0) }) else {
            preconditionFailure("32 bytes are a key")
        }
        return key
    }()

    static func tree(size: ByteCount) -> DigestTree<MemoryDigestPages> {
        DigestTree(
            store: MemoryDigestPages(),
            size: size,
            volume: Self.volume,
            lineage: Self.lineage,
            key: Self.key,
            algorithm: .ph128
        )
    }

    static func naive(size: ByteCount) -> NaiveDigestTree {
        NaiveDigestTree(size: size, volume: Self.volume, lineage: Self.lineage, key: Self.key)
    }
}
