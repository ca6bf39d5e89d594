// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs

/// Copies a volume where there is no reflink; what is zero takes no space in the copy.
enum SparseCopy {
    /// How often a copy is started again because the original changed meanwhile.
    static let attempts = 3

    /// Copies `source` to a new file and makes it durable.
    ///
    /// - Returns: the copy, of the size that the source had at the start.
    /// - Throws: `busy` when the source still changed during the last attempt; nothing is left then.
    static func copy(_ source: BlockFile, to path: String) throws(StoreError) -> BlockFile {
        for _ in 0..<self.attempts {
            let before = try self.stamp(of: source)
            let copy = try BlockFile.create(path, size: try source.size())
            do throws(StoreError) {
                try self.fill(copy, from: source)
                try copy.sync()
                // A device has no marks; whoever attaches one declares it frozen.
                if try self.stamp(of: source) == before { return copy }
            } catch {
                try? PoolDirectory.remove(path)
                throw error
            }
            try? PoolDirectory.remove(path)
        }
        throw StoreError(
            .busy,
            "the volume was written during each of \(self.attempts) copies of it; stop the writer, "
                + "or keep the volume on XFS or btrfs, where a snapshot takes no time",
            path: source.path
        )
    }

    /// What shows that a file was not written: nil for a device.
    static func stamp(of file: BlockFile) throws(StoreError) -> FileStamp? {
        file.isBlockDevice ? nil : try file.modificationStamp()
    }

    private static func fill(_ copy: BlockFile, from source: BlockFile) throws(StoreError) {
        let size = try copy.size()
        var buffer = ChunkBuffer(capacity: Geometry.maximumChunk)
        var place = ByteOffset.zero
        while place.bytes < size.bytes, let found = try source.nextExtent(from: place) {
            let end = min(found.extent.end, ByteOffset(size.bytes))
            guard found.extent.start < end else { return }
            switch found.kind {
            case .zero: break
            case .data:
                let data = Extent(found.extent.start, end)
                try self.copy(data, from: source, to: copy, through: &buffer)
            }
            place = end
        }
    }

    private static func copy(
        _ extent: Extent,
        from source: BlockFile,
        to copy: BlockFile,
        through buffer: inout ChunkBuffer
    ) throws(StoreError) {
        var place = extent.start
        while place < extent.end {
            let length = min(extent.end - place, Geometry.maximumChunk).bytes
            try source.read(at: place, length: length, into: &buffer, at: 0)
            // Zeros that were written are left out leaf by leaf: holes cost nothing later.
            var start: Int?
            for leaf in stride(from: 0, to: length, by: Geometry.leaf.bytes) {
                let range = leaf..<min(leaf + Geometry.leaf.bytes, length)
                if !ZeroTest.isZero(buffer, range) {
                    start = start ?? leaf
                } else if let first = start {
                    try copy.write(buffer, first..<leaf, at: place + ByteCount(first))
                    start = nil
                }
            }
            if let first = start {
                try copy.write(buffer, first..<length, at: place + ByteCount(first))
            }
            place += ByteCount(length)
        }
    }
}
