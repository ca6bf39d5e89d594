// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Locks

/// The steps of a change of role after which a crash leaves something different on the disk.
public enum RoleChangePoint: String, CaseIterable, Sendable {
    /// What a former source wrote after the common generation has a volume of its own.
    case writesSaved
    /// The new directory is whole, beside the old one, which is as before.
    case prepared
    /// The two directories have exchanged their names; that may not be durable.
    case exchanged
    /// The exchange is durable.
    case exchangeSynced
    /// What the volume was before is gone.
    case formerRemoved
}

/// Called at each point; tests throw there, everybody else lets it pass.
public typealias RoleChangeHook = @Sendable (RoleChangePoint) throws(StoreError) -> Void

/// Makes sources of replicas and replicas of sources, whole or not at all.
///
/// ```
///  volumes/<id>                  .source-change-<id>
///     the replica     links,       the source, whole and durable
///                     clones ─▶
///          └───── renameat2(EXCHANGE): the one step that decides ─────┘
///     the source                   the replica: removed
/// ```
/// Nothing is copied: images and digests get a second name, and where the file system has reflinks
/// the live image is a clone. A crash before the exchange leaves the volume as it was, one after it
/// leaves what it was to become; the other directory is removed when the pool is opened (P1).
public final class RoleChanger: Sendable {
    let sources: SourceStore
    let replicas: ReplicaStore
    let hook: RoleChangeHook
    private let changing = Locked<Set<VolumeID>>([])

    /// A changer of the volumes of one pool; its two stores are of the same one.
    public init(
        sources: SourceStore,
        replicas: ReplicaStore,
        hook: @escaping RoleChangeHook = { (_) throws(StoreError) in }
    ) {
        self.sources = sources
        self.replicas = replicas
        self.hook = hook
    }

    /// Takes the right to change a volume's role; the caller gives it back.
    func begin(_ id: VolumeID) throws(StoreError) {
        guard self.changing.withLock({ $0.insert(id).inserted }) else {
            throw StoreError(.busy, "the role of volume \(id) is being changed")
        }
    }

    func end(_ id: VolumeID) { self.changing.withLock { _ = $0.remove(id) } }

    /// An empty directory for what a volume becomes; what a failed change left is removed.
    func makeHidden(_ id: VolumeID) throws(StoreError) -> String {
        let hidden = "\(self.sources.volumes)/\(SourceStore.hiddenPrefix)change-\(id)"
        try PoolDirectory.remove(hidden)
        try PoolDirectory.make(hidden)
        return hidden
    }

    /// The step that decides: from here on the volume is what was prepared.
    ///
    /// - Parameters:
    ///   - hidden: what was prepared; durable but for its own name.
    ///   - directory: the volume's.
    ///   - decided: called once the names are exchanged; the rest is tidying.
    /// - Throws: before `decided` was called nothing has changed; after it, only that the change may
    ///   not survive a loss of power, or that something is left to be removed.
    func exchange(
        _ hidden: String,
        with directory: String,
        decided: () -> Void
    ) throws(StoreError) {
        try DurableFile.syncDirectory(hidden)
        try self.hook(.prepared)
        try DurableFile.exchange(hidden, directory)
        decided()
        try self.hook(.exchanged)
        try DurableFile.syncDirectory(self.sources.volumes)
        try self.hook(.exchangeSynced)
        try PoolDirectory.remove(hidden)
        try self.hook(.formerRemoved)
    }
}

extension SourceStore {
    /// Takes a volume into the list, whose directory has just become a source's.
    func adopt(_ volume: SourceVolume) { self.open.withLock { $0[volume.id] = volume } }

    /// Strikes a volume off the list, whose directory is a source's no longer.
    func drop(_ id: VolumeID) { self.open.withLock { $0[id] = nil } }
}

extension ReplicaStore {
    /// Takes a volume into the list, whose directory has just become a replica's.
    func adopt(_ volume: ReplicaVolume) { self.open.withLock { $0[volume.id] = volume } }

    /// Strikes a volume off the list, whose directory is a replica's no longer.
    func drop(_ id: VolumeID) { self.open.withLock { $0[id] = nil } }
}

/// The root that the digests of a generation have in a history.
enum ForkRoot {
    /// Reads the top of the tree only: the nodes do not name a lineage, the root does.
    static func of(
        _ digests: String,
        _ generation: Generation,
        in lineage: LineageID,
        _ record: VolumeRecord
    ) throws(StoreError) -> RootDigest {
        var tree = DigestTree(
            store: try DigestFile.open(digests, writable: false),
            size: generation.size,
            volume: generation.volume,
            lineage: lineage,
            key: record.key,
            algorithm: record.algorithm
        )
        return try tree.root()
    }

    /// Throws `corrupt` where the digests are not those of the generation.
    static func check(
        _ digests: String,
        _ generation: Generation,
        _ record: VolumeRecord
    ) throws(StoreError) {
        let root = try Self.of(digests, generation, in: generation.lineage, record)
        guard root == generation.root else {
            throw StoreError(
                .corrupt,
                "the digests of generation \(generation.number.number) do not have its root",
                path: digests
            )
        }
    }
}

extension Generation {
    /// The same bytes as a generation of another history.
    func inLineage(_ lineage: LineageID, root: RootDigest) -> Generation {
        Generation(
            volume: self.volume,
            lineage: lineage,
            number: self.number,
            snapshot: self.snapshot,
            size: self.size,
            root: root
        )
    }
}
