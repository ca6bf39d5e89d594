// SPDX-License-Identifier: Apache-2.0

public import KubernetesClient
public import ObjectModel

/// What moving objects asks of a cluster; a `KubernetesClient` does it, and tests put a cluster of
/// their own in.
public protocol ResourceCluster: Sendable {
    /// Every kind in every version that is served, as it was a while ago or, where something is missing
    /// in that, as it is now.
    func served(isNew: Bool) async throws(ClusterError) -> [APIResource]

    /// An object as it is now; nil where there is none, or no such kind.
    func find(_ resource: APIResource, _ key: ObjectKey) async throws(ClusterError) -> KubeObject?

    /// All objects of a kind in a namespace, or in all.
    func listed(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject]

    /// Server-side apply that takes fields from other writers; makes the object where there is none.
    func apply(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError)
        -> KubeObject

    /// Makes an object, or replaces the one whose `resourceVersion` it has.
    func write(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError)
        -> KubeObject

    /// Everything of making an object but the writing: throws what making it would.
    func rehearse(_ resource: APIResource, _ object: KubeObject) async throws(ClusterError)

    /// A merge patch of an object, or of its status.
    func change(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool
    ) async throws(ClusterError) -> KubeObject

    /// Asks for the object with this UID to go; one that is gone already is success.
    func remove(
        _ resource: APIResource,
        _ key: ObjectKey,
        uid: String
    ) async throws(ClusterError)
}

extension ResourceCluster {
    /// Every kind in every version that is served, as it was a while ago.
    func served() async throws(ClusterError) -> [APIResource] {
        try await self.served(isNew: false)
    }
}

/// The name under which a migration owns fields at a destination.
private let manager = "godwit-migration"

extension KubernetesClient: ResourceCluster {
    /// Every kind in every version that is served.
    public func served(isNew: Bool) async throws(ClusterError) -> [APIResource] {
        try await self.knownDiscovery(isNew: isNew).all.map(\.resource)
    }

    /// An object as it is now; nil where there is none, or no such kind.
    public func find(
        _ resource: APIResource,
        _ key: ObjectKey
    ) async throws(ClusterError) -> KubeObject? {
        do { return try await self.get(resource, key) } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
    }

    /// All objects of a kind in a namespace, or in all.
    public func listed(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject] {
        try await self.all(resource, namespace: namespace)
    }

    /// Server-side apply that takes fields from other writers.
    public func apply(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        try await self.patch(
            resource,
            object.key,
            .apply(object.json, force: true),
            WriteOptions(fieldManager: manager)
        )
    }

    /// Makes an object, or replaces the one whose `resourceVersion` it has.
    public func write(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        let options = WriteOptions(fieldManager: manager)
        return object.resourceVersion.isEmpty
            ? try await self.create(resource, object, options)
            : try await self.replace(resource, object, options)
    }

    /// Everything of making an object but the writing: throws what making it would.
    public func rehearse(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) {
        _ = try await self.create(
            resource,
            object,
            WriteOptions(fieldManager: manager, dryRun: true)
        )
    }

    /// A merge patch of an object, or of its status.
    public func change(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool
    ) async throws(ClusterError) -> KubeObject {
        try await self.merge(resource, key, patch, isStatus: isStatus, manager: manager)
    }

    /// Asks for the object with this UID to go; one that is gone already is success.
    public func remove(
        _ resource: APIResource,
        _ key: ObjectKey,
        uid: String
    ) async throws(ClusterError) {
        let options = DeleteOptions(propagation: .background, uid: uid.isEmpty ? nil : uid)
        do { try await self.delete(resource, key, options) } catch {
            guard error.reason == .notFound else { throw error }
        }
    }
}

/// The kinds that a cluster serves.
struct ServedKinds: Sendable {
    private let byKind: [GroupVersionKind: APIResource]
    private let byGroup: [GroupKind: [APIResource]]

    init(_ resources: [APIResource]) {
        self.byKind = Dictionary(resources.map { ($0.groupVersionKind, $0) }) { first, _ in first }
        self.byGroup = Dictionary(grouping: resources) { GroupKind($0.groupVersionKind) }
    }

    /// The kind in this version; nil where it is not served in it.
    func resource(_ kind: GroupVersionKind) -> APIResource? { self.byKind[kind] }

    /// The kind in the first of its versions; nil where it is not served.
    func resource(_ kind: GroupKind) -> APIResource? { self.byGroup[kind]?.first }

    /// The versions of a kind, as `apiVersion` has them.
    func versions(_ kind: GroupKind) -> [String] {
        (self.byGroup[kind] ?? []).map(\.groupVersion.apiVersion)
    }

    /// The object in a version that is served here, with its kind; nil where there is none that means
    /// the same.
    func translated(_ object: KubeObject) -> (APIResource, KubeObject)? {
        let kind = object.groupVersionKind
        if let resource = self.byKind[kind] { return (resource, object) }
        // Of these the fields are the same in every version that servers have had.
        let known: Set<MovedKind> = [.cronJob, .podDisruptionBudget]
        guard let moved = MovedKind(kind), known.contains(moved),
            let resource = self.resource(GroupKind(kind))
        else { return nil }
        var translated = object
        translated.set(.string(resource.groupVersion.apiVersion), at: "apiVersion")
        return (resource, translated)
    }
}
