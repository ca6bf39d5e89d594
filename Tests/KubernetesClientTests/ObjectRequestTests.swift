// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import ObjectModel
import Testing

@testable import KubernetesClient

/// What goes over the wire for each verb, and what comes back.
@Suite struct ObjectRequestTests {
    private let key = ObjectKey("shop", "a")

    @Test func anObjectComesAsItIs() async throws {
        let text = #"{"apiVersion":"v1","data":{"x":1.0,"y":123456789012345678901234567890}}"#
        try await FakeServer.run { _ in
            .text(200, text)
        } during: { server in
            let client = try server.client()
            let object = try await client.get(TestKind.configMap, self.key)
            #expect(object.json.compact == text)
            let request = try #require(server.requests.first)
            #expect(request.method == "GET")
            #expect(request.target == "/api/v1/namespaces/shop/configmaps/a")
            #expect(request.headers["User-Agent"] == ["godwit"])
        }
    }

    @Test func writesNameTheirWriterAndSayWhetherTheyAreMeant() async throws {
        try await FakeServer.run {
            .ok($0.json ?? [:])
        } during: { server in
            let client = try server.client()
            let object = KubeObject(TestKind.configMap("a"))
            try await client.create(TestKind.configMap, object, WriteOptions(dryRun: true))
            try await client.replace(
                TestKind.configMap,
                object,
                subresource: "status",
                WriteOptions(fieldManager: "me", fieldValidation: .strict)
            )
            let requests = server.requests
            #expect(requests.map(\.method) == ["POST", "PUT"])
            #expect(
                requests.map(\.target) == [
                    "/api/v1/namespaces/shop/configmaps?fieldManager=godwit&dryRun=All",
                    "/api/v1/namespaces/shop/configmaps/a/status"
                        + "?fieldManager=me&fieldValidation=Strict",
                ]
            )
            #expect(requests.allSatisfy { $0.json == object.json })
        }
    }

    @Test(
        arguments: [
            (Patch.merge(["data": .null]), "application/merge-patch+json", nil),
            (
                .operations([["op": "remove", "path": "/data"]]), "application/json-patch+json", nil
            ),
            (.strategic(["spec": [:]]), "application/strategic-merge-patch+json", nil),
            (.apply(["data": [:]], force: true), "application/apply-patch+yaml", "true"),
            (.apply(["data": [:]], force: false), "application/apply-patch+yaml", "false"),
        ] as [(Patch, String, String?)]
    )
    func patchesSayTheirForm(patch: Patch, form: String, force: String?) async throws {
        try await FakeServer.run { _ in
            .ok(["kind": "ConfigMap"])
        } during: { server in
            let client = try server.client()
            try await client.patch(TestKind.configMap, self.key, patch)
            let request = try #require(server.requests.first)
            #expect(request.method == "PATCH")
            #expect(request.headers["Content-Type"] == [form])
            #expect(request.parameter("force") == force)
            #expect(request.json == patch.body)
        }
    }

    @Test func deletionsCarryTheirConditions() async throws {
        try await FakeServer.run { _ in
            .ok(["kind": "Status", "status": "Success"])
        } during: { server in
            let client = try server.client()
            let held = try await client.delete(
                TestKind.configMap,
                self.key,
                DeleteOptions(
                    propagation: .foreground,
                    uid: "u",
                    resourceVersion: "7",
                    gracePeriodSeconds: 0,
                    dryRun: true
                )
            )
            #expect(held == nil)
            let body = try #require(server.requests.first?.json)
            #expect(body["propagationPolicy"] == "Foreground")
            #expect(body["preconditions"] == ["uid": "u", "resourceVersion": "7"])
            #expect(body["gracePeriodSeconds"] == 0)
            #expect(body["dryRun"] == ["All"])
        }
    }

    @Test func anObjectThatAFinalizerHoldsComesBack() async throws {
        var held = TestKind.configMap("a")
        held.set("2026-01-01T00:00:00Z", at: "metadata", "deletionTimestamp")
        held.set(["wait/for-me"], at: "metadata", "finalizers")
        let answer = held
        try await FakeServer.run { _ in
            .ok(answer)
        } during: { server in
            let client = try server.client()
            let object = try await client.delete(TestKind.configMap, self.key)
            #expect(object?.finalizers == ["wait/for-me"])
        }
    }

    /// Such a name would make the path of the whole list, or of another object.
    @Test(arguments: ["", ".", "..", "a/b", "a%2Fb"])
    func whatIsNoNameIsNotSent(name: String) async throws {
        try await FakeServer.run { _ in
            .ok([:])
        } during: { server in
            let client = try server.client()
            let error = await #expect(throws: ClusterError.self) {
                try await client.delete(TestKind.configMap, ObjectKey("shop", name))
            }
            #expect(error?.reason == .badRequest)
            await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, ObjectKey(name, "a"))
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func charactersWithAMeaningInPathsAreEscaped() async throws {
        try await FakeServer.run { _ in
            .ok([:])
        } during: { server in
            let client = try server.client()
            _ = try await client.get(TestKind.node, ObjectKey("", "system:node?x=1#y"))
            #expect(
                server.requests.map(\.target) == ["/api/v1/nodes/system%3Anode%3Fx%3D1%23y"]
            )
        }
    }

    @Test func pagesAreReadToTheEndAndItemsGetTheirKind() async throws {
        try await FakeServer.run { request in
            switch request.parameter("continue") {
            case nil:
                .ok([
                    "metadata": ["resourceVersion": "9", "continue": "two&more"],
                    "items": [["metadata": ["name": "a"]]],
                ])
            default:
                .ok([
                    "metadata": ["resourceVersion": "9"], "items": [["metadata": ["name": "b"]]],
                ])
            }
        } during: { server in
            let client = try server.client()
            let list = try await client.list(
                TestKind.configMap,
                ObjectSelection(labels: ["app": "x"])
            )
            #expect(list.items.map(\.name) == ["a", "b"])
            #expect(list.items.map(\.kind) == ["ConfigMap", "ConfigMap"])
            #expect(list.items.map(\.apiVersion) == ["v1", "v1"])
            #expect(list.resourceVersion == "9")
            let requests = server.requests
            #expect(requests.map(\.path) == ["/api/v1/configmaps", "/api/v1/configmaps"])
            #expect(requests.map { $0.parameter("labelSelector") } == ["app=x", "app=x"])
            #expect(requests.map { $0.parameter("limit") } == ["500", "500"])
            #expect(requests.last?.parameter("continue") == "two&more")
        }
    }

    @Test func selectorsAreWrittenAsServersReadThem() throws {
        let text = "a=b,c in (d,e),f notin (g),h,!i"
        let selector = try LabelSelector(parsing: text)
        let written = ObjectSelection(selector).labels
        #expect(written == "a in (b),c in (d,e),f notin (g),h,!i")
        #expect(try LabelSelector(parsing: written) == selector)
    }

    @Test func aListWhoseTimeIsForgottenBeginsAgainInOnePiece() async throws {
        try await FakeServer.run { request in
            if request.parameter("continue") != nil { return .failure(410, "Expired") }
            var list: JSON = ["items": [["metadata": ["name": "a"]]]]
            if request.parameter("limit") != nil { list.set("t", at: "metadata", "continue") }
            return .ok(list)
        } during: { server in
            let client = try server.client()
            let list = try await client.list(TestKind.configMap)
            #expect(list.items.map(\.name) == ["a"])
            #expect(server.requests.map { $0.parameter("limit") } == ["500", "500", nil])
        }
    }

    @Test func pagesThatAreTooLargeAreAskedForInParts() async throws {
        try await FakeServer.run { request in
            let objects = Int(request.parameter("limit") ?? "") ?? 0
            return .ok(["items": [["x": .string(String(repeating: "x", count: objects * 10))]]])
        } during: { server in
            var limits = ClientLimits()
            limits.answerBytes = 2000
            let client = try server.client(limits: limits)
            _ = try await client.list(TestKind.configMap)
            #expect(server.requests.map { $0.parameter("limit") } == ["500", "250", "125"])
        }
    }
}
