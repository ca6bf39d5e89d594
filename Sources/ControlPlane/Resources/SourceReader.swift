// SPDX-License-Identifier: Apache-2.0

public import KubernetesClient
public import ObjectModel

/// What a source has of some namespaces, as far as a migration may want it.
public struct SourceSnapshot: Sendable {
    /// Objects of the namespaces, and those without a namespace that may belong to them.
    public var objects: [KubeObject] = []
    /// The source's CustomResourceDefinitions, Namespaces and StorageClasses.
    public var support: [KubeObject] = []
    /// The custom kinds that move.
    public var custom = CustomKinds.none
    /// The kinds of which every object of the namespaces is here.
    public var listed: Set<GroupKind> = []
    /// Kinds without a namespace that may not be read, and why: nothing of them moves.
    public var unreadable: [GroupKind: ClusterError] = [:]
}

/// Reads what a source has: lists, a bounded number at a time.
public struct SourceReader: Sendable {
    private let source: any ResourceCluster
    private let limits: ApplyLimits

    /// From this many claims on the volumes are listed instead of read one by one.
    private static let listVolumesFrom = 32

    /// A reader of one cluster.
    public init(_ source: any ResourceCluster, limits: ApplyLimits = ApplyLimits()) {
        self.source = source
        self.limits = limits
    }

    /// All that the options may let through.
    ///
    /// - Throws: ``ClusterError`` where the source does not answer, or where objects of the namespaces
    ///   may not be read: what cannot be seen would silently stay behind. Cancelling is one of them.
    public func read(_ options: CollectionOptions) async throws(ClusterError) -> SourceSnapshot {
        var kinds = ServedKinds(try await self.source.served())
        let namespaces = options.namespaces.subtracting([CollectionOptions.neverMoved]).sorted()
        var snapshot = SourceSnapshot()
        let definitions =
            options.volumesOnly
            ? [] : try await self.optional(SupportKind.definition, kinds, &snapshot)
        snapshot.custom = CustomKinds(definitions: definitions)
        snapshot.support = definitions
        if snapshot.custom.moved.contains(where: { kinds.resource($0) == nil }) {
            // A definition that is newer than what we know of the server.
            kinds = ServedKinds(try await self.source.served(isNew: true))
        }
        snapshot.support += try await self.optional(SupportKind.storageClass, kinds, &snapshot)
        try await self.readNamespaces(namespaces, kinds, &snapshot)
        try await self.readNamespaced(namespaces, options, kinds, &snapshot)
        try await self.readVolumes(kinds, &snapshot)
        if options.volumesOnly { return snapshot }
        for kind in MovedKind.allCases where !kind.isNamespaced && kind != .persistentVolume {
            guard let group = kind.groups.first else { continue }
            snapshot.objects += try await self.optional(
                GroupKind(group, kind.rawValue),
                kinds,
                &snapshot
            )
        }
        return snapshot
    }

    /// The objects of a kind without a namespace, or none where they may not be read.
    private func optional(
        _ kind: GroupKind,
        _ kinds: ServedKinds,
        _ snapshot: inout SourceSnapshot
    ) async throws(ClusterError) -> [KubeObject] {
        guard let resource = kinds.resource(kind) else { return [] }
        do { return try await self.source.listed(resource, namespace: nil) } catch {
            if ServerRefusal(error) == .interruption { throw error }
            snapshot.unreadable[kind] = error
            return []
        }
    }

    private func readNamespaces(
        _ namespaces: [String],
        _ kinds: ServedKinds,
        _ snapshot: inout SourceSnapshot
    ) async throws(ClusterError) {
        guard let resource = kinds.resource(SupportKind.namespace) else { return }
        let source = self.source
        let applier = ResourceApplier(source, limits: self.limits)
        let found = try await applier.sideBySide(namespaces) { name throws(ClusterError) in
            try await source.find(resource, ObjectKey("", name))
        }
        snapshot.support += found.compactMap { $0 }
    }

