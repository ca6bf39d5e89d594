// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Identity
import Locks
import Logging
import VolumeStore

/// Where the servers listen, known once they do.
final class Endpoints: Sendable {
    /// What has to be at work before the agent calls itself ready.
    enum Part: CaseIterable {
        case localServer
        case peerServer
        /// Only where it is configured.
        case controlServer
        case signals
    }

    private struct State {
        var data = 0
        var api = 0
        var control = 0
        var missing = Set(Part.allCases)
    }

    private let state: Locked<State>

    init(hasControl: Bool) {
        var state = State()
        if !hasControl { state.missing.remove(.controlServer) }
        self.state = Locked(state)
    }

    /// The data port; its listener is made first of all.
    var dataPort: Int {
        get { self.state.withLock { $0.data } }
        set { self.state.withLock { $0.data = newValue } }
    }

    var apiPort: Int {
        get { self.state.withLock { $0.api } }
        set { self.state.withLock { $0.api = newValue } }
    }

    var controlPort: Int {
        get { self.state.withLock { $0.control } }
        set { self.state.withLock { $0.control = newValue } }
    }

    /// Whether all servers take connections.
    var isReady: Bool { self.state.withLock { $0.missing.isEmpty } }

    /// Notes that a part is at work; true for the last one.
    func began(_ part: Part) -> Bool {
        self.state.withLock { $0.missing.remove(part) != nil && $0.missing.isEmpty }
    }
}

/// The parts of one agent, and what needs several of them.
struct AgentCore: Sendable {
    let configuration: AgentConfiguration
    let environment: AgentEnvironment
    let identity: AgentIdentity
    let registry: PairRegistry
    let catalogue: Catalogue
    let journal: Journal
    let volumes: VolumeService
    let queue: TransferQueue
    let holds: HoldDesk
    let groups: GroupStore
    /// Groups that are being frozen.
    let freezing = GroupsInTheMaking()
    let desk: PairingDesk
    let endpoints: Endpoints
    let recovery: RecoveryService
    /// For peers that let this agent read whole volumes: as many as transfers by default.
    let proofs = Places(4)
    /// Looks of peers whether the way back is open: each holds a thread for some seconds at most.
    let looksBack = Places(2)
    /// Ends what a revoked pair has open on 9010.
    let cutOff: @Sendable (ClusterID) -> Void

    var version: VersionInfo {
        VersionInfo(
            version: Release.version,
            protocolVersion: "\(self.configuration.protocolVersion)",
            cluster: "\(self.identity.cluster)",
            data: "\(HostPort(host: self.configuration.data.host, port: self.endpoints.dataPort))",
            api: "\(HostPort(host: self.configuration.api.host, port: self.endpoints.apiPort))",
            control: self.configuration.control.map { address in
                "\(HostPort(host: address.host, port: self.endpoints.controlPort))"
            }
        )
    }

    /// Notes that a part is at work; after the last one a line says that the agent is ready, and
    /// where: who started it waits for that.
    func began(_ part: Endpoints.Part) {
        guard self.endpoints.began(part) else { return }
        let version = self.version
        var places: Logger.Metadata = [
            "api": "\(version.api ?? "")", "data": "\(version.data ?? "")",
        ]
        if let control = version.control { places["control"] = "\(control)" }
        self.environment.logger.info("agent ready", metadata: places)
    }

    var ownName: String {
        let name = self.configuration.name ?? self.environment.hostName
        return name.isEmpty ? "agent" : name
    }

    func events(limit: Int) throws(APIError) -> [EventInfo] {
        do {
            return try self.catalogue.events(limit: limit)
                .map { event in
                    EventInfo(
                        time: event.time,
                        reason: event.reason,
                        message: event.message,
                        volume: event.volume,
                        pair: event.pair,
                        transfer: event.transfer
                    )
                }
        } catch { throw APIError(error) }
    }

    // MARK: - Pairs

    func knownPair(_ name: String) throws(APIError) -> TrustRecord {
        if let record = self.registry.pair(named: name) { return record }
        let names = self.registry.all.map(\.pair.name)
        throw APIError(
            .pairNotFound,
            "There is no pair \(name).",
            try: Suggestion.nearest(to: name, in: names).map { "did you mean \($0)?" }
                ?? "godwit pair list"
        )
    }

