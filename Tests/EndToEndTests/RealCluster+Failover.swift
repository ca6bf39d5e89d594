// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

@testable import ControlPlane

/// What deploy/README.md has a person bind where failovers are wanted.
extension RealCluster {
    private static let bindings = APIResource(
        GroupVersion("rbac.authorization.k8s.io", "v1"),
        "ClusterRoleBinding",
        plural: "clusterrolebindings",
        isNamespaced: false
    )

    private static let rehearsal = "godwit-rehearsal"
    private static let failover = "godwit-failover"

    /// Gives the controllers the rights of a role everywhere, and that to remove namespaces.
    static func allowFailover(
        _ client: KubernetesClient,
        role: String = "godwit-destination"
    ) async throws {
        try await Self.denyFailover(client)
        try await Self.bind(Self.rehearsal, to: Self.rehearsal, client)
        try await Self.bind(Self.failover, to: role, client)
        try await client.wait(
            until: Self.controllers,
            may: "patch",
            Application.deployments,
            in: nil
        )
    }

    private static func bind(
        _ name: String,
        to role: String,
        _ client: KubernetesClient
    ) async throws {
        let binding = KubeObject(
            Self.bindings.groupVersionKind,
            ObjectKey("", name),
            [
                "roleRef": [
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                    "name": .string(role),
                ],
                "subjects": [
                    [
                        "kind": "ServiceAccount", "name": "godwit-controller",
                        "namespace": .string(Self.system),
                    ]
                ],
            ]
        )
        try await client.create(Self.bindings, binding)
    }

    /// Takes them away; also where there are none.
    static func denyFailover(_ client: KubernetesClient) async throws {
        for name in [Self.failover, Self.rehearsal] {
            try await client.remove(Self.bindings, ObjectKey("", name), uid: "")
        }
        try await client.wait(
            until: Self.controllers,
            may: "patch",
            Application.deployments,
            in: nil,
            isAllowed: false
        )
    }

    /// A role that may change applications and not read them, as nobody would make it by intention.
    static func makeBlindRole(_ client: KubernetesClient) async throws -> String {
        let name = "godwit-test-blind"
        let roles = APIResource(
            GroupVersion("rbac.authorization.k8s.io", "v1"),
            "ClusterRole",
            plural: "clusterroles",
            isNamespaced: false
        )
        let role = KubeObject(
            roles.groupVersionKind,
            ObjectKey("", name),
            [
                "rules": [
                    [
                        "apiGroups": ["apps"], "resources": ["statefulsets", "deployments"],
                        "verbs": ["patch"],
                    ]
                ]
            ]
        )
        _ = try await client.apply(roles, role)
        return name
    }
}
