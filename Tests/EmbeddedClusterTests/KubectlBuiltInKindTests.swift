// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import Testing

@testable import EmbeddedCluster

/// What people do all day with stock kubectl, on kinds that every cluster has.
@Suite(.enabled(if: Kubectl.isAvailable, Kubectl.reason), .serialized)
struct KubectlBuiltInKindTests {
    @Test func atLeastOneVersionIsInstalled() { #expect(!Kubectl.installed.isEmpty) }

    @Test(arguments: Kubectl.installed)
    func createGetChangeAndDelete(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let admin = cluster.admin
            try await kubectl.run("create", "namespace", "shop", as: admin)
            try await Self.makeObjects(kubectl, admin)
            try await Self.getInEachForm(kubectl, admin)
            try await Self.change(kubectl, admin)
            try await Self.deleteAll(kubectl, admin)
        }
    }

    @Test(arguments: Kubectl.installed)
    func aMisspeltFieldIsRefusedByThoseWhoAskForItAndToldWithTheRightWord(
        _ kubectl: Kubectl
    ) async throws {
        try await HTTPTestCluster.running { cluster in
            let text = """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: a, namespace: default}
                dtaa: {a: b}
                """
            // Since 1.25 it asks for strictness; before, it looked into schemas by itself.
            guard kubectl.minor >= 25 else { return }
            let errors = try await kubectl.failure(
                "apply",
                "-f",
                "-",
                as: cluster.admin,
                input: text
            )
            #expect(errors.contains("unknown field \"dtaa\"; did you mean \"data\"?"), "\(errors)")
            let asked = try await kubectl.run(
                "apply",
                "--validate=ignore",
                "-f",
                "-",
                as: cluster.admin,
                input: text
            )
            #expect(asked.lines == ["configmap/a created"])
        }
    }

