// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Locks

// The release of a group, in the order that keeps its members together:
//
//   1 every member is prepared           else nothing happens
//   2 every member is proven             by this process, or by reading it again (P2)
//   3 the hold is `releasing`, durable   from here on all of them become visible
//   4 each member is switched            the usual commit, P1 and P3 hold for each
//   5 the hold is `committed`, durable
//
// A failure before 3 leaves everything as it was; after it, asking again or the next start goes on.

extension HoldStore {
    /// Lets all members of a group become visible; may be called again.
    ///
    /// - Parameters:
    ///   - group: the group.
    ///   - pair: whose part of it.
    ///   - now: seconds since 1970.
    /// - Returns: the hold, committed: every member is visible and durable.
    /// - Throws: `notFound`, `dropped`, `notPrepared`, with nothing visible; `busy` and `store` also
    ///   after the decision, and then some members may be visible: call it again.
    public func release(
        _ group: GroupID,
        of pair: ClusterID,
        now: UInt64
    ) throws(HoldError) -> HoldRecord {
        try self.alone(group, of: pair) { (record) throws(HoldError) in
            switch record.state {
            case .committed: return record
            case .dropped: throw .dropped
            case .releasing: break
            case .held: try self.decide(record, now: now)
            }
            return try self.show(record)
        }
    }

    /// Steps 1 to 3.
    private func decide(_ record: HoldRecord, now: UInt64) throws(HoldError) {
        var waiting = 0
        var prepared: [(ReplicaVolume, SnapshotID)] = []
        for member in record.members {
            switch try self.reading({ () throws(StoreError) in
                try self.progress(of: member, in: record)
            }) {
            case .waiting: waiting += 1
            case .committed: break
            case .prepared:
                guard let volume = self.replica(member, record) else { throw .notFound }
                prepared.append((volume, member.snapshot))
            }
        }
        guard waiting == 0 else { throw .notPrepared(waiting) }
        for (volume, snapshot) in prepared { try self.prove(volume, snapshot) }
        var decided = record
        decided.state = .releasing
        decided.touched = max(now, record.touched)
        try self.store(decided)
        try self.reading { () throws(StoreError) in try self.hook(.releaseDecided) }
    }

    /// What is not what was proven is thrown away, so that its sender brings it again.
    private func prove(_ volume: ReplicaVolume, _ snapshot: SnapshotID) throws(HoldError) {
        do throws(StageError) {
            try volume.proveAgain(snapshot)
        } catch {
            switch error {
            case .store(let error) where error.code == .busy: throw .busy(error.what)
            case .store(let error) where error.code != .corrupt: throw .store(error)
            case .store, .rootMismatch, .duplicate, .outside, .tooFragmented:
                _ = try? volume.discardStage(of: snapshot)
                throw .store(
                    StoreError(
                        .corrupt,
                        "what was prepared of volume \(volume.name) is not what was proven, and was "
                            + "thrown away; its sender has to come again: \(error)",
                        path: volume.directory
                    )
                )
            }
        }
    }

    /// Steps 4 and 5; the decision is durable.
    ///
    /// A member that cannot be shown now does not keep the others back: the sooner they agree, the
    /// better.
    @discardableResult
    func show(_ record: HoldRecord) throws(HoldError) -> HoldRecord {
        var failure: HoldError?
        for member in record.members {
            guard let volume = self.replica(member, record) else { continue }
            do throws(StoreError) {
                try volume.showPrepared(member.snapshot)
                volume.prepareNext()
            } catch {
                let isBusy = error.code == .busy
                failure = failure ?? (isBusy ? .busy(error.what) : .store(error))
            }
        }
        if let failure { throw failure }
        var shown = record
        shown.state = .committed
        try self.store(shown)
        return shown
    }

    /// Gives up what is held back of a group; may be called again.
    ///
    /// - Returns: the hold, dropped: its members are refused from now on.
    /// - Throws: `notFound`; `released`; `busy` while somebody releases it.
    @discardableResult
    public func drop(
        _ group: GroupID,
        of pair: ClusterID,
        now: UInt64
    ) throws(HoldError) -> HoldRecord {
        try self.alone(group, of: pair) { (record) throws(HoldError) in
            switch record.state {
            case .committed, .releasing: throw .released
            case .dropped, .held: break
            }
            var dropped = record
            dropped.state = .dropped
            dropped.touched = max(now, record.touched)
            if record.state != .dropped { try self.store(dropped) }
            for member in record.members {
                // A stage that is in use, or cannot be removed, is thrown away by the next offer.
                _ = try? self.replica(member, record)?.discardStage(of: member.snapshot)
            }
            return dropped
        }
    }

    /// Runs `body` while nobody else changes the hold.
    private func alone(
        _ group: GroupID,
        of pair: ClusterID,
        _ body: (HoldRecord) throws(HoldError) -> HoldRecord
    ) throws(HoldError) -> HoldRecord {
        let key = Key(pair: pair, group: group)
        let record = try self.state.withLock { (state) throws(HoldError) in
            guard let record = state.holds[key] else { throw .notFound }
            guard record.members.allSatisfy({ !state.changing.contains($0.volume) }) else {
                throw .busy("one of its volumes is being promoted")
            }
            guard state.busy.insert(key).inserted else {
                throw .busy("the group is being released or dropped already")
            }
            return record
        }
        defer { self.state.withLock { _ = $0.busy.remove(key) } }
        return try body(record)
    }

    // MARK: Volumes that leave

    /// Keeps every group with a volume from being shown until ``endRoleChange(of:)``: what was shown of
    /// one while another becomes a source would be less than the group.
    ///
    /// - Parameter volume: a replica that is to become a source.
    /// - Throws: `busy` while somebody releases or drops a group with it, or changes its role;
    ///   `released` where a group with it was decided to be shown, and not all of it is yet.
    public func beginRoleChange(of volume: VolumeID) throws(HoldError) {
        try self.state.withLock { (state) throws(HoldError) in
            for (key, hold) in state.holds
            where hold.members.contains(where: { $0.volume == volume }) {
                guard !state.busy.contains(key) else {
                    throw .busy("group \(hold.group) is being released or dropped")
                }
                guard hold.state != .releasing else { throw .released }
            }
            guard state.changing.insert(volume).inserted else {
                throw .busy("the volume is being promoted already")
            }
        }
    }

    /// Lets groups with the volume be shown again.
    public func endRoleChange(of volume: VolumeID) {
        self.state.withLock { _ = $0.changing.remove(volume) }
    }

    private func reading<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(HoldError) -> Result {
        do throws(StoreError) {
            return try body()
        } catch {
            throw .store(error)
        }
    }
}
