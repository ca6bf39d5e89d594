// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@testable import KubernetesClient

@Suite struct DiscoveryTests {
    private static func resource(
        _ name: String,
        _ kind: String,
        isNamespaced: Bool = true,
        verbs: [String] = ["get", "list", "watch"],
        short: [String] = []
    ) -> JSON {
        [
            "name": .string(name), "kind": .string(kind), "namespaced": .bool(isNamespaced),
            "verbs": JSON(verbs), "shortNames": JSON(short),
        ]
    }

    /// What Kubernetes 1.20 has: plain lists, and CronJobs in a beta version only.
    private static func answer(_ path: String) -> FakeServer.Reply {
        switch path {
        case "/api": .ok(["kind": "APIVersions", "versions": ["v1"]])
        case "/apis":
            .ok([
                "kind": "APIGroupList",
                "groups": [
                    [
                        "name": "batch",
                        "versions": [
                            ["groupVersion": "batch/v1"], ["groupVersion": "batch/v1beta1"],
                        ],
                        "preferredVersion": ["groupVersion": "batch/v1"],
                    ],
                    [
                        "name": "metrics.k8s.io",
                        "versions": [["groupVersion": "metrics.k8s.io/v1"]],
                        "preferredVersion": ["groupVersion": "metrics.k8s.io/v1"],
                    ],
                ],
            ])
        case "/api/v1":
            .ok([
                "resources": [
                    Self.resource("configmaps", "ConfigMap", short: ["cm"]),
                    Self.resource("pods/log", "Pod"),
                    Self.resource("bindings", "Binding", verbs: ["create"]),
                    Self.resource("nodes", "Node", isNamespaced: false),
                ]
            ])
        case "/apis/batch/v1": .ok(["resources": [Self.resource("jobs", "Job")]])
        case "/apis/batch/v1beta1":
            .ok([
                "resources": [
                    Self.resource("cronjobs", "CronJob", short: ["cj"]),
                    Self.resource("jobs", "Job"),
                ]
            ])
        default: .failure(503, "ServiceUnavailable")
        }
    }

    private func discovery() async throws -> Discovery {
        try await FakeServer.run {
            Self.answer($0.path)
        } during: { server in
            try await server.client().discovery()
        }
    }

    @Test func eachKindComesOnceInItsPreferredVersion() async throws {
        let names = try await self.discovery().resources
            .map { "\($0.groupVersion) \($0.plural) \($0.isNamespaced)" }
        #expect(
            names == [
                "v1 configmaps true", "v1 nodes false", "batch/v1beta1 cronjobs true",
                "batch/v1 jobs true",
            ]
        )
    }

    @Test func anExtensionThatIsDownTakesOnlyItsOwnAway() async throws {
        let failures = try await self.discovery().failures
        #expect(failures.keys.map(\.apiVersion) == ["metrics.k8s.io/v1"])
        #expect(failures.values.first?.reason == .serviceUnavailable)
    }

    @Test(
        arguments: [
            ("cm", "configmaps"), ("ConfigMap", "configmaps"), ("configmaps", "configmaps"),
            ("cronjob.batch", "cronjobs"), ("CJ", "cronjobs"), ("jobs.v1.batch", "jobs"),
            ("pods/log", nil), ("unknown", nil),
        ] as [(String, String?)]
    )
    func peopleNameKindsInManyWays(name: String, plural: String?) async throws {
        #expect(try await self.discovery().resource(named: name)?.plural == plural)
    }

    @Test func aKindIsFoundInTheVersionThatAManifestNames() async throws {
        let discovery = try await self.discovery()
        let old = discovery.resource(of: GroupVersionKind("batch", "v1beta1", "Job"))
        #expect(old?.groupVersion.version == "v1beta1")
        #expect(discovery.resource(of: GroupVersionKind("batch", "v2", "Job")) == nil)
    }

    @Test func versionsAreNumbers() async throws {
        try await FakeServer.run { _ in
            .ok(["major": "1", "minor": "32+", "gitVersion": "v1.32.1-eks"])
        } during: { server in
            let version = try await server.client().version()
            #expect(version.major == 1)
            #expect(version.minor == 32)
            #expect(version.description == "v1.32.1-eks")
        }
    }
}
