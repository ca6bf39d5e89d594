// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Which Endpoints a Service makes again at the destination.
struct GeneratedEndpoints {
    /// The Services that select pods: their Endpoints are the cluster's.
    private let selecting: Set<ObjectKey>

    private static let applied = "kubectl.kubernetes.io/last-applied-configuration"
    private static let headless = "service.kubernetes.io/headless"
    private static let manager = "endpoints.kubernetes.io/managed-by"

    init(services objects: [KubeObject]) {
        self.selecting = Set(
            objects.filter {
                MovedKind($0.groupVersionKind) == .service
                    && $0["spec", "selector"]?.object?.isEmpty == false
            }
            .map(\.key)
        )
    }

    func contains(_ endpoints: KubeObject) -> Bool {
        if endpoints.isMarked(.includeResource) { return false }
        if self.selecting.contains(endpoints.key) { return true }
        let annotations = endpoints.annotations
        if !annotations.isEmpty, annotations[Self.applied] == nil { return true }
        if endpoints.labels[Self.headless] != nil || endpoints.labels[Self.manager] != nil {
            return true
        }
        return (endpoints["subsets"]?.array ?? [])
            .contains { subset in
                let addresses =
                    (subset["addresses"]?.array ?? []) + (subset["notReadyAddresses"]?.array ?? [])
                return addresses.contains { $0["targetRef"] != nil }
            }
    }
}

// MARK: What holds for single kinds

extension ResourceCollector {
    private static let generatedSecrets = [
        "builder-dockercfg-", "builder-token-", "default-dockercfg-", "default-token-",
        "deployer-dockercfg-", "deployer-token-",
    ]
    private static let generatedAccounts: Set<String> = ["default", "builder", "deployer"]
    private static let generatedConfigMaps: Set<String> = [
        "kube-root-ca.crt", "openshift-service-ca.crt",
    ]

    func byItsKind(
        _ object: KubeObject,
        _ endpoints: GeneratedEndpoints
    ) -> LeftOutReason? {
        switch MovedKind(object.groupVersionKind) {
        case .service: object.key == ObjectKey("default", "kubernetes") ? .madeByTheCluster : nil
        case .endpoints:
            if object.key == ObjectKey("default", "kubernetes") {
                .madeByTheCluster
            } else {
                endpoints.contains(object) ? .generatedEndpoints : nil
            }
        case .secret: self.secret(object)
        case .serviceAccount: self.account(object)
        case .configMap:
            Self.generatedConfigMaps.contains(object.name) ? .madeByTheCluster : nil
        case .resourceQuota: object.name == "gke-resource-quotas" ? .madeByTheCluster : nil
        case .role: object.name.hasPrefix("system:") ? .madeByTheCluster : nil
        case .roleBinding:
            object.name.hasPrefix("system:") && !object.name.hasPrefix("system:openshift:scc")
                ? .madeByTheCluster : nil
        case .clusterRole, .clusterRoleBinding:
            object.name.hasPrefix("system:")
                || object.labels["kubernetes.io/bootstrapping"] == "rbac-defaults"
                ? .madeByTheCluster : nil
        case .networkPolicy:
            !self.options.includeNetworkPolicyWithCIDR && Self.namesAddressRange(object)
                ? .namesAddressRange : nil
        case .validatingWebhookConfiguration, .mutatingWebhookConfiguration:
            self.servesHooks(object) ? nil : .notReferenced
        case .priorityClass: object.name.hasPrefix("system-") ? .madeByTheCluster : nil
        case nil, .persistentVolume, .persistentVolumeClaim, .limitRange, .deployment,
            .statefulSet, .replicaSet, .daemonSet, .cronJob, .job, .ingress,
            .podDisruptionBudget, .deploymentConfig, .route, .imageStream, .template:
            nil
        }
    }

    private func secret(_ object: KubeObject) -> LeftOutReason? {
        // A token is signed by its own cluster; the other one deletes it, for its account is another.
        object["type"]?.string == "kubernetes.io/service-account-token"
            || Self.generatedSecrets.contains(where: object.name.hasPrefix)
            ? .serviceAccountToken : nil
    }

    private func account(_ object: KubeObject) -> LeftOutReason? {
        guard Self.generatedAccounts.contains(object.name) else { return nil }
        let secrets = (object["imagePullSecrets"]?.array ?? []).compactMap { $0["name"]?.string }
        let own = secrets.contains { name in
            !Self.generatedSecrets.contains(where: name.hasPrefix)
        }
        return own ? nil : .madeByTheCluster
    }

    private static func namesAddressRange(_ policy: KubeObject) -> Bool {
        ["ingress", "egress"]
            .contains { direction in
                (policy["spec", direction]?.array ?? [])
                    .contains { rule in
                        (rule[direction == "ingress" ? "from" : "to"]?.array ?? [])
                            .contains { $0["ipBlock"] != nil }
                    }
            }
    }

    private func servesHooks(_ configuration: KubeObject) -> Bool {
        (configuration["webhooks"]?.array ?? [])
            .contains { hook in
                let namespace = hook["clientConfig", "service", "namespace"]?.string
                return namespace.map(self.options.namespaces.contains) ?? false
            }
    }
}

// MARK: What is referred to

extension ResourceCollector {
    /// Leaves in a binding of the whole cluster only the subjects that move.
    func pruneBindings(_ sieve: inout Sieve) {
        sieve.keep { object in
            guard MovedKind(object.groupVersionKind) == .clusterRoleBinding else {
                return .success(object)
            }
            let subjects = (object["subjects"]?.array ?? []).filter(self.isMoved)
            guard !subjects.isEmpty else { return .failure(.subjectsElsewhere) }
            var pruned = object
            pruned.set(.array(subjects), at: "subjects")
            return .success(pruned)
        }
    }

    private func isMoved(subject: JSON) -> Bool {
        guard let namespace = RoleSubject.namespace(of: subject) else { return false }
        return !RoleSubject.isDefault(subject) && self.options.namespaces.contains(namespace)
    }

    /// Leaves out the roles and priorities of the whole cluster that nothing that moves names.
    func leaveOutUnreferenced(_ sieve: inout Sieve) {
        var roles: Set<String> = []
        var priorities: Set<String> = []
        for object in sieve.kept {
            if object["roleRef", "kind"]?.string == "ClusterRole" {
                roles.insert(object["roleRef", "name"]?.string ?? "")
            }
            for path in [["spec", "template"], ["spec", "jobTemplate", "spec", "template"]] {
                let name = object.json.at(path + ["spec", "priorityClassName"])?.string
                if let name { priorities.insert(name) }
            }
        }
        sieve.leaveOut { object in
            switch MovedKind(object.groupVersionKind) {
            case .clusterRole: roles.contains(object.name) ? nil : .notReferenced
            case .priorityClass: priorities.contains(object.name) ? nil : .notReferenced
            case nil, .clusterRoleBinding, .validatingWebhookConfiguration,
                .mutatingWebhookConfiguration, .persistentVolume, .persistentVolumeClaim,
                .configMap, .secret, .serviceAccount, .service, .endpoints, .resourceQuota,
                .limitRange, .deployment, .statefulSet, .replicaSet, .daemonSet, .cronJob, .job,
                .role, .roleBinding, .ingress, .networkPolicy, .podDisruptionBudget,
                .deploymentConfig, .route, .imageStream, .template:
                nil
            }
        }
    }
}
