// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// The cluster in which the applications run until a failover, seen from the one where it is asked for.
///
/// Everything that it changes carries the mark of the Action, so that exactly that is taken back,
/// also by another process.
struct OtherSide: Sendable {
    /// On what an Action has stopped: its UID.
    static let stopMark = "\(StorkNames.group)/stopped-by-action"
    /// On a schedule that an Action has suspended: its UID.
    static let suspendMark = "\(StorkNames.group)/suspended-by-action"

    let cluster: any ResourceCluster
    /// The schedule that migrates from there.
    let schedule: ObjectKey
    /// The UID of the Action.
    let action: String

    // MARK: - The schedule

    /// The schedule as it is there.
    ///
    /// - Throws: `Trouble` where there is none; `ClusterError`.
    func found() async throws -> KubeObject {
        let found = try await self.cluster.find(StorkResource.migrationSchedules, self.schedule)
        if let found { return found }
        throw Trouble(
            .scheduleNotFound,
            "MigrationSchedule \(self.schedule) is not in the other cluster any more",
            remedy: "create it there again; or fail over without what is done there, where nothing "
                + "runs any more (--skip-source-operations)",
            isPassing: false
        )
    }

    /// Lets nothing begin there any more.
    ///
    /// - Returns: the Migrations that still run.
    func suspend() async throws -> [String] {
        let resource = StorkResource.migrationSchedules
        let found = try await self.found()
        if found["spec", "suspend"]?.bool != true {
            var patch: JSON = ["spec": ["suspend": true]]
            patch.set(.string(self.action), at: "metadata", "annotations", Self.suspendMark)
            _ = try await self.cluster.change(resource, self.schedule, patch, isStatus: false)
        }
        let migrations = try await self.cluster.listed(
            StorkResource.migrations,
            namespace: self.schedule.namespace
        )
        return
            migrations.filter { migration in
                migration.noted(.migrationScheduleName) == self.schedule.name
                    && !MigrationStatus(migration["status"]).isFinal
            }
            .map(\.name)
    }

    /// Lets the schedule go on, where this Action has stopped it.
    func resume() async throws(ClusterError) {
        let resource = StorkResource.migrationSchedules
        guard let found = try await self.cluster.find(resource, self.schedule) else { return }
        var patch: JSON = [:]
        if found.annotations[Self.suspendMark] == self.action {
            patch.set(false, at: "spec", "suspend")
            patch.set(.null, at: "metadata", "annotations", Self.suspendMark)
        }
        if found.annotations[SourceFence.mark] == self.action {
            patch.set(.null, at: "metadata", "annotations", SourceFence.mark)
        }
        guard patch != [:] else { return }
        _ = try await self.cluster.change(resource, self.schedule, patch, isStatus: false)
    }

    /// Asks the controllers there to let nothing be sent from its volumes any more.
    func fence() async throws(ClusterError) {
        let resource = StorkResource.migrationSchedules
        guard let found = try await self.cluster.find(resource, self.schedule),
            found.annotations[SourceFence.mark] != self.action
        else { return }
        var patch: JSON = [:]
        patch.set(.string(self.action), at: "metadata", "annotations", SourceFence.mark)
        _ = try await self.cluster.change(resource, self.schedule, patch, isStatus: false)
    }

    // MARK: - The applications

    /// Stops applications there that run.
    func stop(_ applications: [ApplicationName]) async throws(ClusterError) {
        try await ApplicationStop(self.cluster).stop(applications, mark: self.action)
    }

    /// Starts again what this Action has stopped.
    func start(_ applications: [ApplicationName]) async throws(ClusterError) {
        try await ApplicationStop(self.cluster).start(applications, mark: self.action)
    }

    /// Pods that hold a volume open; those that have ended do not.
    func podsWithVolumes(_ namespaces: [String]) async throws(ClusterError) -> [String] {
        let kinds = ServedKinds(try await self.cluster.served())
        guard let pods = kinds.resource(GroupKind("", "Pod")) else { return [] }
        var found: [String] = []
        for namespace in namespaces {
            for pod in try await self.cluster.listed(pods, namespace: namespace) {
                let hasEnded = ["Succeeded", "Failed"].contains(pod["status", "phase"]?.string)
                let volumes = pod["spec", "volumes"]?.array ?? []
                if !hasEnded, volumes.contains(where: { $0["persistentVolumeClaim"] != nil }) {
                    found.append("\(pod.key)")
                }
            }
        }
        return found
    }

    // MARK: - The last mile

    /// The name of the Migration that brings what was written last.
    static func lastMileName(_ schedule: String, _ type: ActionType, uid: String) -> String {
        let word = type == .failback ? "failback" : "failover"
        let tail = "-lastmile-\(word)-\(uid.filter { $0 != "-" }.prefix(7))"
        return schedule.prefix(253 - tail.count) + tail
    }

    /// Begins the last Migration, once, and tells how it is.
    func migrate(
        _ name: String,
        _ namespaces: [String]
    ) async throws -> MigrationStatus {
        let key = ObjectKey(self.schedule.namespace, name)
        if let found = try await self.cluster.find(StorkResource.migrations, key) {
            return MigrationStatus(found["status"])
        }
        let schedule = try await self.found()
        var spec = MigrationSpec(schedule["spec", "template", "spec"])
        spec.startsApplications = false
        spec.namespaces = namespaces
        spec.namespaceSelectors = [:]
        var migration = KubeObject(
            StorkResource.migrations.groupVersionKind,
            key,
            ["spec": spec.json]
        )
        migration.set(
            .string(self.schedule.name),
            at: "metadata",
            "annotations",
            StorkNames.Annotation.lastMileScheduleName.key
        )
        _ = try await self.cluster.write(StorkResource.migrations, migration)
        return MigrationStatus()
    }
}
