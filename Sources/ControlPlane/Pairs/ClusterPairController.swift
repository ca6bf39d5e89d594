// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel

/// Performs what ``PairDecision`` decides.
final class ClusterPairController: Sendable {
    /// As `metadata.managedFields` names it.
    static let manager = "godwit-clusterpair"

    private let shell: ControllerShell
    private let driver: any VolumeDriver
    private let remotes: RemoteClusters
    private let writer: ObjectWriter
    private let memories = Locked<[ObjectKey: PairMemory]>([:])

    init(shell: ControllerShell, driver: any VolumeDriver, remotes: RemoteClusters) {
        self.shell = shell
        self.driver = driver
        self.remotes = remotes
        self.writer = ObjectWriter(
            cluster: shell.cluster,
            resource: shell.resource,
            manager: Self.manager
        )
    }

    /// Makes both halves due: somebody has met trouble on the way that the pair stands for.
    func doubt(_ key: ObjectKey) {
        self.memories.withLock { memories in
            memories[key]?.storageDue = nil
            memories[key]?.schedulerDue = nil
        }
    }

    /// One look at one ClusterPair.
    func reconcile(_ key: ObjectKey) async throws -> Requeue {
        guard let pair = self.shell.object(key) else {
            self.memories.withLock { $0[key] = nil }
            return .onChange
        }
        let facts = try await self.facts(of: pair)
        switch PairDecision.step(facts, now: self.shell.environment.now()) {
        case .addFinalizer:
            let written = try await self.writer.write(
                finalizer: StorkNames.finalizer,
                isPresent: true,
                on: pair
            )
            self.shell.note(written, insteadOf: pair)
            return .after(.zero)
        case .release(let remote): return try await self.release(pair, unpairing: remote)
        case .rest(let seconds): return .after(.seconds(seconds))
        case .probe(let probes): return try await self.probe(pair, facts, probes)
        }
    }

    private func facts(of pair: KubeObject) async throws(ClusterError) -> PairFacts {
        var facts = PairFacts(wish: PairWish(storage: .notWanted, scheduler: .notWanted))
        facts.isBeingDeleted = pair.isBeingDeleted
        facts.hasFinalizer = pair.finalizers.contains(StorkNames.finalizer)
        let status = ClusterPairStatus(pair["status"])
        facts.storage = status.storageStatus
        facts.scheduler = status.schedulerStatus
        let remote = status.remoteStorageID
        facts.remote = remote.isEmpty ? nil : remote
        facts.isRemoteShared = self.shell.objects()
            .contains {
                $0.uid != pair.uid && !$0.isBeingDeleted
                    && $0["status", "remoteStorageId"]?.string == remote
            }
        facts.memory = self.memories.withLock { $0[pair.key] } ?? PairMemory()
        // What is being deleted asks for nothing any more, also where its secrets are gone.
        guard !pair.isBeingDeleted else { return facts }
        facts.wish = try await PairSpec(cluster: self.shell.cluster).wish(of: pair)
        return facts
    }

    private func release(_ pair: KubeObject, unpairing remote: String?) async throws -> Requeue {
        if pair.finalizers.contains(StorkNames.finalizer), let remote {
            do throws(VolumeTrouble) { try await self.driver.unpair(remote: remote) } catch {
                await self.shell.tell(
                    pair,
                    .warning(
                        "Deleting",
                        "\(error.description) Until then the agents stay paired with storage "
                            + "\(remote): godwit pair delete"
                    )
                )
                guard self.shell.isPatienceOver(withDeletionOf: pair) else { throw error }
            }
        }
        _ = try await self.writer.write(finalizer: StorkNames.finalizer, isPresent: false, on: pair)
        self.memories.withLock { $0[pair.key] = nil }
        return .onChange
    }

