// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// How many levels and pages the digest tree of a volume has.
///
/// | level | one page covers | pages of a 64 TiB volume |
/// |---|---|---|
/// | 0 | 16 MiB | 4,194,304 |
/// | 1 | 2 GiB | 32,768 |
/// | 2 | 256 GiB | 256 |
/// | 3 | 32 TiB | 2 |
/// | 4 | 4 PiB | 1 |
public struct DigestTreeShape: Hashable, Sendable {
    /// The levels of the largest volume: 5.
    public static let maximumLevels = Self(size: Geometry.maximumVolume).levels

    /// The leaves of the volume.
    public let leaves: Int

    /// The number of levels; at least 1.
    public let levels: Int

    /// The shape for a volume of `size`, which must not be greater than the largest volume.
    public init(size: ByteCount) {
        precondition(
            size <= Geometry.maximumVolume,
            "a volume has at most \(Geometry.maximumVolume.bytes) bytes, not \(size.bytes)"
        )
        self.leaves = (size.bytes + Geometry.leaf.bytes - 1) / Geometry.leaf.bytes
        var levels = 1
        var pages = (self.leaves + DigestPage.leaves - 1) / DigestPage.leaves
        while pages > 1 {
            pages = (pages + DigestPage.nodes - 1) / DigestPage.nodes
            levels += 1
        }
        self.levels = levels
    }

    /// The number of pages of a level; 0 above the top.
    public func pages(level: Int) -> Int {
        guard level < self.levels else { return 0 }
        var pages = (self.leaves + DigestPage.leaves - 1) / DigestPage.leaves
        for _ in 0..<level { pages = (pages + DigestPage.nodes - 1) / DigestPage.nodes }
        return pages
    }

    /// The level that has only one page.
    public var top: Int { self.levels - 1 }
}
