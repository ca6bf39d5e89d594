// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

// MARK: Volumes and claims

extension ApplyPass {
    /// Brings each claim with its volume; at the end, what volumes were for the source.
    mutating func applyVolumes(restoring: Bool) async throws(ClusterError) {
        let pairs = self.work.pairs.filter { pair in
            guard restoring else { return true }
            if case .success = self.ends[ResourceName(pair.claim.object)] { return true }
            return false
        }
        if pairs.isEmpty { return }
        guard let kinds = VolumeKinds(self.kinds) else {
            self.report.volumeFailure = "the destination has no PersistentVolumes"
            return
        }
        let (applier, failed) = (self.applier, self.failedNamespaces)
        let plan = VolumePlan(restoresPolicy: self.work.restoresReclaimPolicy)
        let ends = try await applier.sideBySide(pairs) { pair throws(ClusterError) in
            if let reason = failed[pair.claim.object.namespace] {
                return VolumeEnd(volume: .failure(reason), claim: .failure(reason))
            }
            return try await applier.bring(pair, plan, kinds, restoring: restoring)
        }
        for (pair, end) in zip(pairs, ends) {
            self.ends.set(ResourceName(pair.volume.object), end.volume)
            self.ends.set(ResourceName(pair.claim.object), end.claim)
            if case .waiting(let reason) = end.claim { self.report.waiting.append(reason) }
            if let reason = end.volume.failure, self.report.volumeFailure == nil {
                self.report.volumeFailure = "PersistentVolume \(pair.volumeName): \(reason)"
            }
        }
    }

    /// Enters the owners of claims again, which are other objects here.
    mutating func restoreOwners() async throws(ClusterError) {
        guard let claims = VolumeKinds(self.kinds)?.claims else { return }
        for pair in self.work.pairs where !pair.claim.owners.isEmpty {
            let key = pair.claim.object.key
            guard case .success = self.ends[ResourceName(pair.claim.object)],
                let claim = try await self.applier.destination.find(claims, key)
            else { continue }
            let owners = try await self.owners(of: pair.claim, here: claim)
            if owners == claim["metadata", "ownerReferences"]?.array ?? [] { continue }
            let patch: JSON = [
                "metadata": ["uid": .string(claim.uid), "ownerReferences": .array(owners)]
            ]
            do {
                _ = try await self.applier.destination.change(claims, key, patch, isStatus: false)
            } catch {
                // Somebody else has changed the claim: the next pass enters them.
                guard ServerRefusal(error) == .changed else { throw error }
                self.report.waiting.append("PersistentVolumeClaim \(key) was changed meanwhile")
            }
        }
    }

    /// Its owners with the UIDs that they have here, without those that are not here.
    private func owners(
        of prepared: PreparedResource,
        here claim: KubeObject
    ) async throws(ClusterError) -> [JSON] {
        var owners = claim.ownerReferences
        for owner in prepared.owners {
            guard let object = try await self.owner(owner, in: claim.namespace) else { continue }
            // Nobody may be the controller of it beside the one who is already.
            if owners.contains(where: { $0.uid == object.uid }) { continue }
            var entry = owner
            entry.uid = object.uid
            entry.isController = owner.isController && !owners.contains(where: \.isController)
            owners.append(entry)
        }
        return owners.map(\.json)
    }

    /// The owner of that name here; nil where there is none, or none that may be read.
    private func owner(
        _ owner: OwnerReference,
        in namespace: String
    ) async throws(ClusterError) -> KubeObject? {
        guard let version = GroupVersion(apiVersion: owner.apiVersion),
            let resource = self.kinds.resource(GroupVersionKind(version, owner.kind))
        else { return nil }
        do {
            let key = ObjectKey(resource.isNamespaced ? namespace : "", owner.name)
            return try await self.applier.cluster(resource).find(resource, key)
        } catch {
            if ServerRefusal(error) == .interruption { throw error }
            return nil
        }
    }
}

/// What became of a volume and of its claim.
struct VolumeEnd: Sendable {
    var volume: ObjectEnd
    var claim: ObjectEnd
}

/// The two kinds as the destination serves them.
struct VolumeKinds: Sendable {
    let volumes: APIResource
    let claims: APIResource

    init?(_ kinds: ServedKinds) {
        guard let volumes = kinds.resource(GroupKind("", "PersistentVolume")),
            let claims = kinds.resource(GroupKind("", "PersistentVolumeClaim"))
        else { return nil }
        self.volumes = volumes
        self.claims = claims
    }
}

extension ResourceApplier {
    /// Brings a claim with its volume.
    func bring(
        _ pair: VolumePair,
        _ plan: VolumePlan,
        _ kinds: VolumeKinds,
        restoring: Bool
    ) async throws(ClusterError) -> VolumeEnd {
        do {
            return try await self.bringSteps(pair, plan, kinds, restoring: restoring)
        } catch {
            if ServerRefusal(error) == .interruption { throw error }
            let reason = error.description + Self.advice(error, kinds.volumes)
            return VolumeEnd(volume: .failure(reason), claim: .failure(reason))
        }
    }

