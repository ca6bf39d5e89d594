// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// Collects the durable ranges that a receiver announced, and checks them as they come.
///
/// Holds: ascending, disjoint, on granules, inside the target; no more than announced.
struct RangeListing {
    let accept: Accept
    private let size: ByteCount
    private(set) var extents: [Extent] = []
    private var bytes: ByteCount = .zero

    init(_ accept: Accept, size: ByteCount) {
        self.accept = accept
        self.size = size
    }

    /// Takes the next frame; otherwise the reason why it cannot be the next.
    mutating func take(_ ranges: Ranges) -> String? {
        for extent in ranges.extents {
            guard extent.isGranular(within: self.size) else {
                return "range \(extent) does not fit a volume of \(self.size.bytes) bytes"
            }
            if let last = self.extents.last, extent.start < last.end {
                return "range \(extent) comes after range \(last)"
            }
            self.extents.append(extent)
            self.bytes += extent.length
        }
        let count = self.extents.count
        guard count <= self.accept.rangeCount, !ranges.isLast || count == self.accept.rangeCount
        else { return "\(count) ranges came, and \(self.accept.rangeCount) were announced" }
        guard !ranges.isLast || self.bytes == self.accept.durableBytes else {
            return "the ranges have \(self.bytes.bytes) bytes instead of"
                + " \(self.accept.durableBytes.bytes)"
        }
        return nil
    }
}

extension Extent {
    /// Whether it lies inside a volume, starts on a granule, and ends on one or with the volume.
    func isGranular(within size: ByteCount) -> Bool {
        let granule = Geometry.granule.bytes
        return self.start.bytes.isMultiple(of: granule) && self.end.bytes <= size.bytes
            && (self.end.bytes.isMultiple(of: granule) || self.end.bytes == size.bytes)
    }
}
