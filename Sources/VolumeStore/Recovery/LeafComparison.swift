// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs

/// Counts the leaves in which two images differ.
enum LeafComparison {
    /// Reads what two clones do not share; both files where their addresses tell nothing.
    ///
    /// - Returns: the leaves of `path` that are not as in `base`, those that only one of them has
    ///   included.
    static func differing(_ path: String, from base: String) throws(StoreError) -> UInt64 {
        let target = try BlockFile.open(path, writable: false)
        let base = try BlockFile.open(base, writable: false)
        var pass = Pass(target: target, base: base, size: try target.size(), try base.size())
        do throws(StoreError) {
            var source = try PhysicalExtentSource(base: base, target: target)
            while let next = try source.next() { try pass.visit(next.extent) }
        } catch {
            guard error.code == .unsupported else { throw error }
            pass = Pass(target: target, base: base, size: try target.size(), try base.size())
            try pass.visitAll()
        }
        return pass.count + pass.leavesOfOneOnly
    }

    private struct Pass: ~Copyable {
        let target: BlockFile
        let base: BlockFile
        let common: ByteCount
        let leavesOfOneOnly: UInt64
        private(set) var count: UInt64 = 0
        private var next = LeafIndex(0)
        private var ours = ChunkBuffer(capacity: Geometry.leaf)
        private var theirs = ChunkBuffer(capacity: Geometry.leaf)

        init(target: BlockFile, base: BlockFile, size: ByteCount, _ baseSize: ByteCount) {
            self.target = target
            self.base = base
            self.common = min(size, baseSize)
            let leaf = Geometry.leaf.bytes
            let all = (max(size, baseSize).bytes + leaf - 1) / leaf
            self.leavesOfOneOnly = UInt64(all - (self.common.bytes + leaf - 1) / leaf)
        }

        /// Compares the leaves that an extent touches and that were not compared yet.
        mutating func visit(_ extent: Extent) throws(StoreError) {
            var leaf = max(self.next, LeafIndex(containing: extent.start))
            while leaf.start < extent.end, leaf.start.bytes < self.common.bytes {
                if try self.differs(leaf.extent(in: self.common)) { self.count += 1 }
                leaf = LeafIndex(leaf.index + 1)
            }
            self.next = max(self.next, leaf)
        }

        /// Compares all that either file has data in.
        mutating func visitAll() throws(StoreError) {
            var place = ByteOffset.zero
            while place.bytes < self.common.bytes {
                let ours = try self.target.nextExtent(from: place)
                let theirs = try self.base.nextExtent(from: place)
                let end = ByteOffset(self.common.bytes)
                let isHole = (ours?.kind ?? .zero) == .zero && (theirs?.kind ?? .zero) == .zero
                let stop = min(ours?.extent.end ?? end, theirs?.extent.end ?? end, end)
                if !isHole { try self.visit(Extent(place, stop)) }
                place = stop
            }
        }

        private mutating func differs(_ extent: Extent) throws(StoreError) -> Bool {
            let length = extent.length.bytes
            try self.target.read(at: extent.start, length: length, into: &self.ours, at: 0)
            try self.base.read(at: extent.start, length: length, into: &self.theirs, at: 0)
            return !self.ours.matches(0..<length, self.theirs, 0..<length)
        }
    }
}
