// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// The copy of a schedule at the destination, between two clusters.
@Suite(.serialized, .timeLimit(.minutes(10))) struct StandbyCopyTests {
    private static let schedules = StorkResource.migrationSchedules
    private static let space = "kube-system"

    private func put(_ name: String, suspendsItself: Bool, _ world: PairedClusters) async throws {
        let policies = StorkResource.namespacedSchedulePolicies
        // It never comes while a test runs.
        let policy = KubeObject(
            policies.groupVersionKind,
            ObjectKey(Self.space, name),
            ["policy": ["monthly": ["date": 1, "time": "3:00AM"]]]
        )
        try await world.source.create(policies, policy)
        let schedule = KubeObject(
            Self.schedules.groupVersionKind,
            ObjectKey(Self.space, name),
            [
                "spec": [
                    "template": ["spec": ["clusterPair": "remote", "namespaces": ["default"]]],
                    "schedulePolicyName": .string(name), "autoSuspend": .bool(suspendsItself),
                ]
            ]
        )
        try await world.source.create(Self.schedules, schedule)
    }

    private func sync(_ name: String, _ value: String, _ world: PairedClusters) async throws {
        let patch: JSON = [
            "metadata": ["annotations": ["stork.libopenstorage.org/sync-now": .string(value)]]
        ]
        try await world.source.patch(Self.schedules, ObjectKey(Self.space, name), .merge(patch))
    }

    /// The schedule at the source as soon as it is as `isSo` says.
    private func schedule(
        _ name: String,
        _ world: PairedClusters,
        where isSo: @Sendable (KubeObject) -> Bool
    ) async throws -> KubeObject {
        try await world.object(Self.schedules, Self.space, name, where: isSo)
    }

    private func copied(_ name: String, _ world: PairedClusters) async throws -> KubeObject {
        _ = try await self.schedule(name, world) {
            let conditions = MigrationScheduleStatus($0["status"]).conditions
            return conditions["StaticCopyReady"]?.status == .yes && conditions["Ready"] != nil
        }
        return try await world.destination.get(Self.schedules, ObjectKey(Self.space, name))
    }

    private func activate(_ name: String, _ world: PairedClusters) async throws {
        try await world.destination.patch(
            Self.schedules,
            ObjectKey(Self.space, name),
            .merge(["status": ["applicationActivated": true]]),
            subresource: "status"
        )
    }

    @Test func aScheduleHasASuspendedCopyThatFollowsItsChanges() async throws {
        try await PairedClusters.running { world in
            try await self.put("copy", suspendsItself: false, world)
            let copy = try await self.copied("copy", world)
            #expect(copy.annotations["stork.libopenstorage.org/static-copy"] == "true")
            #expect(MigrationScheduleSpec(copy["spec"]).isSuspended)
            #expect(MigrationScheduleSpec(copy["spec"]).policyName == "copy")
            #expect(copy["status", "items"] == nil)
            let key = ObjectKey(Self.space, "copy")
            try await world.source.patch(
                Self.schedules,
                key,
                .merge(["spec": ["template": ["spec": ["startApplications": true]]]])
            )
            let hash = copy.annotations["stork.libopenstorage.org/resource-hash"]
            _ = try await self.schedule("copy", world) {
                MigrationScheduleStatus($0["status"]).staticCopyHash != hash
            }
            let changed = try await world.destination.get(Self.schedules, key)
            #expect(changed["spec", "template", "spec", "startApplications"] == true)
            #expect(changed["spec", "suspend"] == true)
        }
    }

    @Test func whereTheApplicationsRunTheScheduleIsSuspended() async throws {
        try await PairedClusters.running { world in
            try await self.put("auto", suspendsItself: true, world)
            _ = try await self.copied("auto", world)
            try await self.activate("auto", world)
            try await self.sync("auto", "1", world)
            let schedule = try await self.schedule("auto", world) {
                MigrationScheduleStatus($0["status"]).conditions["Ready"]?.reason == "Suspended"
            }
            #expect(MigrationScheduleSpec(schedule["spec"]).isSuspended)
            let migrations = try await world.source.list(
                StorkResource.migrations,
                namespace: Self.space
            )
            #expect(migrations.items.isEmpty)
        }
    }

    @Test func aMigrationOfAScheduleWhoseApplicationsRunThereFails() async throws {
        try await PairedClusters.running { world in
            try await self.put("manual", suspendsItself: false, world)
            _ = try await self.copied("manual", world)
            try await self.activate("manual", world)
            try await self.sync("manual", "1", world)
            let schedule = try await self.schedule("manual", world) {
                MigrationScheduleStatus($0["status"]).items[.monthly]?.last?.isFinal == true
            }
            let item = try #require(
                MigrationScheduleStatus(schedule["status"]).items[.monthly]?.last
            )
            #expect(item.status == .failed)
            let migration = try await world.source.get(
                StorkResource.migrations,
                ObjectKey(Self.space, item.name)
            )
            let end = MigrationStatus(migration["status"]).conditions["Succeeded"]
            #expect(end?.reason == "ApplicationsActive")
            #expect(
                end?.message.hasPrefix("migrated applications are active on remote cluster") == true
            )
        }
    }

    @Test func aScheduleOfSomebodyElseAtTheDestinationStays() async throws {
        try await PairedClusters.running { world in
            let key = ObjectKey(Self.space, "taken")
            let spec: JSON = [
                "template": ["spec": ["clusterPair": "other", "namespaces": ["x"]]],
                "schedulePolicyName": "other",
            ]
            try await world.destination.create(
                Self.schedules,
                KubeObject(Self.schedules.groupVersionKind, key, ["spec": spec])
            )
            try await self.put("taken", suspendsItself: false, world)
            let schedule = try await self.schedule("taken", world) {
                MigrationScheduleStatus($0["status"]).conditions["StaticCopyReady"] != nil
            }
            let condition = MigrationScheduleStatus(schedule["status"])
                .conditions["StaticCopyReady"]
            #expect(condition?.reason == "ScheduleNameTaken")
            let there = try await world.destination.get(Self.schedules, key)
            #expect(there["spec", "schedulePolicyName"] == "other")
        }
    }

    @Test func manySteadySchedulesCostNoRequest() async throws {
        try await PairedClusters.running { world in
            for number in 1...20 {
                try await self.put("many-\(number)", suspendsItself: true, world)
            }
            for number in 1...20 { _ = try await self.copied("many-\(number)", world) }
            try await world.passTime(checks: 1)
            let (own, remote) = (world.statistics.ownRequests, world.statistics.remoteRequests)
            try await world.passTime(checks: 10)
            let ownSince = world.statistics.ownRequests - own
            let remoteSince = world.statistics.remoteRequests - remote
            #expect(ownSince.total == 0, "ten minutes and more: \(ownSince)")
            #expect(remoteSince.total == remoteSince[.document], "\(remoteSince)")
        }
    }
}