    private func readNamespaced(
        _ namespaces: [String],
        _ options: CollectionOptions,
        _ kinds: ServedKinds,
        _ snapshot: inout SourceSnapshot
    ) async throws(ClusterError) {
        let resources = Self.resources(options, kinds, snapshot.custom)
        let found = try await self.lists(resources, namespaces)
        snapshot.objects += found.objects
        if !found.unknown.isEmpty {
            // A kind may go while its objects are read; or it has gone to another version since we
            // asked, and its objects must not stay behind.
            let now = ServedKinds(try await self.source.served(isNew: true))
            let moved = found.unknown.compactMap { now.resource(GroupKind($0.groupVersionKind)) }
                .filter { !resources.contains($0) }
            snapshot.objects += try await self.lists(moved, namespaces).objects
        }
        snapshot.listed = Set(resources.map { GroupKind($0.groupVersionKind) })
    }

    /// The objects of these kinds, and the kinds that the server does not know.
    private func lists(
        _ resources: [APIResource],
        _ namespaces: [String]
    ) async throws(ClusterError) -> (objects: [KubeObject], unknown: Set<APIResource>) {
        let places = resources.flatMap { resource in namespaces.map { (resource, $0) } }
        let source = self.source
        let applier = ResourceApplier(source, limits: self.limits)
        let lists = try await applier.sideBySide(places) {
            place throws(ClusterError) -> [KubeObject]? in
            do throws(ClusterError) {
                return try await source.listed(place.0, namespace: place.1)
            } catch {
                guard error.reason == .notFound else { throw error }
                return nil
            }
        }
        var objects: [KubeObject] = []
        var unknown: Set<APIResource> = []
        for (place, list) in zip(places, lists) {
            if let list { objects += list } else { unknown.insert(place.0) }
        }
        return (objects, unknown)
    }

    /// The namespaced kinds that the options may let through, each in one version.
    private static func resources(
        _ options: CollectionOptions,
        _ kinds: ServedKinds,
        _ custom: CustomKinds
    ) -> [APIResource] {
        if options.volumesOnly {
            return [kinds.resource(GroupKind("", "PersistentVolumeClaim"))].compactMap { $0 }
        }
        var resources: [APIResource] = []
        for kind in MovedKind.allCases where kind.isNamespaced {
            if kind == .serviceAccount, !options.includeServiceAccounts { continue }
            if kind == .job,
                !CollectionOptions.names(options.includeOptionalResourceTypes, kind.rawValue)
            {
                continue
            }
            let served = kind.groups.lazy
                .compactMap { kinds.resource(GroupKind($0, kind.rawValue)) }.first
            if let served { resources.append(served) }
        }
        let moved = custom.moved.sorted { ($0.group, $0.kind) < ($1.group, $1.kind) }
        resources += moved.compactMap { kinds.resource($0) }
        // Not even asked for: a kind that the controllers may not read is left out by excluding it.
        return resources.filter {
            !CollectionOptions.names(options.excludeResourceTypes, $0.kind)
        }
    }

    /// The volumes of the claims: a cluster may have thousands of others.
    private func readVolumes(
        _ kinds: ServedKinds,
        _ snapshot: inout SourceSnapshot
    ) async throws(ClusterError) {
        guard let resource = kinds.resource(GroupKind("", "PersistentVolume")) else { return }
        let names = Set(
            snapshot.objects
                .filter {
                    MovedKind($0.groupVersionKind) == .persistentVolumeClaim
                }
                .compactMap { $0["spec", "volumeName"]?.string }.filter { !$0.isEmpty }
        )
        .sorted()
        if names.count >= Self.listVolumesFrom {
            snapshot.objects += try await self.source.listed(resource, namespace: nil)
            return
        }
        let source = self.source
        let applier = ResourceApplier(source, limits: self.limits)
        let found = try await applier.sideBySide(names) { name throws(ClusterError) in
            try await source.find(resource, ObjectKey("", name))
        }
        snapshot.objects += found.compactMap { $0 }
    }
}
