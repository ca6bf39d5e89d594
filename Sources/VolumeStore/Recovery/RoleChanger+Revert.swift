// SPDX-License-Identifier: Apache-2.0

import BlockTypes

// A failover that is taken back: the promoted volume becomes the replica again that it was, in the
// history of its former owner, which goes on as if nothing had been.

extension RoleChanger {
    /// Makes a promoted volume the replica again that it was; what was written since is lost.
    ///
    /// - Parameter volume: not being sent, and nobody writes it any more.
    /// - Returns: the replica, showing the generation that was promoted.
    /// - Throws: `unsupported` where that cannot be any more, with the reason: the volume was never
    ///   promoted, its former owner may have become its replica, or the generation's bytes are gone;
    ///   `busy` while it is sent. Nothing has changed then, unless it is a replica afterwards.
    public func revert(_ volume: SourceVolume) throws(StoreError) -> ReplicaVolume {
        try self.begin(volume.id)
        defer { self.end(volume.id) }
        try volume.beginChange()
        var isDecided = false
        defer { volume.endChange(isGone: isDecided) }
        let reversion = try Reversion(volume, reflink: self.replicas.options.reflink)
        let hidden = try self.makeHidden(volume.id)
        let (record, commit): (VolumeRecord, CommitRecord)
        do throws(StoreError) {
            (record, commit) = try reversion.prepare(in: hidden)
        } catch {
            try? PoolDirectory.remove(hidden)
            throw error
        }
        let replica = ReplicaVolume(
            directory: volume.directory,
            record: record,
            commit: commit,
            options: self.replicas.options
        )
        try self.exchange(hidden, with: volume.directory) {
            isDecided = true
            self.replicas.adopt(replica)
            self.sources.drop(volume.id)
        }
        return replica
    }
}

/// The directory of a replica that is made of a promoted volume's files.
private struct Reversion {
    private let volume: SourceVolume
    private let fork: ForkRecord
    private let base: SourceSnapshot
    /// The file with the generation's bytes; nil for what is attached.
    private let image: String?

    init(_ volume: SourceVolume, reflink: ReflinkUse) throws(StoreError) {
        guard let fork = volume.record.fork else {
            throw StoreError(.unsupported, "it was never promoted", path: volume.directory)
        }
        guard !fork.askedTakeOver else {
            throw StoreError(
                .unsupported,
                "its former owner may have become a replica of it: fail back instead",
                path: volume.directory
            )
        }
        let known = try volume.snapshots()
            .first { $0.number == fork.number && $0.snapshot == fork.snapshot }
        let wanted = fork.former(of: volume.id).inLineage(volume.lineage, root: fork.root)
        guard let base = known, try base.generation() == wanted else {
            throw Self.gone(volume, fork)
        }
        self.volume = volume
        self.fork = fork
        self.base = base
        self.image = try Self.image(volume, fork, base)
    }

    private static func image(
        _ volume: SourceVolume,
        _ fork: ForkRecord,
        _ base: SourceSnapshot
    ) throws(StoreError) -> String? {
        if base.isClone, let path = base.imagePath, PoolDirectory.exists(path) { return path }
        // Without a clone the live file itself has them, as long as nobody has written it.
        let live = try BlockFile.open(volume.livePath, writable: false)
        guard let stamp = try SparseCopy.stamp(of: live), stamp.modified == fork.liveModified,
            stamp.size == fork.size
        else { throw Self.gone(volume, fork) }
        switch volume.record.backing {
        case .pool: return volume.livePath
        case .attached: return nil
        }
    }

    private static func gone(_ volume: SourceVolume, _ fork: ForkRecord) -> StoreError {
        StoreError(
            .unsupported,
            "the bytes of generation \(fork.number.number) are gone: the volume was written since, "
                + "and no clone of them is kept",
            path: volume.directory
        )
    }

    func prepare(in hidden: String) throws(StoreError) -> (VolumeRecord, CommitRecord) {
        let former = self.fork.former(of: self.volume.id)
        var record = self.volume.record
        record.role = .replica
        record.size = former.size
        record.lineage = self.fork.lineage
        record.owner = self.fork.owner
        record.fork = nil
        try ForkRoot.check(self.base.digestsPath, former, record)
        let shown = GenerationRecord(former, algorithm: record.algorithm)
        let files = ReplicaFiles(hidden: hidden, shown: shown)
        try files.make()
        try DurableFile.link(self.base.digestsPath, to: files.digests)
        if let image = self.image { try DurableFile.link(image, to: files.image) }
        return try files.store(record, CommitRecord(visible: shown))
    }
}

/// The files of a replica that appears with its first generation.
struct ReplicaFiles {
    private let paths: ReplicaPaths
    private let shown: GenerationRecord

    init(hidden: String, shown: GenerationRecord) {
        self.paths = ReplicaPaths(directory: hidden)
        self.shown = shown
    }

    var digests: String { self.paths.digests(of: self.shown) }
    var image: String { self.paths.image(of: self.shown) }

    /// The directories.
    func make() throws(StoreError) {
        try PoolDirectory.make(self.paths.generations)
        try PoolDirectory.make(self.paths.directory(of: self.shown))
    }

    /// The records, and with them what was linked; durable when it returns.
    func store(
        _ record: VolumeRecord,
        _ commit: CommitRecord
    ) throws(StoreError) -> (VolumeRecord, CommitRecord) {
        try StateFile.store(self.shown, to: self.paths.record(of: self.shown))
        try DurableFile.syncDirectory(self.paths.generations)
        try StateFile.store(commit, to: self.paths.commit)
        try StateFile.store(record, to: self.paths.volume)
        return (record, commit)
    }
}
