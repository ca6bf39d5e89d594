// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import Testing

@testable import EmbeddedCluster

/// Who may do what, and what happens to objects that nobody deletes by name.
@Suite(.enabled(if: Kubectl.isAvailable, Kubectl.reason), .serialized)
struct KubectlAccessTests {
    @Test(arguments: Kubectl.installed)
    func theUserOfANamespaceIsRefusedElsewhere(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running(users: ["mine"]) { cluster in
            let user = cluster.user("mine")
            for namespace in ["mine", "other"] {
                try await kubectl.run("create", "namespace", namespace, as: cluster.admin)
            }
            // The kubeconfig names the namespace: no -n is needed.
            try await kubectl.run("create", "configmap", "a", as: user)
            #expect(
                try await kubectl.run("get", "cm", "a", "-o", "name", as: user).lines == [
                    "configmap/a"
                ]
            )
            let listed = try await kubectl.failure("-n", "other", "get", "configmaps", as: user)
            #expect(
                listed == """
                    Error from server (Forbidden): configmaps is forbidden: User "user-mine" cannot \
                    list resource "configmaps" in API group "" in the namespace "other"

                    """
            )
            let everywhere = try await kubectl.failure("get", "deployments", "-A", as: user)
            #expect(
                everywhere == """
                    Error from server (Forbidden): deployments.apps is forbidden: User "user-mine" \
                    cannot list resource "deployments" in API group "apps" at the cluster scope

                    """
            )
            let named = try await kubectl.failure("delete", "namespace", "mine", as: user)
            #expect(
                named.contains("namespaces \"mine\" is forbidden: User \"user-mine\" cannot delete")
            )
        }
    }

    @Test(arguments: Kubectl.installed)
    func canISaysWhatIsAllowed(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running(users: ["mine"]) { cluster in
            let user = cluster.user("mine")
            #expect(
                try await kubectl.run("auth", "can-i", "create", "secrets", as: user).lines == [
                    "yes"
                ]
            )
            let other = try await kubectl.attempt(
                ["-n", "other", "auth", "can-i", "create", "secrets"],
                as: user
            )
            #expect(other.code == 1)
            #expect(other.lines.first?.hasPrefix("no") == true)
            #expect(
                try await kubectl.run("auth", "can-i", "*", "*", as: cluster.admin).lines == ["yes"]
            )
            let rules = try await kubectl.run("auth", "can-i", "--list", as: user)
            #expect(rules.lines.contains { $0.hasPrefix("*.*") })
            guard kubectl.minor >= 28 else { return }
            let who = try await kubectl.run("auth", "whoami", as: user).text
            #expect(who.contains("user-mine"))
        }
    }

    @Test func aTokenOpensWhatItsLineSays() async throws {
        try await HTTPTestCluster.running { cluster in
            let file = "\(cluster.directory)/tokens"
            let lines = try String(contentsOfFile: file, encoding: .utf8)
            let token = try #require(
                lines.split(separator: "\n").last?.split(separator: ",").first.map(String.init)
            )
            let stranger = try Self.withoutCredentials(cluster.admin)
            let kubectl = Kubectl.newest
            try await kubectl.run("get", "namespaces", "--token", token, as: stranger)
            let wrong = try await kubectl.failure(
                "get",
                "namespaces",
                "--token",
                "\(token)0",
                as: stranger
            )
            #expect(wrong.contains("Unauthorized") || wrong.contains("must be logged in"))
        }
    }

    /// A copy of a kubeconfig without certificate and key.
    private static func withoutCredentials(_ path: String) throws -> String {
        var json = try JSON(parsing: String(contentsOfFile: path, encoding: .utf8))
        let name = try #require(json["users"]?.array?.first?["name"])
        json.set([["name": name, "user": [:]]], at: "users")
        let copy = "\(path).stranger"
        try json.pretty.write(toFile: copy, atomically: true, encoding: .utf8)
        return copy
    }

    @Test func whatHasNoOwnerAnyMoreIsCollected() async throws {
        try await HTTPTestCluster.running { cluster in
            let (kubectl, admin) = (Kubectl.newest, cluster.admin)
            try await kubectl.run("create", "configmap", "owner", as: admin)
            let uid = try await kubectl.run(
                "get",
                "cm",
                "owner",
                "-o",
                "jsonpath={.metadata.uid}",
                as: admin
            )
            let child = """
                {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"child","ownerReferences":[
                {"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"\(uid.text)"}]}}
                """
            try await kubectl.run("create", "-f", "-", as: admin, input: child)
            try await kubectl.run("delete", "cm", "owner", as: admin)
            try await kubectl.run(
                "wait",
                "cm/child",
                "--for=delete",
                "--timeout=60s",
                as: admin
            )
        }
    }

    @Test func aFinalizerHoldsAnObjectUntilItIsRemoved() async throws {
        try await HTTPTestCluster.running { cluster in
            let (kubectl, admin) = (Kubectl.newest, cluster.admin)
            try await kubectl.run("create", "configmap", "held", as: admin)
            try await kubectl.run(
                "patch",
                "cm",
                "held",
                "--type=merge",
                "-p",
                #"{"metadata":{"finalizers":["example.com/hold"]}}"#,
                as: admin
            )
            try await kubectl.run("delete", "cm", "held", "--wait=false", as: admin)
            let time = try await kubectl.run(
                "get",
                "cm",
                "held",
                "-o",
                "jsonpath={.metadata.deletionTimestamp}",
                as: admin
            )
            #expect(!time.text.isEmpty)
            try await kubectl.run(
                "patch",
                "cm",
                "held",
                "--type=json",
                "-p",
                #"[{"op":"remove","path":"/metadata/finalizers"}]"#,
                as: admin
            )
            let gone = try await kubectl.failure("get", "cm", "held", as: admin)
            #expect(gone.contains("NotFound"))
        }
    }

    @Test func aStaleVersionIsAConflict() async throws {
        try await HTTPTestCluster.running { cluster in
            let (kubectl, admin) = (Kubectl.newest, cluster.admin)
            try await kubectl.run("create", "configmap", "a", as: admin)
            let stale = try await kubectl.run("get", "cm", "a", "-o", "yaml", as: admin).text
            try await kubectl.run("label", "cm", "a", "x=y", as: admin)
            let refused = try await kubectl.failure("replace", "-f", "-", as: admin, input: stale)
            #expect(
                refused.contains(
                    "Operation cannot be fulfilled on configmaps \"a\": the object has been modified"
                )
            )
        }
    }
}
