// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

/// The replicas of a pool: found, made at the first offer, deleted.
///
/// One store for each pool and process; the pool's lock keeps other processes out. A volume appears
/// and disappears with one rename of its directory.
public final class ReplicaStore: Sendable {
    /// The pool's directory.
    public let pool: String

    private static let hiddenPrefix = ".replica-"

    let directory: String
    let options: ReplicaOptions
    let open: Locked<[VolumeID: ReplicaVolume]>
    private let broken: [VolumeFault]

    /// Opens the replicas of a pool, and finishes what a crash interrupted in each (P1).
    ///
    /// A replica that cannot be opened is left as it is and listed in ``faults``; one whose switch
    /// could not be finished is there, and says that it ``ReplicaVolume/needsRecovery``.
    ///
    /// - Throws: when the pool itself cannot be read.
    public init(
        pool: String,
        options: ReplicaOptions = ReplicaOptions()
    ) throws(StoreError) {
        self.pool = pool
        self.directory = "\(pool)/volumes"
        self.options = options
        try DurableFile.makeDirectory(self.directory)
        var open: [VolumeID: ReplicaVolume] = [:]
        var broken: [VolumeFault] = []
        for name in try PoolDirectory.names(in: self.directory) {
            let path = "\(self.directory)/\(name)"
            if name.hasPrefix(Self.hiddenPrefix) {
                try PoolDirectory.remove(path)
                continue
            }
            guard VolumeID(name) != nil else { continue }
            do throws(StoreError) {
                guard let volume = try Self.load(path, options) else { continue }
                open[volume.id] = volume
                try volume.recover()
            } catch {
                broken.append(VolumeFault(directory: path, error: error))
            }
        }
        self.open = Locked(open)
        self.broken = broken
    }

    private static func load(
        _ directory: String,
        _ options: ReplicaOptions
    ) throws(StoreError) -> ReplicaVolume? {
        let paths = ReplicaPaths(directory: directory)
        guard let record = try StateFile.load(VolumeRecord.self, from: paths.volume) else {
            // A volume appears with its record in it: this one lost it, whichever role it had.
            throw StoreError(.corrupt, "the volume has no volume.json", path: directory)
        }
        guard record.role == .replica else { return nil }
        return ReplicaVolume(
            directory: directory,
            record: record,
            commit: try paths.loadCommit(),
            options: options
        )
    }

    /// What went wrong when the store was opened.
    public var faults: [VolumeFault] { self.broken }

    /// All replicas, by name.
    public func volumes() -> [ReplicaVolume] {
        self.open.withLock { Array($0.values) }.sorted { $0.name < $1.name }
    }

    /// The replicas of one pair, by name; the only ones that it may know of (P8).
    public func volumes(ownedBy owner: ClusterID) -> [ReplicaVolume] {
        self.unordered(ownedBy: owner).sorted { $0.name < $1.name }
    }

    /// How many replicas a pair has.
    ///
    /// - Complexity: the number of all replicas, as of ``volume(named:ownedBy:except:)``.
    public func count(ownedBy owner: ClusterID) -> Int { self.unordered(ownedBy: owner).count }

    /// The replica of a pair with this name and another identity.
    public func volume(
        named name: String,
        ownedBy owner: ClusterID,
        except id: VolumeID
    ) -> ReplicaVolume? {
        self.unordered(ownedBy: owner).first { $0.id != id && $0.name == name }
    }

    private func unordered(ownedBy owner: ClusterID) -> LazyFilterSequence<[ReplicaVolume]> {
        // A replica's own lock is not taken under that of the store.
        self.open.withLock { Array($0.values) }.lazy.filter { $0.record.owner == owner }
    }

    /// The replica with an identity, whoever owns it; nil where there is none.
    public func volume(_ id: VolumeID) -> ReplicaVolume? { self.open.withLock { $0[id] } }

    /// Whether the pool holds a replica of this identity that could not be opened.
    ///
    /// Where its record cannot be read either, nobody can say whose it is: then for any owner.
    public func hasDamaged(_ id: VolumeID, ownedBy owner: ClusterID) -> Bool {
        // Under the lock: a replica that is being made has its directory before it is open.
        self.open.withLock { open in
            let path = "\(self.directory)/\(id)"
            guard open[id] == nil, PoolDirectory.exists(path) else { return false }
            let paths = ReplicaPaths(directory: path)
            guard let record = try? StateFile.load(VolumeRecord.self, from: paths.volume) else {
                return true
            }
            return record.role == .replica && record.owner == owner
        }
    }

