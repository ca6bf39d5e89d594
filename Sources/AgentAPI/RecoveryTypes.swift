// SPDX-License-Identifier: Apache-2.0

// Failover and failback of one volume: what docs/agent.md calls promote, revert, fence and clone.

public import Foundation

/// Asks that a replica becomes a source volume that applications write to.
public struct VolumePromoteRequest: Codable, Hashable, Sendable {
    /// The source cluster whose replica is meant, its pair's name or identity; nil where one
    /// replica only has the name.
    public let owner: String?
    /// The generation that is made writable; nil for the one that the replica shows.
    public let generation: UInt64?
    /// The snapshot of that generation, 32 hexadecimal digits: another one refuses the promotion.
    public let snapshot: String?

    /// A request for one promotion.
    public init(owner: String? = nil, generation: UInt64? = nil, snapshot: String? = nil) {
        self.owner = owner
        self.generation = generation
        self.snapshot = snapshot
    }
}

/// Asks that a promoted volume becomes the replica again that it was.
public struct VolumeRevertRequest: Codable, Hashable, Sendable {
    /// A request for one way back.
    public init() {}
}

/// Asks that a source volume is not replicated any more.
public struct VolumeFenceRequest: Codable, Hashable, Sendable {
    /// The cluster for which it is fenced, which alone may take it over; nil for any pair's.
    public let by: String?

    /// A request for one fence.
    public init(by cluster: String? = nil) { self.by = cluster }
}

/// Asks that a fenced volume is replicated again.
public struct VolumeUnfenceRequest: Codable, Hashable, Sendable {
    /// A request for the end of one fence.
    public init() {}
}

/// Asks for an independent, writable copy of one generation.
public struct VolumeCloneRequest: Codable, Hashable, Sendable {
    /// The name of the new volume.
    public let `as`: String
    /// The source cluster whose replica is meant, where several have the name.
    public let owner: String?
    /// The generation; nil for what a replica shows, or what a source holds now.
    public let generation: UInt64?
    /// Whether every byte of the copy is read again and proven before it can be used.
    public let verify: Bool
    /// Takes the bytes of a former source as they are, although no run has proven them; nil for no.
    public let unproven: Bool?

    /// A request for one copy.
    public init(
        as name: String,
        owner: String? = nil,
        generation: UInt64? = nil,
        verify: Bool = false,
        unproven: Bool? = nil
    ) {
        self.as = name
        self.owner = owner
        self.generation = generation
        self.verify = verify
        self.unproven = unproven
    }
}

/// The replica that a source volume was before its promotion.
public struct PromotionInfo: Codable, Hashable, Sendable {
    /// The history that was forked, 32 hexadecimal digits.
    public let lineage: String
    /// The generation that was made writable.
    public let generation: UInt64
    /// Its snapshot, 32 hexadecimal digits.
    public let snapshot: String
    /// Its root digest in the forked history.
    public let rootDigest: String
    /// The identity of the cluster that owned the replica.
    public let cluster: String
    /// The name of that cluster's pair, while it is known.
    public let owner: String?
    /// When it was promoted.
    public let since: Date

    /// A promotion with all its facts.
    public init(
        lineage: String,
        generation: UInt64,
        snapshot: String,
        rootDigest: String,
        cluster: String,
        owner: String?,
        since: Date
    ) {
        self.lineage = lineage
        self.generation = generation
        self.snapshot = snapshot
        self.rootDigest = rootDigest
        self.cluster = cluster
        self.owner = owner
        self.since = since
    }
}

/// Why a source volume is not replicated.
public struct FenceInfo: Codable, Hashable, Sendable {
    /// The cluster for which it was fenced.
    public let by: String?
    /// When it was fenced.
    public let since: Date

    /// A fence with all its facts.
    public init(by cluster: String?, since: Date) {
        self.by = cluster
        self.since = since
    }
}

/// What a volume was copied from: a clone for a drill, or what was kept at a failback.
public struct CloneInfo: Codable, Hashable, Sendable {
    /// The name of the volume that was copied.
    public let volume: String
    /// The identity of that volume, 32 hexadecimal digits.
    public let id: String
    /// The generation that was copied; nil for what the volume held then.
    public let generation: UInt64?
    /// The root digest that was computed again from every byte of the copy; nil where nobody asked.
    public let verifiedRoot: String?
    /// Whether it holds what a former source wrote that its failback did not keep.
    public let isBeforeFailback: Bool
    /// With `isBeforeFailback`: how many leaves of 64 KiB differ from the common generation.
    public let lostLeaves: UInt64?

