// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// The copies of schedules that stand suspended at the destination: there they say whether the
/// applications run, and a failback begins with them.
struct StandbyCopies: Sendable {
    /// What stands at the destination.
    enum Standing: Hashable, Sendable {
        /// The pair leads to no cluster, or to this one.
        case notWanted
        /// A copy of what has this hash, and whether the applications run there.
        case copy(hash: String, isActivated: Bool)
    }

    let cluster: any ClusterAccess
    let remotes: RemoteClusters
    /// The ClusterPairs as the watch has told.
    let pair: @Sendable (ObjectKey) -> KubeObject?

    private static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

    /// The copy of a schedule as it is to be.
    static func copy(of schedule: KubeObject) -> KubeObject {
        var spec = schedule["spec"] ?? .object([:])
        spec.set(true, at: "suspend")
        var copy = KubeObject(
            StorkResource.migrationSchedules.groupVersionKind,
            schedule.key,
            ["spec": spec]
        )
        copy.labels = schedule.labels
        copy.annotations = schedule.annotations.filter { !Self.isPrivate($0.key) }
        let hash = ResourceHash.of(copy)
        copy.annotations[StorkNames.Annotation.resourceHash.key] = hash
        copy.annotations[StorkNames.Annotation.staticCopy.key] = "true"
        return copy
    }

    /// What belongs to one object alone.
    static func isPrivate(_ annotation: String) -> Bool {
        annotation == Self.lastApplied
            || [StorkNames.Annotation.syncNow, .staticCopy, .resourceHash]
                .contains { $0.keys.contains(annotation) }
    }

    static func hash(of schedule: KubeObject) -> String {
        Self.copy(of: schedule).annotations[StorkNames.Annotation.resourceHash.key] ?? ""
    }

    static func isStaticCopy(_ schedule: KubeObject) -> Bool {
        StorkNames.Annotation.staticCopy.value(in: schedule.annotations) == "true"
    }

    /// Looks at the copy, and makes it what the schedule is.
    ///
    /// - Throws: ``Trouble`` where that cannot be.
    func refresh(_ schedule: KubeObject) async throws -> Standing {
        let pair = MigrationScheduleSpec(schedule["spec"]).template["clusterPair"]?.string ?? ""
        guard let config = try await self.kubeconfig(of: pair, in: schedule.namespace) else {
            return .notWanted
        }
        // Who does not answer would hold up the runs of other schedules.
        let status = self.pair(ObjectKey(schedule.namespace, pair))?["status"]
        guard ClusterPairStatus(status).schedulerStatus == .ready else {
            throw Trouble(
                .clusterPairNotReady,
                "the copy of the schedule waits for the cluster of ClusterPair \(pair)"
            )
        }
        return try await self.asked {
            try await self.remotes.with(config) { try await Self.refresh(schedule, $0) }
        }
    }

    private static func refresh(
        _ schedule: KubeObject,
        _ remote: KubernetesClient
    ) async throws -> Standing {
        let resource = StorkResource.migrationSchedules
        let wanted = Self.copy(of: schedule)
        let hash = wanted.annotations[StorkNames.Annotation.resourceHash.key] ?? ""
        guard let found = try await remote.find(resource, schedule.key) else {
            try await Self.create(wanted, remote)
            return .copy(hash: hash, isActivated: false)
        }
        guard found.uid != schedule.uid else { return .notWanted }
        guard Self.isStaticCopy(found) else {
            throw Trouble(
                .scheduleNameTaken,
                "MigrationSchedule \(schedule.key) at the destination is not the copy of this one",
                remedy: "delete it there, or name this one otherwise",
                isPassing: false
            )
        }
        let isActivated = found["status", "applicationActivated"]?.bool ?? false
        if StorkNames.Annotation.resourceHash.value(in: found.annotations) != hash {
            // What runs there belongs to whoever activated it.
            guard !isActivated else { return .copy(hash: "", isActivated: true) }
            let patch: JSON = [
                "metadata": [
                    "annotations": JSON(wanted.annotations), "labels": JSON(wanted.labels),
                    "resourceVersion": .string(found.resourceVersion),
                ],
                "spec": wanted["spec"] ?? .object([:]),
            ]
            try await remote.patch(
                resource,
                schedule.key,
                .merge(patch),
                WriteOptions(fieldManager: ScheduleController.manager)
            )
        }
        return .copy(hash: hash, isActivated: isActivated)
    }

    private static func create(_ copy: KubeObject, _ remote: KubernetesClient) async throws {
        do {
            try await remote.create(
                StorkResource.migrationSchedules,
                copy,
                WriteOptions(fieldManager: ScheduleController.manager)
            )
        } catch {
            guard error.reason == .notFound,
                try await remote.find(BuiltIn.namespaces, ObjectKey("", copy.namespace)) == nil
            else { throw error }
            throw Trouble(
                .namespaceNotFound,
                "the destination has no namespace \(copy.namespace) yet: the first migration makes it"
            )
        }
    }

    // MARK: - For Migrations

    /// Why a Migration of a schedule must not go on: what it would replace is in use.
    ///
    /// - Throws: ``Trouble`` where the destination cannot be asked.
    func obstacle(to migration: KubeObject) async throws -> Trouble? {
        guard
            let name = StorkNames.Annotation.migrationScheduleName.value(in: migration.annotations)
        else { return nil }
        let pair = MigrationSpec(migration["spec"]).clusterPair
        guard let config = try await self.kubeconfig(of: pair, in: migration.namespace) else {
            return nil
        }
        let key = ObjectKey(migration.namespace, name)
        let found = try await self.asked {
            try await self.remotes.with(config) {
                try await $0.find(StorkResource.migrationSchedules, key)
            }
        }
        guard let found, Self.isStaticCopy(found),
            found["status", "applicationActivated"]?.bool == true
        else { return nil }
        return Trouble(
            .applicationsActive,
            "migrated applications are active on remote cluster",
            remedy: "deactivate them there, or suspend the schedule",
            isPassing: false
        )
    }

    // MARK: - The way

    private func kubeconfig(of pair: String, in namespace: String) async throws -> JSON? {
        guard !pair.isEmpty, let object = self.pair(ObjectKey(namespace, pair)) else { return nil }
        switch try await PairSpec(cluster: self.cluster).scheduler(of: object) {
        case .notWanted: return nil
        case .reached(let config): return config
        case .unusable(let trouble): throw trouble
        }
    }

    private func asked<Answer>(_ question: () async throws -> Answer) async throws -> Answer {
        do { return try await question() } catch let error as ClusterError {
            throw Trouble(destination: error)
        }
    }
}
