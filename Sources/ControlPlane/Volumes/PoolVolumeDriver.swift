// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Crypto
import Locks
public import ObjectModel

/// Moves volumes that lie in the pools of agents: the CSI driver `pool.godwit.io`.
///
/// There may be many agents, one a node. A pair is made by every one of them, for each may hold a
/// volume; a volume is looked for at all of them, and where it was found is remembered.
public final class PoolVolumeDriver: VolumeDriver {
    /// The name of the CSI driver.
    public let name = "pool.godwit.io"

    private let agents: @Sendable () async throws(VolumeTrouble) -> [any AgentAccess]
    /// At which place a volume was last: a hint, which a failure removes.
    private let holders = Locked<[String: String]>([:])

    /// A driver over the agents of this cluster, asked for at each call: nodes come and go.
    public init(
        agents: @escaping @Sendable () async throws(VolumeTrouble) -> [any AgentAccess]
    ) {
        self.agents = agents
    }

    /// A driver over agents that stay the same.
    public convenience init(agents: [any AgentAccess]) {
        self.init { () throws(VolumeTrouble) in agents }
    }

    /// The handle of a PersistentVolume of this driver: the name of a volume in a pool.
    public func volume(of persistentVolume: KubeObject) -> String? {
        guard let csi = persistentVolume["spec", "csi"], csi["driver"]?.string == self.name else {
            return nil
        }
        return csi["volumeHandle"]?.string
    }

    /// As it is: a volume keeps its name when it moves, and the handle is that name.
    public func atDestination(_ persistentVolume: KubeObject) -> KubeObject { persistentVolume }

    // MARK: - Pairs

    /// Pairs every agent with the remote one.
    public func pair(_ request: StoragePairRequest) async throws(VolumeTrouble) -> String {
        let wanted = PairCreateRequest(
            name: request.name,
            ip: request.ip,
            port: request.port,
            token: request.token,
            mode: request.cadence == .alwaysIncremental ? .disasterRecovery : .migration,
            adopt: true
        )
        var remote: String?
        for agent in try await self.agents() {
            let info: PairInfo
            do { info = try await agent.pair(wanted) } catch {
                throw VolumeTrouble(error, at: agent.place)
            }
            remote = info.cluster
        }
        guard let remote else {
            throw VolumeTrouble(
                .agentUnreachable,
                "This controller knows no agent.",
                remedy: "start it with --agent",
                isPassing: false
            )
        }
        return remote
    }

    /// Asks every agent's pair over its certificate.
    public func check(remote: String) async throws(VolumeTrouble) {
        for agent in try await self.agents() {
            let name = try await self.pairName(to: remote, at: agent)
            do { _ = try await agent.check(pair: name) } catch {
                throw VolumeTrouble(error, at: agent.place)
            }
        }
    }

    /// Ends every agent's pair with the remote one.
    public func unpair(remote: String) async throws(VolumeTrouble) {
        for agent in try await self.agents() {
            let name: String
            do throws(VolumeTrouble) {
                name = try await self.pairName(to: remote, at: agent)
            } catch {
                guard error.reason == .notPaired else { throw error }
                continue
            }
            do { try await agent.deletePair(name) } catch {
                guard error.id != .pairNotFound else { continue }
                throw VolumeTrouble(error, at: agent.place)
            }
        }
    }

    private func pairName(
        to remote: String,
        at agent: any AgentAccess
    ) async throws(VolumeTrouble) -> String {
        let pairs: [PairInfo]
        do { pairs = try await agent.pairs() } catch { throw VolumeTrouble(error, at: agent.place) }
        let pair = pairs.first { $0.direction == .outgoing && $0.cluster == remote }
        guard let pair else {
            throw VolumeTrouble(
                .notPaired,
                "The agent at \(agent.place) has no pair with storage \(remote).",
                remedy: "give the token again in the ClusterPair",
                isPassing: false
            )
        }
        return pair.name
    }

    // MARK: - Copies

    /// The transfer of a task: the same in every process, and no other task's.
    static func transferID(ofTask task: String) -> String {
        Hexadecimal.text(of: SHA256.hash(data: Array(task.utf8)).prefix(16))
    }

    /// Begins the transfer at the agent that holds the volume.
    public func start(_ copy: VolumeCopy) async throws(VolumeTrouble) {
        let agent = try await self.holder(of: copy.volume)
        let request = ReplicateRequest(
            volumes: [copy.volume],
            pair: try await self.pairName(to: copy.remote, at: agent),
            id: Self.transferID(ofTask: copy.task),
            mode: copy.cadence == .alwaysIncremental ? .disasterRecovery : .migration
        )
        do { _ = try await agent.replicate(request) } catch {
            throw VolumeTrouble(error, at: agent.place)
        }
    }

