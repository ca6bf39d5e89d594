// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Binds claims to volumes that name each other, as the controllers of a real cluster do.
///
/// Pure: the states of a volume and its claim in, their next states out. Asked again about its own
/// result it changes nothing.
enum VolumeBinder {
    static let claims = "persistentvolumeclaims"
    static let volumes = "persistentvolumes"

    /// A volume and a claim as they should be; nil for what stays.
    struct Decision: Equatable {
        var volume: KubeObject?
        var claim: KubeObject?
    }

    /// What becomes of a claim and the volume that it names or that names it.
    static func decide(claim: KubeObject, volume: KubeObject?) -> Decision {
        let isBound = claim["metadata", "annotations", Self.completed] != nil
        guard let volume, Self.isFree(volume, for: claim) else {
            // A bound claim whose volume went, or was given to another, lost its data.
            return Self.decision(claim: claim, phase: isBound ? "Lost" : "Pending")
        }
        var decision = Decision(volume: volume, claim: claim)
        decision.volume = Self.volume(volume, boundTo: claim)
        decision.claim = Self.claim(claim, boundTo: volume)
        return Self.onlyChanges(decision, volume, claim)
    }

    /// What becomes of a volume; the claim is the one that it names, or that names it.
    static func decide(volume: KubeObject, claim: KubeObject?) -> Decision {
        guard let reference = volume["spec", "claimRef"] else {
            guard let claim else { return Self.decision(volume: volume, phase: "Available") }
            return Self.decide(claim: claim, volume: volume)
        }
        let uid = reference["uid"]?.string ?? ""
        if let claim, uid.isEmpty || uid == claim.uid,
            [nil, "", volume.name].contains(claim["spec", "volumeName"]?.string)
        {
            return Self.decide(claim: claim, volume: volume)
        }
        return Self.decision(volume: volume, phase: uid.isEmpty ? "Available" : "Released")
    }

    private static let completed = "pv.kubernetes.io/bind-completed"
    private static let byController = "pv.kubernetes.io/bound-by-controller"

    /// Whether a volume belongs to a claim, or to nobody.
    private static func isFree(_ volume: KubeObject, for claim: KubeObject) -> Bool {
        guard let reference = volume["spec", "claimRef"] else { return true }
        let uid = reference["uid"]?.string ?? ""
        return reference["namespace"]?.string == claim.namespace
            && reference["name"]?.string == claim.name && (uid.isEmpty || uid == claim.uid)
    }

    private static func volume(_ volume: KubeObject, boundTo claim: KubeObject) -> KubeObject {
        var result = volume
        if volume["spec", "claimRef", "uid"]?.string != claim.uid {
            if volume["spec", "claimRef"] == nil {
                result.set("yes", at: "metadata", "annotations", Self.byController)
            }
            result.set(
                [
                    "kind": "PersistentVolumeClaim", "apiVersion": "v1",
                    "namespace": .string(claim.namespace), "name": .string(claim.name),
                    "uid": .string(claim.uid), "resourceVersion": .string(claim.resourceVersion),
                ],
                at: "spec",
                "claimRef"
            )
        }
        result.set("Bound", at: "status", "phase")
        return result
    }

    private static func claim(_ claim: KubeObject, boundTo volume: KubeObject) -> KubeObject {
        var result = claim
        if (claim["spec", "volumeName"]?.string ?? "").isEmpty {
            result.set(.string(volume.name), at: "spec", "volumeName")
            result.set("yes", at: "metadata", "annotations", Self.byController)
        }
        result.set("yes", at: "metadata", "annotations", Self.completed)
        result.set("Bound", at: "status", "phase")
        result.set(volume["spec", "accessModes"], at: "status", "accessModes")
        result.set(volume["spec", "capacity"], at: "status", "capacity")
        return result
    }

    private static func decision(claim: KubeObject, phase: String) -> Decision {
        var result = claim
        result.set(.string(phase), at: "status", "phase")
        return Decision(claim: result == claim ? nil : result)
    }

    private static func decision(volume: KubeObject, phase: String) -> Decision {
        var result = volume
        result.set(.string(phase), at: "status", "phase")
        return Decision(volume: result == volume ? nil : result)
    }

    private static func onlyChanges(
        _ decision: Decision,
        _ volume: KubeObject,
        _ claim: KubeObject
    ) -> Decision {
        Decision(
            volume: decision.volume == volume ? nil : decision.volume,
            claim: decision.claim == claim ? nil : decision.claim
        )
    }
}