    /// The bytes that new stages can still use.
    ///
    /// - Returns: the free space of the pool's file system.
    /// - Throws: what the system refused.
    public func freeSpace() throws(StoreError) -> ByteCount {
        try PoolDirectory.freeSpace(at: self.directory)
    }

    /// Makes a replica that shows nothing yet.
    ///
    /// - Returns: the volume, durable.
    /// - Throws: `alreadyExists` when the pool has a volume of this identity, source or replica.
    public func create(_ record: VolumeRecord) throws(StoreError) -> ReplicaVolume {
        precondition(record.role == .replica, "\(record.name) is not a replica")
        return try self.open.withLock { (open) throws(StoreError) in
            let path = "\(self.directory)/\(record.volume)"
            guard open[record.volume] == nil, !PoolDirectory.exists(path) else {
                throw StoreError(.alreadyExists, "the pool has this volume already", path: path)
            }
            let hidden = "\(self.directory)/\(Self.hiddenPrefix)\(record.volume)"
            try PoolDirectory.remove(hidden)
            try PoolDirectory.make(hidden)
            try PoolDirectory.make("\(hidden)/generations")
            try StateFile.store(record, to: "\(hidden)/volume.json")
            try DurableFile.rename(hidden, to: path)
            let volume = ReplicaVolume(
                directory: path,
                record: record,
                commit: CommitRecord(),
                options: self.options
            )
            open[record.volume] = volume
            return volume
        }
    }

    /// Gives a replica that never showed anything another history, name or place.
    ///
    /// - Throws: `busy` with an open session; `alreadyExists` when it has a generation.
    public func reset(_ volume: ReplicaVolume, to record: VolumeRecord) throws(StoreError) {
        precondition(record.volume == volume.id, "\(record.volume) is not \(volume.id)")
        guard volume.visible == nil else {
            throw StoreError(
                .alreadyExists,
                "the volume has a generation",
                path: volume.directory
            )
        }
        try volume.discardLeftover()
        try volume.replaceRecord(with: record)
    }

    /// Deletes a replica with all its generations.
    ///
    /// - Throws: `busy` with an open session or a reader; `notFound` where there is none.
    public func delete(_ id: VolumeID) throws(StoreError) {
        let hidden = "\(self.directory)/\(Self.hiddenPrefix)\(id)"
        try self.open.withLock { (open) throws(StoreError) in
            guard let volume = open[id] else {
                throw StoreError(.notFound, "the pool has no replica \(id)", path: self.directory)
            }
            try volume.markDeleted()
            do throws(StoreError) {
                try PoolDirectory.remove(hidden)
                try DurableFile.rename(volume.directory, to: hidden)
            } catch {
                volume.unmarkDeleted()
                throw error
            }
            open[id] = nil
        }
        try PoolDirectory.remove(hidden)
    }

    /// Throws away stages that nobody has continued since `oldest`, in nanoseconds since 1970.
    ///
    /// - Parameters:
    ///   - oldest: what was continued since is kept.
    ///   - held: volumes whose stages wait for something else.
    /// - Returns: the volumes whose stage was thrown away.
    public func discardStages(
        untouchedSince oldest: Int64,
        keeping held: Set<VolumeID> = []
    ) -> [VolumeID] {
        self.volumes()
            .filter { volume in
                guard !held.contains(volume.id), let touched = volume.stageLastTouched,
                    touched < oldest
                else { return false }
                return (try? volume.discardLeftover()) ?? false
            }
            .map(\.id)
    }
}

extension ReplicaVolume {
    /// When the stage last became longer, in nanoseconds since 1970; nil where there is none.
    var stageLastTouched: Int64? {
        let log = try? BlockFile.open(self.paths.stage.log, writable: false)
        return (try? log?.modificationStamp())?.modified
    }

    func replaceRecord(with record: VolumeRecord) throws(StoreError) {
        try self.state.withLock { (state) throws(StoreError) in
            guard !state.isStaging, state.commit.visible == nil, state.commit.pending == nil else {
                throw StoreError(.busy, "the volume is in use", path: self.directory)
            }
            try StateFile.store(record, to: self.paths.volume)
            state.record = record
        }
    }

    func markDeleted() throws(StoreError) {
        try self.state.withLock { (state) throws(StoreError) in
            guard !state.isStaging, state.readers == 0, !state.isDeleted else {
                throw StoreError(.busy, "the volume is in use", path: self.directory)
            }
            state.isDeleted = true
        }
    }

    func unmarkDeleted() { self.state.withLock { $0.isDeleted = false } }
}