    private static func makeObjects(_ kubectl: Kubectl, _ admin: String) async throws {
        try await kubectl.run(
            "-n",
            "shop",
            "create",
            "configmap",
            "settings",
            "--from-literal=a=1",
            as: admin
        )
        try await kubectl.run(
            "-n",
            "shop",
            "create",
            "secret",
            "generic",
            "key",
            "--from-literal=b=2",
            as: admin
        )
        let created = try await kubectl.run(
            "-n",
            "shop",
            "create",
            "deployment",
            "web",
            "--image=nginx",
            "--replicas=2",
            as: admin
        )
        #expect(created.lines == ["deployment.apps/web created"])
        let again = try await kubectl.failure(
            "-n",
            "shop",
            "create",
            "configmap",
            "settings",
            as: admin
        )
        #expect(
            again.contains(
                "Error from server (AlreadyExists): configmaps \"settings\" already exists"
            )
                || again.contains(
                    "error: failed to create configmap: configmaps \"settings\" already exists"
                )
        )
    }

    private static func getInEachForm(_ kubectl: Kubectl, _ admin: String) async throws {
        let table = try await kubectl.run("-n", "shop", "get", "deployments", as: admin)
        #expect(table.lines.first == "NAME READY UP-TO-DATE AVAILABLE AGE")
        #expect(table.lines.count == 2)
        let wide = try await kubectl.run("-n", "shop", "get", "deploy", "-o", "wide", as: admin)
        #expect(
            wide.lines.first?.hasPrefix("NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS") == true
        )
        let name = try await kubectl.run("-n", "shop", "get", "cm,secret", "-o", "name", as: admin)
        #expect(name.lines.contains("configmap/settings"))
        #expect(name.lines.contains("secret/key"))
        let json = try await kubectl.run(
            "-n",
            "shop",
            "get",
            "configmap",
            "settings",
            "-o",
            "json",
            as: admin
        )
        #expect(try JSON(parsing: json.text)["data"] == ["a": "1"])
        let yaml = try await kubectl.run(
            "-n",
            "shop",
            "get",
            "configmap",
            "settings",
            "-o",
            "yaml",
            as: admin
        )
        #expect(yaml.text.contains("\ndata:\n  a: \"1\"\n"))
        let path = try await kubectl.run(
            "get",
            "deploy",
            "-A",
            "-o",
            "jsonpath={.items[*].metadata.name}",
            as: admin
        )
        #expect(path.text == "web")
        let missing = try await kubectl.failure("-n", "shop", "get", "cm", "none", as: admin)
        #expect(missing == "Error from server (NotFound): configmaps \"none\" not found\n")
        let unknown = try await kubectl.failure("get", "nothings", as: admin)
        #expect(unknown == "error: the server doesn't have a resource type \"nothings\"\n")
    }

    private static func change(_ kubectl: Kubectl, _ admin: String) async throws {
        try await kubectl.run("-n", "shop", "label", "cm", "settings", "tier=front", as: admin)
        try await kubectl.run("-n", "shop", "annotate", "cm", "settings", "why=test", as: admin)
        let selected = try await kubectl.run(
            "-n",
            "shop",
            "get",
            "cm",
            "-l",
            "tier=front",
            "-o",
            "name",
            as: admin
        )
        #expect(selected.lines == ["configmap/settings"])
        try await kubectl.run("-n", "shop", "scale", "deploy", "web", "--replicas=5", as: admin)
        for (type, patch) in [
            (
                "strategic",
                #"{"spec":{"template":{"spec":{"containers":[{"name":"x","image":"y"}]}}}}"#
            ),
            ("merge", #"{"spec":{"paused":true}}"#),
            ("json", #"[{"op":"replace","path":"/spec/minReadySeconds","value":7}]"#),
        ] {
            let start = #"{"spec":{"minReadySeconds":1}}"#
            if type == "json" {
                try await kubectl.run(
                    "-n",
                    "shop",
                    "patch",
                    "deploy",
                    "web",
                    "--type=merge",
                    "-p",
                    start,
                    as: admin
                )
            }
            try await kubectl.run(
                "-n",
                "shop",
                "patch",
                "deploy",
                "web",
                "--type=\(type)",
                "-p",
                patch,
                as: admin
            )
        }
        let json = try await kubectl.run(
            "-n",
            "shop",
            "get",
            "deploy",
            "web",
            "-o",
            "json",
            as: admin
        )
        let web = try JSON(parsing: json.text)
        #expect(web["spec", "replicas"] == 5)
        #expect(web["spec", "paused"] == true)
        #expect(web["spec", "minReadySeconds"] == 7)
        let containers = web["spec", "template", "spec", "containers"]?.array ?? []
        #expect(Set(containers.compactMap { $0["name"]?.string }) == ["x", "nginx"])
    }

    private static func deleteAll(_ kubectl: Kubectl, _ admin: String) async throws {
        let deleted = try await kubectl.run("-n", "shop", "delete", "deploy", "web", as: admin)
        #expect(deleted.lines.first?.hasPrefix("deployment.apps \"web\" deleted") == true)
        try await kubectl.run("delete", "namespace", "shop", "--timeout=60s", as: admin)
        let gone = try await kubectl.failure("get", "namespace", "shop", as: admin)
        #expect(gone == "Error from server (NotFound): namespaces \"shop\" not found\n")
        let rest = try await kubectl.run("get", "cm,secret", "-A", "-o", "name", as: admin)
        #expect(!rest.text.contains("settings"))
    }

    @Test(arguments: Kubectl.installed)
    func applyTwiceOnEitherSide(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let manifest = """
                apiVersion: v1
                kind: Service
                metadata: {name: db}
                spec:
                  selector: {app: db}
                  ports: [{port: 5432, protocol: TCP}]
                """
            for (options, words) in [
                ([], ["created", "unchanged", "configured"]),
                (
                    ["--server-side"],
                    ["serverside-applied", "serverside-applied", "serverside-applied"]
                ),
            ] {
                let name = options.isEmpty ? "db" : "db2"
                let first = manifest.replacingOccurrences(of: "name: db", with: "name: \(name)")
                let changed = first.replacingOccurrences(of: "5432", with: "5433")
                for (text, word) in zip([first, first, changed], words) {
                    let output = try await kubectl.attempt(
                        ["apply", "-f", "-"] + options,
                        as: cluster.admin,
                        input: text
                    )
                    #expect(output.lines == ["service/\(name) \(word)"], "\(output.errors)")
                }
                let port = try await kubectl.run(
                    "get",
                    "service",
                    name,
                    "-o",
                    "jsonpath={.spec.ports[*].port}",
                    as: cluster.admin
                )
                #expect(port.text == "5433")
            }
        }
    }

    @Test(arguments: Kubectl.installed)
    func waitEndsWhenTheConditionHoldsOrTheObjectGoes(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let admin = cluster.admin
            try await kubectl.run("create", "deployment", "web", "--image=nginx", as: admin)
            let status = #"{"status":{"conditions":[{"type":"Available","status":"True"}]}}"#
            async let waited = kubectl.run(
                "wait",
                "deployment/web",
                "--for=condition=Available",
                "--timeout=60s",
                as: admin
            )
            _ = try await cluster.answer(
                "PATCH",
                "/apis/apps/v1/namespaces/default/deployments/web/status",
                try JSON(parsing: status),
                type: "application/merge-patch+json"
            )
            #expect(try await waited.lines == ["deployment.apps/web condition met"])
            async let gone = kubectl.run(
                "wait",
                "deployment/web",
                "--for=delete",
                "--timeout=60s",
                as: admin
            )
            try await kubectl.run("delete", "deploy", "web", as: admin)
            _ = try await gone
        }
    }

    @Test(arguments: Kubectl.installed)
    func aWatchShowsWhatHappensAsItHappens(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let admin = cluster.admin
            try await kubectl.run("create", "configmap", "a", as: admin)
            let lines = try await kubectl.lines(
                4,
                of: "get",
                "configmaps",
                "-w",
                "--field-selector=metadata.name!=kube-root-ca.crt",
                as: admin
            ) {
                try await kubectl.run("create", "configmap", "b", "--from-literal=x=1", as: admin)
                try await kubectl.run("label", "configmap", "b", "y=2", as: admin)
            }
            let words = lines.map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
            #expect(words == ["NAME DATA", "a 0", "b 1", "b 1"])
        }
    }

    @Test(arguments: Kubectl.installed)
    func describePrintsObjectsAndTheirEvents(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let admin = cluster.admin
            try await kubectl.run("create", "configmap", "a", "--from-literal=x=1", as: admin)
            let object = try await cluster.answer("GET", "/api/v1/namespaces/default/configmaps/a")
            _ = try await cluster.answer(
                "POST",
                "/api/v1/namespaces/default/events",
                [
                    "metadata": ["name": "a.1"], "reason": "Moved", "message": "it was moved",
                    "type": "Normal", "count": 1, "source": ["component": "test"],
                    "firstTimestamp": "2026-01-02T03:04:05Z",
                    "lastTimestamp": "2026-01-02T03:04:05Z",
                    "involvedObject": [
                        "kind": "ConfigMap", "apiVersion": "v1", "namespace": "default",
                        "name": "a", "uid": object.json["metadata", "uid"] ?? .null,
                    ],
                ]
            )
            let text = try await kubectl.run("describe", "configmap", "a", as: admin).text
            for part in [
                "Name:         a", "Namespace:    default", "x:\n----\n1", "Moved", "it was moved",
            ] {
                #expect(text.contains(part), "\(text)")
            }
            try await kubectl.run("create", "deployment", "web", "--image=nginx", as: admin)
            let web = try await kubectl.run("describe", "deployment", "web", as: admin).text
            #expect(web.contains("Replicas:"))
        }
    }
}
