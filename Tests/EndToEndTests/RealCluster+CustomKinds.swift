// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

@testable import ControlPlane

extension Site {
    /// Lets a custom kind be moved from here and to here, by roles as deploy/README.md has them.
    ///
    /// On an embedded cluster the controllers may do everything, and nothing is done.
    func allow(_ plural: String, of group: String) async throws {
        guard self.real != nil else { return }
        let reading: JSON = ["get", "list"]
        let writing: JSON = ["create", "delete", "get", "list", "patch", "update"]
        for (account, verbs) in [
            ("godwit-controller", reading), ("godwit-destination", writing),
        ] {
            try await self.bind(account, "\(account)-\(group)", plural, group, verbs)
        }
    }

    private func bind(
        _ account: String,
        _ name: String,
        _ plural: String,
        _ group: String,
        _ verbs: JSON
    ) async throws {
        let version = GroupVersion("rbac.authorization.k8s.io", "v1")
        let rules: JSON = [
            ["apiGroups": [.string(group)], "resources": [.string(plural)], "verbs": verbs]
        ]
        let role: JSON = [
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name),
        ]
        let subjects: JSON = [
            [
                "kind": "ServiceAccount", "name": .string(account),
                "namespace": .string(RealCluster.system),
            ]
        ]
        let objects: [(String, String, JSONFields)] = [
            ("ClusterRole", "clusterroles", ["rules": rules]),
            ("ClusterRoleBinding", "clusterrolebindings", ["roleRef": role, "subjects": subjects]),
        ]
        for (kind, plural, fields) in objects {
            let resource = APIResource(version, kind, plural: plural, isNamespaced: false)
            try await self.client.create(
                resource,
                KubeObject(resource.groupVersionKind, ObjectKey("", name), fields)
            )
        }
        try await self.client.wait(
            until: "system:serviceaccount:\(RealCluster.system):\(account)",
            may: "list",
            APIResource(GroupVersion(group, "v1"), "", plural: plural),
            in: nil
        )
    }
}