    func pair(_ wanted: PairCreateRequest) async throws(APIError) -> PairInfo {
        let initiator = PairingInitiator(
            identity: self.identity,
            registry: self.registry,
            ownName: self.ownName,
            now: self.environment.now
        )
        let record = try await initiator.pair(
            wanted,
            apiPort: self.endpoints.apiPort,
            dataPort: self.endpoints.dataPort
        )
        self.journal.note(
            "PairCreated",
            "paired with cluster \(record.pair.cluster) at \(wanted.ip)",
            pair: record.pair.name
        )
        return record.info
    }

    func revoke(_ name: String) async throws(APIError) -> PairInfo {
        let record = try self.knownPair(name)
        let removal = Result { () throws(APIError) in try self.registry.remove(record) }
        // Also where the file could not be removed: until the next start the pair is gone.
        switch record.pair.direction {
        case .outgoing: await self.queue.cancelAll(to: name)
        case .incoming: if let cluster = record.cluster { self.cutOff(cluster) }
        }
        try removal.get()
        if record.pair.direction == .outgoing, let cluster = record.cluster {
            await self.forget(cluster)
        }
        self.journal.note("PairRevoked", "the pair was revoked", pair: name)
        return record.info
    }

    /// Asks the other agent of an outgoing pair over the pair's certificate.
    ///
    /// - Returns: who answered.
    /// - Throws: `pairNotFound`, and what keeps the pair from working: `peerUnreachable`,
    ///   `peerNotTrusted`, `pairRevoked`, `pairExpired`.
    func check(_ name: String) async throws(APIError) -> PairCheck {
        let record = try self.registry.outgoing(named: name)
        try record.checkValidity(at: self.environment.now())
        let told = try await self.peerClient(record)
            .once { client throws(APIError) -> VersionInfo in
                try await client.get(PeerRoute.version)
            }
        return PairCheck(
            name: name,
            cluster: record.pair.cluster,
            version: told.version,
            protocolVersion: told.protocolVersion
        )
    }

    /// Asks the other agent of an outgoing pair whether it reaches this one.
    ///
    /// - Returns: what it found at the address from which it was asked.
    /// - Throws: as ``check(_:)``; `notFound` where that agent is older than the question.
    func reach(_ name: String) async throws(APIError) -> PairReach {
        let record = try self.registry.outgoing(named: name)
        try record.checkValidity(at: self.environment.now())
        let wanted = PairReachRequest(
            apiPort: self.endpoints.apiPort,
            dataPort: self.endpoints.dataPort
        )
        return try await self.peerClient(record)
            .once { client throws(APIError) in try await client.post(PeerRoute.reach, wanted) }
    }

    /// Lets go of the generations that only this pair needed.
    private func forget(_ cluster: ClusterID) async {
        let volumes = self.volumes
        _ = try? await onThread("forget") { () throws(APIError) in volumes.forget(cluster) }
    }

    // MARK: - Volumes

    func create(_ wanted: VolumeCreateRequest) async throws(APIError) -> VolumeInfo {
        let volumes = self.volumes
        let info = try await onThread("create") { () throws(APIError) in
            try volumes.create(wanted)
        }
        self.journal.note("VolumeCreated", "volume \(info.name) was created", volume: info.name)
        return info
    }

    func deleteVolume(_ name: String) async throws(APIError) -> VolumeInfo {
        let volumes = self.volumes
        let info = try await onThread("delete") { () throws(APIError) in
            try volumes.delete(name)
        }
        self.journal.note("VolumeDeleted", "volume \(info.name) was deleted", volume: info.name)
        return info
    }

