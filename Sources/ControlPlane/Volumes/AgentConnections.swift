// SPDX-License-Identifier: Apache-2.0

public import AgentAPI

/// The clients of agents, one for each, for as long as the controllers run.
///
/// A client is made anew when the certificate of the controller changes. Where a kept one finds
/// nobody, as after an agent's restart, the question is asked once more over a new connection: every
/// question of the driver may come twice.
public struct AgentConnections: Sendable {
    private struct Key: Hashable, Sendable {
        let place: String
        /// Of the files; nil for a socket.
        let stamp: ControlCredentials.Stamp?
    }

    /// Clients that are kept without being used: the agents of a large cluster.
    ///
    /// One without connections is small.
    private static let idleLimit = 256

    private let pool = ClientPool<Key, AgentClient>(idleLimit: idleLimit) { await $0.close() }

    /// None yet.
    public init() {}

    /// The agent of this machine whose pool directory or socket is `place`.
    public func local(_ place: String) -> HTTPAgent { HTTPAgent(place, nil, self) }

    /// The agent of another machine of this cluster, at its `control.address`.
    public func remote(_ url: String, _ credentials: ControlCredentials) -> HTTPAgent {
        HTTPAgent(url, credentials, self)
    }

    func ask<Answer: Sendable>(
        _ place: String,
        _ credentials: ControlCredentials?,
        _ question: @Sendable (AgentClient) async throws(APIError) -> Answer
    ) async throws(APIError) -> Answer {
        try await self.pool.with(
            Key(place: place, stamp: credentials?.stamp),
            make: { () throws(APIError) in
                guard let credentials else { return try AgentClient(at: place) }
                return try AgentClient(url: place, credentials: credentials)
            },
            isStale: { $0.id == .agentUnreachable },
            use: question
        )
    }

    /// Clients that are kept now.
    var count: Int { get async { await self.pool.count } }

    /// Closes every connection; call once, when nothing asks any more.
    public func close() async { await self.pool.shutdown() }
}
