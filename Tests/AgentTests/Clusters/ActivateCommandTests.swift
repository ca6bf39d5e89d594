// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesClient
import ObjectModel
import Testing

@testable import godwit

/// Starting and stopping what migrations brought.
@Suite(.serialized) struct ActivateCommandTests {
    private static let apps = GroupVersion("apps", "v1")
    private static let deployments = APIResource(apps, "Deployment", plural: "deployments")

    /// What a migration left in a namespace, and one application that never was migrated.
    private static func brought(_ namespace: String) -> String {
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: \(namespace)}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          namespace: \(namespace)
          annotations: {stork.libopenstorage.org/migrationReplicas: "3"}
        spec: \(Self.spec("web", replicas: 0))
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata:
          name: db
          namespace: \(namespace)
          annotations: {stork.openstorage.org/migrationReplicas: "2"}
        spec: \(Self.spec("db", replicas: 0))
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: own, namespace: \(namespace)}
        spec: \(Self.spec("own", replicas: 5))
        """
    }

    private static func spec(_ name: String, replicas: Int) -> String {
        """
        {replicas: \(replicas), selector: {matchLabels: {app: \(name)}}, template: \
        {metadata: {labels: {app: \(name)}}, spec: {containers: [{name: a, image: a}]}}}
        """
    }

    private static func replicas(
        _ cluster: TestCluster,
        _ namespace: String,
        _ name: String
    ) async throws -> JSON? {
        let key = ObjectKey(namespace, name)
        return try await cluster.client.get(Self.deployments, key)["spec", "replicas"]
    }

    @Test func applicationsGetTheirReplicasBackAndLoseThemAgain() async throws {
        try await TestCluster.running { cluster in
            try await cluster.output("apply -f -", input: Self.brought("mysql"))
            let activated = """
                Updated replicas for statefulset mysql/db to 2
                Updated replicas for deployment mysql/web to 3

                """
            #expect(try await cluster.output("activate migrations -n mysql") == activated)
            #expect(try await Self.replicas(cluster, "mysql", "web") == 3)
            // Again: the same end, and the same lines.
            #expect(try await cluster.output("-n mysql activate mig") == activated)
            let stopped = try await cluster.output("deactivate migration -n mysql")
            #expect(stopped.contains("Updated replicas for deployment mysql/web to 0\n"))
            #expect(try await Self.replicas(cluster, "mysql", "web") == 0)
            #expect(try await Self.replicas(cluster, "mysql", "own") == 5)
        }
    }

    @Test func allNamespacesAreWalkedInTheirOrder() async throws {
        try await TestCluster.running { cluster in
            for namespace in ["b", "a"] {
                try await cluster.output("apply -f -", input: Self.brought(namespace))
            }
            for flag in ["-a", "-A", "--all-namespaces", "--allNamespaces"] {
                let lines = try await cluster.output("activate migrations \(flag)")
                    .split(separator: "\n").map { $0.split(separator: " ")[4] }
                #expect(lines == ["a/db", "a/web", "b/db", "b/web"], "\(flag)")
            }
            let both = try await cluster.godwit("activate migrations -a -n a")
            #expect(both.status == 64 && both.errors.contains("--all-namespaces"))
        }
    }

    @Test func storkctlsNameDoesTheSame() async throws {
        let scratch = try Scratch()
        let link = "\(scratch.path)/storkctl"
        try FileManager.default.createSymbolicLink(
            atPath: link,
            withDestinationPath: "\(Command.directory)/godwit"
        )
        try await TestCluster.running { cluster in
            try await cluster.output("apply -f -", input: Self.brought("mysql"))
            let result = try await Command.run(
                link,
                ["activate", "migrations", "-n", "mysql"],
                environment: ["KUBECONFIG": cluster.kubeconfig]
            )
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("Updated replicas for deployment mysql/web to 3\n"))
        }
    }

    @Test func whereNothingCanBeDoneThatIsSaid() async throws {
        try await TestCluster.running(users: ["other"]) { cluster in
            let nothing = try await cluster.output("activate migrations -n default")
            #expect(nothing == "No resources found.\n")
            let missing = try await cluster.godwit("activate migrations -n msyql")
            #expect(missing.status == 4 && missing.output.isEmpty)
            #expect(missing.errors.contains("namespaces \"msyql\" not found"))
            let denied = try await cluster.godwit(
                "activate migrations -n default --kubeconfig \(cluster.user("other"))"
            )
            #expect(denied.status == 1, "\(denied.errors)")
            #expect(denied.errors.contains("Forbidden"))
        }
    }
}