    private func probe(
        _ pair: KubeObject,
        _ facts: PairFacts,
        _ probes: [PairProbe]
    ) async throws -> Requeue {
        var answers = PairDecision.Answers()
        for probe in probes {
            switch probe {
            case .pairStorage(let request): answers.storage = await self.paired(request)
            case .checkStorage(let remote, let request):
                let reason = ClusterPairStatus(pair["status"]).conditions
                    .reasons[
                        ConditionType.storageReady
                    ]
                let wasRevoked = reason == Trouble.Reason.pairRevoked.rawValue
                answers.storage = await self.checked(remote, request, wasRevoked: wasRevoked)
            case .askVersion(let config): answers.scheduler = await self.version(config)
            }
        }
        try Task.checkCancellation()
        let now = self.shell.environment.now()
        var status = ClusterPairStatus(pair["status"])
        let verdict = PairDecision.verdict(facts, answers, reasons: status.conditions.reasons)
        status.storageStatus = verdict.storage
        status.schedulerStatus = verdict.scheduler
        status.remoteStorageID = verdict.remote ?? ""
        status.observedGeneration = pair.generation
        for finding in verdict.findings {
            status.conditions.set(finding, generation: pair.generation, now: now)
        }
        let written = try await self.writer.write(status: status.json, of: pair)
        self.shell.note(written, insteadOf: pair)
        for notice in verdict.notices { await self.shell.tell(pair, notice) }
        let jitter = self.shell.environment.jitter()
        self.memories.withLock {
            $0[pair.key] = PairDecision.memory(
                facts.memory,
                facts.wish,
                after: answers,
                now: now,
                jitter: jitter
            )
        }
        return .after(.zero)
    }

    // MARK: - Asking

    private func paired(_ request: StoragePairRequest) async -> Result<String, Trouble> {
        do throws(VolumeTrouble) {
            return .success(try await self.driver.pair(request))
        } catch { return .failure(Trouble(error)) }
    }

    private func checked(
        _ remote: String,
        _ request: StoragePairRequest,
        wasRevoked: Bool
    ) async -> Result<String, Trouble> {
        let ended: VolumeTrouble
        do throws(VolumeTrouble) {
            try await self.driver.check(remote: remote)
            return .success(remote)
        } catch { ended = error }
        switch ended.reason {
        // An agent that is new here, or was made anew.
        case .notPaired: return await self.paired(request)
        // Not where the destination has revoked the pair: who did that does not want it back as soon
        // as nobody can tell any more.
        case .certificateExpired where !wasRevoked:
            return await self.paired(request)
                .mapError { trouble in
                    Trouble(
                        trouble.reason,
                        "\(ended.message) It could not be made anew: \(trouble.message)",
                        remedy: trouble.remedy,
                        isPassing: trouble.isPassing
                    )
                }
        case .certificateExpired:
            return .failure(
                Trouble(
                    .pairRevoked,
                    "The pair was revoked at the destination, and its certificate has ended.",
                    remedy: "give the ClusterPair a new token: godwit cluster token reset, at the "
                        + "destination"
                )
            )
        case .agentUnreachable, .destinationUnreachable, .tokenRefused, .pairRevoked,
            .certificateInvalid, .volumeNotFound, .volumeInUse, .activeElsewhere, .fenced,
            .notFenced, .noSpace, .invalid, .failed, .interrupted:
            return .failure(Trouble(ended))
        }
    }

    private func version(_ config: JSON) async -> Result<String, Trouble> {
        do {
            return .success(
                try await self.remotes.with(config) { try await $0.serverVersion() }
            )
        } catch let error as ClusterError {
            return .failure(Trouble(destination: error))
        } catch let error as Trouble {
            return .failure(error)
        } catch { return .failure(Trouble(.clusterFailed, "\(error)")) }
    }
}

extension [Condition] {
    /// The reasons by type.
    var reasons: [String: String] {
        Dictionary(self.map { ($0.type, $0.reason) }) { first, _ in first }
    }
}
