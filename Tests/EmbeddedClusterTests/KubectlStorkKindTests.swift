// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import Testing

@testable import EmbeddedCluster

/// Stock kubectl on the kinds of Godwit, with the manifests of the documents it is built from.
@Suite(.enabled(if: Kubectl.isAvailable, Kubectl.reason), .serialized)
struct KubectlStorkKindTests {
    private static let manifests = [
        "clusterpair.yaml", "clusterpair-disaster-recovery.yaml", "migration.yaml",
        "migration-with-rules.yaml", "migrationschedule.yaml",
        "migrationschedule-without-volumes.yaml", "schedulepolicy.yaml",
    ]

    private static func text(_ manifest: String) throws -> String {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("KindsTests/Manifests")
        return try String(contentsOf: folder.appendingPathComponent(manifest), encoding: .utf8)
    }

    private static let migration = """
        apiVersion: stork.libopenstorage.org/v1alpha1
        kind: Migration
        metadata: {name: m}
        spec: {clusterPair: remotecluster, namespaces: [default]}
        """

    @Test(arguments: Kubectl.oldestAndNewest)
    func everyManifestOfTheDocumentsIsAppliedAndShown(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let admin = cluster.admin
            for namespace in ["migrationnamespace", "mysql"] {
                try await kubectl.run("create", "namespace", namespace, as: admin)
            }
            for manifest in Self.manifests {
                let text = try Self.text(manifest)
                let object = KubeObject(try JSON(yaml: text))
                let scope = object.namespace.isEmpty ? [] : ["-n", object.namespace]
                let kind = "\(object.kind.lowercased()).stork.libopenstorage.org"
                for options in [["--server-side"], [], []] {
                    let output = try await kubectl.attempt(
                        ["apply", "-f", "-"] + options
                            + (options.isEmpty ? [] : ["--force-conflicts"]),
                        as: admin,
                        input: text
                    )
                    #expect(output.code == 0, "\(manifest): \(output.errors)")
                    #expect(output.lines.first?.hasPrefix("\(kind)/\(object.name) ") == true)
                }
                let name = try await kubectl.attempt(
                    scope + ["get", kind, object.name, "-o", "name"],
                    as: admin
                )
                #expect(name.lines == ["\(kind)/\(object.name)"], "\(name.errors)")
                let shown = try await kubectl.attempt(
                    scope + ["describe", kind, object.name],
                    as: admin
                )
                #expect(shown.text.contains("Name:         \(object.name)\n"), "\(shown.errors)")
                #expect(shown.text.contains("Kind:         \(object.kind)\n"))
            }
        }
    }

    @Test(arguments: Kubectl.installed)
    func columnsShortNamesAndStatusAreOurs(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let admin = cluster.admin
            try await kubectl.run("apply", "-f", "-", as: admin, input: Self.migration)
            let again = try await kubectl.run("apply", "-f", "-", as: admin, input: Self.migration)
            #expect(again.lines == ["migration.stork.libopenstorage.org/m unchanged"])
            let status: JSON = [
                "status": [
                    "stage": "Final", "status": "Successful",
                    "progress": ["volumes": "1/1", "resources": "3/3"],
                    "conditions": [
                        [
                            "type": "Succeeded", "status": "True", "reason": "Successful",
                            "message": "done", "lastTransitionTime": "2026-01-02T03:04:05Z",
                        ]
                    ],
                ]
            ]
            _ = try await cluster.answer(
                "PATCH",
                "/apis/stork.libopenstorage.org/v1alpha1/namespaces/default/migrations/m/status",
                status,
                type: "application/merge-patch+json"
            )
            let table = try await kubectl.run("get", "mig", as: admin)
            #expect(
                table.lines.first?.hasPrefix("NAME CLUSTERPAIR STAGE STATUS VOLUMES RESOURCES")
                    == true
            )
            #expect(
                table.lines.last?.hasPrefix("m remotecluster Final Successful 1/1 3/3") == true
            )
            try await kubectl.run(
                "wait",
                "mig/m",
                "--for=condition=Succeeded",
                "--timeout=60s",
                as: admin
            )
            let all = try await kubectl.run("get", "godwit", "-o", "name", as: admin)
            #expect(all.lines == ["migration.stork.libopenstorage.org/m"])
        }
    }

    @Test(arguments: Kubectl.installed.filter { $0.minor >= 27 })
    func explainPrintsWhatTheSchemaSays(_ kubectl: Kubectl) async throws {
        try await HTTPTestCluster.running { cluster in
            let text = try await kubectl.run("explain", "migration.spec", as: cluster.admin).text
            for part in [
                "KIND:       Migration", "clusterPair\t<string>", "namespaces\t<[]string>",
            ] {
                #expect(text.contains(part), "\(text)")
            }
            let built = try await kubectl.run("explain", "deployment.metadata", as: cluster.admin)
                .text
            #expect(built.contains("labels\t<map[string]string>"), "\(built)")
        }
    }

    @Test func aMisspeltFieldIsRefusedAndNothingIsStored() async throws {
        try await HTTPTestCluster.running { cluster in
            let text = Self.migration.replacingOccurrences(of: "clusterPair", with: "clusterPiar")
            let errors = try await Kubectl.newest.failure(
                "apply",
                "-f",
                "-",
                as: cluster.admin,
                input: text
            )
            #expect(errors.contains("unknown field \"spec.clusterPiar\""), "\(errors)")
            let left = try await Kubectl.newest.run("get", "mig", "-o", "name", as: cluster.admin)
            #expect(left.text.isEmpty)
        }
    }

    @Test func aFieldOfAnotherManagerIsAConflict() async throws {
        try await HTTPTestCluster.running { cluster in
            let (kubectl, admin) = (Kubectl.newest, cluster.admin)
            let map = """
                {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}}
                """
            try await kubectl.run(
                "apply",
                "--server-side",
                "--field-manager=one",
                "-f",
                "-",
                as: admin,
                input: map
            )
            let other = map.replacingOccurrences(of: "\"1\"", with: "\"2\"")
            let errors = try await kubectl.failure(
                "apply",
                "--server-side",
                "--field-manager=two",
                "-f",
                "-",
                as: admin,
                input: other
            )
            #expect(
                errors.contains("Apply failed with 1 conflict: conflict with \"one\""),
                "\(errors)"
            )
            #expect(errors.contains(": .data.x\n"), "\(errors)")
            try await kubectl.run(
                "apply",
                "--server-side",
                "--field-manager=two",
                "--force-conflicts",
                "-f",
                "-",
                as: admin,
                input: other
            )
        }
    }

    @Test func aKindThatAPersonDefinesIsServedUntilItsDefinitionGoes() async throws {
        try await HTTPTestCluster.running { cluster in
            let (kubectl, admin) = (Kubectl.newest, cluster.admin)
            let definition = """
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: birds.example.com}
                spec:
                  group: example.com
                  scope: Namespaced
                  names: {plural: birds, singular: bird, kind: Bird, shortNames: [bd]}
                  versions:
                  - name: v1
                    served: true
                    storage: true
                    additionalPrinterColumns:
                    - {name: Wings, type: integer, jsonPath: .spec.wings}
                    schema:
                      openAPIV3Schema:
                        type: object
                        properties:
                          spec:
                            type: object
                            description: What the bird has.
                            properties: {wings: {type: integer, minimum: 0}}
                """
            try await kubectl.run("apply", "-f", "-", as: admin, input: definition)
            try await kubectl.run(
                "wait",
                "crd/birds.example.com",
                "--for=condition=Established",
                "--timeout=60s",
                as: admin
            )
            let bird =
                #"{"apiVersion":"example.com/v1","kind":"Bird","metadata":{"name":"godwit"},"spec":{"wings":2}}"#
            try await kubectl.run("apply", "-f", "-", as: admin, input: bird)
            let table = try await kubectl.run("get", "bd", as: admin)
            #expect(table.lines == ["NAME WINGS", "godwit 2"])
            #expect(
                try await kubectl.run("explain", "bird.spec", as: admin).text
                    .contains("What the bird has.")
            )
            let wrong = bird.replacingOccurrences(of: "2}}", with: "-1}}")
            let refused = try await kubectl.failure("apply", "-f", "-", as: admin, input: wrong)
            #expect(refused.contains("spec.wings"), "\(refused)")
            try await kubectl.run("delete", "crd", "birds.example.com", "--timeout=60s", as: admin)
            _ = try await kubectl.failure("get", "--raw", "/apis/example.com/v1/birds", as: admin)
        }
    }
}
