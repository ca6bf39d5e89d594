// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Glibc
import Locks
import Logging
import VolumeStore

/// Groups and volumes that are being frozen by a request that is not answered yet.
final class GroupsInTheMaking: Sendable {
    private struct State {
        var groups: Set<GroupID> = []
        var volumes: Set<VolumeID> = []
    }

    private let state = Locked(State())

    /// Takes a group and its volumes; false where somebody has one of them.
    func enter(_ group: GroupID, _ volumes: [VolumeID]) -> Bool {
        self.state.withLock { state in
            guard !state.groups.contains(group), state.volumes.isDisjoint(with: volumes) else {
                return false
            }
            state.groups.insert(group)
            state.volumes.formUnion(volumes)
            return true
        }
    }

    /// Gives them back.
    func leave(_ group: GroupID, _ volumes: [VolumeID]) {
        self.state.withLock { state in
            state.groups.remove(group)
            state.volumes.subtract(volumes)
        }
    }
}

// Groups at their source. The order, so that a kill leaves the whole group or nothing of it:
//   1 the destination can be asked;            2 all volumes are frozen;
//   3 the group is durable, with their views;  4 its transfers are queued;
//   5 each try makes sure first that the destination holds the group back (GroupGate).

extension AgentCore {
    private var gate: GroupGate {
        GroupGate(groups: self.groups, registry: self.registry, journal: self.journal)
    }

    /// Freezes volumes together and queues their transfers, once everything that can be checked is.
    func beginGroup(_ wanted: GroupRequest) async throws(APIError) -> GroupInfo {
        let id = try Self.checked(wanted)
        if let known = self.groups.group(id) { return try await self.again(known, wanted) }
        let pair = try self.registry.outgoing(named: wanted.pair)
        try pair.checkValidity(at: self.environment.now())
        guard let cluster = pair.cluster else {
            throw APIError(.stateDamaged, "Pair \(wanted.pair) names no cluster.")
        }
        var volumes: [SourceVolume] = []
        for member in wanted.members {
            let volume = try self.volumes.source(member.volume)
            try Self.refuseFenced(volume)
            if let open = self.groups.open(volume.id, to: wanted.pair) {
                throw Self.conflict(volume.name, "\(open.id)")
            }
            volumes.append(volume)
        }
        guard Set(volumes.map(\.id)).count == volumes.count else {
            throw APIError(.invalidRequest, "A volume is named twice.")
        }
        guard self.freezing.enter(id, volumes.map(\.id)) else {
            throw APIError(
                .groupConflict,
                "Group \(wanted.id) or one of its volumes is being frozen.",
                try: "ask again",
                retryAfter: 1
            )
        }
        defer { self.freezing.leave(id, volumes.map(\.id)) }
        try await self.checkDestination(wanted.id, pair)
        let (groups, now, taken) = (self.groups, self.environment.now, volumes)
        let record = try await onThread("freeze") { () throws(APIError) in
            try Self.freeze(wanted, id, cluster, taken, groups, now)
        }
        self.journal.note(
            "GroupFrozen",
            "\(record.members.count) volumes of group \(record.id) are frozen"
                + (record.isAtomic
                    ? " at one instant"
                    : " one shortly after the other: at least one of them is written all the time"),
            pair: record.pair,
            level: record.isAtomic ? .info : .warning
        )
        try await self.submit(record)
        return await self.info(of: record)
    }

    /// Goes on after a start with what had not ended.
    func resumeGroups() async {
        for record in self.groups.groups() where record.state == .open {
            do throws(APIError) {
                try await self.submit(record)
            } catch {
                self.journal.note(
                    "GroupFailed",
                    "group \(record.id) cannot be gone on with: \(error)",
                    pair: record.pair,
                    level: .error
                )
            }
            for member in record.members {
                let info = try? await self.queue.show("\(member.transfer)")
                if info?.state.isFinal == true {
                    self.groups.releaseView(of: member.name, in: record.id)
                }
            }
        }
    }

