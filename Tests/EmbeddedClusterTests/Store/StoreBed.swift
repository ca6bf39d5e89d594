// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Foundation
import Locks
import ObjectModel
import TestSupport
import Testing

/// A store in a directory of its own, at a time that stands still, with numbers that repeat.
final class StoreBed: Sendable {
    let directory: TemporaryDirectory
    let store: ObjectStore

    init(
        in directory: TemporaryDirectory? = nil,
        definitions: [KubeObject] = [],
        limits: StoreLimits = StoreLimits()
    ) async throws {
        self.directory = try directory ?? TemporaryDirectory()
        let numbers = Locked(SeededGenerator(seed: UInt64.random(in: 0...UInt64.max)))
        self.store = try await ObjectStore(
            path: "\(self.directory.path)/objects.sqlite",
            definitions: definitions,
            environment: StoreEnvironment(
                now: { Date(timeIntervalSince1970: 1_800_000_000) },
                random: { numbers.withLock { $0.next() } }
            ),
            limits: limits
        )
    }

    deinit { self.store.close() }

    /// The kind with this `apiVersion` and plural.
    func kind(_ apiVersion: String, _ plural: String) throws -> ServedKind {
        let version = try #require(GroupVersion(apiVersion: apiVersion))
        return try #require(self.store.kinds.kind(version, plural: plural), "\(plural)")
    }

    var configMaps: ServedKind { get throws { try self.kind("v1", "configmaps") } }
    var deployments: ServedKind { get throws { try self.kind("apps/v1", "deployments") } }
    var namespaces: ServedKind { get throws { try self.kind("v1", "namespaces") } }
    var services: ServedKind { get throws { try self.kind("v1", "services") } }

    @discardableResult
    func create(
        _ kind: ServedKind,
        _ object: JSON,
        in namespace: String = "default",
        _ options: WriteOptions = WriteOptions()
    ) async throws -> KubeObject {
        try await self.store
            .create(
                kind,
                KubeObject(object),
                namespace: kind.resource.isNamespaced ? namespace : nil,
                options
            )
            .object
    }

    @discardableResult
    func configMap(
        _ name: String,
        _ data: [String: String] = [:],
        in namespace: String = "default",
        labels: [String: String] = [:]
    ) async throws -> KubeObject {
        try await self.create(
            self.configMaps,
            ["metadata": ["name": .string(name), "labels": JSON(labels)], "data": JSON(data)],
            in: namespace
        )
    }

    /// Names of what a kind has in a namespace.
    func names(_ kind: ServedKind, in namespace: String? = "default") async throws -> [String] {
        let selection = ObjectSelection(namespace: kind.resource.isNamespaced ? namespace : nil)
        return try await self.store.list(kind, ListQuery(selection)).items.map(\.name)
    }
}

/// A deployment with a container, as people write it.
func deployment(_ name: String, image: String = "nginx:1", replicas: Int? = nil) -> JSON {
    var json: JSON = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
        "spec": [
            "selector": ["matchLabels": ["app": .string(name)]],
            "template": [
                "metadata": ["labels": ["app": .string(name)]],
                "spec": ["containers": [["name": "web", "image": .string(image)]]],
            ],
        ],
    ]
    if let replicas { json.set(JSON(replicas), at: "spec", "replicas") }
    return json
}

/// The status with which a call failed; nil where it did not.
func status(of call: () async throws -> some Any) async -> APIStatus? {
    do {
        _ = try await call()
        return nil
    } catch { return error as? APIStatus }
}
