// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The order in which objects are made at the destination: first what others need.
///
/// The objects of one phase are made side by side; the next phase begins when one has ended.
public enum ApplyPhase: Int, Sendable, CaseIterable, Comparable {
    case definitions
    case namespaces
    case storageClasses
    case volumes
    case claims
    case configuration
    case services
    case workloads
    case custom

    /// The phase of a kind.
    public init(_ kind: GroupVersionKind) {
        switch MovedKind(kind) {
        case .persistentVolume: self = .volumes
        case .persistentVolumeClaim: self = .claims
        case .configMap, .secret, .serviceAccount, .resourceQuota, .limitRange, .role,
            .roleBinding, .clusterRole, .clusterRoleBinding, .networkPolicy,
            .podDisruptionBudget, .priorityClass, .imageStream, .template:
            self = .configuration
        case .service, .endpoints, .ingress, .route: self = .services
        // Web hooks come last of all built-in kinds: they would refuse the others before they serve.
        case .deployment, .statefulSet, .replicaSet, .daemonSet, .deploymentConfig, .cronJob, .job,
            .validatingWebhookConfiguration, .mutatingWebhookConfiguration:
            self = .workloads
        case nil: self = Self.supporting(GroupKind(kind)) ?? .custom
        }
    }

    private static func supporting(_ kind: GroupKind) -> Self? {
        switch kind {
        case SupportKind.definition: .definitions
        case SupportKind.namespace: .namespaces
        case SupportKind.storageClass: .storageClasses
        default: nil
        }
    }

    /// By the order of the values.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The order of objects in a result: by phase, kind, namespace and name.
    static func comesBefore(_ left: KubeObject, _ right: KubeObject) -> Bool {
        let phases = (Self(left.groupVersionKind), Self(right.groupVersionKind))
        if phases.0 != phases.1 { return phases.0 < phases.1 }
        return (left.kind, left.namespace, left.name) < (right.kind, right.namespace, right.name)
    }
}

/// The kinds that others need and that no Migration counts.
enum SupportKind {
    static let definition = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
    static let namespace = GroupKind("", "Namespace")
    static let storageClass = GroupKind("storage.k8s.io", "StorageClass")
}
