// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

/// The holds of a pool: which generations wait for the release of their group.
///
/// One store for each pool and process. A hold is known by its pair and its group: two pairs may have
/// parts of one group, and neither can reach the other's (P8).
public final class HoldStore: Sendable {
    /// The holds that have not ended which one pair may have: as many as transfers that wait in line.
    public static let holdsPerPair = 10_000
    /// The holds that have ended and are remembered, of all pairs together.
    public static let rememberedHolds = 4096
    /// How precisely it is remembered when somebody last asked: an hour, in seconds.
    private static let touchStep: UInt64 = 3600

    struct Key: Hashable {
        let pair: ClusterID
        let group: GroupID
    }

    struct State {
        var holds: [Key: HoldRecord] = [:]
        /// Holds that somebody is releasing or dropping.
        var busy: Set<Key> = []
        /// Volumes whose role is about to change: nothing of them is shown meanwhile.
        var changing: Set<VolumeID> = []
    }

    let directory: String
    let replicas: ReplicaStore
    let hook: CrashHook
    let state: Locked<State>

    /// Opens the holds of a pool, and finishes the releases that a kill interrupted.
    ///
    /// A record that cannot be read is left as it is and listed in ``faults``: its members come again.
    ///
    /// - Throws: when the pool cannot be read.
    public init(
        pool: String,
        replicas: ReplicaStore,
        hook: @escaping CrashHook = { (_) throws(StoreError) in }
    ) throws(StoreError) {
        self.directory = "\(pool)/holds"
        self.replicas = replicas
        self.hook = hook
        var state = State()
        let (records, faults) = try StateFile.all(HoldRecord.self, in: self.directory)
        for record in records {
            state.holds[Key(pair: record.pair, group: record.group)] = record
        }
        self.state = Locked(state)
        self.unreadable = faults
        for record in state.holds.values where record.state == .releasing {
            // What fails here is told by whoever asks for the release again.
            _ = try? self.show(record)
        }
    }

    private let unreadable: [VolumeFault]
    private let registering = Locked(false)

    /// The records that could not be read when the store was opened.
    public var faults: [VolumeFault] { self.unreadable }

    // MARK: Looking

    /// All holds, newest first.
    public func holds() -> [HoldRecord] {
        self.state.withLock { Array($0.holds.values) }
            .sorted { ($1.created, $0.file) < ($0.created, $1.file) }
    }

    /// What one pair has of a group.
    public func hold(_ group: GroupID, of pair: ClusterID) -> HoldRecord? {
        self.state.withLock { $0.holds[Key(pair: pair, group: group)] }
    }

    /// How far a member is.
    ///
    /// - Throws: what reading the member's stage failed with.
    public func progress(
        of member: HoldRecord.Member,
        in hold: HoldRecord
    ) throws(StoreError) -> HoldProgress {
        guard let volume = self.replica(member, hold) else { return .waiting }
        if let target = volume.visible, target.snapshot == member.snapshot {
            return volume.needsRecovery ? .prepared(target) : .committed(target)
        }
        let older = volume.generations.first { $0.snapshot == member.snapshot }
        if let older { return .committed(older) }
        guard let prepared = try volume.preparedGeneration(),
            prepared.snapshot == member.snapshot
        else { return .waiting }
        return .prepared(prepared)
    }

    /// What holds say about a target that a pair offers or wants to be shown.
    public func verdict(
        on volume: VolumeID,
        _ snapshot: SnapshotID,
        of pair: ClusterID
    ) -> HoldVerdict {
        let holds = self.state.withLock { $0.holds.values.filter { $0.pair == pair } }
        var verdict = HoldVerdict.free
        for hold in holds {
            guard let member = hold.members.first(where: { $0.volume == volume }) else { continue }
            switch hold.state {
            case .held where member.snapshot == snapshot: return .held(hold.group)
            case .held, .releasing: verdict = .occupied(hold.group)
            case .dropped where member.snapshot == snapshot: return .dropped(hold.group)
            case .dropped, .committed: break
            }
        }
        return verdict
    }

    /// The volumes of which something is held back: their stages wait for more than their sender.
    public func heldVolumes() -> Set<VolumeID> {
        let holds = self.state.withLock { $0.holds.values.filter { !$0.state.isEnded } }
        return Set(holds.flatMap { $0.members.map(\.volume) })
    }

    /// The replica of a member; nil where there is none, or it is another pair's.
    func replica(_ member: HoldRecord.Member, _ hold: HoldRecord) -> ReplicaVolume? {
        guard let volume = self.replicas.volume(member.volume), volume.record.owner == hold.pair
        else { return nil }
        return volume
    }

