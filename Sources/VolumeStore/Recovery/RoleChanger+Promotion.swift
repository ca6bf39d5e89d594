// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

// A replica becomes a source under a fork of its history. The files of the source:
//
//   live.img      a clone of the generation's image; without reflinks the image itself
//   generations/  the generation as a base: digests, and the image where live.img is a clone
//   pairs/        the former owner, to which that generation is common: the first run back is
//                 incremental
//
// The key stays: docs/decisions/0021-a-fork-keeps-its-key.md.

extension RoleChanger {
    /// Makes a replica a source that applications write to.
    ///
    /// - Parameters:
    ///   - replica: without a session and without readers.
    ///   - number: the generation that becomes writable; nil for the visible one.
    ///   - snapshot: what that generation has to be; nil takes it as it is.
    ///   - seconds: now, since 1970 in UTC.
    ///   - generator: where the new lineage comes from.
    /// - Returns: the source; the replica stands for nothing any more.
    /// - Throws: `busy` with a session or reader, or while nobody has proven its bytes; `notFound`
    ///   where the generation is not kept; `wrongBase` where it has another snapshot;
    ///   `alreadyExists` where a source has the name. Nothing has changed then, unless the volume is
    ///   a source afterwards.
    public func promote(
        _ replica: ReplicaVolume,
        generation number: GenerationNumber? = nil,
        snapshot: SnapshotID? = nil,
        at seconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> SourceVolume {
        try self.begin(replica.id)
        defer { self.end(replica.id) }
        if replica.needsRecovery { try replica.recover() }
        try replica.markDeleted()
        var isDecided = false
        defer { if !isDecided { replica.unmarkDeleted() } }
        try self.sources.refuseTaken(VolumeName(replica.name))
        let chosen = try replica.generation(number, snapshot)
        let hidden = try self.makeHidden(replica.id)
        let volume: SourceVolume
        do throws(StoreError) {
            let promotion = Promotion(
                replica: replica,
                chosen: chosen,
                lineage: .random(using: &generator),
                hidden: hidden
            )
            volume = try promotion.prepare(at: seconds)
        } catch {
            try? PoolDirectory.remove(hidden)
            throw error
        }
        try self.exchange(hidden, with: replica.directory) {
            isDecided = true
            self.sources.adopt(volume)
            self.replicas.drop(replica.id)
        }
        return volume
    }
}

extension ReplicaVolume {
    /// A generation that can be read, and is what the caller takes it for.
    fileprivate func generation(
        _ number: GenerationNumber?,
        _ snapshot: SnapshotID?
    ) throws(StoreError) -> GenerationRecord {
        let commit = self.state.withLock { $0.commit }
        guard commit.isProven else {
            throw StoreError(
                .busy,
                "the volume was a source before, and no run has proven its bytes since",
                path: self.directory
            )
        }
        let stored = [commit.visible].compactMap(\.self) + commit.kept
        let found = stored.first { number == nil || $0.generation.number == number }
        guard let found else {
            throw StoreError(.notFound, "the volume has no such generation", path: self.directory)
        }
        guard snapshot == nil || found.generation.snapshot == snapshot else {
            throw StoreError(
                .wrongBase,
                "generation \(found.generation.number.number) is snapshot "
                    + "\(found.generation.snapshot)",
                path: self.directory
            )
        }
        return found
    }

    /// The last number that a generation of the volume has.
    fileprivate var lastNumber: UInt64 { self.visible?.number.number ?? 0 }
}

/// The directory of a source that is made of a replica's files.
private struct Promotion {
    let replica: ReplicaVolume
    let chosen: GenerationRecord
    let lineage: LineageID
    let hidden: String

    private var generation: Generation { self.chosen.generation }
    private var record: VolumeRecord { self.replica.record }
    private var directory: String { "\(self.hidden)/generations/\(self.chosen.directory)" }

