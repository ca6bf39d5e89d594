// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel
import Testing

@testable import EmbeddedCluster

/// Requests for objects, as answers without a connection.
@Suite struct HTTPObjectTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"

    private static func map(_ name: String, _ data: JSON = [:]) -> JSON {
        ["metadata": ["name": .string(name)], "data": data]
    }

    private static func failure(
        _ body: () async throws(APIStatus) -> (code: Int, json: JSON)
    ) async -> APIStatus? {
        do {
            _ = try await body()
            return nil
        } catch { return error }
    }

    @Test func anObjectLives() async throws {
        try await HTTPTestCluster.running { cluster in
            let created = try await cluster.answer("POST", Self.maps, Self.map("a", ["x": "1"]))
            #expect(created.code == 201)
            #expect(created.json["kind"] == "ConfigMap")
            let one = "\(Self.maps)/a"
            #expect(try await cluster.answer("GET", one).json == created.json)
            var changed = created.json
            changed.set("2", at: "data", "x")
            #expect(try await cluster.answer("PUT", one, changed).json["data"] == ["x": "2"])
            let stale = await Self.failure { () async throws(APIStatus) in
                try await cluster.answer("PUT", one, changed)
            }
            #expect(stale?.reason == .conflict)
            let patched = try await cluster.answer(
                "PATCH",
                one,
                ["data": ["y": "3"]],
                type: "application/merge-patch+json"
            )
            #expect(patched.json["data"] == ["x": "2", "y": "3"])
            let deleted = try await cluster.answer("DELETE", one)
            #expect(deleted.json["status"] == "Success")
            #expect(deleted.json["details", "uid"] == created.json["metadata", "uid"])
            let missing = await Self.failure { () async throws(APIStatus) in
                try await cluster.answer("GET", one)
            }
            #expect(missing?.message == "configmaps \"a\" not found")
            #expect(missing?.code == 404)
        }
    }

    private static let refusals: [(String, String, JSON?, String, APIStatus.Reason)] = [
        ("GET", "/api/v1/nothings", nil, "", .notFound),
        ("GET", "/api/v2/configmaps", nil, "", .notFound),
        ("GET", "/apis/none/v1", nil, "", .notFound),
        ("POST", "/api/v1/configmaps", Self.map("a"), "", .methodNotAllowed),
        ("PUT", Self.maps, Self.map("a"), "", .methodNotAllowed),
        ("POST", "/version", nil, "", .methodNotAllowed),
        ("DELETE", "/api/v1/configmaps", nil, "", .methodNotAllowed),
        ("GET", "\(Self.maps)/a/status", nil, "", .notFound),
        ("GET", "\(Self.maps)/a/scale", nil, "", .notFound),
        ("GET", "/api/v1/namespaces/default/namespaces/a", nil, "", .notFound),
        (
            "POST", Self.maps, Self.map("a"), "application/cbor", .unsupportedMediaType
        ),
        ("PATCH", "\(Self.maps)/a", [:], "application/json", .unsupportedMediaType),
        ("PATCH", "\(Self.maps)/a", [:], "application/apply-patch+yaml", .badRequest),
        ("POST", Self.maps, [], "", .badRequest),
        ("POST", Self.maps, ["kind": "Secret", "metadata": ["name": "a"]], "", .badRequest),
        ("GET", "\(Self.maps)?limit=x", nil, "", .badRequest),
        ("GET", "\(Self.maps)?labelSelector=a(", nil, "", .badRequest),
        ("GET", "\(Self.maps)?fieldSelector=a", nil, "", .badRequest),
        ("POST", "\(Self.maps)?dryRun=Some", Self.map("a"), "", .badRequest),
        ("DELETE", "\(Self.maps)/a?propagationPolicy=Sideways", nil, "", .badRequest),
        ("POST", "/api/v1/namespaces/none/configmaps", Self.map("a"), "", .notFound),
    ]

    @Test(arguments: Self.refusals.indices)
    func aRequestThatMeansNothingIsRefusedWithAReason(_ index: Int) async throws {
        let (method, path, body, type, reason) = Self.refusals[index]
        try await HTTPTestCluster.running { cluster in
            let status = await Self.failure { () async throws(APIStatus) in
                try await cluster.answer(
                    method,
                    path,
                    body,
                    type: type.isEmpty ? "application/json" : type
                )
            }
            #expect(status?.reason == reason, "\(method) \(path): \(status?.message ?? "answered")")
        }
    }

    @Test func onlyProtobufIsNotAcceptable() async throws {
        try await HTTPTestCluster.running { cluster in
            let status = await Self.failure { () async throws(APIStatus) in
                try await cluster.answer(
                    "GET",
                    Self.maps,
                    accept: "application/vnd.kubernetes.protobuf"
                )
            }
            #expect(status?.code == 406)
        }
    }

    @Test func aListComesInPagesOfOneState() async throws {
        try await HTTPTestCluster.running { cluster in
            for name in ["a", "b", "c"] {
                _ = try await cluster.answer("POST", Self.maps, Self.map(name))
            }
            let first = try await cluster.answer("GET", "\(Self.maps)?limit=2").json
            #expect(first["kind"] == "ConfigMapList")
            let names = first["items"]?.array?.compactMap { $0["metadata", "name"]?.string }
            #expect(names?.count == 2)
            let token = try #require(first["metadata", "continue"]?.string)
            _ = try await cluster.answer("DELETE", "\(Self.maps)/c")
            let escaped = token.replacingOccurrences(of: "+", with: "%2B")
            let second = try await cluster.answer("GET", "\(Self.maps)?limit=9&continue=\(escaped)")
                .json
            let rest = second["items"]?.array?.compactMap { $0["metadata", "name"]?.string } ?? []
            #expect((names ?? []) + rest == ["a", "b", "c"].sorted())
            #expect(second["metadata", "continue"] == nil)
        }
    }

    @Test func aTableHasColumnsAndRows() async throws {
        try await HTTPTestCluster.running { cluster in
            _ = try await cluster.answer("POST", Self.maps, Self.map("a", ["x": "1"]))
            let accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
            let table = try await cluster.answer("GET", Self.maps, accept: accept).json
            #expect(table["kind"] == "Table")
            let names = table["columnDefinitions"]?.array?.compactMap { $0["name"]?.string }
            #expect(names?.first == "Name")
            let row = table["rows"]?.array?.first { $0["object", "metadata", "name"] == "a" }
            #expect(row?["cells"]?.array?.first == "a")
            #expect(row?["object", "kind"] == "PartialObjectMetadata")
            let full =
                try await cluster.answer(
                    "GET",
                    "\(Self.maps)/a?includeObject=Object",
                    accept: accept
                )
                .json
            #expect(full["rows"]?.array?.first?["object", "data"] == ["x": "1"])
        }
    }

    @Test func aDryRunStoresNothing() async throws {
        try await HTTPTestCluster.running { cluster in
            let answer = try await cluster.answer("POST", "\(Self.maps)?dryRun=All", Self.map("a"))
            #expect(answer.code == 201)
            let status = await Self.failure { () async throws(APIStatus) in
                try await cluster.answer("GET", "\(Self.maps)/a")
            }
            #expect(status?.reason == .notFound)
        }
    }

    @Test func aCollectionIsDeletedBySelector() async throws {
        try await HTTPTestCluster.running { cluster in
            for (name, labels) in [("a", ["x": "1"]), ("b", ["x": "2"])] as [(String, JSON)] {
                var map = Self.map(name)
                map.set(labels, at: "metadata", "labels")
                _ = try await cluster.answer("POST", Self.maps, map)
            }
            let deleted = try await cluster.answer("DELETE", "\(Self.maps)?labelSelector=x%3D1")
                .json
            #expect(deleted["items"]?.array?.count == 1)
            let left = try await cluster.answer("GET", "\(Self.maps)?labelSelector=x").json
            let names = left["items"]?.array?.map { $0["metadata", "name"] }
            #expect(names == ["b"])
        }
    }

    @Test func aReviewTellsWhoAsksAndWhatTheyMay() async throws {
        try await HTTPTestCluster.running { cluster in
            let who = try await cluster.answer(
                "POST",
                "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                ["kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"],
                user: .user(of: "a")
            )
            #expect(who.code == 201)
            #expect(who.json["status", "userInfo", "username"] == "user-a")
            for (namespace, isAllowed) in [("a", true), ("b", false)] {
                let answer = try await cluster.answer(
                    "POST",
                    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                    [
                        "spec": [
                            "resourceAttributes": [
                                "verb": "create", "resource": "secrets",
                                "namespace": .string(namespace),
                            ]
                        ]
                    ],
                    user: .user(of: "a")
                )
                #expect(answer.json["status", "allowed"] == .bool(isAllowed))
            }
        }
    }
}
