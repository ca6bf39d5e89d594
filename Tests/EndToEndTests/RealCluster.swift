// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import Locks
import ObjectModel
import TestSupport

@testable import ControlPlane

/// A real API server to which deploy/ was applied as a person would do it.
///
/// The controllers have a token of the account of deploy/base there, and its rights alone.
struct RealCluster: Sendable {
    static let system = "godwit-system"
    /// Until another process takes over from one that was killed: the tests wait for it.
    static let leaseSeconds = 3
    static let lease = ObjectKey(Self.system, "godwit-controller")

    let cluster: TestCluster
    /// The file with the controllers' credentials.
    let controllerKubeconfig: String
    /// The kubeconfig that a ClusterPair of another cluster has, as deploy/README.md says.
    let destinationKubeconfig: JSON

    /// Which of the two a site of this name is on; nil where it makes a cluster of its own.
    static func named(_ name: String) -> TestCluster? {
        TestClusters.given?.both.first { $0.name == name }
    }

    private static let root = #filePath
        .replacing("/Tests/EndToEndTests/RealCluster.swift", with: "")

    /// Applies deploy/base, binds the destination's account, and writes credentials.
    private init(applyingTo cluster: TestCluster) throws {
        self.cluster = cluster
        try cluster.applyOnServer(cluster.kubectl("kustomize", "\(Self.root)/deploy/base"))
        try cluster.applyOnServer(Self.destinationBinding)
        self.controllerKubeconfig = "\(cluster.directory)/godwit-controller.kubeconfig"
        try cluster.kubeconfig(ofAccount: "godwit-controller", in: Self.system)
            .write(toFile: self.controllerKubeconfig, atomically: true, encoding: .utf8)
        self.destinationKubeconfig = try JSON(
            yaml: cluster.kubeconfig(ofAccount: "godwit-destination", in: Self.system)
        )
    }

    private static let destinationBinding = """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: godwit-destination}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: godwit-destination}
        subjects:
        - {kind: ServiceAccount, name: godwit-destination, namespace: \(Self.system)}
        """

    /// Lets the controllers read a namespace, as deploy/README.md says; the binding does not move.
    static func open(_ namespace: String, _ client: KubernetesClient) async throws {
        var binding = KubeObject(
            Self.bindings.groupVersionKind,
            ObjectKey(namespace, "godwit-source"),
            [
                "roleRef": [
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                    "name": "godwit-source",
                ],
                "subjects": [
                    [
                        "kind": "ServiceAccount", "name": "godwit-controller",
                        "namespace": .string(Self.system),
                    ]
                ],
            ]
        )
        binding.annotations = [StorkNames.Annotation.skipResource.key: "true"]
        try await client.create(Self.bindings, binding)
        try await client.wait(until: Self.controllers, may: "list", BuiltIn.secrets, in: namespace)
    }

    /// Takes that away again.
    static func close(_ namespace: String, _ client: KubernetesClient) async throws {
        try await client.delete(Self.bindings, ObjectKey(namespace, "godwit-source"))
        try await client.wait(
            until: Self.controllers,
            may: "list",
            BuiltIn.secrets,
            in: namespace,
            isAllowed: false
        )
    }

    private static let bindings = APIResource(
        GroupVersion("rbac.authorization.k8s.io", "v1"),
        "RoleBinding",
        plural: "rolebindings"
    )
    /// Who the controllers are.
    static let controllers = "system:serviceaccount:\(Self.system):godwit-controller"

    // MARK: Once for each cluster of a run

    private actor Applied {
        static let shared = Applied()
        private var clusters: [String: RealCluster] = [:]

        func cluster(_ cluster: TestCluster) throws -> RealCluster {
            if let known = self.clusters[cluster.name] { return known }
            let made = try RealCluster(applyingTo: cluster)
            self.clusters[cluster.name] = made
            return made
        }
    }

    /// The cluster with everything applied; the roles hold.
    static func ready(
        _ cluster: TestCluster,
        _ client: KubernetesClient
    ) async throws -> RealCluster {
        let real = try await Applied.shared.cluster(cluster)
        for (account, verb, resource) in [
            ("godwit-controller", "list", StorkResource.clusterPairs),
            ("godwit-destination", "list", BuiltIn.secrets),
        ] {
            try await client.wait(
                until: "system:serviceaccount:\(Self.system):\(account)",
                may: verb,
                resource,
                in: nil
            )
        }
        return real
    }

    // MARK: One test on a cluster at a time

    private static let used = Locked<Set<String>>([])

    struct InUse: Error, CustomStringConvertible { let description: String }

    /// Takes a cluster for one site: two controllers would look after the same objects.
    ///
    /// - Throws: ``InUse`` where another test has it: the suites run one after the other.
    static func claim(_ name: String) throws {
        guard self.used.withLock({ $0.insert(name).inserted }) else {
            throw InUse(description: "cluster \(name) has a site already: run with --no-parallel")
        }
    }

    /// Gives a cluster back.
    static func release(_ name: String) { self.used.withLock { _ = $0.remove(name) } }
}

extension KubernetesClient {
    /// Waits until the API server obeys a role that was bound, or unbound, a moment ago.
    func wait(
        until user: String,
        may verb: String,
        _ resource: APIResource,
        in namespace: String?,
        isAllowed: Bool = true
    ) async throws {
        let review = APIResource(
            GroupVersion("authorization.k8s.io", "v1"),
            "SubjectAccessReview",
            plural: "subjectaccessreviews",
            isNamespaced: false
        )
        let question = review.accessReview(["user": .string(user)], verb, resource, in: namespace)
        // Each question waits for an answer, so nobody spins; the test's time limit ends it.
        while try await self.create(review, question)["status", "allowed"] != .bool(isAllowed) {
            try Task.checkCancellation()
        }
    }
}
