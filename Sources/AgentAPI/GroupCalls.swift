// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOHTTP1

extension AgentClient {
    /// How long an agent may take to freeze the volumes of a group, or to show one.
    ///
    /// A sparse copy reads the volume; a commit after a restart reads what was staged again.
    public static let groupTimeout = Duration.seconds(600)

    private struct Nothing: Codable, Sendable {}

    /// Freezes volumes together and begins to send them.
    ///
    /// - Parameter request: the group; asked again under its identity, the answer is the group that
    ///   there is.
    /// - Returns: the group, which is durable at this agent.
    /// - Throws: `groupConflict` while one of the volumes is in another group that has not ended;
    ///   `peerOutdated` where the destination knows no groups; `peerUnreachable`, with nothing
    ///   frozen; `cannotFreeze`.
    public func beginGroup(_ request: GroupRequest) async throws(APIError) -> GroupInfo {
        try await self.post(AgentRoute.groups, request, timeout: Self.groupTimeout)
    }

    /// The groups of this source that are remembered, newest first.
    public func groups() async throws(APIError) -> [GroupInfo] {
        let list: ItemList<GroupInfo> = try await self.get(AgentRoute.groups)
        return list.items
    }

    /// One group of this source.
    ///
    /// - Parameters:
    ///   - id: the group.
    ///   - milliseconds: how long to wait while it is `copying`, 1,000 at most; 0 answers at once.
    /// - Returns: the group as it is then.
    /// - Throws: `groupNotFound`. That the destination cannot be asked is told in the group's `error`.
    public func group(
        _ id: String,
        waitingMilliseconds milliseconds: Int = 0
    ) async throws(APIError) -> GroupInfo {
        let wait = milliseconds > 0 ? "?wait=\(milliseconds)" : ""
        return try await self.get(AgentRoute.group(id) + wait)
    }

    /// Has the destination show all members of a group; may be asked again, also after a failure.
    ///
    /// - Returns: the group, `committed`; or `committing`, where a reader of bytes that change in
    ///   place held up a member: then it has to be asked again.
    /// - Throws: `groupNotPrepared`, with nothing visible; `groupEnded` for one that was cancelled;
    ///   `peerUnreachable`, and nobody knows whether the destination heard of it: ask again.
    public func commitGroup(_ id: String) async throws(APIError) -> GroupInfo {
        try await self.post(
            AgentRoute.group(id, "commit"),
            Nothing(),
            timeout: Self.groupTimeout
        )
    }

    /// Ends the transfers of a group and drops what the destination holds; may be asked again.
    ///
    /// - Returns: the group, `cancelled`; `committed` or `committing` where it was too late.
    /// - Throws: `groupNotFound`.
    public func cancelGroup(_ id: String) async throws(APIError) -> GroupInfo {
        try await self.delete(AgentRoute.group(id))
    }

    /// What this destination holds back, newest first.
    public func holds() async throws(APIError) -> [HoldInfo] {
        let list: ItemList<HoldInfo> = try await self.get(AgentRoute.holds)
        return list.items
    }

    /// Shows a group here without its source, as a failover needs it.
    ///
    /// May be asked again.
    ///
    /// - Returns: what is held under the identity, one for each pair, all `committed`.
    /// - Throws: `groupNotFound`; `groupNotPrepared`, with nothing visible; `groupEnded` for one
    ///   that was dropped.
    public func releaseHold(_ id: String) async throws(APIError) -> [HoldInfo] {
        let list: ItemList<HoldInfo> = try await self.post(
            AgentRoute.hold(id, "release"),
            Nothing(),
            timeout: Self.groupTimeout
        )
        return list.items
    }

    /// Throws away what is held here without its source, as a failover may need it.
    ///
    /// May be asked again.
    ///
    /// - Returns: what was held under the identity, one for each pair.
    /// - Throws: `groupNotFound`; `groupEnded` for one that was released.
    public func dropHold(_ id: String) async throws(APIError) -> [HoldInfo] {
        let list: ItemList<HoldInfo> = try await self.delete(AgentRoute.hold(id))
        return list.items
    }
}

extension PeerClient {
    /// Registers a group at the destination, before anything of it is offered.
    ///
    /// - Throws: `unknownRoute` where the destination is older than groups; `groupEnded` where it
    ///   was dropped there.
    public func register(
        _ id: String,
        _ request: PeerGroupRequest
    ) async throws(APIError) -> HoldInfo {
        let data: Data
        do { data = try AgentJSON.data(of: request) } catch {
            throw APIError(.invalidRequest, "The request cannot be written.", cause: "\(error)")
        }
        return try await self.connection.call(
            .PUT,
            PeerRoute.group(id),
            body: data,
            timeout: .seconds(15)
        )
    }

    /// What the destination holds of a group.
    ///
    /// - Throws: `groupNotFound`; `unknownRoute` where the destination is older than groups.
    public func hold(_ id: String) async throws(APIError) -> HoldInfo {
        try await self.get(PeerRoute.group(id))
    }

    /// Has the destination show a group.
    ///
    /// - Returns: the hold, `committed`, or `releasing` where it has to be asked again.
    /// - Throws: `groupNotFound`, `groupNotPrepared`, `groupEnded`.
    public func commit(_ id: String) async throws(APIError) -> HoldInfo {
        try await self.connection.call(
            .POST,
            PeerRoute.groupCommit(id),
            timeout: AgentClient.groupTimeout
        )
    }

    /// Has the destination give a group up.
    ///
    /// - Throws: `groupNotFound`; `groupEnded` for one that was released.
    public func drop(_ id: String) async throws(APIError) -> HoldInfo {
        try await self.connection.call(.DELETE, PeerRoute.group(id), timeout: .seconds(60))
    }
}
