// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// Rounds the extents of an allocation map to whole leaves, as they stream by.
///
/// Whoever compares leaf digests has to read whole leaves. A leaf with any data in it becomes data;
/// what stays zero is whole leaves of zeros. Nothing is reported twice, and everything that came
/// in goes out, so a superset stays one.
struct LeafAligner {
    /// The size of the volume: the last leaf may end before its boundary.
    private let size: ByteCount
    /// Everything before this place went out.
    private var covered = ByteOffset.zero
    /// What one extent became and was not taken yet: at most a head, whole leaves, and a tail.
    private var ready: [KindedExtent] = []

    init(size: ByteCount) {
        self.size = size
        self.ready.reserveCapacity(3)
    }

    /// Takes the next extent; extents come ascending and disjoint.
    mutating func append(_ extent: KindedExtent) {
        let range = extent.extent
        let first = range.start.roundedDown(to: Geometry.leaf)
        let last = self.leafEnd(range.end)
        switch extent.kind {
        case .data:
            self.emit(first, last, .data)
        case .zero:
            let whole = range.wholeLeaves(in: self.size)
            guard !whole.isEmpty else {
                self.emit(first, last, .data)
                return
            }
            let innerStart = LeafIndex(whole.lowerBound).start
            let innerEnd = min(LeafIndex(whole.upperBound).start, range.end)
            // A leaf that is zero only in part is read; it was, if its data came before.
            self.emit(first, innerStart, .data)
            self.emit(innerStart, innerEnd, .zero)
            self.emit(innerEnd, last, .data)
        }
    }

    /// The next whole leaves; nil when another extent has to come first.
    mutating func next() -> KindedExtent? {
        self.ready.isEmpty ? nil : self.ready.removeFirst()
    }

    private func leafEnd(_ place: ByteOffset) -> ByteOffset {
        min(place.roundedUp(to: Geometry.leaf), ByteOffset(self.size.bytes))
    }

    private mutating func emit(_ start: ByteOffset, _ end: ByteOffset, _ kind: ExtentKind) {
        let start = max(start, self.covered)
        guard start < end else { return }
        self.ready.append(KindedExtent(Extent(start, end), kind))
        self.covered = end
    }
}
