// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

/// Volumes that were frozen together and are sent to one pair: the record of `groups/<id>.json`.
///
/// Written when all views are durable and before anything of them is offered, so that a kill leaves the
/// whole group or nothing of it.
public struct GroupRecord: StateRecord, Hashable {
    /// The version of the form of the file.
    public static let format = 1

    /// One volume of the group.
    public struct Member: Codable, Hashable, Sendable {
        /// The name that people use.
        public let name: String
        /// The volume.
        public let volume: VolumeID
        /// The number of the frozen generation.
        public let number: GenerationNumber
        /// The frozen view.
        public let snapshot: SnapshotID
        /// The transfer that brings it.
        public let transfer: TransferID

        /// A member of all its parts.
        public init(
            name: String,
            volume: VolumeID,
            number: GenerationNumber,
            snapshot: SnapshotID,
            transfer: TransferID
        ) {
            self.name = name
            self.volume = volume
            self.number = number
            self.snapshot = snapshot
            self.transfer = transfer
        }
    }

    /// Where the group is in its life.
    public enum State: String, Codable, Sendable, CaseIterable {
        /// Its members are sent, or wait to be shown.
        case open
        /// The destination shows all members.
        case committed
        /// It was given up.
        case cancelled
    }

    /// The group.
    public let id: GroupID
    /// The name of the pair.
    public let pair: String
    /// The destination.
    public let cluster: ClusterID
    /// Whether the views are of one instant.
    public let isAtomic: Bool
    /// When the views were frozen, in nanoseconds since 1970.
    public let frozen: Int64
    /// The volumes, in the order in which they were asked for.
    public let members: [Member]
    /// What the transfers were asked to do, in the words of who queues them.
    public let request: String
    /// Whether the destination knows of the group: from then on, one that does not has let it go.
    public var isRegistered = false
    /// Whether the destination may still hold what was given up here.
    public var isDropPending = false
    /// When somebody last asked about the group, to the hour, in seconds since 1970.
    public var touched: UInt64
    /// Where it is in its life.
    public var state = State.open

    /// A group that was frozen.
    public init(
        id: GroupID,
        pair: String,
        cluster: ClusterID,
        isAtomic: Bool,
        frozen: Int64,
        members: [Member],
        request: String
    ) {
        self.id = id
        self.pair = pair
        self.cluster = cluster
        self.isAtomic = isAtomic
        self.frozen = frozen
        self.members = members
        self.request = request
        self.touched = UInt64(max(0, frozen / 1_000_000_000))
    }
}

/// The groups of a pool.
///
/// The views of a group that is open are in use, so that no prune takes them.
public final class GroupStore: Sendable {
    /// The groups that have ended and are remembered.
    public static let rememberedGroups = 4096

    private struct State {
        var groups: [GroupID: GroupRecord] = [:]
        /// The views that are in use for a group.
        var views: [GroupID: [(SourceVolume, SourceSnapshot)]] = [:]
    }

    private let directory: String
    private let state: Locked<State>
    private let unreadable: [VolumeFault]

    /// Opens the groups of a pool, and takes the views of those that are open into use.
    ///
    /// - Throws: when the pool cannot be read.
    public init(pool: String, sources: SourceStore) throws(StoreError) {
        self.directory = "\(pool)/groups"
        var state = State()
        let (records, faults) = try StateFile.all(GroupRecord.self, in: self.directory)
        for record in records {
            state.groups[record.id] = record
            if record.state == .open { state.views[record.id] = Self.views(of: record, sources) }
        }
        self.state = Locked(state)
        self.unreadable = faults
    }

    /// The records that could not be read when the store was opened.
    public var faults: [VolumeFault] { self.unreadable }

    private static func views(
        of record: GroupRecord,
        _ sources: SourceStore
    ) -> [(SourceVolume, SourceSnapshot)] {
        record.members.compactMap { member in
            guard let volume = sources.volume(member.volume),
                let view = try? volume.reopen(member.number, member.snapshot)
            else { return nil }
            return (volume, view)
        }
    }

    /// A group; nil where there is none.
    public func group(_ id: GroupID) -> GroupRecord? { self.state.withLock { $0.groups[id] } }

    /// All groups, newest first.
    public func groups() -> [GroupRecord] {
        self.state.withLock { Array($0.groups.values) }
            .sorted { ($1.frozen, "\($0.id)") < ($0.frozen, "\($1.id)") }
    }

    /// The group that has not ended and sends a volume to a pair.
    public func open(_ volume: VolumeID, to pair: String) -> GroupRecord? {
        self.groups()
            .first { record in
                record.state == .open && record.pair == pair
                    && record.members.contains { $0.volume == volume }
            }
    }

    /// Begins a group, whose views are in use; durable when it returns.
    ///
    /// - Throws: what writing failed with; the views are then still the caller's.
    public func begin(
        _ record: GroupRecord,
        _ views: [(SourceVolume, SourceSnapshot)]
    ) throws(StoreError) {
        let ended = self.groups().filter { $0.state != .open }
        for former in ended.dropFirst(Self.rememberedGroups - 1) { self.forget(former.id) }
        try StateFile.store(record, to: self.path(of: record.id))
        self.state.withLock { state in
            state.groups[record.id] = record
            state.views[record.id] = views
        }
    }

    /// Changes what is known of a group; durable when it returns.
    ///
    /// - Returns: the group as it is now; nil where there is none.
    /// - Throws: what writing failed with; nothing has changed then.
    @discardableResult
    public func change(
        _ id: GroupID,
        _ body: (inout GroupRecord) -> Void
    ) throws(StoreError) -> GroupRecord? {
        // Under the lock: two changes must not each undo the other's. The file is small.
        try self.state.withLock { (state) throws(StoreError) -> GroupRecord? in
            guard var record = state.groups[id] else { return nil }
            let former = record
            body(&record)
            if record != former { try StateFile.store(record, to: self.path(of: id)) }
            state.groups[id] = record
            return record
        }
    }

    /// Lets go of the view of one volume, whose transfer has ended; the next prune may take it.
    public func releaseView(of name: String, in id: GroupID) {
        let view = self.state.withLock { state -> (SourceVolume, SourceSnapshot)? in
            guard let index = state.views[id]?.firstIndex(where: { $0.0.name == name }) else {
                return nil
            }
            return state.views[id]?.remove(at: index)
        }
        if let (volume, snapshot) = view { volume.release(snapshot) }
    }

    /// Forgets a group that has ended.
    public func forget(_ id: GroupID) {
        for (volume, view) in self.state.withLock({ $0.views.removeValue(forKey: id) }) ?? [] {
            volume.release(view)
        }
        guard (try? DurableFile.remove(self.path(of: id))) != nil else { return }
        self.state.withLock { $0.groups[id] = nil }
    }

    private func path(of id: GroupID) -> String { "\(self.directory)/\(id).json" }
}

extension GroupRecord: Codable {
    private enum CodingKeys: String, CodingKey {
        case id
        case pair
        case cluster
        case isAtomic = "atomic"
        case frozen
        case members
        case request
        case isRegistered = "registered"
        case isDropPending = "dropPending"
        case touched
        case state
    }
}