    /// The groups that are remembered, newest first.
    func listGroups() async -> [GroupInfo] {
        var list: [GroupInfo] = []
        for record in self.groups.groups().prefix(200) {
            list.append(await self.info(of: record, asking: false))
        }
        return list
    }

    /// One group, as it is now or, while it is being copied, after a change or a while.
    func group(_ text: String, within wait: Duration) async throws(APIError) -> GroupInfo {
        let record = try self.knownGroup(text)
        let info = await self.info(of: record)
        guard info.state == .copying, wait > .zero else { return info }
        for member in info.members where !member.state.isFinal && !member.isPrepared {
            _ = try await self.queue.show(member.transfer, within: wait)
            break
        }
        return await self.info(of: try self.knownGroup(text))
    }

    /// Has the destination show a group; may be called again.
    func commitGroup(_ text: String) async throws(APIError) -> GroupInfo {
        let record = try self.knownGroup(text)
        switch record.state {
        case .committed: return await self.info(of: record)
        case .cancelled:
            throw APIError(
                .groupEnded,
                "Group \(record.id) was cancelled.",
                try: "freeze a new one"
            )
        case .open: break
        }
        let pair = try self.registry.outgoing(named: record.pair)
        let hold: HoldInfo
        do throws(APIError) {
            hold = try await pair.peerClient()
                .once { client throws(APIError) in try await client.commit("\(record.id)") }
        } catch {
            guard error.id == .groupNotFound else { throw error }
            let info = await self.info(of: record)
            guard info.state != .committed else { return info }
            throw APIError(
                record.isRegistered ? .groupEnded : .groupNotPrepared,
                "Group \(record.id) is not held at the destination.",
                cause: record.isRegistered ? "it let the group go" : "it was not told of it yet",
                try: record.isRegistered ? "freeze a new one" : "wait for its transfers"
            )
        }
        return await self.info(of: record, hold)
    }

    /// Ends the transfers of a group and drops it at the destination; may be called again.
    func cancelGroup(_ text: String) async throws(APIError) -> GroupInfo {
        var record = try self.knownGroup(text)
        guard record.state == .open else { return await self.info(of: record) }
        var isDropped = true
        do throws(APIError) {
            try await self.gate.drop(record)
        } catch {
            // Shown already, maybe without us: then it is too late.
            if error.id == .groupEnded {
                let info = await self.info(of: record)
                if info.state == .committed || info.state == .committing { return info }
            }
            isDropped = false
        }
        let isPending = !isDropped
        record = try self.changed(record) { record in
            record.state = .cancelled
            record.isDropPending = isPending
        }
        for member in record.members {
            _ = try? await self.queue.cancel("\(member.transfer)")
            self.groups.releaseView(of: member.name, in: record.id)
        }
        let volumes = record.members.compactMap { self.volumes.sources.volume($0.volume) }
        _ = try? await onThread("prune") { () throws(APIError) in
            for volume in volumes { try? volume.prune() }
        }
        self.journal.note("GroupCancelled", "group \(record.id) was cancelled", pair: record.pair)
        return await self.info(of: record)
    }

    // MARK: Beginning

    private func again(
        _ known: GroupRecord,
        _ wanted: GroupRequest
    ) async throws(APIError) -> GroupInfo {
        let names = known.members.map {
            GroupRequest.Member(volume: $0.name, transfer: "\($0.transfer)")
        }
        guard known.pair == wanted.pair, names == wanted.members else {
            throw APIError(
                .groupConflict,
                "Group \(known.id) has other members.",
                try: "ask under another identity"
            )
        }
        // A kill may have come before they were queued.
        if known.state == .open { try await self.submit(known) }
        return await self.info(of: known)
    }

    private static func checked(_ wanted: GroupRequest) throws(APIError) -> GroupID {
        guard (1...GroupRequest.memberLimit).contains(wanted.members.count) else {
            throw APIError(
                .invalidRequest,
                "A group has 1 to \(GroupRequest.memberLimit) volumes, not \(wanted.members.count)."
            )
        }
        try TransferQueue.check(wanted.limit)
        for member in wanted.members {
            try TransferQueue.checkIdentity(
                of: ReplicateRequest(
                    volumes: [member.volume],
                    pair: wanted.pair,
                    id: member.transfer
                )
            )
        }
        guard Set(wanted.members.map(\.transfer)).count == wanted.members.count else {
            throw APIError(.invalidRequest, "Two members have one transfer.")
        }
        return try HoldDesk.identity(wanted.id)
    }

