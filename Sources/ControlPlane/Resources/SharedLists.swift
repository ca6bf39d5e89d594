// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks
import ObjectModel

/// A source of which many Migrations read at once: what lies in no namespace is the same for all of
/// them, and is listed once for all that ask at the same time.
///
/// Each of them gets a list that was asked for after it came. Definitions alone are hundreds of
/// kilobytes in most clusters.
final class SharedLists: ResourceCluster {
    private let source: any ResourceCluster
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let lists = Locked<[APIResource: SharedAnswer<[KubeObject]>]>([:])

    init(
        _ source: any ResourceCluster,
        instant: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.source = source
        self.instant = instant
    }

    func listed(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject] {
        guard namespace == nil else {
            return try await self.source.listed(resource, namespace: namespace)
        }
        let shared = self.lists.withLock { lists in
            if let known = lists[resource] { return known }
            let made = SharedAnswer<[KubeObject]>(keptFor: .zero, instant: self.instant)
            lists[resource] = made
            return made
        }
        return try await shared.value { () throws(ClusterError) in
            try await self.source.listed(resource, namespace: nil)
        }
    }

    func served(isNew: Bool) async throws(ClusterError) -> [APIResource] {
        try await self.source.served(isNew: isNew)
    }

    func find(_ resource: APIResource, _ key: ObjectKey) async throws(ClusterError) -> KubeObject? {
        try await self.source.find(resource, key)
    }

    func apply(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject { try await self.source.apply(resource, object) }

    func write(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject { try await self.source.write(resource, object) }

    func rehearse(_ resource: APIResource, _ object: KubeObject) async throws(ClusterError) {
        try await self.source.rehearse(resource, object)
    }

    func change(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool
    ) async throws(ClusterError) -> KubeObject {
        try await self.source.change(resource, key, patch, isStatus: isStatus)
    }

    func remove(
        _ resource: APIResource,
        _ key: ObjectKey,
        uid: String
    ) async throws(ClusterError) { try await self.source.remove(resource, key, uid: uid) }
}
