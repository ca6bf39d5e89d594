// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// Looks at everything that a decision on a Migration needs.
struct MigrationObserver: Sendable {
    let cluster: any ClusterAccess
    /// The ClusterPairs as the watch has told.
    let pair: @Sendable (ObjectKey) -> KubeObject?
    /// One namespace as the watch has told.
    let namespace: @Sendable (String) -> KubeObject?
    /// The namespaces as the watch has told.
    let namespaces: @Sendable () -> [KubeObject]
    let adminNamespace: String

    func facts(of migration: KubeObject) async throws(ClusterError) -> MigrationFacts {
        let spec = MigrationSpec(migration["spec"])
        let status = MigrationStatus(migration["status"])
        var facts = MigrationFacts(
            namespace: migration.namespace,
            clusterPair: spec.clusterPair
        )
        facts.adminNamespace = self.adminNamespace
        facts.stage = status.stage
        facts.state = status.status
        facts.isBeingDeleted = migration.isBeingDeleted
        facts.hasFinalizer = migration.finalizers.contains(StorkNames.finalizer)
        facts.includeVolumes = spec.includesVolumes
        facts.includeResources = spec.includesResources
        facts.skipDeletedNamespaces = spec.skipsDeletedNamespaces
        facts.hasLeftCommands = migration.hasBackgroundTasks
        facts.volumes = Self.volumes(status)
        guard facts.stage != .final, !facts.isBeingDeleted else { return facts }
        try await self.observeNamespaces(spec, &facts)
        facts.pair = try await self.pair(spec.clusterPair, in: migration.namespace)
        facts.adminClusterPair = spec.adminClusterPair
        if !spec.adminClusterPair.isEmpty {
            facts.adminPair = try await self.pair(spec.adminClusterPair, in: self.adminNamespace)
        }
        if !facts.volumes.areListed, facts.stage != .applications {
            facts.preRule = try await self.rule(spec.preExecRule, .pre, migration.namespace)
            facts.postRule = try await self.rule(spec.postExecRule, .post, migration.namespace)
        }
        if facts.stage == .initial {
            facts.transformation = try await self.transformation(
                spec.transformSpecs,
                in: migration.namespace
            )
        }
        return facts
    }

    private func observeNamespaces(
        _ spec: MigrationSpec,
        _ facts: inout MigrationFacts
    ) async throws(ClusterError) {
        // Most Migrations name theirs: all of a large cluster are looked through for selectors alone.
        var existing = Set(spec.namespaces.filter { self.namespace($0) != nil })
        if !spec.namespaceSelectors.isEmpty {
            existing.formUnion(
                self.namespaces().filter { spec.selects($0.name, labels: $0.labels) }.map(\.name)
            )
        }
        for name in spec.namespaces where !existing.contains(name) {
            // The watch may not have told of a namespace that was made a moment ago, and to skip it
            // would be to say that its migration succeeded.
            do {
                _ = try await self.cluster.read(BuiltIn.namespaces, ObjectKey("", name))
                existing.insert(name)
            } catch {
                guard error.reason == .notFound else { throw error }
                facts.missingNamespaces.append(name)
            }
        }
        facts.namespaces = existing.sorted()
    }

    /// One ClusterPair; asked for where the watch has not told of it.
    func object(_ name: String, in namespace: String) async throws(ClusterError) -> KubeObject? {
        let key = ObjectKey(namespace, name)
        if let told = self.pair(key) { return told }
        do { return try await self.cluster.read(StorkResource.clusterPairs, key) } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
    }

    private func pair(
        _ name: String,
        in namespace: String
    ) async throws(ClusterError) -> MigrationFacts.Pair? {
        // One that is being deleted takes its agents' pair, and with it the copies, along.
        guard !name.isEmpty, let pair = try await self.object(name, in: namespace),
            !pair.isBeingDeleted
        else { return nil }
        let status = ClusterPairStatus(pair["status"])
        return MigrationFacts.Pair(
            name: name,
            storage: status.storageStatus,
            scheduler: status.schedulerStatus,
            storageMessage: status.conditions[ConditionType.storageReady]?.message ?? "",
            schedulerMessage: status.conditions[ConditionType.schedulerReady]?.message ?? "",
            remote: status.remoteStorageID.isEmpty ? nil : status.remoteStorageID
        )
    }

    private func rule(
        _ name: String,
        _ purpose: Rule.Purpose,
        _ namespace: String
    ) async throws(ClusterError) -> MigrationFacts.NamedRule {
        guard !name.isEmpty else { return .none }
        do {
            let key = ObjectKey(namespace, name)
            let rule = Rule(try await self.cluster.read(StorkResource.rules, key))
            return rule.problem(as: purpose).map { .unusable(name, why: $0) } ?? .ready(rule)
        } catch {
            guard error.reason == .notFound else { throw error }
            return .unusable(name, why: error.message)
        }
    }

    private func transformation(
        _ names: [String],
        in namespace: String
    ) async throws(ClusterError) -> MigrationFacts.Transformation {
        guard let name = names.first else { return .none }
        guard names.count == 1 else { return .tooMany }
        do {
            let found = try await self.cluster.read(
                StorkResource.resourceTransformations,
                ObjectKey(namespace, name)
            )
            let status = found["status", "status"]?.string ?? ""
            return status == "Ready" ? .ready(name) : .notReady(name, status: status)
        } catch {
            guard error.reason == .notFound else { throw error }
            return .missing(name)
        }
    }

    /// The first that failed by itself, not because another one did.
    private static func failure(among volumes: [MigratedVolume]) -> Trouble? {
        let failures = volumes.compactMap(\.failure)
        return failures.first { $0.reason != .volumeGroupFailed } ?? failures.first
    }

    private static func volumes(_ status: MigrationStatus) -> MigrationFacts.Volumes {
        MigrationFacts.Volumes(
            // The list may be empty: the state says that it was written.
            areListed: status.stage == .volumes && status.status == .inProgress,
            total: status.volumes.count,
            successful: status.volumes.count { $0.status == .successful },
            failure: Self.failure(among: status.volumes),
            failed: status.volumes.count { $0.status == .failed }
        )
    }
}

extension MigrationSpec {
    /// Whether a namespace is one of those that are named or selected.
    func selects(_ name: String, labels: [String: String]) -> Bool {
        self.namespaces.contains(name)
            || self.namespaceSelectors.contains { labels[$0.key] == $0.value }
    }

    /// Whether it names a rule.
    var namesRules: Bool { !self.preExecRule.isEmpty || !self.postExecRule.isEmpty }
}