    private static func conflict(_ volume: String, _ group: String) -> APIError {
        APIError(
            .groupConflict,
            "Volume \(volume) is in group \(group), which has not ended.",
            try: "wait, or commit or cancel that: godwit group list"
        )
    }

    /// Nothing is frozen for a destination that cannot take it.
    private func checkDestination(_ id: String, _ pair: TrustRecord) async throws(APIError) {
        do throws(APIError) {
            let client = try pair.peerClient()
            try await client.once { client throws(APIError) in
                // Left by a pool that lost its own record of the group, and of no use to anybody.
                let hold = try await client.hold(id)
                guard hold.state == .held else {
                    throw APIError(
                        .groupEnded,
                        "The destination knows an earlier group \(id).",
                        try: "ask under another identity"
                    )
                }
                throw APIError(
                    .groupConflict,
                    "The destination holds another group \(id).",
                    try: "ask under another identity"
                )
            }
        } catch {
            switch error.id {
            case .groupNotFound: return
            case .unknownRoute: throw GroupGate.outdated(pair.pair.name)
            case _: throw error
            }
        }
    }

    private static func freeze(
        _ wanted: GroupRequest,
        _ id: GroupID,
        _ cluster: ClusterID,
        _ volumes: [SourceVolume],
        _ groups: GroupStore,
        _ now: @escaping @Sendable () -> Date
    ) throws(APIError) -> GroupRecord {
        let freeze = GroupFreeze(
            now: { Int64(now().timeIntervalSince1970 * 1e9) },
            pause: { usleep(UInt32($0 / 1000)) }
        )
        var generator = SystemRandomNumberGenerator()
        var views: [(SourceVolume, SourceSnapshot)] = []
        do throws(StoreError) {
            let frozen = try freeze.freeze(volumes, using: &generator)
            views = Array(zip(volumes, frozen.snapshots))
            let members = zip(views, wanted.members)
                .compactMap { view, member -> GroupRecord.Member? in
                    guard let transfer = TransferID(member.transfer) else { return nil }
                    return GroupRecord.Member(
                        name: view.0.name,
                        volume: view.0.id,
                        number: view.1.number,
                        snapshot: view.1.snapshot,
                        transfer: transfer
                    )
                }
            let record = GroupRecord(
                id: id,
                pair: wanted.pair,
                cluster: cluster,
                isAtomic: frozen.isAtomic,
                frozen: frozen.time,
                members: members,
                request: TransferQueue.json(wanted) ?? "{}"
            )
            try groups.begin(record, views)
            return record
        } catch {
            for (volume, view) in views {
                volume.release(view)
                try? volume.prune()
            }
            throw APIError(error, "The volumes of group \(id) cannot be frozen.")
        }
    }

    private func submit(_ record: GroupRecord) async throws(APIError) {
        let data = Data(record.request.utf8)
        let wanted = try? AgentJSON.value(GroupRequest.self, from: data)
        for member in record.members {
            var request = ReplicateRequest(
                volumes: [member.name],
                pair: record.pair,
                id: "\(member.transfer)",
                mode: wanted?.mode,
                limit: wanted?.limit
            )
            request.group = "\(record.id)"
            _ = try await self.queue.submit([request])
        }
    }

    // MARK: Help

    func knownGroup(_ text: String) throws(APIError) -> GroupRecord {
        guard let record = self.groups.group(try HoldDesk.identity(text)) else {
            throw HoldDesk.unknown(text)
        }
        return record
    }

    func changed(
        _ record: GroupRecord,
        _ body: (inout GroupRecord) -> Void
    ) throws(APIError) -> GroupRecord {
        do throws(StoreError) {
            return try self.groups.change(record.id, body) ?? record
        } catch {
            throw APIError(error, "Group \(record.id) cannot be recorded.")
        }
    }
}
