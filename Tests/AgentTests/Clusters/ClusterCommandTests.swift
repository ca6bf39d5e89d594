// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import godwit

/// The commands about clusters, typed against an embedded one.
@Suite(.serialized) struct ClusterCommandTests {
    private static let pair = """
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: ClusterPair
        metadata: {name: remotecluster, namespace: mysql}
        spec: {options: {ip: 127.0.0.1, token: secret}}
        """
    private static let namespace = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: mysql}
        """
    private static let create =
        "create migration m -c remotecluster --namespaces mysql -n mysql"

    /// A cluster with a namespace and a pair.
    private static func prepared(
        users: [String] = [],
        _ body: @escaping @Sendable (TestCluster) async throws -> Void
    ) async throws {
        try await TestCluster.running(users: users) { cluster in
            try await cluster.output("apply -f -", input: Self.namespace + "\n---\n" + Self.pair)
            try await body(cluster)
        }
    }

    @Test func whatIsAppliedIsListedDescribedAndDeleted() async throws {
        try await Self.prepared { cluster in
            let again = try await cluster.output("apply -f - -n mysql", input: Self.pair)
            #expect(again == "clusterpair.stork.libopenstorage.org/remotecluster unchanged\n")
            let changed = Self.pair.replacing("127.0.0.1", with: "127.0.0.2")
            #expect(try await cluster.output("apply -f -", input: changed).contains("configured"))
            let rows = try await cluster.table("get cp -A")
            #expect(rows[0][0] == "NAMESPACE" && rows[1].starts(with: ["mysql", "remotecluster"]))
            let described = try await cluster.output("describe cp remotecluster -n mysql")
            #expect(described.contains("127.0.0.2") && !described.contains("secret"))
            let name = try await cluster.output("get cp -o name -n mysql")
            #expect(name == "clusterpair.stork.libopenstorage.org/remotecluster\n")
            let deleted = try await cluster.output("delete clusterpair remotecluster -n mysql")
            #expect(deleted == "ClusterPair remotecluster deleted successfully\n")
            #expect(try await cluster.output("get cp -n mysql") == "No resources found.\n")
        }
    }

    @Test func aDocumentThatCannotBeReadKeepsAllOthersOut() async throws {
        try await TestCluster.running { cluster in
            for (broken, place) in [
                ("apiVersion: v1\nkind: Namespace\nmetadata: {name: [", "standard input:8:1"),
                ("apiVersion: v1\nkind: Nonsense\nmetadata: {name: a}", "standard input:5"),
            ] {
                let result = try await cluster.godwit(
                    "apply -f -",
                    input: Self.namespace + "\n---\n" + broken
                )
                #expect(result.status == 64, "\(result.errors)")
                #expect(result.errors.contains(place), "\(result.errors)")
                let found = try? await cluster.client.get(
                    CoreResource.namespaces,
                    ObjectKey("", "mysql")
                )
                #expect(found == nil)
            }
        }
    }

    @Test func aMigrationIsCreatedOnceAndDeletedByItsPair() async throws {
        try await Self.prepared { cluster in
            #expect(try await cluster.output(Self.create) == "Migration m created successfully\n")
            let twice = try await cluster.godwit(Self.create)
            #expect(twice.status == 5)
            #expect(
                twice.errors.hasPrefix(
                    "Error from server (AlreadyExists): migrations.stork.libopenstorage.org \"m\" "
                        + "already exists"
                )
            )
            let missing = try await cluster.godwit("get migration x -n mysql")
            #expect(missing.status == 4)
            #expect(
                missing.errors.hasPrefix(
                    "Error from server (NotFound): migrations.stork.libopenstorage.org \"x\" not found"
                )
            )
            #expect(
                try await cluster.table("get mig -c other -n mysql") == [["No resources found."]]
            )
            let deleted = try await cluster.output("delete migrations -c remotecluster -n mysql")
            #expect(deleted == "Migration m deleted successfully\n")
        }
    }

    @Test(arguments: [
        ("create migration", "exactly one name needs to be provided for migration name"),
        ("create migration a b", "exactly one name needs to be provided for migration name"),
        ("create migration a", "ClusterPair name needs to be provided for migration"),
        ("create migration a -c p", "need to provide atleast one namespace to migrate"),
        ("delete migration", "at least one argument needs to be provided for migration name"),
        ("generate clusterpair", "exactly one name needs to be provided for clusterpair name"),
        ("generate clusterpair a -s x", "invalid storage options"),
    ])
    func whatIsMissingIsSaidAsStorkctlSaysIt(line: String, message: String) async throws {
        let result = try await Command.run("godwit", line.split(separator: " ").map(String.init))
        #expect(result.status == 64)
        #expect(result.errors.hasPrefix("error: \(message)   [GW1101]\n"), "\(result.errors)")
    }

    @Test func waitingEndsAsTheMigrationDoes() async throws {
        try await Self.prepared { cluster in
            try await cluster.output(Self.create)
            for (status, code) in [("Successful", 0), ("PartialSuccess", 3), ("Failed", 1)] {
                try await cluster.set(
                    MigrationNoun.self,
                    "mysql",
                    "m",
                    [
                        "stage": "Final", "status": .string(status),
                        "volumes": [
                            [
                                "namespace": "mysql", "persistentVolumeClaim": "data",
                                "volume": "pvc-1", "status": "Failed", "reason": "no space",
                            ]
                        ],
                    ]
                )
                let result = try await cluster.godwit("wait migration m -n mysql -o json")
                #expect(Int(result.status) == code, "\(result.errors)")
                let list = try JSON(parsing: result.output)
                #expect(list["items"]?.array?.first?["status", "status"] == .string(status))
                if code > 0 { #expect(result.errors.contains("volume mysql/data: no space")) }
            }
        }
    }

    @Test func rowsAreShownWhileStorksWaitGoesOn() async throws {
        try await Self.prepared { cluster in
            let command = try Command.start(
                "godwit",
                "create migration m -c remotecluster --namespaces mysql -n mysql --wait"
                    .split(separator: " ").map(String.init),
                environment: ["KUBECONFIG": cluster.kubeconfig]
            )
            try await eventually("the migration is there") {
                (try? await cluster.client.get(MigrationNoun.resource, ObjectKey("mysql", "m")))
                    != nil
            }
            try await cluster.set(
                MigrationNoun.self,
                "mysql",
                "m",
                ["stage": "Final", "status": "Successful"]
            )
            let result = try await command.result()
            #expect(result.status == 0, "\(result.errors)")
            let lines = result.output.split(separator: "\n")
            #expect(lines[0] == "Migration m created successfully")
            #expect(lines[1] == "STAGE\t\tSTATUS              ")
            #expect(lines.contains("Final\t\tSuccessful          "))
            #expect(lines.last == "Migration m completed successfully")
        }
    }

    @Test func waitingTooLongIs7AndCtrlCIs130WithTheWayBack() async throws {
        try await Self.prepared { cluster in
            let late = try await cluster.godwit(Self.create + " --wait --timeout 1")
            #expect(late.status == 7)
            #expect(late.errors.contains("error: Timed out performing task"))
            #expect(late.errors.contains("godwit wait migration m -n mysql"))
            let watching = try Command.start(
                "godwit",
                ["wait", "mig", "m", "-n", "mysql"],
                environment: ["KUBECONFIG": cluster.kubeconfig]
            )
            // The first line about progress comes when Ctrl-C is already taken care of.
            _ = try await watching.lines.first { $0.text.hasPrefix("m ") }
            watching.signal(SIGINT)
            let stopped = try await watching.result()
            #expect(stopped.status == 130)
            #expect(stopped.errors.contains("godwit wait migration m -n mysql"))
        }
    }

    @Test func migrateMakesAMigrationInItsNamespace() async throws {
        try await Self.prepared { cluster in
            let name = try await cluster.output("migrate mysql --to remotecluster --no-start")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let migration = try await cluster.client.get(
                MigrationNoun.resource,
                ObjectKey("mysql", name)
            )
            let spec = MigrationSpec(migration["spec"])
            #expect(spec.namespaces == ["mysql"] && spec.clusterPair == "remotecluster")
            #expect(!spec.startsApplications && spec.includesResources)
            let several = try await cluster.godwit("migrate mysql b --to remotecluster")
            #expect(several.status == 64 && several.errors.contains("-n kube-system"))
        }
    }

    @Test func aDryRunListsWhatIsMissingAndCreatesNothing() async throws {
        try await Self.prepared { cluster in
            let early = try await cluster.godwit(Self.create + " --dry-run")
            #expect(early.status == 1)
            #expect(
                early.output == """
                    [Optional] Checking Migration Namespaces....Ok
                    [Required] Checking ClusterPair Status....Failed

                    """
            )
            try await cluster.set(
                ClusterPairNoun.self,
                "mysql",
                "remotecluster",
                ["storageStatus": "Ready", "schedulerStatus": "Ready"]
            )
            #expect(
                try await cluster.output(Self.create + " --dry-run") == """
                    [Optional] Checking Migration Namespaces....Ok
                    [Required] Checking ClusterPair Status....Ok
                    All Ready!!

                    """
            )
            let rule = try await cluster.godwit(Self.create + " --dry-run --preExecRule no")
            #expect(rule.status == 1 && rule.errors.contains("\"no\" not found"))
            #expect(try await cluster.output("get mig -n mysql") == "No resources found.\n")
        }
    }

    @Test func watchingShowsWhatChangesBelowWhatIsThere() async throws {
        try await Self.prepared { cluster in
            try await cluster.output(Self.create)
            let base = try Scratch()
            let file = "\(base.path)/out"
            let watching = try Command.start(
                "/bin/sh",
                [
                    "-c",
                    "exec '\(Command.directory)/godwit' get mig -n mysql --watch > '\(file)'",
                ],
                environment: ["KUBECONFIG": cluster.kubeconfig]
            )
            func rows() -> [[String]] {
                let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                return text.split(separator: "\n")
                    .map { $0.split(separator: /\s{2,}/).map(String.init) }
            }
            try await eventually("the list is there") { rows().count == 2 }
            try await cluster.set(
                MigrationNoun.self,
                "mysql",
                "m",
                ["stage": "Volumes", "status": "InProgress"]
            )
            try await eventually("the change is there") { rows().count == 3 }
            watching.signal(SIGTERM)
            _ = try await watching.result()
            #expect(rows()[0].first == "NAME")
            #expect(rows()[2].starts(with: ["m", "remotecluster", "Volumes", "InProgress"]))
        }
    }

    @Test func whoMayNotIs11AndNoClusterIs10AndNoKubeconfigIs78() async throws {
        try await Self.prepared(users: ["other"]) { cluster in
            let denied = try await cluster.godwit(
                "get mig -n mysql --kubeconfig \(cluster.user("other"))"
            )
            #expect(denied.status == 11, "\(denied.errors)")
            #expect(denied.errors.hasPrefix("Error from server (Forbidden): "))
            let own = try await cluster.godwit("get mig --kubeconfig \(cluster.user("other"))")
            #expect(own.status == 0, "\(own.errors)")
        }
        let scratch = try Scratch()
        let dead = try scratch.file(
            "dead",
            """
            {"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
             "contexts": [{"name": "a", "context": {"cluster": "a"}}], "current-context": "a"}
            """
        )
        let gone = try await Command.run("godwit", ["get", "cp", "--kubeconfig", dead])
        #expect(gone.status == 10, "\(gone.errors)")
        #expect(gone.errors.hasPrefix("Unable to connect to the server: "))
        let none = try await Command.run("godwit", ["get", "cp", "--kubeconfig", "/nowhere"])
        #expect(none.status == 78 && none.errors.contains("/nowhere"))
        let context = try await Command.run(
            "godwit",
            ["get", "cp", "--kubeconfig", dead, "--context", "b"]
        )
        #expect(context.status == 78 && context.errors.contains("b"))
    }

    @Test func aFieldThatNoMigrationHasIsRefused() async throws {
        try await Self.prepared { cluster in
            let wrong = try await cluster.godwit(
                "apply -f -",
                input: """
                    apiVersion: stork.libopenstorage.org/v1alpha1
                    kind: Migration
                    metadata: {name: m, namespace: mysql}
                    spec: {clusterPair: a, namespaces: [mysql], includeResource: true}
                    """
            )
            #expect(wrong.status == 64, "\(wrong.errors)")
            #expect(wrong.errors.contains("includeResource"))
            #expect(try await cluster.output("get mig -n mysql") == "No resources found.\n")
        }
    }

    @Test func aCheckSaysWhatIsThereAndWhatIsNot() async throws {
        try await Self.prepared { cluster in
            let result = try await cluster.godwit("check -n mysql -o json")
            #expect(result.status == 0, "\(result.errors) \(result.output)")
            let findings = try JSON(parsing: result.output).array ?? []
            let ids = findings.compactMap { $0["id"]?.string }
            for id in [
                "cluster-reachable", "cluster-kinds", "cluster-permissions", "cluster-clock",
                "agent-reachable",
            ] { #expect(ids.contains(id), "\(ids)") }
            let peer = try await cluster.godwit("check -n mysql --peer 127.0.0.1:1")
            #expect(peer.status == 1)
            #expect(peer.output.contains("peer 127.0.0.1"))
            #expect(peer.errors.contains("GW6012"))
        }
    }
}