    /// A copy with all its facts.
    public init(
        volume: String,
        id: String,
        generation: UInt64?,
        verifiedRoot: String?,
        isBeforeFailback: Bool = false,
        lostLeaves: UInt64? = nil
    ) {
        self.volume = volume
        self.id = id
        self.generation = generation
        self.verifiedRoot = verifiedRoot
        self.isBeforeFailback = isBeforeFailback
        self.lostLeaves = lostLeaves
    }
}

/// How a former source volume became a replica.
public struct TakeOverInfo: Codable, Hashable, Sendable {
    /// Whether its bytes were those of the common generation; else a verifying run proves them
    /// first, and nobody reads before.
    public let isExact: Bool
    /// How many leaves of 64 KiB were written here after the common generation; nil where that is
    /// known only after the first run.
    public let lostLeaves: UInt64?
    /// The volume that holds what was written here after the common generation; nil where nothing
    /// was, or where it could not be kept.
    public let savedAs: String?
    /// When it was taken over.
    public let since: Date

    /// A take-over with all its facts.
    public init(isExact: Bool, lostLeaves: UInt64?, savedAs: String?, since: Date) {
        self.isExact = isExact
        self.lostLeaves = lostLeaves
        self.savedAs = savedAs
        self.since = since
    }
}

extension AgentClient {
    /// Makes a replica a source volume under a fork of its history.
    ///
    /// Asked again, answers the same.
    ///
    /// - Parameters:
    ///   - volume: the name or identity.
    ///   - request: which generation.
    /// - Returns: the volume; applications write to its `path`.
    /// - Throws: `GW1001`, `GW1006`; `GW1002` where a source has the name; `GW1007` while it is
    ///   read; `GW1035` for a volume that never was a replica.
    public func promote(
        _ volume: String,
        _ request: VolumePromoteRequest = VolumePromoteRequest()
    ) async throws(APIError) -> VolumeInfo {
        try await self.post(
            AgentRoute.volume(volume, "promote"),
            request,
            timeout: .seconds(120)
        )
    }

    /// Makes a promoted volume the replica again that it was; what was written since is lost.
    ///
    /// - Parameter volume: the name or identity.
    /// - Returns: the replica.
    /// - Throws: `GW1034` with the reason where that is not possible any more.
    public func revert(_ volume: String) async throws(APIError) -> VolumeInfo {
        try await self.post(
            AgentRoute.volume(volume, "revert"),
            VolumeRevertRequest(),
            timeout: .seconds(120)
        )
    }

    /// Ends the replication of a source volume, durably; asked again, answers the same.
    ///
    /// - Parameters:
    ///   - volume: the name or identity.
    ///   - cluster: for whom; only that pair may take the volume over then.
    /// - Returns: the volume.
    /// - Throws: `GW1001`; `GW1008` for a replica.
    public func fence(
        _ volume: String,
        by cluster: String? = nil
    ) async throws(APIError) -> VolumeInfo {
        try await self.post(
            AgentRoute.volume(volume, "fence"),
            VolumeFenceRequest(by: cluster),
            timeout: .seconds(60)
        )
    }

    /// Lets a source volume be replicated again.
    ///
    /// - Parameter volume: the name or identity.
    /// - Returns: the volume.
    /// - Throws: `GW1001`; `GW1008` for a replica.
    public func unfence(_ volume: String) async throws(APIError) -> VolumeInfo {
        try await self.post(
            AgentRoute.volume(volume, "unfence"),
            VolumeUnfenceRequest(),
            timeout: .seconds(60)
        )
    }

    /// Makes an independent source volume with the bytes of one generation.
    ///
    /// - Parameters:
    ///   - volume: the name or identity of what is copied.
    ///   - request: the new name, and which generation.
    /// - Returns: the new volume.
    /// - Throws: `GW1001`, `GW1002`, `GW1006`; `GW3004` where `verify` finds other bytes.
    public func clone(
        _ volume: String,
        _ request: VolumeCloneRequest
    ) async throws(APIError) -> VolumeInfo {
        try await self.post(
            AgentRoute.volume(volume, "clone"),
            request,
            timeout: .seconds(3600)
        )
    }
}
