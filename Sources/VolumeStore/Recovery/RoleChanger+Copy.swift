// SPDX-License-Identifier: Apache-2.0

import BlockDiff
public import BlockTypes
import Codecs

// Independent, writable copies of one generation, for rehearsals: a reflink clone, which takes no
// space and no time, or a sparse copy. The copy has an identity, a lineage and a key of its own.

extension RoleChanger {
    /// What is copied.
    public enum Origin: Sendable {
        /// A generation that a replica keeps; transfers to it go on.
        case replica(ReplicaVolume, GenerationNumber?)
        /// The bytes of a former source as they are, although no run has proven them.
        case unproven(ReplicaVolume)
        /// A snapshot of a source, in use by the caller.
        case snapshot(SourceVolume, SourceSnapshot)
    }

    /// Makes a source volume with the bytes of one generation.
    ///
    /// - Parameters:
    ///   - origin: what is copied.
    ///   - name: of the new volume.
    ///   - verify: whether every byte of the copy is read and its root compared with the
    ///     generation's before anybody gets it.
    ///   - generator: where identities and the key come from.
    /// - Returns: the new volume.
    /// - Throws: `corrupt` where `verify` finds other bytes; `invalid` where the generation has no
    ///   root to compare with; `alreadyExists` for a name that is taken; nothing is left then.
    public func copy(
        _ origin: Origin,
        as name: VolumeName,
        verify: Bool,
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> SourceVolume {
        switch origin {
        case .replica(let replica, let number):
            let reader: ReplicaReader
            if let number {
                reader = try replica.open(number)
            } else {
                reader = try replica.openVisible()
            }
            let copy = VerifiedCopy(replica, reader, generation: reader.generation)
            defer { withExtendedLifetime(reader) {} }
            return try self.copy(copy, replica.name, as: name, verify: verify, &generator)
        case .unproven(let replica):
            let reader = try replica.openUnproven()
            let copy = VerifiedCopy(replica, reader, generation: nil)
            defer { withExtendedLifetime(reader) {} }
            return try self.copy(copy, replica.name, as: name, verify: verify, &generator)
        case .snapshot(let source, let snapshot):
            let copy = VerifiedCopy(
                record: source.record,
                image: try snapshot.openImage(),
                size: snapshot.size,
                generation: try snapshot.generation()
            )
            return try self.copy(copy, source.name, as: name, verify: verify, &generator)
        }
    }

    private func copy(
        _ copy: VerifiedCopy,
        _ origin: String,
        as name: VolumeName,
        verify: Bool,
        _ generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> SourceVolume {
        guard !verify || copy.generation != nil else {
            throw StoreError(
                .invalid,
                "what was never sent has no root that a copy could be compared with"
            )
        }
        let from = CopyRecord(
            name: origin,
            volume: copy.record.volume,
            generation: copy.generation?.number.number,
            verifiedRoot: verify ? copy.generation?.root : nil
        )
        return try self.sources.add(name, .pool, copy.size, copiedFrom: from, &generator) {
            (path) throws(StoreError) in try copy.make(at: path, verify: verify)
        }
    }
}

/// A copy of an image that is proven before it is used.
private struct VerifiedCopy {
    let record: VolumeRecord
    let image: BlockFile
    let size: ByteCount
    let generation: Generation?

    init(record: VolumeRecord, image: BlockFile, size: ByteCount, generation: Generation?) {
        self.record = record
        self.image = image
        self.size = size
        self.generation = generation
    }

    init(_ replica: ReplicaVolume, _ reader: ReplicaReader, generation: Generation?) {
        self.init(
            record: replica.record,
            image: reader.file,
            size: reader.generation.size,
            generation: generation
        )
    }

    func make(at path: String, verify: Bool) throws(StoreError) {
        let copy: BlockFile
        if let clone = try SourceVolume.clone(self.image, to: path) {
            copy = clone
        } else {
            copy = try SparseCopy.copy(self.image, to: path)
        }
        // A device that a replica lies on may be larger than the volume.
        if try copy.size() != self.size { try copy.resize(to: self.size) }
        try copy.sync()
        guard verify, let generation else { return }
        let found = try ImageRoot.of(copy, self.size, self.record, scratch: "\(path).digests")
        guard found.root == generation.root else {
            throw StoreError(
                .corrupt,
                "the bytes of generation \(generation.number.number) have root \(found.root) now, "
                    + "not \(generation.root)",
                path: self.image.path
            )
        }
    }
}

/// Computes the root of a volume from its bytes.
public enum ImageRoot {
    /// Reads all data of an image; holes are not read.
    ///
    /// - Parameters:
    ///   - image: the bytes.
    ///   - size: of the volume.
    ///   - record: whose identities and key the root is made with.
    ///   - scratch: where the digests are kept meanwhile; 1/4,096 of the data.
    /// - Returns: the root, and how much was read.
    /// - Throws: what reading failed with.
    public static func of(
        _ image: BlockFile,
        _ size: ByteCount,
        _ record: VolumeRecord,
        scratch: String
    ) throws(StoreError) -> (root: RootDigest, read: ByteCount) {
        let store = try DigestFile.create(scratch)
        defer { try? PoolDirectory.remove(scratch) }
        var tree = DigestTree(
            store: store,
            size: size,
            volume: record.volume,
            lineage: record.lineage,
            key: record.key,
            algorithm: record.algorithm
        )
        let hasher = LeafHasher(key: record.key)
        var buffer = ChunkBuffer(capacity: Geometry.leaf)
        var read = ByteCount.zero
        var place = ByteOffset.zero
        let end = ByteOffset(size.bytes)
        while place < end, let found = try image.nextExtent(from: place) {
            let leaf = LeafIndex(containing: place)
            let extent = leaf.extent(in: size)
            if found.kind == .zero, place == leaf.start, found.extent.end >= extent.end {
                // Whole leaves of the hole; the last one may hold data after it.
                let stop = min(found.extent.end, end)
                place = stop == end ? end : stop.roundedDown(to: Geometry.leaf)
                continue
            }
            let length = extent.length.bytes
            let granules = extent.length.roundedUpToGranules.bytes
            buffer.clear(0..<Geometry.leaf.bytes)
            try image.read(at: extent.start, length: length, into: &buffer, at: 0)
            read += extent.length
            if !ZeroTest.isZero(buffer, 0..<granules) {
                try tree.set(leaf, hasher.digest(ofLeafIn: buffer, 0..<granules))
            }
            place = extent.end
        }
        return (try tree.root(), read)
    }
}