    private func bringSteps(
        _ pair: VolumePair,
        _ plan: VolumePlan,
        _ kinds: VolumeKinds,
        restoring: Bool
    ) async throws(ClusterError) -> VolumeEnd {
        var memory = VolumeMemory()
        var pauses = 0
        let key = pair.claim.object.key
        for _ in 0..<self.limits.steps {
            let volume = try await self.admin.find(
                kinds.volumes,
                ObjectKey("", pair.volumeName)
            )
            let claim = try await self.destination.find(kinds.claims, key)
            let step = plan.step(
                pair,
                volume: volume,
                claim: claim,
                memory,
                restoring: restoring
            )
            switch step {
            case .done: return VolumeEnd(volume: .success, claim: .success)
            case .refuse(let reason):
                return VolumeEnd(volume: .failure(reason), claim: .failure(reason))
            case .wait(let reason):
                if pauses == self.limits.pauses {
                    return VolumeEnd(volume: .waiting(reason), claim: .waiting(reason))
                }
                pauses += 1
                try await self.wait()
            case .bind where pauses < self.bindPauses:
                pauses += 1
                try await self.wait()
            case .bind, .applyVolume, .patchVolume, .deleteVolume, .applyClaim, .deleteClaim:
                do { try await self.perform(step, pair, kinds, &memory) } catch {
                    if let end = try self.end(of: step, error, kinds, &memory) { return end }
                }
            }
        }
        let reason = "PersistentVolumeClaim \(key) is not bound at the destination yet"
        return VolumeEnd(volume: .success, claim: .waiting(reason))
    }

    /// How long the cluster's own binder is waited for before its work is done for it.
    ///
    /// Some clusters have none. What is entered is what it would enter, so both may do it.
    private var bindPauses: Int { self.limits.pauses / 3 }

    private func perform(
        _ step: VolumeStep,
        _ pair: VolumePair,
        _ kinds: VolumeKinds,
        _ memory: inout VolumeMemory
    ) async throws(ClusterError) {
        let volumeKey = ObjectKey("", pair.volumeName)
        let claimKey = pair.claim.object.key
        switch step {
        case .applyVolume(let object):
            _ = try await self.admin.apply(kinds.volumes, object)
            memory.volumeIsApplied = true
        case .patchVolume(let patch):
            _ = try await self.admin.change(kinds.volumes, volumeKey, patch, isStatus: false)
        case .deleteVolume(let uid):
            try await self.admin.remove(kinds.volumes, volumeKey, uid: uid)
            memory.volumeIsApplied = false
        case .applyClaim(let object):
            _ = try await self.destination.apply(kinds.claims, object)
            memory.claimIsApplied = true
        case .deleteClaim(let uid):
            try await self.destination.remove(kinds.claims, claimKey, uid: uid)
            memory.claimMustBeMadeAgain = false
            memory.claimIsApplied = false
        case .bind:
            let bound: JSON = ["status": ["phase": "Bound"]]
            try await self.writeStatus(kinds.volumes, volumeKey, bound)
            try await self.writeStatus(kinds.claims, claimKey, pair.claimStatus)
        case .wait, .refuse, .done: preconditionFailure("\(step) is nothing to perform")
        }
    }

    /// What a refused step came to; nil where another step may do it.
    private func end(
        of step: VolumeStep,
        _ error: ClusterError,
        _ kinds: VolumeKinds,
        _ memory: inout VolumeMemory
    ) throws(ClusterError) -> VolumeEnd? {
        let refusal = ServerRefusal(error)
        if refusal == .interruption { throw error }
        if refusal == .changed { return nil }
        switch step {
        case .applyClaim where refusal == .immutable && !memory.claimMustBeMadeAgain:
            memory.claimMustBeMadeAgain = true
            return nil
        // Who may not write statuses has a binder, or waits for one.
        case .bind: return nil
        case .applyClaim, .deleteClaim:
            let reason = error.description + Self.advice(error, kinds.claims)
            return VolumeEnd(volume: .success, claim: .failure(reason))
        case .applyVolume, .patchVolume, .deleteVolume, .wait, .refuse, .done:
            let reason = error.description + Self.advice(error, kinds.volumes)
            return VolumeEnd(volume: .failure(reason), claim: .failure(reason))
        }
    }

    /// Before an owner is deleted to be made again: its claims stay, and so does their data.
    func release(
        _ claims: [PreparedResource],
        of owner: String,
        _ served: ServedKinds
    ) async throws(ClusterError) {
        guard let kinds = VolumeKinds(served) else { return }
        for prepared in claims {
            let key = prepared.object.key
            guard let claim = try await self.destination.find(kinds.claims, key),
                claim.ownerReferences.contains(where: { $0.uid == owner })
            else { continue }
            if let volume = claim["spec", "volumeName"]?.string, !volume.isEmpty {
                _ = try await self.admin.change(
                    kinds.volumes,
                    ObjectKey("", volume),
                    ["spec": ["persistentVolumeReclaimPolicy": "Retain"]],
                    isStatus: false
                )
            }
            let others = claim.ownerReferences.filter { $0.uid != owner }.map(\.json)
            _ = try await self.destination.change(
                kinds.claims,
                key,
                ["metadata": ["uid": .string(claim.uid), "ownerReferences": .array(others)]],
                isStatus: false
            )
        }
    }
}
