// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Identity
import VolumeStore

/// Asks the destination before and after each try of a member of a group.
///
/// Holds: nothing of a group is offered before the destination has said that it holds the group back.
struct GroupGate: TransferGate {
    let groups: GroupStore
    let registry: PairRegistry
    let journal: Journal

    func admit(_ request: ReplicateRequest) async throws(RunFailure) {
        do throws(APIError) {
            guard let id = request.group.flatMap({ GroupID($0) }) else {
                return try await self.admitAlone(request)
            }
            guard let group = self.groups.group(id), group.state != .cancelled else {
                throw Self.ended(request.group ?? "", nil)
            }
            if group.state == .open { try await self.register(group) }
        } catch {
            let isPassing = error.code == .unreachable || error.code == .timedOut
            throw RunFailure(
                error,
                isRetryable: isPassing || error.retryAfter != nil || error.id == .pairExpired,
                retryAfter: error.retryAfter.map(Double.init)
            )
        }
    }

    func isHeld(_ request: ReplicateRequest) async -> Bool {
        guard let id = request.group.flatMap({ GroupID($0) }), let group = self.groups.group(id),
            let member = group.members.first(where: { $0.name == request.volumes.first }),
            let hold = try? await self.hold(of: group)
        else { return false }
        switch hold.state {
        case .committed, .dropped: return false
        case .held, .releasing: break
        }
        return hold.members.contains { $0.volumeID == "\(member.volume)" && $0.state == .prepared }
    }

    func ended(_ request: ReplicateRequest) {
        guard let id = request.group.flatMap({ GroupID($0) }), let name = request.volumes.first
        else { return }
        self.groups.releaseView(of: name, in: id)
    }

    // MARK: Others

    /// A volume of a group that has not ended is sent for the group alone: what comes in between
    /// would take the place of what the destination holds back.
    private func admitAlone(_ request: ReplicateRequest) async throws(APIError) {
        let name = request.volumes.first ?? ""
        let groups = self.groups.groups()
            .filter { group in
                group.pair == request.pair && group.members.contains { $0.name == name }
            }
        if let open = groups.first(where: { $0.state == .open }) {
            throw APIError(
                .groupConflict,
                "Volume \(name) is in group \(open.id), which has not ended.",
                try: "wait, or commit or cancel the group: godwit group list",
                retryAfter: 5
            )
        }
        for group in groups where group.isDropPending { try? await self.drop(group) }
    }

    // MARK: The destination

    /// Makes sure that the destination holds a group back; durable here when it was told.
    private func register(_ group: GroupRecord) async throws(APIError) {
        let record = try self.registry.outgoing(named: group.pair)
        guard !group.isRegistered else {
            let hold: HoldInfo
            do { hold = try await self.hold(of: group) } catch {
                guard error.id == .groupNotFound else { throw error }
                throw Self.ended("\(group.id)", "the destination does not know it any more")
            }
            guard hold.state != .dropped else {
                throw Self.ended("\(group.id)", "it was dropped at the destination")
            }
            return
        }
        let request = PeerGroupRequest(
            members: group.members.map { member in
                PeerGroupRequest.Member(
                    volume: "\(member.volume)",
                    snapshot: "\(member.snapshot)"
                )
            }
        )
        do throws(APIError) {
            _ = try await record.peerClient()
                .once { client throws(APIError) in
                    try await client.register("\(group.id)", request)
                }
        } catch {
            throw error.id == .unknownRoute ? Self.outdated(group.pair) : error
        }
        let known = try self.stored { () throws(StoreError) in
            try self.groups.change(group.id) { group in
                group.isRegistered = true
                if group.state == .cancelled { group.isDropPending = true }
            }
        }
        // Given up while the destination was told of it.
        if let known, known.isDropPending { try await self.drop(known) }
    }

    /// What the destination says of a group.
    func hold(of group: GroupRecord) async throws(APIError) -> HoldInfo {
        let record = try self.registry.outgoing(named: group.pair)
        return try await record.peerClient()
            .once { client throws(APIError) in try await client.hold("\(group.id)") }
    }

    /// Has the destination give a group up; nothing happens where it knows none.
    ///
    /// - Throws: `groupEnded` where the destination has released it.
    func drop(_ group: GroupRecord) async throws(APIError) {
        let record = try self.registry.outgoing(named: group.pair)
        do throws(APIError) {
            _ = try await record.peerClient()
                .once { client throws(APIError) in try await client.drop("\(group.id)") }
        } catch {
            guard error.id == .groupNotFound || error.id == .unknownRoute else { throw error }
        }
        _ = try self.stored { () throws(StoreError) in
            try self.groups.change(group.id) { $0.isDropPending = false }
        }
    }

    static func outdated(_ pair: String) -> APIError {
        APIError(
            .peerOutdated,
            "The destination agent of pair \(pair) cannot hold groups back.",
            cause: "it is of an earlier release",
            try: "update the agent there"
        )
    }

    private static func ended(_ id: String, _ cause: String?) -> APIError {
        APIError(.groupEnded, "Group \(id) has ended.", cause: cause, try: "freeze a new one")
    }

    private func stored<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(APIError) -> Result {
        do throws(StoreError) {
            return try body()
        } catch {
            throw APIError(error, "The group cannot be recorded.")
        }
    }
}
