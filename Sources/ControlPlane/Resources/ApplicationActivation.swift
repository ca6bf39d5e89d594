// SPDX-License-Identifier: Apache-2.0

import Kinds
public import KubernetesClient
import ObjectModel

/// What activating or deactivating has done.
public struct ActivationResult: Hashable, Sendable {
    /// One line for each object, as storkctl prints them.
    public var lines: [String] = []
    /// What could not be changed, and why.
    public var failures: [String] = []

    /// Nothing done.
    public init() {}
}

/// Starts or stops, on one cluster, the applications that a migration has brought there.
///
/// Only what a migration has stopped once is touched: an application that never was migrated here has
/// nothing to be set back to.
public struct ApplicationActivation: Sendable {
    /// Whether applications are started or stopped.
    public enum Direction: Hashable, Sendable {
        case activate
        case deactivate
    }

    let cluster: any ResourceCluster

    /// The applications of one cluster.
    public init(_ cluster: any ResourceCluster) { self.cluster = cluster }

    /// Starts or stops the applications, and marks the schedules that migrate them.
    ///
    /// - Parameters:
    ///   - direction: which of the two.
    ///   - namespaces: in this order; nil for all but `kube-system`.
    /// - Returns: a line for each object, in the order of namespaces and kinds. What is as it should be
    ///   already has its line, and is not written.
    /// - Throws: ``ClusterError`` where the cluster cannot be used; run again, it does the rest.
    public func run(
        _ direction: Direction,
        namespaces: [String]?
    ) async throws(ClusterError) -> ActivationResult {
        let kinds = ServedKinds(try await self.cluster.served())
        let walked = try await self.walked(namespaces, kinds)
        let registrations = try await ApplicationRegistration.known(
            in: self.cluster,
            isOptional: true
        )
        var result = ActivationResult()
        var places: [String: Set<String>] = [:]
        for namespace in walked {
            for kind in Self.kinds(registrations) {
                guard let resource = kinds.resource(kind) else { continue }
                let objects: [KubeObject]
                do {
                    objects = try await self.cluster.listed(resource, namespace: namespace)
                } catch {
                    try Self.note(error, "\(resource.qualifiedPlural) of \(namespace)", &result)
                    continue
                }
                for object in objects.sorted(by: { $0.name < $1.name }) {
                    guard let change = Self.change(object, direction, registrations) else {
                        continue
                    }
                    let place = object.noted(.migrationNamespace)
                    places[namespace, default: [namespace]].insert(place ?? namespace)
                    try await self.make(change, resource, object, &result)
                }
            }
            if direction == .activate {
                let origins = try await self.unstash(namespace, kinds, &result)
                if !origins.isEmpty { places[namespace, default: [namespace]].formUnion(origins) }
            }
        }
        try await self.mark(direction, places, kinds, &result)
        return result
    }

    /// What ``run(_:namespaces:)`` would start, by kind and name.
    func applications(in namespaces: [String]) async throws(ClusterError) -> [ApplicationName] {
        let kinds = ServedKinds(try await self.cluster.served())
        let registrations = try await ApplicationRegistration.known(
            in: self.cluster,
            isOptional: true
        )
        var names: [ApplicationName] = []
        for namespace in try await self.walked(namespaces, kinds) {
            for kind in Self.kinds(registrations) {
                guard let resource = kinds.resource(kind) else { continue }
                names += try await self.cluster.listed(resource, namespace: namespace)
                    .filter { Self.change($0, .activate, registrations) != nil }
                    .map { ApplicationName(kind: kind, key: $0.key) }
            }
        }
        return names
    }

    /// In the order in which they are walked.
    private static func kinds(_ registrations: [ApplicationRegistration]) -> [GroupKind] {
        let blockchain = ["IBPPeer", "IBPCA", "IBPConsole", "IBPOrderer"]
        return [
            GroupKind("apps", "StatefulSet"), GroupKind("apps", "Deployment"),
            GroupKind("apps", "ReplicaSet"), GroupKind("apps.openshift.io", "DeploymentConfig"),
        ] + blockchain.map { GroupKind("ibp.com", $0) } + registrations.map(\.kind)
            + [GroupKind("batch", "CronJob"), GroupKind("batch", "Job")]
    }

    private func walked(
        _ namespaces: [String]?,
        _ kinds: ServedKinds
    ) async throws(ClusterError) -> [String] {
        let asked: [String]
        if let namespaces {
            asked = namespaces
        } else if let resource = kinds.resource(SupportKind.namespace) {
            asked = try await self.cluster.listed(resource, namespace: nil).map(\.name).sorted()
        } else {
            asked = []
        }
        return asked.filter { $0 != CollectionOptions.neverMoved }
    }

    static func note(
        _ error: ClusterError,
        _ what: String,
        _ result: inout ActivationResult
    ) throws(ClusterError) {
        if ServerRefusal(error) == .interruption { throw error }
        result.failures.append("\(what): \(error)")
    }

