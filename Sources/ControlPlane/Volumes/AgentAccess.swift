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
    /// Begins one transfer, or finds the one that has this identity.
    func replicate(_ request: ReplicateRequest) async throws(APIError) -> TransferInfo
    /// One transfer by its identity.
    func transfer(_ id: String) async throws(APIError) -> TransferInfo
    /// Ends one transfer.
    func cancel(_ id: String) async throws(APIError)
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

    /// Begins one transfer, or finds the one that has this identity.
    public func replicate(_ request: ReplicateRequest) async throws(APIError) -> TransferInfo {
        let list: ItemList<TransferInfo> = try await self.asking { client throws(APIError) in
            try await client.post(AgentRoute.transfers, request)
        }
        guard let info = list.items.first else {
            throw APIError(.agentFailed, "The agent at \(self.place) told of no transfer.")
        }
        return info
    }

    /// One transfer by its identity.
    public func transfer(_ id: String) async throws(APIError) -> TransferInfo {
        try await self.asking { client throws(APIError) in
            try await client.get(AgentRoute.transfer(id))
        }
    }

    /// Ends one transfer.
    public func cancel(_ id: String) async throws(APIError) {
        try await self.asking { client throws(APIError) in
            let _: TransferInfo = try await client.post(
                AgentRoute.transfer(id, "cancel"),
                Nothing()
            )
        }
    }
}
