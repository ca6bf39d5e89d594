// SPDX-License-Identifier: Apache-2.0

public import AgentAPI
import Foundation

/// What the pool driver asks of one agent; tests answer themselves.
public protocol AgentAccess: Sendable {
    /// Where the agent is, for messages.
    var place: String { get }
    /// Every pair of the agent.
    func pairs() async throws(APIError) -> [PairInfo]
    /// Pairs with a destination.
    func pair(_ request: PairCreateRequest) async throws(APIError) -> PairInfo
    /// Asks a pair's agent over the pair's certificate.
    func check(pair name: String) async throws(APIError) -> PairCheck
    /// Ends a pair.
    func deletePair(_ name: String) async throws(APIError)
    /// One volume by its name.
    func volume(_ name: String) async throws(APIError) -> VolumeInfo
    /// Freezes volumes together and begins to send them, or finds the group that has this identity.
    func beginGroup(_ request: GroupRequest) async throws(APIError) -> GroupInfo
    /// One group of this source.
    func group(_ id: String) async throws(APIError) -> GroupInfo
    /// Has the destination show all members of a group.
    func commitGroup(_ id: String) async throws(APIError) -> GroupInfo
    /// Ends the transfers of a group, and drops what the destination holds.
    func cancelGroup(_ id: String) async throws(APIError)
    /// One transfer by its identity.
    func transfer(_ id: String) async throws(APIError) -> TransferInfo
    /// Every volume of the agent.
    func volumes() async throws(APIError) -> [VolumeInfo]
    /// What this destination holds back.
    func holds() async throws(APIError) -> [HoldInfo]
    /// Shows a group here without its source.
    func releaseHold(_ id: String) async throws(APIError)
    /// Throws away what is held here.
    func dropHold(_ id: String) async throws(APIError)
    /// Makes a replica a source volume.
    func promote(
        _ volume: String,
        _ request: VolumePromoteRequest
    ) async throws(APIError) -> VolumeInfo
    /// Makes a promoted volume the replica again that it was.
    func revert(_ volume: String) async throws(APIError)
    /// Ends the replication of a source volume.
    func fence(_ volume: String) async throws(APIError)
    /// Lets a source volume be replicated again.
    func unfence(_ volume: String) async throws(APIError)
    /// Makes an independent copy of one generation.
    func clone(_ volume: String, _ request: VolumeCloneRequest) async throws(APIError)
    /// Deletes a volume with everything that it holds.
    func deleteVolume(_ volume: String) async throws(APIError)
}

/// One agent, asked over connections that are kept: it may come after the controller, and go and
/// come again.
public struct HTTPAgent: AgentAccess {
    /// Where the agent is, for messages.
    public let place: String
    private let credentials: ControlCredentials?
    private let connections: AgentConnections

    /// - Parameters:
    ///   - place: of the agent: a pool, a socket, or a URL.
    ///   - credentials: of this controller, for a URL.
    ///   - connections: keep its client.
    init(_ place: String, _ credentials: ControlCredentials?, _ connections: AgentConnections) {
        self.place = place
        self.credentials = credentials
        self.connections = connections
    }

    private struct Nothing: Codable, Sendable {}

    private func asking<Answer: Sendable>(
        _ question: @Sendable (AgentClient) async throws(APIError) -> Answer
    ) async throws(APIError) -> Answer {
        try await self.connections.ask(self.place, self.credentials, question)
    }

    /// Every pair of the agent.
    public func pairs() async throws(APIError) -> [PairInfo] {
        try await self.asking { client throws(APIError) in
            let list: ItemList<PairInfo> = try await client.get(
                AgentRoute.pairs
            )
            return list.items
        }
    }

    /// Pairs with a destination.
    public func pair(_ request: PairCreateRequest) async throws(APIError) -> PairInfo {
        try await self.asking { client throws(APIError) in
            try await client.post(AgentRoute.pairs, request)
        }
    }

    /// Asks a pair's agent over the pair's certificate.
    public func check(pair name: String) async throws(APIError) -> PairCheck {
        try await self.asking { client throws(APIError) in
            try await client.post(
                AgentRoute.pair(name, "check"),
                Nothing()
            )
        }
    }

    /// Ends a pair.
    public func deletePair(_ name: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in
            let _: PairInfo = try await client.delete(
                AgentRoute.pair(name)
            )
        }
    }

    /// One volume by its name.
    public func volume(_ name: String) async throws(APIError) -> VolumeInfo {
        try await self.asking { client throws(APIError) in
            try await client.get(AgentRoute.volume(name))
        }
    }

    /// Freezes volumes together and begins to send them, or finds the group that has this identity.
    public func beginGroup(_ request: GroupRequest) async throws(APIError) -> GroupInfo {
        try await self.asking { client throws(APIError) in try await client.beginGroup(request) }
    }

    /// One group of this source.
    public func group(_ id: String) async throws(APIError) -> GroupInfo {
        try await self.asking { client throws(APIError) in try await client.group(id) }
    }

    /// Has the destination show all members of a group.
    public func commitGroup(_ id: String) async throws(APIError) -> GroupInfo {
        try await self.asking { client throws(APIError) in try await client.commitGroup(id) }
    }

    /// Ends the transfers of a group, and drops what the destination holds.
    public func cancelGroup(_ id: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in _ = try await client.cancelGroup(id) }
    }

    /// One transfer by its identity.
    public func transfer(_ id: String) async throws(APIError) -> TransferInfo {
        try await self.asking { client throws(APIError) in
            try await client.get(AgentRoute.transfer(id))
        }
    }

    /// Every volume of the agent.
    public func volumes() async throws(APIError) -> [VolumeInfo] {
        try await self.asking { client throws(APIError) in
            let list: ItemList<VolumeInfo> = try await client.get(AgentRoute.volumes)
            return list.items
        }
    }

    /// What this destination holds back.
    public func holds() async throws(APIError) -> [HoldInfo] {
        try await self.asking { client throws(APIError) in try await client.holds() }
    }

    /// Shows a group here without its source.
    public func releaseHold(_ id: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in _ = try await client.releaseHold(id) }
    }

    /// Throws away what is held here.
    public func dropHold(_ id: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in _ = try await client.dropHold(id) }
    }

    /// Makes a replica a source volume.
    public func promote(
        _ volume: String,
        _ request: VolumePromoteRequest
    ) async throws(APIError) -> VolumeInfo {
        try await self.asking { client throws(APIError) in
            try await client.promote(volume, request)
        }
    }

    /// Makes a promoted volume the replica again that it was.
    public func revert(_ volume: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in _ = try await client.revert(volume) }
    }

    /// Ends the replication of a source volume.
    public func fence(_ volume: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in _ = try await client.fence(volume) }
    }

    /// Lets a source volume be replicated again.
    public func unfence(_ volume: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in _ = try await client.unfence(volume) }
    }

    /// Makes an independent copy of one generation.
    public func clone(_ volume: String, _ request: VolumeCloneRequest) async throws(APIError) {
        try await self.asking { client throws(APIError) in
            _ = try await client.clone(volume, request)
        }
    }

    /// Deletes a volume with everything that it holds.
    public func deleteVolume(_ volume: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in
            let _: VolumeInfo = try await client.delete(AgentRoute.volume(volume))
        }
    }
}
