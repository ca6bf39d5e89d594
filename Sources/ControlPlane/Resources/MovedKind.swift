// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The kinds that a migration moves by name; every other kind is a custom one.
///
/// The group counts, the version does not: an older server serves `batch/v1beta1`, and a kind that
/// is called Service in another group is no Service.
public enum MovedKind: String, Sendable, CaseIterable {
    case persistentVolume = "PersistentVolume"
    case persistentVolumeClaim = "PersistentVolumeClaim"
    case configMap = "ConfigMap"
    case secret = "Secret"
    case serviceAccount = "ServiceAccount"
    case service = "Service"
    case endpoints = "Endpoints"
    case resourceQuota = "ResourceQuota"
    case limitRange = "LimitRange"
    case deployment = "Deployment"
    case statefulSet = "StatefulSet"
    case replicaSet = "ReplicaSet"
    case daemonSet = "DaemonSet"
    case cronJob = "CronJob"
    case job = "Job"
    case role = "Role"
    case roleBinding = "RoleBinding"
    case clusterRole = "ClusterRole"
    case clusterRoleBinding = "ClusterRoleBinding"
    case ingress = "Ingress"
    case networkPolicy = "NetworkPolicy"
    case podDisruptionBudget = "PodDisruptionBudget"
    case priorityClass = "PriorityClass"
    case validatingWebhookConfiguration = "ValidatingWebhookConfiguration"
    case mutatingWebhookConfiguration = "MutatingWebhookConfiguration"
    case deploymentConfig = "DeploymentConfig"
    case route = "Route"
    case imageStream = "ImageStream"
    case template = "Template"

    /// The kind of a group and kind name; nil where it is not one of these.
    public init?(_ kind: GroupVersionKind) {
        guard let known = Self(rawValue: kind.kind), known.groups.contains(kind.group) else {
            return nil
        }
        self = known
    }

    /// The groups that serve it; the copies in `extensions` are served by old servers only.
    public var groups: [String] {
        switch self {
        case .persistentVolume, .persistentVolumeClaim, .configMap, .secret, .serviceAccount,
            .service, .endpoints, .resourceQuota, .limitRange:
            [""]
        case .deployment, .statefulSet, .replicaSet, .daemonSet: ["apps"]
        case .cronJob, .job: ["batch"]
        case .role, .roleBinding, .clusterRole, .clusterRoleBinding:
            ["rbac.authorization.k8s.io"]
        case .ingress: ["networking.k8s.io", "extensions"]
        case .networkPolicy: ["networking.k8s.io"]
        case .podDisruptionBudget: ["policy"]
        case .priorityClass: ["scheduling.k8s.io"]
        case .validatingWebhookConfiguration, .mutatingWebhookConfiguration:
            ["admissionregistration.k8s.io"]
        case .deploymentConfig: ["apps.openshift.io"]
        case .route: ["route.openshift.io"]
        case .imageStream: ["image.openshift.io"]
        case .template: ["template.openshift.io"]
        }
    }

    /// Whether its objects live in namespaces.
    public var isNamespaced: Bool {
        switch self {
        case .persistentVolume, .clusterRole, .clusterRoleBinding, .priorityClass,
            .validatingWebhookConfiguration, .mutatingWebhookConfiguration:
            false
        case .persistentVolumeClaim, .configMap, .secret, .serviceAccount, .service, .endpoints,
            .resourceQuota, .limitRange, .deployment, .statefulSet, .replicaSet, .daemonSet,
            .cronJob, .job, .role, .roleBinding, .ingress, .networkPolicy, .podDisruptionBudget,
            .deploymentConfig, .route, .imageStream, .template:
            true
        }
    }

    /// Whether it only exists so that pods run: what an owner of these kinds makes again is not moved.
    public var remakesItsChildren: Bool {
        switch self {
        case .deployment, .statefulSet, .replicaSet, .daemonSet, .deploymentConfig, .cronJob, .job,
            .service, .serviceAccount, .role, .roleBinding:
            true
        case .persistentVolume, .persistentVolumeClaim, .configMap, .secret, .endpoints,
            .resourceQuota, .limitRange, .clusterRole, .clusterRoleBinding, .ingress,
            .networkPolicy, .podDisruptionBudget, .priorityClass, .validatingWebhookConfiguration,
            .mutatingWebhookConfiguration, .route, .imageStream, .template:
            false
        }
    }
}
