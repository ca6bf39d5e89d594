// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Glibc
import VolumeStore

/// Failover and failback of single volumes in the words of the API.
///
/// Calls block; run them with `onThread`.
struct RecoveryService: Sendable {
    let volumes: VolumeService
    let changer: RoleChanger
    let holds: HoldStore
    let now: @Sendable () -> Date
    /// Ends the session that has a replica; false where there is none.
    let endSession: @Sendable (VolumeID) -> Bool

    /// How long a session, a reader or a run may take to let go of a volume.
    static let patience = Duration.seconds(30)

    var seconds: UInt64 { UInt64(max(0, self.now().timeIntervalSince1970)) }

    /// Tries until nobody uses the volume any more, or patience ends.
    static func waiting<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let clock = ContinuousClock()
        let end = clock.now + Self.patience
        while true {
            do throws(StoreError) {
                return try body()
            } catch {
                guard error.code == .busy, clock.now < end else { throw error }
                usleep(20_000)
            }
        }
    }

    // MARK: - Promotion

    /// A replica that may be promoted, or what an earlier promotion has made of it.
    private enum Candidate {
        case replica(ReplicaVolume)
        case promoted(SourceVolume, ForkRecord)
    }

    func promote(
        _ name: String,
        _ request: VolumePromoteRequest
    ) throws(APIError) -> (volume: VolumeInfo, isNew: Bool) {
        let snapshot = try request.snapshot.map { (text) throws(APIError) in
            try Self.snapshot(text)
        }
        switch try self.candidate(name, owner: request.owner) {
        case .promoted(let volume, let fork):
            let isSame =
                (request.generation ?? fork.number.number) == fork.number.number
                && (snapshot ?? fork.snapshot) == fork.snapshot
            guard isSame else {
                throw APIError(
                    .notAReplica,
                    "Volume \(name) was promoted already, from generation \(fork.number.number).",
                    try: "take that back first: godwit volume revert \(name)"
                )
            }
            return (try self.volumes.info(of: volume), false)
        case .replica(let replica):
            let volume = try self.promote(replica, request.generation, snapshot)
            return (try self.volumes.info(of: volume), true)
        }
    }

    private func promote(
        _ replica: ReplicaVolume,
        _ generation: UInt64?,
        _ snapshot: SnapshotID?
    ) throws(APIError) -> SourceVolume {
        try self.checkPromotable(replica, generation, snapshot)
        try self.keepGroupsUnshown(replica)
        defer { self.holds.endRoleChange(of: replica.id) }
        do throws(StoreError) {
            return try Self.waiting { () throws(StoreError) in
                // Again at each try: the sender may have come back in between.
                _ = self.endSession(replica.id)
                var generator = SystemRandomNumberGenerator()
                return try self.changer.promote(
                    replica,
                    generation: generation.map { GenerationNumber($0) },
                    snapshot: snapshot,
                    at: self.seconds,
                    using: &generator
                )
            }
        } catch {
            throw APIError(error, "Volume \(replica.name) was not promoted.")
        }
    }

    /// Refuses a volume of which a group is being shown: the group would never be whole.
    private func keepGroupsUnshown(_ replica: ReplicaVolume) throws(APIError) {
        do throws(StoreError) {
            var refusal: HoldError?
            try Self.waiting { () throws(StoreError) in
                do throws(HoldError) {
                    try self.holds.beginRoleChange(of: replica.id)
                    refusal = nil
                } catch {
                    refusal = error
                    guard case .busy(let what) = error else { return }
                    throw StoreError(.busy, what, path: replica.directory)
                }
            }
            guard refusal != nil else { return }
        } catch {
            throw APIError(error, "Volume \(replica.name) was not promoted.")
        }
        let group = self.holds.holds()
            .first { hold in
                hold.state == .releasing
                    && hold.members.contains { $0.volume == replica.id }
            }
        throw APIError(
            .groupConflict,
            "Volume \(replica.name) cannot be promoted: a group of volumes is being shown that it "
                + "belongs to.",
            cause: "group \(group.map { "\($0.group)" } ?? "") was released, and not all of its "
                + "volumes are visible yet",
            try: "ask again when they are; what keeps it up is in the agent's log: godwit events",
            retryAfter: 1
        )
    }

    /// What can be told before the transfer under way is ended for it.
    private func checkPromotable(
        _ replica: ReplicaVolume,
        _ generation: UInt64?,
        _ snapshot: SnapshotID?
    ) throws(APIError) {
        let name = replica.name
        guard self.volumes.sources.volume(named: name) == nil else {
            throw APIError(
                .volumeExists,
                "Replica \(name) cannot be promoted: there is a source volume of that name.",
                try: "delete that volume first, or promote at another agent"
            )
        }
        guard replica.isProven else {
            throw APIError(
                .volumeInUse,
                "Volume \(name) was a source here, and no run has proven its bytes since.",
                try: "replicate it from where it is active, until one run has succeeded"
            )
        }
        let kept = replica.generations
        let wanted = kept.first { generation == nil || $0.number.number == generation }
        guard let wanted else {
            let numbers = kept.map { "\($0.number.number)" }.joined(separator: ", ")
            throw APIError(
                .generationNotFound,
                generation.map { "Generation \($0) of volume \(name) is not kept here." }
                    ?? "Volume \(name) shows no generation yet.",
                cause: kept.isEmpty ? "no transfer has committed" : "kept are: \(numbers)",
                try: "godwit volume show \(name)"
            )
        }
        guard snapshot == nil || wanted.snapshot == snapshot else {
            throw APIError(
                .generationNotFound,
                "Generation \(wanted.number.number) of volume \(name) is another snapshot.",
                cause: "it is \(wanted.snapshot)",
                try: "godwit volume show \(name)"
            )
        }
    }

    private func candidate(_ name: String, owner: String?) throws(APIError) -> Candidate {
        let cluster = try owner.map { (owner) throws(APIError) in try self.cluster(owner) }
        let sources = self.volumes.sources
        let source = sources.volume(named: name) ?? VolumeID(name).flatMap { sources.volume($0) }
        let replicas = self.volumes.replicas.volumes()
            .filter { $0.name == name || "\($0.id)" == name }
            .filter { cluster == nil || $0.record.owner == cluster }
        if let source, let fork = source.record.fork, cluster == nil || fork.owner == cluster {
            return .promoted(source, fork)
        }
        if let replica = replicas.first {
            guard replicas.count == 1 else {
                throw APIError(
                    .invalidRequest,
                    "\(replicas.count) replicas are called \(name).",
                    cause: "they come from different pairs",
                    try: "say which: --owner PAIR"
                )
            }
            return .replica(replica)
        }
        guard source == nil else {
            throw APIError(
                .notAReplica,
                "Volume \(name) is a source here already.",
                try: "godwit volume list"
            )
        }
        // Says that there is none, with the nearest name.
        _ = try self.volumes.find(name)
        throw APIError(
            .volumeNotFound,
            "There is no replica \(name) of \(owner ?? "any pair").",
            try: "godwit volume list"
        )
    }

    /// The cluster that a pair's name or an identity means.
    private func cluster(_ text: String) throws(APIError) -> ClusterID {
        if let cluster = ClusterID(text) { return cluster }
        let named = self.volumes.registry.all.first { $0.pair.name == text }
        if let cluster = named?.cluster { return cluster }
        throw APIError(
            .pairNotFound,
            "There is no pair \(PlainText.line(text.prefix(64))).",
            try: "godwit pair list"
        )
    }

    static func snapshot(_ text: String) throws(APIError) -> SnapshotID {
        if let snapshot = SnapshotID(text) { return snapshot }
        throw APIError(
            .invalidRequest,
            "'\(PlainText.line(text.prefix(64)))' is not a snapshot.",
            try: "give 32 hexadecimal digits: godwit volume show NAME -o json"
        )
    }

    // MARK: - The way back

    func revert(_ name: String) throws(APIError) -> (volume: VolumeInfo, isNew: Bool) {
        if case .replica(let replica) = try self.volumes.find(name), replica.isProven {
            // Asked again after it was done, or by somebody who wants what is already so.
            return (self.volumes.info(of: replica), false)
        }
        let volume = try self.volumes.source(name)
        do throws(StoreError) {
            let replica = try Self.waiting { () throws(StoreError) in
                try self.changer.revert(volume)
            }
            return (self.volumes.info(of: replica), true)
        } catch {
            guard error.code == .unsupported else {
                throw APIError(error, "Volume \(name) was not made a replica again.")
            }
            throw APIError(
                .cannotRevert,
                "Volume \(name) cannot become the replica again that it was.",
                cause: error.what,
                try: "replicate it to the former owner: godwit replicate \(name) --to PAIR"
            )
        }
    }

    // MARK: - Fences

    func fence(_ name: String, by cluster: String?) throws(APIError) -> VolumeInfo {
        let volume = try self.volumes.source(name)
        do throws(StoreError) {
            try volume.fence(by: cluster, at: self.seconds)
        } catch { throw APIError(error, "Volume \(name) was not fenced.") }
        return try self.volumes.info(of: volume)
    }

    func unfence(_ name: String) throws(APIError) -> VolumeInfo {
        let volume = try self.volumes.source(name)
        do throws(StoreError) { try volume.unfence() } catch {
            throw APIError(error, "Volume \(name) is still fenced.")
        }
        return try self.volumes.info(of: volume)
    }
}
