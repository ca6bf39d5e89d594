// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// A claim and its volume, prepared.
struct VolumePair: Hashable, Sendable {
    let volume: PreparedResource
    let claim: PreparedResource

    var volumeName: String { self.volume.object.name }
}

/// What is done next so that the destination has a claim that is bound to its volume.
enum VolumeStep: Hashable, Sendable {
    case applyVolume(KubeObject)
    case patchVolume(JSON)
    case deleteVolume(uid: String)
    case applyClaim(KubeObject)
    case deleteClaim(uid: String)
    /// Wait for the cluster to bind them; where it has nobody who does, enter what that one would.
    case bind
    case wait(String)
    case refuse(String)
    case done
}

/// What this pass has learned from the answers of the server.
struct VolumeMemory: Hashable, Sendable {
    var volumeIsApplied = false
    var claimIsApplied = false
    /// The server does not let what differs in the claim be changed.
    var claimMustBeMadeAgain = false
}

/// Decides the next step for a volume and its claim: pure, and always from what is there now.
///
/// The data is at the destination already; the volume is its name. Four rules keep it (docs/invariants.md, the
/// first priority): a claim is deleted only while its volume has the policy Retain; a volume is
/// reserved for its claim from the first moment; what another one made is never deleted for a name;
/// and the source's policy comes back only when both are bound.
struct VolumePlan: Sendable {
    /// Whether the source's reclaim policy comes back: no, where no data was moved.
    let restoresPolicy: Bool

    func step(
        _ pair: VolumePair,
        volume: KubeObject?,
        claim: KubeObject?,
        _ memory: VolumeMemory,
        restoring: Bool
    ) -> VolumeStep {
        if let step = self.obstacle(pair, volume, claim) { return step }
        guard let volume else { return .applyVolume(pair.volume.object) }
        let isMadeAgain = Self.isAnother(volume, than: pair.volume.object)
        if let claim {
            let isElsewhere = Self.isBoundElsewhere(claim, pair)
            if isMadeAgain || isElsewhere || memory.claimMustBeMadeAgain {
                return Self.isRetained(volume)
                    ? .deleteClaim(uid: claim.uid) : Self.retain(volume)
            }
        } else if isMadeAgain {
            return Self.isRetained(volume) ? .deleteVolume(uid: volume.uid) : Self.retain(volume)
        }
        guard let claim else { return self.makeClaim(pair, volume) }
        if Self.hash(claim) != pair.claim.hash, !memory.claimIsApplied {
            return .applyClaim(pair.claim.object)
        }
        if let repair = Self.reserve(volume, for: claim) { return repair }
        if Self.hash(volume) != pair.volume.hash, !memory.volumeIsApplied {
            return .applyVolume(Self.keeping(volume, pair.volume.object))
        }
        let isBound =
            claim["status", "phase"]?.string == "Bound"
            && volume["status", "phase"]?.string == "Bound"
        if !isBound { return .bind }
        return restoring ? self.restore(pair, volume) : .done
    }

    private static func hash(_ object: KubeObject) -> String {
        object.noted(.resourceHash) ?? ""
    }

    // MARK: What is in the way

    private func obstacle(
        _ pair: VolumePair,
        _ volume: KubeObject?,
        _ claim: KubeObject?
    ) -> VolumeStep? {
        if let volume {
            if !Self.isOfTheSameDriver(volume, pair.volume.object) {
                return .refuse(
                    "the destination has another PersistentVolume of the name \(volume.name), of "
                        + "another driver: rename or delete it there"
                )
            }
            if let other = Self.otherClaim(of: volume, pair) {
                return .refuse(
                    "PersistentVolume \(volume.name) is claimed by \(other) at the destination"
                )
            }
            if volume.isBeingDeleted {
                // Without it the deletion waits for a claim that is gone; the data is the driver's.
                let guards = ["kubernetes.io/pv-protection"]
                if claim == nil, volume.finalizers == guards, Self.isRetained(volume) {
                    return .patchVolume(
                        ["metadata": ["uid": .string(volume.uid), "finalizers": .null]]
                    )
                }
                return .wait("PersistentVolume \(volume.name) is being deleted at the destination")
            }
        }
        guard let claim else { return nil }
        if Self.isBoundElsewhere(claim, pair), !claim.isMigrated {
            let other = claim["spec", "volumeName"]?.string ?? ""
            return .refuse(
                "the destination has a PersistentVolumeClaim \(claim.key) with another volume "
                    + "(\(other)) that no migration made: rename or delete it there"
            )
        }
        guard claim.isBeingDeleted else { return nil }
        if let volume, !Self.isRetained(volume) { return Self.retain(volume) }
        let isInUse = claim.finalizers.contains("kubernetes.io/pvc-protection")
        return .wait(
            "PersistentVolumeClaim \(claim.key) is being deleted at the destination"
                + (isInUse ? ", and a pod uses it still: stop that pod" : "")
        )
    }