    /// Proves a generation here and, with a pair, there too.
    func verify(
        _ name: String,
        _ wanted: VolumeVerifyRequest
    ) async throws(APIError) -> VolumeVerifyResult {
        let volumes = self.volumes
        let now = self.environment.now
        guard let pair = wanted.against else {
            let local = try await onThread("verify") { () throws(APIError) in
                try volumes.proof(name, generation: wanted.generation, now: now)
            }
            guard local.computedRoot != nil else {
                throw APIError(
                    .generationNotFound,
                    "The bytes of generation \(local.generation) of volume \(name) are not "
                        + "kept here, and the volume was written since.",
                    try: "compare with the copy: godwit volume verify \(name) --against PAIR"
                )
            }
            return self.noted(VolumeVerifyResult(local: local, pair: nil, remote: nil))
        }
        let record = try self.registry.outgoing(named: pair)
        let volume = try self.volumes.source(name)
        return try await self.peerClient(record)
            .once { client throws(APIError) in
                let number = try await Self.common(volume, client, wanted.generation, pair: pair)
                async let remote: GenerationProof = client.post(
                    PeerRoute.proof(volume: "\(volume.id)", generation: number),
                    Empty(),
                    timeout: .seconds(3600)
                )
                let local = try await onThread("verify") { () throws(APIError) in
                    try volumes.proof(name, generation: number, now: now)
                }
                let proof: GenerationProof
                do { proof = try await remote } catch let error as APIError { throw error } catch {
                    throw APIError(.peerFailed, "No proof from pair \(pair).", cause: "\(error)")
                }
                return self.noted(VolumeVerifyResult(local: local, pair: pair, remote: proof))
            }
    }

    private struct Empty: Codable, Sendable {}

    private func noted(_ result: VolumeVerifyResult) -> VolumeVerifyResult {
        self.journal.note(
            result.equal ? "VolumeVerified" : "ContentsDiffer",
            "generation \(result.generation) of volume \(result.volume): "
                + "\(result.equal ? "equal" : "DIFFERENT")",
            volume: result.volume,
            pair: result.pair,
            level: result.equal ? .info : .error
        )
        return result
    }

    /// The newest generation that both sides have.
    private static func common(
        _ volume: SourceVolume,
        _ client: PeerClient,
        _ wanted: UInt64?,
        pair: String
    ) async throws(APIError) -> UInt64 {
        let theirs: ItemList<PeerVolume> = try await client.get(PeerRoute.volumes)
        let copy = theirs.items.first { $0.id == "\(volume.id)" }
        let there = Set(copy?.generations.map(\.number) ?? [])
        let here: [UInt64]
        do { here = try volume.snapshots().map(\.number.number) } catch {
            throw APIError(error, "The snapshots of volume \(volume.name) cannot be read.")
        }
        let both = here.filter { there.contains($0) }
        if let number = both.last(where: { wanted == nil || $0 == wanted }) { return number }
        throw APIError(
            .generationNotFound,
            "Volume \(volume.name) has no "
                + "\(wanted.map { "generation \($0)" } ?? "generation") that both sides keep.",
            cause: there.isEmpty ? "pair \(pair) shows none" : "pair \(pair) has \(there.sorted())",
            try: "godwit replicate \(volume.name) --to \(pair)"
        )
    }

    func peerClient(_ record: TrustRecord) throws(APIError) -> PeerClient {
        try record.peerClient()
    }

    // MARK: - Transfers

    /// Puts one transfer for each volume into the line, once everything that can be checked is.
    func replicate(_ wanted: ReplicateRequest) async throws(APIError) -> [TransferInfo] {
        guard !wanted.volumes.isEmpty else {
            throw APIError(.invalidRequest, "No volume is named.")
        }
        if let streams = wanted.streams, !(1...16).contains(streams) {
            throw APIError(.invalidRequest, "\(streams) streams are out of range: use 1 to 16.")
        }
        try TransferQueue.check(wanted.limit)
        try TransferQueue.checkIdentity(of: wanted)
        let pair = try self.registry.outgoing(named: wanted.pair)
        var requests: [ReplicateRequest] = []
        for name in wanted.volumes {
            let volume = try self.volumes.source(name)
            try Self.refuseFenced(volume)
            requests.append(
                ReplicateRequest(
                    volumes: [volume.name],
                    pair: pair.pair.name,
                    id: wanted.id,
                    mode: wanted.mode,
                    full: wanted.full,
                    limit: wanted.limit,
                    codec: wanted.codec,
                    streams: wanted.streams,
                    allowShrink: wanted.allowShrink
                )
            )
        }
        return try await self.queue.submit(requests)
    }

    static func refuseFenced(_ volume: SourceVolume) throws(APIError) {
        guard let fence = volume.fence else { return }
        throw APIError(
            .volumeFenced,
            "Volume \(volume.name) is fenced and not replicated.",
            cause: fence.by.map { "it was fenced for \(PlainText.line($0))" }
                ?? "somebody fenced it",
            try: "where this side is to go on: godwit volume unfence \(volume.name)"
        )
    }
}
