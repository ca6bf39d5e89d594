// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Locks

// What a failover, the way back and a rehearsal ask of the agents of the cluster in which they are.

extension PoolVolumeDriver {
    /// Releases or drops what the agents hold back of these volumes.
    public func settle(_ states: [String: VolumeFreeze.Frozen]) async throws(VolumeTrouble) {
        let snapshots = Set(states.values.map(\.snapshot))
        for agent in try await self.agents() {
            do {
                for hold in try await agent.holds() {
                    switch hold.state {
                    case .committed, .dropped: continue
                    case .releasing: try await agent.releaseHold(hold.id)
                    case .held:
                        let isWanted = hold.members.contains { snapshots.contains($0.snapshot) }
                        let isInTheWay = hold.members.contains { member in
                            member.volume.map { states[$0] != nil } ?? false
                        }
                        if isWanted {
                            try await agent.releaseHold(hold.id)
                        } else if isInTheWay {
                            try await agent.dropHold(hold.id)
                        }
                    }
                }
            } catch { throw VolumeTrouble(error, at: agent.place) }
        }
    }

    /// The generations that the agent with the replica, or the promoted volume, keeps.
    public func states(
        of volume: String
    ) async throws(VolumeTrouble) -> [VolumeFreeze.Frozen]? {
        guard let (_, info) = try await self.found(volume) else { return nil }
        return info.generations.map {
            VolumeFreeze.Frozen(generation: $0.number, snapshot: $0.snapshot)
        }
    }

    /// Promotes the replica at the agent that has it.
    public func promote(
        _ volume: String,
        to state: VolumeFreeze.Frozen
    ) async throws(VolumeTrouble) {
        let (agent, _) = try await self.present(volume)
        let request = VolumePromoteRequest(
            generation: state.generation,
            snapshot: state.snapshot
        )
        do { _ = try await agent.promote(volume, request) } catch {
            throw Self.trouble(error, agent, volume)
        }
    }

    /// Reverts the promotion at the agent that has the volume.
    public func revert(_ volume: String) async throws(VolumeTrouble) {
        guard let (agent, info) = try await self.found(volume), info.promotedFrom != nil else {
            return
        }
        do { try await agent.revert(volume) } catch { throw Self.trouble(error, agent, volume) }
    }

    /// Clones a generation at the agent that has the volume.
    public func clone(
        _ volume: String,
        as name: String,
        of state: VolumeFreeze.Frozen
    ) async throws(VolumeTrouble) {
        let (agent, _) = try await self.present(volume)
        if let (_, info) = try await self.found(name), info.clonedFrom != nil { return }
        let request = VolumeCloneRequest(as: name, generation: state.generation, verify: true)
        do { try await agent.clone(volume, request) } catch {
            throw Self.trouble(error, agent, volume)
        }
    }

    /// Deletes a clone at the agent that has it.
    public func discard(clone: String) async throws(VolumeTrouble) {
        guard let (agent, info) = try await self.found(clone), info.clonedFrom != nil else {
            return
        }
        do { try await agent.deleteVolume(clone) } catch {
            guard error.id != .volumeNotFound else { return }
            throw Self.trouble(error, agent, clone)
        }
    }

    /// Fences a source at its agent.
    public func fence(_ volume: String) async throws(VolumeTrouble) {
        let agent = try await self.holder(of: volume)
        do { try await agent.fence(volume) } catch { throw Self.trouble(error, agent, volume) }
    }

    /// Ends the fence of a source at its agent.
    public func unfence(_ volume: String) async throws(VolumeTrouble) {
        let agent = try await self.holder(of: volume)
        do { try await agent.unfence(volume) } catch { throw Self.trouble(error, agent, volume) }
    }

    private typealias Found = (agent: any AgentAccess, info: VolumeInfo)

    /// The agent that has a volume of the name, in whatever role; nil when all have said no.
    private func found(_ volume: String) async throws(VolumeTrouble) -> Found? {
        let agents = try await self.likeliest(toHave: volume)
        var silent: VolumeTrouble?
        for agent in agents {
            do throws(APIError) {
                let info = try await agent.volume(volume)
                self.holders.withLock { $0[volume] = agent.place }
                return (agent, info)
            } catch {
                guard error.id != .volumeNotFound else { continue }
                silent = VolumeTrouble(error, at: agent.place)
            }
        }
        self.holders.withLock { $0[volume] = nil }
        if let silent { throw silent }
        guard !agents.isEmpty else {
            throw VolumeTrouble(
                .agentUnreachable,
                "This controller knows no agent.",
                remedy: "start it with --agent",
                isPassing: true
            )
        }
        return nil
    }

    private func present(_ volume: String) async throws(VolumeTrouble) -> Found {
        if let found = try await self.found(volume) { return found }
        throw VolumeTrouble(
            .volumeNotFound,
            "No agent of this cluster has a copy of volume \(volume).",
            remedy: "compare the RecoveryPoint with: godwit volume list",
            isPassing: false,
            volume: volume
        )
    }

    private static func trouble(
        _ error: APIError,
        _ agent: any AgentAccess,
        _ volume: String
    ) -> VolumeTrouble {
        var trouble = VolumeTrouble(error, at: agent.place)
        trouble.volume = volume
        return trouble
    }
}
