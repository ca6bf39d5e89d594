// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Codecs

/// The memory that one thread needs to write into a stage: allocated once, used for every chunk.
public struct StageScratch: ~Copyable {
    /// What the base has in the place of the chunk, padded to granules.
    var base: ChunkBuffer
    /// The last, partial granule of a volume, padded with zeros.
    var tail: ChunkBuffer
    /// What each leaf that the chunk touches gets combined with.
    var shares: [LeafDigest]
    /// What was written since the kernel was last told to write out.
    var unwritten: Extent?
    var unwrittenBytes: ByteCount

    /// Allocates what the largest chunk needs, about 1 MiB; or less, for smaller chunks only.
    public init(largestChunk: ByteCount = Geometry.maximumChunk) {
        self.base = ChunkBuffer(capacity: largestChunk, isKept: true)
        self.tail = ChunkBuffer(capacity: Geometry.granule)
        // One more than a chunk has when it starts at a leaf.
        let leaves = Geometry.maximumChunk.bytes / Geometry.leaf.bytes + 1
        self.shares = [LeafDigest](repeating: .zero, count: leaves)
        self.unwrittenBytes = .zero
    }

    mutating func clearShares() {
        for index in self.shares.indices { self.shares[index] = .zero }
    }

    /// Counts written bytes; gives the range to write out when there are enough of them.
    mutating func noteWritten(_ extent: Extent) -> Extent? {
        let whole = self.unwritten.map {
            Extent(min($0.start, extent.start), max($0.end, extent.end))
        }
        self.unwrittenBytes += extent.length
        guard self.unwrittenBytes >= ReplicaLimits.writebackStep else {
            self.unwritten = whole ?? extent
            return nil
        }
        self.unwritten = nil
        self.unwrittenBytes = .zero
        return whole ?? extent
    }
}

extension LeafHasher {
    /// Adds the shares of whole granules to the leaves that they belong to.
    ///
    /// `shares[0]` is for the leaf `origin`, which is `place`'s own where none is given, the next
    /// ones for the leaves after it.
    func addShares(
        of buffer: borrowing ChunkBuffer,
        at offset: Int,
        length: Int,
        from place: ByteOffset,
        countedFrom origin: LeafIndex? = nil,
        to shares: inout [LeafDigest]
    ) {
        precondition(
            length.isMultiple(of: Geometry.granule.bytes),
            "\(length) bytes are not granules"
        )
        let first = (origin ?? LeafIndex(containing: place)).index
        var done = 0
        while done < length {
            let here = place.bytes + done
            let inLeaf = here % Geometry.leaf.bytes
            let count = min(length - done, Geometry.leaf.bytes - inLeaf)
            let index = here / Geometry.leaf.bytes - first
            let start = offset + done
            if inLeaf == 0 {
                shares[index] =
                    shares[index] ^ self.digest(ofLeafIn: buffer, start..<start + count)
            } else {
                for step in stride(from: 0, to: count, by: Geometry.granule.bytes) {
                    let slot = (inLeaf + step) / Geometry.granule.bytes
                    shares[index] =
                        shares[index] ^ self.share(ofGranule: slot, in: buffer, at: start + step)
                }
            }
            done += count
        }
    }
}
