// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// One MigrationSchedule `db/nightly` over a cluster in memory, with a clock that the test moves.
final class ScheduleStage: Sendable {
    static let key = ObjectKey("db", "nightly")

    let stage = ControllerStage()
    let zone: ScheduleZone

    /// Begins at a time, such as `2027-03-01T12:00:00Z`.
    init(at begin: String, zone: String = "UTC") throws {
        self.zone = try #require(ScheduleZone(knownAs: zone))
        let begin = try #require(Timestamp(begin))
        self.stage.seconds.withLock { $0 = begin.seconds }
    }

    var now: Timestamp { Timestamp(seconds: self.stage.seconds.withLock { $0 }) }

    func pass(_ seconds: Int) { self.stage.seconds.withLock { $0 += seconds } }

    func controller() -> ScheduleController { self.stage.scheduleController(zone: self.zone) }

    // MARK: What a person does

    func putSchedule(_ name: String = key.name, _ fields: JSONFields = [:]) {
        var spec: JSON = [
            "template": ["spec": ["clusterPair": "remote", "namespaces": ["db"]]],
            "schedulePolicyName": "policy",
        ]
        for (field, value) in fields { spec.set(value, at: field) }
        var object = KubeObject(
            StorkResource.migrationSchedules.groupVersionKind,
            ObjectKey("db", name),
            ["spec": spec]
        )
        object.annotations = ["team": "blue"]
        self.stage.cluster.put(StorkResource.migrationSchedules, object)
    }

    func putPolicy(_ policy: JSON, in namespace: String? = nil) {
        let resource =
            namespace == nil
            ? StorkResource.schedulePolicies : StorkResource.namespacedSchedulePolicies
        self.stage.cluster.put(
            resource,
            KubeObject(
                resource.groupVersionKind,
                ObjectKey(namespace ?? "", "policy"),
                ["policy": policy]
            )
        )
    }

    func change(_ change: (inout KubeObject) -> Void) throws {
        let resource = StorkResource.migrationSchedules
        var object = try #require(self.stage.cluster.find(resource, Self.key))
        change(&object)
        self.stage.cluster.put(resource, object)
    }

    // MARK: What happens

    /// Looks until nothing is to be done before a later time; nil where nothing is until a change.
    func look(_ controller: ScheduleController) async throws -> Duration? {
        for _ in 0..<20 {
            switch try await controller.reconcile(Self.key) {
            case .onChange:
                // What the watch tells of a Migration that was made asks for a look.
                let names = Set(self.migrations.map(\.name))
                let isNew = self.seen.withLock { seen in
                    defer { seen = names }
                    return !names.subtracting(seen).isEmpty
                }
                guard isNew else { return nil }
            case .after(let wait) where wait == .zero: continue
            case .after(let wait): return wait
            }
        }
        Issue.record("it never comes to rest")
        return nil
    }

    /// The names that the watch has told of.
    private let seen = Locked<Set<String>>([])

    /// The Migration of that name comes to its end.
    func finish(
        _ name: String,
        _ state: MigrationState,
        bytes: Int = 0,
        volumes: [MigratedVolume] = []
    ) throws {
        let resource = StorkResource.migrations
        var object = try #require(self.stage.cluster.find(resource, ObjectKey("db", name)))
        var status = MigrationStatus(object["status"])
        status.stage = .final
        status.status = state
        status.finished = self.now
        var summary = MigrationSummary()
        summary.bytes = bytes
        status.summary = summary
        status.volumes = volumes
        object.set(status.json, at: "status")
        self.stage.cluster.put(resource, object)
    }

    /// A Migration that runs has copied so much since a time.
    func copy(_ done: Int, of total: Int, _ name: String, since: Timestamp) throws {
        let resource = StorkResource.migrations
        var object = try #require(self.stage.cluster.find(resource, ObjectKey("db", name)))
        var status = MigrationStatus(object["status"])
        status.stage = .volumes
        status.status = .inProgress
        status.recoveryPoint = MigrationPoint(name: "p", group: "g", time: since, isAtomic: true)
        var volume = MigratedVolume(claim: ObjectKey("db", "data"), volume: "pv", taskID: "t")
        volume.status = .inProgress
        volume.bytesTotal = total
        volume.bytesDone = done
        status.volumes = [volume]
        object.set(status.json, at: "status")
        self.stage.cluster.put(resource, object)
    }

    /// Every Migration that runs comes to its end.
    func finishAll(_ state: MigrationState = .successful) throws {
        for migration in self.migrations where !MigrationStatus(migration["status"]).isFinal {
            try self.finish(migration.name, state)
        }
    }

    // MARK: What there is

    var migrations: [KubeObject] {
        self.stage.cluster.everything(StorkResource.migrations).sorted { $0.name < $1.name }
    }

    var status: MigrationScheduleStatus {
        MigrationScheduleStatus(
            self.stage.cluster.find(StorkResource.migrationSchedules, Self.key)?["status"]
        )
    }

    var texts: [String] { self.stage.notices.withLock { $0.map(\.message) } }
    var reasons: [String] { self.stage.notices.withLock { $0.map(\.reason) } }
    var writes: Int { self.stage.cluster.state.withLock { $0.writes } }
}
