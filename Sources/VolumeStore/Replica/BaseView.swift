// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// The bytes of the base generation as the target would have them if nothing had changed.
///
/// Cut at the end of the base and at the end of the target; all after it reads as zeros, also
/// where a device is larger than the volume on it.
struct BaseView: Sendable {
    private let file: BlockFile
    /// The bytes that are the base's and within the target.
    let size: ByteCount

    init(_ file: BlockFile, baseSize: ByteCount, targetSize: ByteCount) {
        self.file = file
        self.size = min(baseSize, targetSize)
    }

    /// Reads an extent into the buffer, padded with zeros to whole granules.
    ///
    /// - Returns: false when all of it is zeros after the end, and nothing was read.
    func read(
        _ extent: Extent,
        into buffer: inout ChunkBuffer,
        at offset: Int
    ) throws(StoreError) -> Bool {
        let end = min(extent.end.bytes, self.size.bytes)
        guard extent.start.bytes < end else { return false }
        let length = end - extent.start.bytes
        try self.file.read(at: extent.start, length: length, into: &buffer, at: offset)
        let padded = extent.length.roundedUpToGranules.bytes
        buffer.clear(offset + length..<offset + padded)
        return true
    }

    /// Has the kernel read an extent in, so that reading it later does not wait for the disk.
    func prefetch(_ extent: Extent) {
        let end = min(extent.end.bytes, self.size.bytes)
        guard extent.start.bytes < end else { return }
        self.file.prefetch(Extent(extent.start, ByteOffset(end)))
    }

    /// The end of the hole that holds `place`, or `place` where there is none.
    func endOfHole(at place: ByteOffset) throws(StoreError) -> ByteOffset {
        guard place.bytes < self.size.bytes else { return ByteOffset(Int.max) }
        guard let next = try self.file.nextExtent(from: place) else { return ByteOffset(Int.max) }
        switch next.kind {
        case .zero: return next.extent.end
        case .data: return max(place, next.extent.start)
        }
    }
}

extension ByteCount {
    /// The nearest multiple of a granule at or above this count.
    var roundedUpToGranules: Self {
        let granule = Geometry.granule.bytes
        return Self((self.bytes + granule - 1) / granule * granule)
    }
}
