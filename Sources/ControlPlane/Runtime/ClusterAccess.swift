// SPDX-License-Identifier: Apache-2.0

public import KubernetesClient
public import ObjectModel

/// What a controller asks of a cluster; a ``KubernetesClient/KubernetesClient`` does it, and tests
/// put a cluster of their own in.
public protocol ClusterAccess: Sendable {
    /// An object as it is now.
    func read(_ resource: APIResource, _ key: ObjectKey) async throws(ClusterError) -> KubeObject

    /// All objects of a kind, in one namespace or in all.
    func all(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject]

    /// Changes an object or its status by a merge patch.
    func merge(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool,
        manager: String
    ) async throws(ClusterError) -> KubeObject

    /// Makes an object; `alreadyExists` where there is one of that name.
    func make(
        _ resource: APIResource,
        _ object: KubeObject,
        manager: String
    ) async throws(ClusterError) -> KubeObject

    /// Asks for the object with this UID to go; one that is gone already is success.
    func remove(
        _ resource: APIResource,
        _ key: ObjectKey,
        uid: String
    ) async throws(ClusterError)

    /// The version of the server, to see that it answers.
    func serverVersion() async throws(ClusterError) -> String
}

extension KubernetesClient: ClusterAccess {
    /// An object as it is now.
    public func read(
        _ resource: APIResource,
        _ key: ObjectKey
    ) async throws(ClusterError) -> KubeObject {
        try await self.get(resource, key)
    }

    /// All objects of a kind, in one namespace or in all.
    public func all(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject] {
        try await self.list(resource, namespace: namespace).items
    }

    /// Changes an object or its status by a merge patch.
    public func merge(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool,
        manager: String
    ) async throws(ClusterError) -> KubeObject {
        try await self.patch(
            resource,
            key,
            .merge(patch),
            subresource: isStatus ? "status" : nil,
            WriteOptions(fieldManager: manager)
        )
    }

    /// Makes an object; `alreadyExists` where there is one of that name.
    public func make(
        _ resource: APIResource,
        _ object: KubeObject,
        manager: String
    ) async throws(ClusterError) -> KubeObject {
        try await self.create(resource, object, WriteOptions(fieldManager: manager))
    }

    /// The version of the server, to see that it answers.
    public func serverVersion() async throws(ClusterError) -> String {
        try await self.version().gitVersion
    }
}
