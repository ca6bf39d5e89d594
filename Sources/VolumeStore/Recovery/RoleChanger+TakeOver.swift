// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks

// A former source becomes the replica of the volume that was promoted in its place. What it shows:
//
//   the common generation's clone is kept    that clone: the first run is an ordinary incremental
//   only its digests are, or not even those  the live bytes, unproven: nobody reads them before a
//                                            verifying run has proven a generation
//
// What was written here after the common generation gets a volume of its own where that costs no
// second copy: nobody wanted it, and only a person can say that nobody will.

extension RoleChanger {
    /// Makes a fenced source the replica of a pair that it was sent to (P4, P8).
    ///
    /// - Parameters:
    ///   - volume: fenced, not being sent.
    ///   - request: who asks, and for which generation.
    ///   - seconds: now, since 1970 in UTC.
    ///   - generator: for the identities of the volume that keeps what was written.
    /// - Returns: the replica, which shows the common generation or nothing yet, see
    ///   ``ReplicaVolume/isProven``.
    /// - Throws: why not; nothing has changed then, unless the volume is a replica afterwards.
    public func takeOver(
        _ volume: SourceVolume,
        _ request: TakeOver,
        at seconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(TakeOverError) -> ReplicaVolume {
        try taking { () throws(StoreError) in try self.begin(volume.id) }
        defer { self.end(volume.id) }
        let common = try request.check(volume)
        try taking { () throws(StoreError) in try volume.beginChange() }
        var isDecided = false
        defer { volume.endChange(isGone: isDecided) }
        return try taking { () throws(StoreError) in
            let source = try FormerSource(volume, request, common, self.replicas.options.reflink)
            let saved = try self.save(source, using: &generator)
            try self.hook(.writesSaved)
            let hidden = try self.makeHidden(volume.id)
            let replica: ReplicaVolume
            do throws(StoreError) {
                let taken = TakeOverRecord(
                    isExact: source.isExact,
                    hasCommonDigests: source.hasCommonDigests,
                    lostLeaves: source.lostLeaves,
                    savedAs: saved,
                    at: seconds
                )
                let (record, commit) = try source.prepare(in: hidden, taken)
                replica = ReplicaVolume(
                    directory: volume.directory,
                    record: record,
                    commit: commit,
                    options: self.replicas.options
                )
            } catch {
                try? PoolDirectory.remove(hidden)
                throw error
            }
            try self.exchange(hidden, with: volume.directory) {
                isDecided = true
                self.replicas.adopt(replica)
                self.sources.drop(volume.id)
            }
            try replica.fitUnproven()
            return replica
        }
    }

    /// Gives what was written after the common generation a volume of its own.
    ///
    /// - Returns: its name; nil where nothing was written, or where it would need a second copy.
    private func save(
        _ source: FormerSource,
        using generator: inout some RandomNumberGenerator
    ) throws(StoreError) -> String? {
        // From a take-over that came to no end: the volume may have been written since.
        for former in self.sources.list() {
            let copied = former.record.copiedFrom
            guard copied?.volume == "\(source.volume.id)",
                copied?.failbackTo == "\(source.request.lineage)"
            else { continue }
            try self.sources.delete(former)
        }
        guard source.lostLeaves != 0, source.canKeepWrites else { return nil }
        let copied = CopyRecord(
            name: source.volume.name,
            volume: source.volume.id,
            generation: nil,
            failbackTo: source.request.lineage,
            lostLeaves: source.lostLeaves
        )
        let size = try source.volume.liveSize()
        let name = try self.freeName(for: source.volume.name)
        let kept = try self.sources.add(name, .pool, size, copiedFrom: copied, &generator) {
            (path) throws(StoreError) in try source.keepWrites(at: path)
        }
        return kept.name
    }

    private func freeName(for name: String) throws(StoreError) -> VolumeName {
        let suffix = "-before-failback"
        var stem = String(name.prefix(VolumeName.maximumLength - suffix.count - 6))
        while let last = stem.last, last == "." || last == "-" { stem.removeLast() }
        let taken = Set(self.sources.list().map(\.name))
        var wanted = stem + suffix
        var count = 2
        while taken.contains(wanted) {
            wanted = "\(stem)\(suffix)-\(count)"
            count += 1
        }
        return try VolumeName(wanted)
    }
}

/// A source that is about to become a replica.
private struct FormerSource {
    let volume: SourceVolume
    let request: TakeOver
    let reflink: ReflinkUse
    /// The image of the common generation; nil where it is gone.
    private let image: String?
    /// The digests to begin with: the common generation's, or what comes nearest; nil for none.
    private let digests: String?
    /// Whether what a verifying run finds to have drifted is what was written since.
    let hasCommonDigests: Bool
    /// The leaves that were written since; nil where that is not known yet.
    let lostLeaves: UInt64?

