// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Locks
public import ObjectModel

/// Moves volumes that lie in the pools of agents: the CSI driver `pool.godwit.io`.
///
/// There may be many agents, one a node. A pair is made by every one of them, for each may hold a
/// volume; a volume is looked for at all of them, and where it was found is remembered.
public final class PoolVolumeDriver: VolumeDriver {
    /// The name of the CSI driver.
    public let name = "pool.godwit.io"

    let agents: @Sendable () async throws(VolumeTrouble) -> [any AgentAccess]
    /// At which place a volume was last: a hint, which a failure removes.
    let holders = Locked<[String: String]>([:])

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

    func pairName(
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

    // MARK: - Volumes

    /// All agents, first the one at which the volume was last.
    func likeliest(toHave volume: String) async throws(VolumeTrouble) -> [any AgentAccess] {
        let known = self.holders.withLock { $0[volume] }
        let agents = try await self.agents()
        return agents.filter { $0.place == known } + agents.filter { $0.place != known }
    }

    /// The agent that has the volume as a source.
    ///
    /// An agent that does not answer may be the one: only when all have answered is it nowhere.
    func holder(of volume: String) async throws(VolumeTrouble) -> any AgentAccess {
        let order = try await self.likeliest(toHave: volume)
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
            isPassing: false,
            volume: volume
        )
    }
}
