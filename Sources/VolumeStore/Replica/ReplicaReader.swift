// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Codecs

/// One generation of a replica, open for reading: for exports and verifications.
///
/// Sees this generation for as long as it lives. On a target that is changed in place it keeps the next
/// commit waiting; elsewhere a commit goes past it.
public final class ReplicaReader: Sendable {
    /// The generation that is read.
    public let generation: Generation

    let volume: ReplicaVolume
    let file: BlockFile
    let digests: DigestFile

    init(of generation: Generation, volume: ReplicaVolume, file: BlockFile, digests: DigestFile) {
        self.generation = generation
        self.volume = volume
        self.file = file
        self.digests = digests
    }

    deinit { self.volume.endReading() }

    /// Reads bytes; all of them must be inside of the generation.
    ///
    /// - Throws: what reading failed with.
    public func read(
        at place: ByteOffset,
        length: Int,
        into buffer: inout ChunkBuffer,
        at offset: Int
    ) throws(StoreError) {
        precondition(
            place.bytes + length <= self.generation.size.bytes,
            "\(length) bytes at \(place.bytes) are not in \(self.generation.size.bytes)"
        )
        try self.file.read(at: place, length: length, into: &buffer, at: offset)
    }

    /// The data or hole at `place`, as far as it goes; nil at the end.
    ///
    /// - Returns: an extent that starts at `place`.
    /// - Throws: what the file system refused.
    public func nextExtent(from place: ByteOffset) throws(StoreError) -> KindedExtent? {
        let end = ByteOffset(self.generation.size.bytes)
        guard place < end else { return nil }
        guard let next = try self.file.nextExtent(from: place) else {
            return KindedExtent(Extent(place, end), .zero)
        }
        return KindedExtent(Extent(place, min(next.extent.end, end)), next.kind)
    }

    /// Copies the generation to a new sparse file, or over a device of at least its size.
    ///
    /// - Parameters:
    ///   - path: a file that does not exist, or a block device, which is overwritten.
    ///   - progress: called with the place up to which everything is copied; false stops.
    /// - Returns: whether all was copied; it is durable then.
    /// - Throws: what reading or writing failed with; a file that was begun is removed.
    public func export(
        to path: String,
        progress: (ByteOffset) -> Bool = { (_) in true }
    ) throws(StoreError) -> Bool {
        let isNew = !PoolDirectory.exists(path)
        let target =
            isNew
            ? try BlockFile.create(path, size: self.generation.size)
            : try BlockFile.open(path, writable: true, exclusive: true)
        guard isNew || target.isBlockDevice else {
            throw StoreError(.alreadyExists, "the file to export to exists", path: path)
        }
        if !isNew, try target.size() < self.generation.size {
            throw StoreError(.noSpace, "the device is smaller than the volume", path: path)
        }
        do throws(StoreError) {
            let isWhole = try self.copy(to: target, progress: progress)
            if isWhole {
                try target.sync()
                if isNew { try DurableFile.syncDirectory(DurableFile.directory(of: path)) }
            } else if isNew {
                try PoolDirectory.remove(path)
            }
            return isWhole
        } catch {
            if isNew { try? PoolDirectory.remove(path) }
            throw error
        }
    }

    private func copy(
        to target: BlockFile,
        progress: (ByteOffset) -> Bool
    ) throws(StoreError) -> Bool {
        var buffer = ChunkBuffer(capacity: ReplicaLimits.copyStep)
        var place = ByteOffset.zero
        while let next = try self.nextExtent(from: place) {
            guard progress(place) else { return false }
            let length = min(next.extent.length, ReplicaLimits.copyStep)
            switch next.kind {
            case .zero:
                if target.isBlockDevice { try target.zero(next.extent) }
                place = next.extent.end
            case .data:
                try self.read(at: place, length: length.bytes, into: &buffer, at: 0)
                if ZeroTest.isZero(buffer, 0..<length.bytes) {
                    let extent = Extent(at: place, length: length)
                    if target.isBlockDevice { try target.zero(extent) }
                } else {
                    try target.write(buffer, 0..<length.bytes, at: place)
                    target.startWriteback(Extent(at: place, length: length))
                }
                place += length
            }
        }
        return progress(place)
    }
}
