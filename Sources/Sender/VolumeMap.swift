// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import VolumeStore

/// The whole of a volume as data and zeros: an allocation map with its gaps filled in.
///
/// Where digests are compared, a hole matters too: the base may have data there.
struct VolumeMap {
    /// Nil where holes are not believed: then everything is data.
    private var source: AllocationMapSource?
    private let end: ByteOffset
    private var place = ByteOffset.zero
    private var ahead: KindedExtent?

    init(_ image: BlockFile, trustsHoles: Bool) throws(StoreError) {
        self.source = trustsHoles ? try AllocationMapSource(image) : nil
        self.end = ByteOffset(try image.size().bytes)
    }

    mutating func next() throws(StoreError) -> KindedExtent? {
        if self.source == nil {
            guard self.place < self.end else { return nil }
            return self.advance(over: KindedExtent(Extent(self.place, self.end), .data))
        }
        if let ahead = self.ahead {
            self.ahead = nil
            return self.advance(over: ahead)
        }
        guard let found = try self.source?.next() else {
            guard self.place < self.end else { return nil }
            return self.advance(over: KindedExtent(Extent(self.place, self.end), .zero))
        }
        guard self.place < found.extent.start else { return self.advance(over: found) }
        self.ahead = found
        return self.advance(
            over: KindedExtent(Extent(self.place, found.extent.start), .zero)
        )
    }

    private mutating func advance(over extent: KindedExtent) -> KindedExtent {
        self.place = extent.extent.end
        return extent
    }
}

/// Either of the change sources, without a box around it.
enum AnyChangeSource {
    /// Everything, with what is allocated.
    case map(VolumeMap)
    /// What lies at other addresses than in the base's clone.
    case physical(PhysicalExtentSource)

    mutating func next() throws(StoreError) -> KindedExtent? {
        switch self {
        case .map(var source):
            defer { self = .map(source) }
            return try source.next()
        case .physical(var source):
            defer { self = .physical(source) }
            return try source.next()
        }
    }
}