    /// The state of the transfer at the agent that holds the volume.
    public func progress(
        of copy: VolumeCopy
    ) async throws(VolumeTrouble) -> VolumeProgress? {
        let agent = try await self.holder(of: copy.volume)
        do {
            let info = try await agent.transfer(Self.transferID(ofTask: copy.task))
            return VolumeProgress(info, at: agent.place)
        } catch {
            guard error.id != .transferNotFound else { return nil }
            throw VolumeTrouble(error, at: agent.place)
        }
    }

    /// Ends the transfer at the agent that holds the volume.
    public func cancel(_ copy: VolumeCopy) async throws(VolumeTrouble) {
        let agent = try await self.holder(of: copy.volume)
        do { try await agent.cancel(Self.transferID(ofTask: copy.task)) } catch {
            switch error.id {
            case .transferEnded, .transferNotFound: return
            case _: throw VolumeTrouble(error, at: agent.place)
            }
        }
    }

    /// The agent that has the volume as a source.
    ///
    /// An agent that does not answer may be the one: only when all have answered is it nowhere.
    private func holder(of volume: String) async throws(VolumeTrouble) -> any AgentAccess {
        let known = self.holders.withLock { $0[volume] }
        let agents = try await self.agents()
        let order = agents.filter { $0.place == known } + agents.filter { $0.place != known }
        var silent: VolumeTrouble?
        var isReplica = false
        for agent in order {
            do throws(APIError) {
                let info = try await agent.volume(volume)
                guard info.role == .source else {
                    isReplica = true
                    continue
                }
                self.holders.withLock { $0[volume] = agent.place }
                return agent
            } catch {
                guard error.id != .volumeNotFound else { continue }
                silent = VolumeTrouble(error, at: agent.place)
            }
        }
        self.holders.withLock { $0[volume] = nil }
        if let silent { throw silent }
        throw VolumeTrouble(
            .volumeNotFound,
            isReplica
                ? "Volume \(volume) is only a copy here, which receives from another cluster."
                : "No agent of this cluster holds volume \(volume).",
            remedy: "compare volumeHandle in the PersistentVolume with: godwit volume list",
            isPassing: false
        )
    }
}

extension VolumeProgress {
    /// A transfer in the words of the controllers.
    init(_ info: TransferInfo, at place: String) {
        let trouble = info.error.map { VolumeTrouble($0, at: place) }
        self.init(state: .running)
        switch info.state {
        // Until bytes travel again, the last try's failure is why they do not.
        case .queued, .running: if !Self.moves(info) { self.waitsFor = trouble }
        case .waiting: self.waitsFor = trouble
        case .succeeded: self.state = .done
        case .failed: self.state = .failed(trouble ?? Self.untold(info))
        case .cancelled: self.state = .cancelled
        }
        self.stage = info.progress?.phase == "committing" ? "Restore" : "Backup"
        if let report = info.report, info.state.isFinal {
            self.bytesTotal = report.volumeBytes
            self.bytesDone = info.state == .succeeded ? report.volumeBytes : report.readBytes
            self.bytesTransferred = report.wireBytes
            self.isFull = Self.isFull(report.mode)
        } else if let progress = info.progress {
            self.bytesTotal = progress.totalBytes ?? 0
            self.bytesDone = min(progress.doneBytes, self.bytesTotal)
            self.secondsLeft = Self.secondsLeft(progress)
        }
    }

    private static func moves(_ info: TransferInfo) -> Bool {
        ["streaming", "committing", "finished"].contains(info.progress?.phase)
    }

    private static func untold(_ info: TransferInfo) -> VolumeTrouble {
        VolumeTrouble(
            .failed,
            "Transfer \(info.id) of volume \(info.volume) failed.",
            remedy: "godwit transfer show \(info.id)",
            isPassing: false
        )
    }

    private static func isFull(_ mode: ReportedMode) -> Bool? {
        switch mode {
        case .full: true
        // There was nothing to send: as much an incremental as can be.
        case .incremental, .none: false
        }
    }

    /// As long again for each byte as for those that are done.
    private static func secondsLeft(_ progress: TransferProgress) -> Int? {
        guard let total = progress.totalBytes, progress.doneBytes > 0, progress.seconds > 0,
            progress.doneBytes <= total
        else { return nil }
        let perByte = progress.seconds / Double(progress.doneBytes)
        return Int((Double(total - progress.doneBytes) * perByte).rounded(.up))
    }
}