    /// Whether the replica shows the common generation at once.
    var isExact: Bool { self.image != nil }

    init(
        _ volume: SourceVolume,
        _ request: TakeOver,
        _ common: TakeOver.Common,
        _ reflink: ReflinkUse
    ) throws(StoreError) {
        self.volume = volume
        self.request = request
        self.reflink = reflink
        switch common {
        case .known(let snapshot):
            try ForkRoot.check(snapshot.digestsPath, request.former, volume.record)
            let root = try ForkRoot.of(
                snapshot.digestsPath,
                request.former,
                in: request.lineage,
                volume.record
            )
            guard root == request.root else {
                throw StoreError(
                    .wrongBase,
                    "the common generation has another root there",
                    path: snapshot.directory
                )
            }
            self.digests = snapshot.digestsPath
            self.hasCommonDigests = true
            self.image = Self.image(of: snapshot, volume)
            if let image = self.image {
                self.lostLeaves = try LeafComparison.differing(volume.livePath, from: image)
            } else {
                self.lostLeaves = try volume.isUnchanged(since: snapshot) ? 0 : nil
            }
        case .passed(let newest):
            let generation = try newest?.generation()
            // Nearer to the live bytes than nothing: what differs counts as drift.
            self.digests = generation?.size == request.former.size ? newest?.digestsPath : nil
            self.hasCommonDigests = false
            self.image = nil
            self.lostLeaves = nil
        }
    }

    /// The bytes of a snapshot that a pool keeps; what is attached stays where it is and is verified.
    private static func image(of snapshot: SourceSnapshot, _ volume: SourceVolume) -> String? {
        guard volume.record.backing == .pool, let path = snapshot.imagePath,
            PoolDirectory.exists(path)
        else { return nil }
        return path
    }

    // MARK: What was written since

    /// Whether the live bytes can have a second name, or a clone.
    var canKeepWrites: Bool {
        switch self.volume.record.backing {
        case .pool: self.isExact || self.reflink == .automatic && self.canClone
        case .attached: self.reflink == .automatic && self.canClone
        }
    }

    private var canClone: Bool {
        let trial = "\(self.volume.directory)/clone-trial"
        try? PoolDirectory.remove(trial)
        defer { try? PoolDirectory.remove(trial) }
        guard let live = try? BlockFile.open(self.volume.livePath, writable: false) else {
            return false
        }
        return (try? SourceVolume.clone(live, to: trial)).flatMap(\.self) != nil
    }

    func keepWrites(at path: String) throws(StoreError) {
        let live = try BlockFile.open(self.volume.livePath, writable: false)
        try live.sync()
        switch self.volume.record.backing {
        case .pool:
            try DurableFile.link(self.volume.livePath, to: path)
        case .attached:
            guard let clone = try SourceVolume.clone(live, to: path) else {
                throw StoreError(.unsupported, "cannot clone it", path: self.volume.livePath)
            }
            try clone.sync()
        }
    }

    // MARK: The replica

    func prepare(
        in hidden: String,
        _ taken: TakeOverRecord
    ) throws(StoreError) -> (VolumeRecord, CommitRecord) {
        let common = self.request.common
        let shown = GenerationRecord(common, algorithm: self.volume.record.algorithm)
        let files = ReplicaFiles(hidden: hidden, shown: shown)
        try files.make()
        if let digests {
            try DurableFile.link(digests, to: files.digests)
        } else {
            try DigestFile.create(files.digests).sync()
        }
        try self.makeImage(files.image)
        var record = self.volume.record
        record.role = .replica
        record.size = common.size
        record.lineage = self.request.lineage
        record.owner = self.request.owner
        record.fork = nil
        record.copiedFrom = nil
        record.takenOver = taken
        return try files.store(
            record,
            CommitRecord(visible: shown, unproven: self.isExact ? nil : true)
        )
    }

    private func makeImage(_ path: String) throws(StoreError) {
        switch self.volume.record.backing {
        case .attached: return
        case .pool: break
        }
        if let image { return try DurableFile.link(image, to: path) }
        let live = try BlockFile.open(self.volume.livePath, writable: false)
        try live.sync()
        if self.reflink == .automatic, let clone = try SourceVolume.clone(live, to: path) {
            return try clone.sync()
        }
        try DurableFile.link(self.volume.livePath, to: path)
    }
}