    // MARK: Beginning and remembering

    /// Registers a group; durable when it returns, and known from before its first offer.
    ///
    /// Asked again, the answer is the hold that there is. What the same pair holds back of one of
    /// the volumes for an earlier group is dropped: its source has given that group up.
    ///
    /// - Parameters:
    ///   - group: the group.
    ///   - pair: who registers it.
    ///   - members: its volumes and views.
    ///   - now: seconds since 1970.
    /// - Returns: the hold, and the groups that were dropped for it.
    /// - Throws: `differs`, `dropped`, `tooMany`; `busy` while an earlier group is being shown.
    public func register(
        _ group: GroupID,
        of pair: ClusterID,
        _ members: [HoldRecord.Member],
        now: UInt64
    ) throws(HoldError) -> (hold: HoldRecord, superseded: [HoldRecord]) {
        // One at a time: the transfers of a group register it all at once.
        try self.registering.withLock { (_) throws(HoldError) in
            try self.registerAlone(group, of: pair, members, now)
        }
    }

    private func registerAlone(
        _ group: GroupID,
        of pair: ClusterID,
        _ members: [HoldRecord.Member],
        _ now: UInt64
    ) throws(HoldError) -> (hold: HoldRecord, superseded: [HoldRecord]) {
        if let known = self.touch(group, of: pair, now: now) {
            guard known.members == members else { throw .differs }
            guard known.state != .dropped else { throw .dropped }
            return (known, [])
        }
        let volumes = Set(members.map(\.volume))
        let open = self.holds().filter { $0.pair == pair && !$0.state.isEnded }
        var superseded: [HoldRecord] = []
        for former in open where former.members.contains(where: { volumes.contains($0.volume) }) {
            do throws(HoldError) {
                superseded.append(try self.drop(former.group, of: pair, now: now))
            } catch {
                guard error == .released else { throw error }
                throw .busy("group \(former.group) of the pair is being shown")
            }
        }
        guard open.count < Self.holdsPerPair else { throw .tooMany(open.count) }
        self.forgetOldest()
        let record = HoldRecord(group: group, pair: pair, members: members, created: now)
        try self.store(record)
        return (record, superseded)
    }

    /// Notes that somebody asks about a hold, so that it does not go stale.
    ///
    /// - Returns: the hold; nil where there is none.
    @discardableResult
    public func touch(_ group: GroupID, of pair: ClusterID, now: UInt64) -> HoldRecord? {
        guard var record = self.hold(group, of: pair) else { return nil }
        guard now > record.touched, now - record.touched >= Self.touchStep else { return record }
        record.touched = now
        // What could not be stored is only forgotten a little earlier.
        let touched = record
        self.state.withLock { $0.holds[Key(pair: pair, group: group)]?.touched = now }
        try? StateFile.store(touched, to: self.path(of: touched))
        return self.hold(group, of: pair)
    }

    /// Drops holds that nobody asked about, and forgets those that have ended.
    ///
    /// - Parameters:
    ///   - oldest: what was asked about since is kept, in seconds since 1970.
    ///   - now: seconds since 1970.
    /// - Returns: the holds that were dropped.
    public func expire(untouchedSince oldest: UInt64, now: UInt64) -> [HoldRecord] {
        var dropped: [HoldRecord] = []
        for record in self.holds() where record.touched < oldest {
            switch record.state {
            case .held:
                if let gone = try? self.drop(record.group, of: record.pair, now: now) {
                    dropped.append(gone)
                }
            case .releasing: break
            case .committed, .dropped: self.forget(record)
            }
        }
        return dropped
    }

    func store(_ record: HoldRecord) throws(HoldError) {
        do throws(StoreError) {
            try StateFile.store(record, to: self.path(of: record))
        } catch {
            throw .store(error)
        }
        let key = Key(pair: record.pair, group: record.group)
        self.state.withLock { $0.holds[key] = record }
    }

    private func forgetOldest() {
        let ended = self.holds().filter(\.state.isEnded)
        for record in ended.dropFirst(Self.rememberedHolds - 1) { self.forget(record) }
    }

    private func forget(_ record: HoldRecord) {
        guard (try? DurableFile.remove(self.path(of: record))) != nil else { return }
        let key = Key(pair: record.pair, group: record.group)
        self.state.withLock { $0.holds[key] = nil }
    }

    private func path(of record: HoldRecord) -> String { "\(self.directory)/\(record.file)" }
}
