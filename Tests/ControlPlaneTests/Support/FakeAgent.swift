// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Locks

@testable import ControlPlane

/// An agent with a few volumes and pairs, that does what it is told and remembers it.
final class FakeAgent: AgentAccess {
    struct State: Sendable {
        var volumes: [String: VolumeRole] = [:]
        var pairs: [PairInfo] = []
        var groups: [String: GroupInfo] = [:]
        var asked: [GroupRequest] = []
        /// When the next group is frozen, in seconds since 1970.
        var frozenAt = 0.0
        var holds: [HoldInfo] = []
        /// What a failover asked for.
        var orders: [String] = []
        var promotions: Set<String> = []
        var clones: Set<String> = []
        /// What every call fails with, while there is something.
        var failure: APIError?
    }

    let place: String
    let state: Locked<State>

    init(_ place: String, volumes: [String: VolumeRole] = [:]) {
        self.place = place
        self.state = Locked(State(volumes: volumes))
    }

    private func now<Answer: Sendable>(
        _ body: (inout State) throws(APIError) -> Answer
    ) throws(APIError) -> Answer {
        try self.state.withLock { (state) throws(APIError) -> Answer in
            if let failure = state.failure { throw failure }
            return try body(&state)
        }
    }

    func pairs() async throws(APIError) -> [PairInfo] {
        try self.now { (state) throws(APIError) in state.pairs }
    }

    func pair(_ request: PairCreateRequest) async throws(APIError) -> PairInfo {
        try self.now { (state) throws(APIError) in
            let info = PairInfo(
                name: request.name,
                direction: .outgoing,
                cluster: "remote",
                host: request.ip,
                apiPort: request.port,
                dataPort: 9010,
                mode: request.mode,
                created: Date(timeIntervalSince1970: 0),
                certificateExpires: nil,
                fingerprint: nil
            )
            state.pairs = [info]
            return info
        }
    }

    func check(pair name: String) async throws(APIError) -> PairCheck {
        try self.now { (_) throws(APIError) in
            PairCheck(name: name, cluster: "remote", version: "0", protocolVersion: "1.0")
        }
    }

    func deletePair(_ name: String) async throws(APIError) {
        try self.now { (state) throws(APIError) in state.pairs.removeAll { $0.name == name } }
    }

    func volume(_ name: String) async throws(APIError) -> VolumeInfo {
        try self.now { (state) throws(APIError) in
            guard let role = state.volumes[name] else {
                throw APIError(.volumeNotFound, "There is no volume \(name).")
            }
            var info = VolumeInfo(
                name: name,
                id: "1",
                role: role,
                sizeBytes: 1,
                lineage: "1",
                path: nil,
                backing: "pool",
                owner: nil,
                generation: nil,
                generations: []
            )
            if state.promotions.contains(name) {
                info.promotedFrom = PromotionInfo(
                    lineage: "1",
                    generation: 1,
                    snapshot: "s",
                    rootDigest: "r",
                    cluster: "c",
                    owner: nil,
                    since: Date(timeIntervalSince1970: 0)
                )
            }
            if state.clones.contains(name) {
                info.clonedFrom = CloneInfo(
                    volume: "v",
                    id: "1",
                    generation: 1,
                    verifiedRoot: nil
                )
            }
            return info
        }
    }

    func beginGroup(_ request: GroupRequest) async throws(APIError) -> GroupInfo {
        try self.now { (state) throws(APIError) in
            state.asked.append(request)
            if let known = state.groups[request.id] { return known }
            let members = request.members.enumerated()
                .map { index, member in
                    GroupMember(
                        volume: member.volume,
                        volumeID: "1",
                        transfer: member.transfer,
                        generation: UInt64(index + 1),
                        snapshot: "s\(index)",
                        state: .queued
                    )
                }
            let info = GroupInfo(
                id: request.id,
                pair: request.pair,
                state: .copying,
                isAtomic: true,
                frozen: Date(timeIntervalSince1970: state.frozenAt),
                members: members
            )
            state.groups[request.id] = info
            return info
        }
    }

    func group(_ id: String) async throws(APIError) -> GroupInfo {
        try self.now { (state) throws(APIError) in
            guard let info = state.groups[id] else {
                throw APIError(.groupNotFound, "There is no group \(id).")
            }
            return info
        }
    }

    func commitGroup(_ id: String) async throws(APIError) -> GroupInfo {
        try self.now { (state) throws(APIError) in
            state.groups[id]?.state = .committed
            for index in state.groups[id]?.members.indices ?? 0..<0 {
                state.groups[id]?.members[index].isCommitted = true
                state.groups[id]?.members[index].state = .succeeded
            }
            guard let info = state.groups[id] else {
                throw APIError(.groupNotFound, "There is no group \(id).")
            }
            return info
        }
    }

    func cancelGroup(_ id: String) async throws(APIError) {
        try self.now { (state) throws(APIError) in
            guard state.groups[id] != nil else {
                throw APIError(.groupNotFound, "There is no group \(id).")
            }
            state.groups[id]?.state = .cancelled
            for index in state.groups[id]?.members.indices ?? 0..<0 {
                state.groups[id]?.members[index].state = .cancelled
            }
        }
    }

    func transfer(_ id: String) async throws(APIError) -> TransferInfo {
        try self.now { (state) throws(APIError) in
            let members = state.groups.values.flatMap(\.members)
            guard let member = members.first(where: { $0.transfer == id }) else {
                throw APIError(.transferNotFound, "There is no transfer \(id).")
            }
            return TransferInfo(
                id: id,
                volume: member.volume,
                pair: "p",
                state: member.state,
                attempt: 1,
                created: Date(timeIntervalSince1970: 0)
            )
        }
    }

    /// Makes every member of every group prepared.
    func prepareAll() {
        self.state.withLock { state in
            for id in state.groups.keys {
                state.groups[id]?.state = .prepared
                for index in state.groups[id]?.members.indices ?? 0..<0 {
                    state.groups[id]?.members[index].isPrepared = true
                    state.groups[id]?.members[index].state = .waiting
                }
            }
        }
    }

    // MARK: What a failover asks

    private func note(_ line: String) throws(APIError) {
        try self.now { (state) throws(APIError) in state.orders.append(line) }
    }

    func volumes() async throws(APIError) -> [VolumeInfo] { [] }

    func holds() async throws(APIError) -> [HoldInfo] {
        try self.now { (state) throws(APIError) in state.holds }
    }

    func releaseHold(_ id: String) async throws(APIError) { try self.note("release \(id)") }

    func dropHold(_ id: String) async throws(APIError) { try self.note("drop \(id)") }

    func promote(
        _ volume: String,
        _ request: VolumePromoteRequest
    ) async throws(APIError) -> VolumeInfo {
        try self.note("promote \(volume) \(request.generation ?? 0) \(request.snapshot ?? "")")
        return try await self.volume(volume)
    }

    func revert(_ volume: String) async throws(APIError) { try self.note("revert \(volume)") }

    func fence(_ volume: String) async throws(APIError) { try self.note("fence \(volume)") }

    func unfence(_ volume: String) async throws(APIError) { try self.note("unfence \(volume)") }

    func clone(_ volume: String, _ request: VolumeCloneRequest) async throws(APIError) {
        try self.note("clone \(volume) as \(request.as)")
    }

    func deleteVolume(_ volume: String) async throws(APIError) {
        try self.note("delete \(volume)")
    }
}