    private static func isOfTheSameDriver(_ volume: KubeObject, _ wanted: KubeObject) -> Bool {
        volume["spec", "csi", "driver"] == wanted["spec", "csi", "driver"]
    }

    private static func isAnother(_ volume: KubeObject, than wanted: KubeObject) -> Bool {
        volume["spec", "csi", "volumeHandle"] != wanted["spec", "csi", "volumeHandle"]
    }

    private static func otherClaim(of volume: KubeObject, _ pair: VolumePair) -> ObjectKey? {
        guard let reference = volume["spec", "claimRef"], reference["name"] != nil else {
            return nil
        }
        let key = ObjectKey(
            reference["namespace"]?.string ?? "",
            reference["name"]?.string ?? ""
        )
        return key == pair.claim.object.key ? nil : key
    }

    private static func isBoundElsewhere(_ claim: KubeObject, _ pair: VolumePair) -> Bool {
        let name = claim["spec", "volumeName"]?.string ?? ""
        return !name.isEmpty && name != pair.volumeName
    }

    // MARK: Policies

    private static func isRetained(_ volume: KubeObject) -> Bool {
        volume["spec", "persistentVolumeReclaimPolicy"]?.string == "Retain"
    }

    /// Only over this volume: another one of the name is not ours to change.
    private static func retain(_ volume: KubeObject) -> VolumeStep {
        .patchVolume([
            "metadata": ["uid": .string(volume.uid)],
            "spec": ["persistentVolumeReclaimPolicy": "Retain"],
        ])
    }

    private func restore(_ pair: VolumePair, _ volume: KubeObject) -> VolumeStep {
        let wanted = pair.volume.object
        var spec: JSONFields = [:]
        let policy = wanted.noted(.reclaimPolicy)
        if self.restoresPolicy, let policy,
            volume["spec", "persistentVolumeReclaimPolicy"]?.string != policy
        {
            spec["persistentVolumeReclaimPolicy"] = .string(policy)
        }
        let storage = wanted.noted(.currentStorageClassName)
        if let storage, volume["spec", "storageClassName"]?.string != storage {
            spec["storageClassName"] = .string(storage)
        }
        if spec.isEmpty { return .done }
        return .patchVolume(["metadata": ["uid": .string(volume.uid)], "spec": .object(spec)])
    }

    /// The wanted volume with the policy and the class that this one has: they change at the end.
    private static func keeping(_ volume: KubeObject, _ wanted: KubeObject) -> KubeObject {
        var kept = wanted
        for field in ["persistentVolumeReclaimPolicy", "storageClassName"] {
            if let value = volume["spec", field] { kept.set(value, at: "spec", field) }
        }
        return kept
    }

    // MARK: Binding

    /// A volume that waits for a claim of an earlier life is reserved for the next one.
    private func makeClaim(_ pair: VolumePair, _ volume: KubeObject) -> VolumeStep {
        if volume["spec", "claimRef", "uid"]?.string?.isEmpty == false {
            return .patchVolume([
                "metadata": ["uid": .string(volume.uid)],
                "spec": ["claimRef": ["uid": .null, "resourceVersion": .null]],
            ])
        }
        if volume["spec", "claimRef", "name"] == nil, let reference = pair.claimReference {
            return .patchVolume([
                "metadata": ["uid": .string(volume.uid)], "spec": ["claimRef": reference],
            ])
        }
        return .applyClaim(pair.claim.object)
    }

    /// The volume names this claim, as the cluster's own binder would enter it; nil where it does.
    private static func reserve(_ volume: KubeObject, for claim: KubeObject) -> VolumeStep? {
        if volume["spec", "claimRef", "uid"]?.string == claim.uid { return nil }
        return .patchVolume([
            "metadata": ["uid": .string(volume.uid)],
            "spec": [
                "claimRef": [
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                    "namespace": .string(claim.namespace), "name": .string(claim.name),
                    "uid": .string(claim.uid), "resourceVersion": .null,
                ]
            ],
        ])
    }
}

extension VolumePair {
    /// The reservation of the prepared volume: by name, without a UID.
    var claimReference: JSON? { self.volume.object["spec", "claimRef"] }

    /// What the cluster's binder writes into the status of a claim.
    var claimStatus: JSON {
        var status: JSONFields = ["phase": "Bound"]
        status["accessModes"] = self.claim.object["spec", "accessModes"]
        status["capacity"] = self.volume.object["spec", "capacity"]
        return .object(["status": .object(status)])
    }
}
