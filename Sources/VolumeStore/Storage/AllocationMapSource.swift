// SPDX-License-Identifier: Apache-2.0

public import BlockDiff
public import BlockTypes

/// The allocated ranges of a volume: what may differ from a volume of zeros.
///
/// For full transfers. Reports data only, in whole granules, coalesced; what it does not report is
/// a hole and reads as zeros. What it reports may be zeros too: the sender looks.
public struct AllocationMapSource: ChangeSource {
    private let file: BlockFile
    private let size: ByteCount
    private var place = ByteOffset.zero
    private var ready: Extent?

    /// The allocated ranges of a file that nobody writes to.
    public init(_ file: BlockFile) throws(StoreError) {
        self.file = file
        self.size = try file.size()
    }

    /// The allocation map.
    public var kind: ChangeSourceKind { .allocationMap }

    /// A superset: allocated blocks may hold zeros.
    public var certainty: ChangeCertainty { .superset }

    /// The next allocated extent, of those that were there when the map was opened.
    public mutating func next() throws(StoreError) -> KindedExtent? {
        // Nobody should write to the file, but who declares it frozen may be wrong: it can grow.
        while self.place.bytes < self.size.bytes,
            let found = try self.file.nextExtent(from: self.place)
        {
            self.place = found.extent.end
            guard found.kind == .data else { continue }
            let extent = found.extent.roundedOut(to: Geometry.granule, within: self.size)
            // Blocks smaller than a granule: neighbours round out into each other.
            guard let before = self.ready else {
                self.ready = extent
                continue
            }
            if extent.start <= before.end {
                self.ready = Extent(before.start, max(before.end, extent.end))
                continue
            }
            self.ready = extent
            return KindedExtent(before, .data)
        }
        defer { self.ready = nil }
        return self.ready.map { KindedExtent($0, .data) }
    }
}