    func prepare(at seconds: UInt64) throws(StoreError) -> SourceVolume {
        let digests = self.replica.paths.digests(of: self.chosen)
        try ForkRoot.check(digests, self.generation, self.record)
        let root = try ForkRoot.of(digests, self.generation, in: self.lineage, self.record)
        try PoolDirectory.make("\(self.hidden)/generations")
        try PoolDirectory.make(self.directory)
        try DurableFile.link(digests, to: "\(self.directory)/digests")
        let (image, modified) = try self.makeLive()
        let common = self.generation.inLineage(self.lineage, root: root)
        try self.storeSnapshot(common, image: image)
        try self.storePair(common)
        var source = SourceRecord()
        source.lastNumber = self.replica.lastNumber
        try StateFile.store(source, to: SourceVolume.sourcePath(in: self.hidden))
        let volume = try self.volume(root, modified, seconds)
        try StateFile.store(volume, to: SourceVolume.volumePath(in: self.hidden))
        return SourceVolume(directory: self.replica.directory, volume: volume, source: source)
    }

    /// What applications will write.
    ///
    /// - Returns: the name of the base's image in its directory, where live.img is a clone of it; and
    ///   when the live bytes were last changed.
    private func makeLive() throws(StoreError) -> (image: String?, modified: Int64?) {
        switch self.record.backing {
        case .attached(let path, _):
            let file = try BlockFile.open(path, writable: false)
            return (nil, try SparseCopy.stamp(of: file)?.modified)
        case .pool:
            let path = self.replica.paths.image(of: self.chosen)
            let image = try BlockFile.open(path, writable: false)
            let live = "\(self.hidden)/live.img"
            if self.replica.options.reflink == .automatic,
                let clone = try SourceVolume.clone(image, to: live)
            {
                try clone.sync()
                try DurableFile.link(path, to: "\(self.directory)/image")
                return ("image", try clone.modificationStamp().modified)
            }
            try DurableFile.link(path, to: live)
            return (nil, try image.modificationStamp().modified)
        }
    }

    private func storeSnapshot(_ common: Generation, image: String?) throws(StoreError) {
        try StateFile.store(
            GenerationRecord(common, algorithm: self.chosen.algorithm),
            to: "\(self.directory)/generation.json"
        )
        try StateFile.store(
            SnapshotRecord(
                number: common.number,
                snapshot: common.snapshot,
                size: common.size,
                backing: image == nil ? .copy : .clone,
                imagePath: image,
                liveStamp: nil,
                isPinned: false
            ),
            to: SourceSnapshot.recordPath(in: self.directory)
        )
        try DurableFile.syncDirectory("\(self.hidden)/generations")
    }

    /// The former owner has the generation too: the cadence begins anew, with a common base.
    private func storePair(_ common: Generation) throws(StoreError) {
        try DurableFile.makeDirectory("\(self.hidden)/pairs")
        guard let owner = self.record.owner else { return }
        var pair = PairRecord(pair: owner)
        pair.committed = common
        try StateFile.store(pair, to: "\(self.hidden)/pairs/\(owner).json")
    }

    private func volume(
        _ root: RootDigest,
        _ modified: Int64?,
        _ seconds: UInt64
    ) throws(StoreError) -> VolumeRecord {
        guard let owner = self.record.owner else {
            throw StoreError(.invalid, "nobody owns the replica", path: self.replica.directory)
        }
        var volume = self.record
        volume.role = .source
        volume.size = self.generation.size
        volume.lineage = self.lineage
        volume.owner = nil
        volume.takenOver = nil
        volume.fork = ForkRecord(
            lineage: self.record.lineage,
            owner: owner,
            number: self.generation.number,
            snapshot: self.generation.snapshot,
            size: self.generation.size,
            formerRoot: self.generation.root,
            root: root,
            promotedAt: seconds,
            liveModified: modified,
            askedTakeOver: false
        )
        return volume
    }
}
