// SPDX-License-Identifier: Apache-2.0

import EmbeddedCluster
import Foundation
import ObjectModel
import TestSupport
import Testing

/// A store in a directory of its own, with a clock that only tests move.
final class StoreBed: Sendable {
    let directory: TemporaryDirectory
    let store: ObjectStore

    init(limits: StoreLimits = StoreLimits()) async throws {
        self.directory = try TemporaryDirectory()
        self.store = try await ObjectStore(
            path: "\(self.directory.path)/objects.sqlite",
            limits: limits
        )
    }

    deinit { self.store.close() }

    /// The kind with this `apiVersion` and plural.
    func kind(_ apiVersion: String, _ plural: String) throws -> ServedKind {
        let version = try #require(GroupVersion(apiVersion: apiVersion))
        return try #require(self.store.kinds.kind(version, plural: plural))
    }

    var configMaps: ServedKind { get throws { try self.kind("v1", "configmaps") } }

    @discardableResult
    func configMap(
        _ name: String,
        _ data: [String: String] = [:],
        in namespace: String = "default",
        labels: [String: String] = [:]
    ) async throws -> KubeObject {
        var object = KubeObject(["metadata": ["name": .string(name)], "data": JSON(data)])
        object.labels = labels
        return try await self.store.create(self.configMaps, object, namespace: namespace).object
    }
}

/// The status with which a call failed.
func status(of call: () async throws -> some Any) async -> APIStatus? {
    do {
        _ = try await call()
        return nil
    } catch { return error as? APIStatus }
}