    private func make(
        _ change: Change,
        _ resource: APIResource,
        _ object: KubeObject,
        _ result: inout ActivationResult
    ) async throws(ClusterError) {
        do {
            if let patch = change.patch {
                _ = try await self.cluster.change(resource, object.key, patch, isStatus: false)
            }
            result.lines.append(change.line)
        } catch {
            try Self.note(error, "\(object.kind.lowercased()) \(object.key)", &result)
        }
    }
}

// MARK: What is changed

extension ApplicationActivation {
    struct Change: Hashable {
        /// Nil where the object is so already.
        let patch: JSON?
        let line: String
    }

    /// What is changed in an object; nil where a migration has not stopped it.
    static func change(
        _ object: KubeObject,
        _ direction: Direction,
        _ registrations: [ApplicationRegistration]
    ) -> Change? {
        let control = ApplicationControl(object.groupVersionKind, registrations: registrations)
        let name = "\(object.kind.lowercased()) \(object.key)"
        var changed = object
        switch control {
        case nil: return nil
        case .replicas:
            guard let saved = object.savedReplicas, saved >= 0 else { return nil }
            let count = direction == .activate ? saved : 0
            changed.set(JSON(count), at: "spec", "replicas")
            return Change(
                patch: object.json.mergePatch(to: changed.json),
                line: "Updated replicas for \(name) to \(count)"
            )
        case .fields(let suspensions):
            let isJob = suspensions == [.suspend]
            let known = suspensions.filter { object.annotations[$0.annotation] != nil }
            guard !known.isEmpty || isJob && object.isMigrated else { return nil }
            for field in known {
                if direction == .activate {
                    field.resume(&changed)
                } else {
                    field.suspend(&changed)
                }
            }
            if isJob, known.isEmpty {
                changed.set(.bool(direction == .deactivate), at: "spec", "suspend")
            }
            let isSuspended = changed["spec", "suspend"]?.bool ?? false
            return Change(
                patch: object.json.mergePatch(to: changed.json),
                line: isJob
                    ? "Updated suspend option for \(name) to \(isSuspended)"
                    : "Updated CR for \(name)"
            )
        }
    }
}

// MARK: Schedules

extension ApplicationActivation {
    /// Tells the schedules that migrate these namespaces that the applications run here, or do not.
    private func mark(
        _ direction: Direction,
        _ places: [String: Set<String>],
        _ kinds: ServedKinds,
        _ result: inout ActivationResult
    ) async throws(ClusterError) {
        let kind = GroupKind("stork.libopenstorage.org", "MigrationSchedule")
        guard let resource = kinds.resource(kind), !places.isEmpty else { return }
        let labels = try await self.labels(of: Set(places.keys), kinds)
        for place in Set(places.values.flatMap { $0 }).sorted() {
            let here = Set(places.filter { $0.value.contains(place) }.map(\.key))
            do {
                let schedules = try await self.cluster.listed(resource, namespace: place)
                for schedule in schedules.sorted(by: { $0.name < $1.name })
                where Self.migrates(schedule, here, labels)
                    && (direction == .activate
                        || schedule.isMarked(.staticCopy))
                {
                    try await self.mark(schedule, direction, resource, &result)
                }
            } catch {
                try Self.note(error, "\(resource.qualifiedPlural) of \(place)", &result)
            }
        }
    }

    private func mark(
        _ schedule: KubeObject,
        _ direction: Direction,
        _ resource: APIResource,
        _ result: inout ActivationResult
    ) async throws(ClusterError) {
        let isActive = direction == .activate
        if schedule["status", "applicationActivated"]?.bool ?? false != isActive {
            let applier = ResourceApplier(self.cluster)
            let patch: JSON = ["status": ["applicationActivated": .bool(isActive)]]
            try await applier.writeStatus(resource, schedule.key, patch)
        }
        result.lines.append(
            "Setting the ApplicationActivated status in the MigrationSchedule "
                + "\(schedule.key) to \(isActive)"
        )
    }

    private func labels(
        of namespaces: Set<String>,
        _ kinds: ServedKinds
    ) async throws(ClusterError) -> [String: [String: String]] {
        guard let resource = kinds.resource(SupportKind.namespace) else { return [:] }
        var labels: [String: [String: String]] = [:]
        for name in namespaces {
            do {
                labels[name] = try await self.cluster.find(resource, ObjectKey("", name))?.labels
            } catch {
                // Who may not read namespaces has schedules that name theirs.
                if ServerRefusal(error) == .interruption { throw error }
            }
        }
        return labels
    }

    private static func migrates(
        _ schedule: KubeObject,
        _ namespaces: Set<String>,
        _ labels: [String: [String: String]]
    ) -> Bool {
        let spec = schedule["spec", "template", "spec"]
        let named = Set((spec?["namespaces"]?.array ?? []).compactMap(\.string))
        if !named.isDisjoint(with: namespaces) { return true }
        let selectors = spec?["namespaceSelectors"]?.strings ?? [:]
        return namespaces.contains { namespace in
            selectors.contains { labels[namespace]?[$0.key] == $0.value }
        }
    }
}
