// SPDX-License-Identifier: Apache-2.0

import Kinds
public import ObjectModel

/// How an application of some kind is stopped and started again.
public enum ApplicationControl: Hashable, Sendable {
    /// By its replicas, whose number is kept in an annotation.
    case replicas
    /// By fields, whose values are kept in annotations.
    case fields([Suspension])

    private static let blockchain = "ibp.com"
    private static let blockchainKinds: Set<String> = [
        "IBPPeer", "IBPCA", "IBPConsole", "IBPOrderer",
    ]

    /// How objects of this kind are stopped; nil where they are not.
    ///
    /// DaemonSets have no number of replicas and are not stopped, as in Stork.
    public init?(_ kind: GroupVersionKind, registrations: [ApplicationRegistration]) {
        switch MovedKind(kind) {
        case .deployment, .statefulSet, .replicaSet, .deploymentConfig: self = .replicas
        // A Job that came along would run again at once: it waits as a CronJob does.
        case .cronJob, .job: self = .fields([.suspend])
        case nil:
            if kind.group == Self.blockchain, Self.blockchainKinds.contains(kind.kind) {
                self = .replicas
                return
            }
            let known = registrations.last { $0.kind == GroupKind(kind) }
            guard let known, !known.suspensions.isEmpty else { return nil }
            self = .fields(known.suspensions)
        case .persistentVolume, .persistentVolumeClaim, .configMap, .secret, .serviceAccount,
            .service, .endpoints, .resourceQuota, .limitRange, .daemonSet, .role, .roleBinding,
            .clusterRole, .clusterRoleBinding, .ingress, .networkPolicy, .podDisruptionBudget,
            .priorityClass, .validatingWebhookConfiguration, .mutatingWebhookConfiguration,
            .route, .imageStream, .template:
            return nil
        }
    }

    /// Stops the application in the object, and keeps in the object what starts it again.
    public func stop(_ object: inout KubeObject) {
        switch self {
        case .replicas: Self.scaleDown(&object)
        case .fields(let suspensions): for field in suspensions { field.suspend(&object) }
        }
    }

    /// Starts what an earlier migration has stopped; what a person has stopped stays so.
    public func start(_ object: inout KubeObject) {
        switch self {
        case .replicas:
            guard object["spec", "replicas"]?.int == 0, let saved = object.savedReplicas, saved > 0
            else { return }
            object.set(JSON(saved), at: "spec", "replicas")
        case .fields(let suspensions): for field in suspensions { field.resume(&object) }
        }
    }

    /// A source that is scaled down itself keeps the number that it had, also over several clusters.
    private static func scaleDown(_ object: inout KubeObject) {
        let current = object["spec", "replicas"]?.int ?? 1
        var kept = current
        if current == 0, let saved = object.savedReplicas, saved > 0 { kept = saved }
        object.set(0, at: "spec", "replicas")
        let saved = StorkNames.Annotation.migrationReplicas
        for key in saved.keys { object.set(nil, at: "metadata", "annotations", key) }
        object.set(.string("\(kept)"), at: "metadata", "annotations", saved.key)
        object.set("true", at: "metadata", "labels", StorkNames.Annotation.migrated.key)
    }
}
