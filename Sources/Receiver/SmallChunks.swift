// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import WireProtocol

/// Small chunks of one stream that were received and not staged yet, in the order in which they came.
///
/// To stage a chunk over a base, the base's bytes in its place are read. For scattered granules
/// that is a wait for the disk each; with some of them together the disk reads for all at once. Their
/// bytes lie in the thread's chunk buffer, one after the other, each on a granule.
struct SmallChunks: ~Copyable {
    /// The largest chunk that is small: 64 KiB, a leaf.
    static let sizeLimit = Geometry.leaf
    /// The most that wait together: what a disk reads at once without getting slower.
    static let countLimit = 64

    /// Chunks for which the disk is asked together.
    static let askedTogether = 16

    private var extents: [Extent] = []
    private var asked = 0
    private var end = 0
    private var index = 0
    private var offset = 0

    init() { self.extents.reserveCapacity(Self.countLimit) }

    var isEmpty: Bool { self.extents.isEmpty }

    /// What they take together, at most a chunk.
    var byteCount: ByteCount { ByteCount(self.end) }

    static func isSmall(_ header: DataHeader) -> Bool {
        header.rawLength <= Self.sizeLimit.bytes
    }

    /// Whether the next chunk can wait with these; a large one cannot.
    func hasRoom(for header: DataHeader) -> Bool {
        Self.isSmall(header) && self.extents.count < Self.countLimit
            && self.end + header.rawLength <= Geometry.maximumChunk.bytes
    }

    /// Where the bytes of the next chunk go.
    func place(for header: DataHeader) -> Range<Int> {
        precondition(self.hasRoom(for: header), "no room for \(header.rawLength) bytes")
        return self.end..<self.end + header.rawLength
    }

    /// Adds the chunk whose bytes are in their place.
    mutating func add(_ extent: Extent) {
        self.extents.append(extent)
        self.end += Self.stride(of: extent)
    }

    /// Whether so many were added that the disk should be asked for what is in their places.
    var isReadDue: Bool { self.extents.count - self.asked >= Self.askedTogether }

    /// The places for which the disk was not asked yet.
    ///
    /// Let go of it before the next chunk is added, or the list is copied.
    mutating func takeUnread() -> ArraySlice<Extent> {
        defer { self.asked = self.extents.count }
        return self.extents[self.asked...]
    }

    /// The next chunk to stage, and where its bytes are.
    mutating func next() -> (Extent, Range<Int>)? {
        guard self.index < self.extents.count else { return nil }
        let extent = self.extents[self.index]
        let range = self.offset..<self.offset + extent.length.bytes
        self.index += 1
        self.offset += Self.stride(of: extent)
        return (extent, range)
    }

    mutating func removeAll() {
        self.extents.removeAll(keepingCapacity: true)
        self.asked = 0
        self.end = 0
        self.index = 0
        self.offset = 0
    }

    private static func stride(of extent: Extent) -> Int {
        let granule = Geometry.granule.bytes
        return (extent.length.bytes + granule - 1) / granule * granule
    }
}
