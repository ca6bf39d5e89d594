// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// A schedule of the stage's namespace, whose runs are asked for one by one.
extension Stage {
    static let schedule = "nightly"

    /// Makes a schedule whose runs are asked for, of the volumes alone.
    func schedule() async throws {
        let policies = StorkResource.namespacedSchedulePolicies
        let key = ObjectKey(self.namespace, Self.schedule)
        try await self.source.create(
            policies,
            KubeObject(
                policies.groupVersionKind,
                key,
                ["policy": ["interval": ["intervalMinutes": 1_000]]]
            )
        )
        let schedules = StorkResource.migrationSchedules
        let template: JSON = [
            "clusterPair": .string(Self.pair), "namespaces": JSON([self.namespace]),
            "includeResources": false,
        ]
        try await self.source.create(
            schedules,
            KubeObject(
                schedules.groupVersionKind,
                key,
                [
                    "spec": [
                        "template": ["spec": template], "schedulePolicyName": .string(key.name),
                    ]
                ]
            )
        )
    }

    /// Asks for a run.
    func sync(_ number: Int) async throws {
        let annotation: JSON = ["stork.libopenstorage.org/sync-now": .string("\(number)")]
        try await self.source.client.patch(
            StorkResource.migrationSchedules,
            ObjectKey(self.namespace, Self.schedule),
            .merge(["metadata": ["annotations": annotation]])
        )
    }

    /// The schedule's newest run as soon as it is as `isSo` says.
    func item(
        _ number: Int,
        where isSo: @Sendable (ScheduledRun) -> Bool
    ) async throws -> ScheduledRun {
        let object = try await self.source.object(
            StorkResource.migrationSchedules,
            self.namespace,
            Self.schedule
        ) {
            let status = MigrationScheduleStatus($0["status"])
            return status.syncNow == (number == 1 ? nil : "\(number)")
                && status.items[.interval]?.last.map(isSo) == true
        }
        return try #require(
            MigrationScheduleStatus(object["status"]).items[.interval]?.last
        )
    }

    /// How run number so much has gone.
    func run(_ number: Int) async throws -> MigratedVolume {
        if number > 1 { try await self.sync(number) }
        let item = try await self.item(number) { $0.isFinal }
        let end = try await self.final(item.name)
        #expect(end.status == .successful, "run \(number): \(end.json.pretty)")
        return try #require(end.volumes.first)
    }

    /// How new the destination is, as the schedule says.
    func figure() async throws -> RecoveryPointFigure {
        let key = ObjectKey(self.namespace, Self.schedule)
        let object = try await self.source.client.get(StorkResource.migrationSchedules, key)
        return try #require(MigrationScheduleStatus(object["status"]).recoveryPoint)
    }

    /// The first event at the source whose message is as `isSo` says; waits for it.
    func event(where isSo: @Sendable (String) -> Bool) async throws -> KubeObject {
        let resource = APIResource(BuiltIn.core, "Event", plural: "events")
        var version = ""
        while true {
            try Task.checkCancellation()
            let happened = self.source.client.watch(
                resource,
                namespace: self.namespace,
                .all,
                from: version
            )
            for try await event in happened {
                version = event.resourceVersion
                if let object = event.object, isSo(object["message"]?.string ?? "") {
                    return object
                }
            }
        }
    }
}
