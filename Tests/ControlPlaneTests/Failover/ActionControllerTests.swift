// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// Failover, the way back and rehearsals over two clusters that are real, and storage in memory.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ActionControllerTests {
    private static let deployments = APIResource(
        GroupVersion("apps", "v1"),
        "Deployment",
        plural: "deployments"
    )
    private static let claimBody: JSONFields = [
        "spec": [
            "accessModes": ["ReadWriteOnce"], "volumeName": "pv-data",
            "resources": ["requests": ["storage": "1Gi"]],
        ]
    ]

    private func deployment(_ replicas: Int) -> KubeObject {
        let app: JSON = ["app": "web"]
        return KubeObject(
            Self.deployments.groupVersionKind,
            ObjectKey("shop", "web"),
            [
                "spec": [
                    "replicas": JSON(replicas), "selector": ["matchLabels": app],
                    "template": [
                        "metadata": ["labels": app],
                        "spec": ["containers": [["name": "main", "image": "example/web:1"]]],
                    ],
                ]
            ]
        )
    }

    /// What a schedule has brought from `there` to `here` by now: a stopped application, a claim, a
    /// copy of the schedule, and the record of what the volume shows.
    private func prepare(_ there: PairedClusters, _ here: PairedClusters) async throws {
        for world in [there, here] {
            try await world.source.create(
                BuiltIn.namespaces,
                KubeObject(BuiltIn.namespaces.groupVersionKind, ObjectKey("", "shop"))
            )
        }
        try await there.source.create(Self.deployments, self.deployment(3))
        var copy = self.deployment(0)
        copy.set(
            ["stork.libopenstorage.org/migrationReplicas": "3", Self.migrated: "true"],
            at: "metadata",
            "annotations"
        )
        try await here.source.create(Self.deployments, copy)
        try await there.source.create(StorkResource.migrationSchedules, self.schedule())
        var standby = self.schedule()
        standby.set(true, at: "spec", "suspend")
        standby.set(["stork.libopenstorage.org/static-copy": "true"], at: "metadata", "annotations")
        try await here.source.create(StorkResource.migrationSchedules, standby)
        here.driver.state.withLock { state in
            state.kept["pvc-1"] = [7, 8]
                .map { VolumeFreeze.Frozen(generation: $0, snapshot: "snapshot-\($0)") }
        }
        try await self.point("s-1", generation: 7, seconds: 1_789_999_000, here)
        try await self.point("s-2", generation: 8, seconds: 1_789_999_900, here)
    }

    private static let migrated = "stork.libopenstorage.org/migrated"

    private func schedule() -> KubeObject {
        var spec = MigrationSpec()
        spec.clusterPair = "remote"
        spec.namespaces = ["shop"]
        return KubeObject(
            StorkResource.migrationSchedules.groupVersionKind,
            ObjectKey("kube-system", "s"),
            [
                "spec": [
                    "template": ["spec": spec.json], "schedulePolicyName": "none", "suspend": false,
                ]
            ]
        )
    }

    private func point(
        _ name: String,
        generation: UInt64,
        seconds: Int,
        _ here: PairedClusters
    ) async throws {
        let spec = RecoveryPointSpec(
            migration: name,
            schedule: "s",
            namespaces: ["shop"],
            time: Timestamp(seconds: seconds),
            isAtomic: true,
            group: "g",
            volumes: [
                RecoveryPointSpec.Volume(
                    claim: ObjectKey("shop", "data"),
                    volume: "pvc-1",
                    generation: generation,
                    snapshot: "snapshot-\(generation)"
                )
            ]
        )
        try await here.source.create(
            StorkResource.recoveryPoints,
            KubeObject(
                StorkResource.recoveryPoints.groupVersionKind,
                ObjectKey("kube-system", name),
                ["spec": spec.json]
            )
        )
    }

    private func perform(
        _ spec: ActionSpec,
        _ here: PairedClusters,
        named name: String = "f"
    ) async throws -> ActionStatus {
        try await here.source.create(
            StorkResource.actions,
            KubeObject(
                StorkResource.actions.groupVersionKind,
                ObjectKey("kube-system", name),
                ["spec": spec.json]
            )
        )
        let object = try await here.object(StorkResource.actions, "kube-system", name) {
            ActionStatus($0["status"], of: spec.type).stage == .final
        }
        return ActionStatus(object["status"], of: spec.type)
    }

    private func replicas(_ world: PairedClusters) async throws -> Int? {
        try await world.source.find(Self.deployments, ObjectKey("shop", "web"))?[
            "spec",
            "replicas"
        ]?
        .int
    }

    private func schedule(_ world: PairedClusters) async throws -> KubeObject {
        let key = ObjectKey("kube-system", "s")
        return try #require(
            try await world.source.find(StorkResource.migrationSchedules, key)
        )
    }

    // MARK: - Failover

    @Test func aFailoverStopsTheSourceBringsTheLastBytesAndStartsHere() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.prepare(there, here)
            let status = try await self.perform(ActionSpec(.failover, schedule: "s"), here)
            #expect(status.status == .successful, "\(status.reason)")
            #expect(try await self.replicas(there) == 0)
            #expect(try await self.replicas(here) == 3)
            #expect(try await self.schedule(there)["spec", "suspend"] == true)
            #expect(try await self.schedule(here)["status", "applicationActivated"] == true)
            #expect(status.summary.map(\.namespace) == ["shop"] && status.sourceReached == true)
            let migrations = try await there.source.all(
                StorkResource.migrations,
                namespace: "kube-system"
            )
            let last = try #require(migrations.first)
            #expect(last.name.hasPrefix("s-lastmile-failover-") && migrations.count == 1)
            #expect(last["spec", "startApplications"] == false)
            #expect(MigrationStatus(last["status"]).status == .successful)
            let again = try await self.perform(
                ActionSpec(.failover, schedule: "s"),
                here,
                named: "again"
            )
            #expect(again.conditions["Succeeded"]?.reason == "AlreadyActive")
        }
    }

    @Test func aChosenStateIsMadeWritable() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.prepare(there, here)
            var spec = ActionSpec(.failover, schedule: "s")
            spec.recoveryPoint = "s-1"
            let status = try await self.perform(spec, here)
            #expect(status.status == .successful && status.point?.name == "s-1")
            #expect(status.point.map { $0.lossSeconds >= 1_000 } == true)
            #expect(
                here.driver.state.withLock { $0.orders } == ["settle pvc-1", "promote pvc-1 7"]
            )
        }
    }

    @Test func whatFailsAfterTheSourceWasStoppedIsTakenBack() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.prepare(there, here)
            here.driver.state.withLock {
                $0.refused["promote pvc-1 8"] = VolumeTrouble(
                    .failed,
                    "the disk is broken",
                    isPassing: false
                )
            }
            var spec = ActionSpec(.failover, schedule: "s")
            spec.recoveryPoint = "s-2"
            let status = try await self.perform(spec, here)
            #expect(status.status == .failed && status.reason.contains("the disk is broken"))
            #expect(try await self.replicas(there) == 3, "the source runs as before")
            #expect(try await self.replicas(here) == 0)
            let schedule = try await self.schedule(there)
            #expect(schedule["spec", "suspend"] == false)
            #expect(schedule.annotations.keys.allSatisfy { !$0.contains("action") })
            #expect(schedule.annotations[SourceFence.mark] == nil)
            #expect(
                try await self.schedule(here)["status", "applicationActivated"]?.bool != true
            )
            #expect(here.driver.state.withLock { $0.orders.last } == "revert pvc-1")
        }
    }

    @Test func oneThatIsDeletedOnItsWayLeavesTheSourceRunning() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.prepare(there, here)
            // It is held up where the source is stopped already.
            here.driver.state.withLock {
                $0.refused["settle pvc-1"] = VolumeTrouble(.failed, "not yet", isPassing: true)
            }
            var spec = ActionSpec(.failover, schedule: "s")
            spec.recoveryPoint = "s-2"
            let made = try await here.source.create(
                StorkResource.actions,
                KubeObject(
                    StorkResource.actions.groupVersionKind,
                    ObjectKey("kube-system", "f"),
                    ["spec": spec.json]
                )
            )
            _ = try await here.object(StorkResource.actions, "kube-system", "f") {
                $0["status", "conditions"]?.array?.first?["message"]?.string?
                    .contains("not yet") == true
            }
            #expect(try await self.replicas(there) == 0)
            try await here.source.delete(StorkResource.actions, made.key)
            _ = try await there.object(Self.deployments, "shop", "web") {
                $0["spec", "replicas"] == 3
            }
            _ = try await there.object(
                StorkResource.migrationSchedules,
                "kube-system",
                "s"
            ) {
                $0["spec", "suspend"] == false
            }
        }
    }

    @Test func aSourceThatIsSkippedIsLeftAlone() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.prepare(there, here)
            var spec = ActionSpec(.failover, schedule: "s")
            spec.skipsSource = true
            let status = try await self.perform(spec, here)
            #expect(status.status == .successful && status.point?.name == "s-2")
            #expect(status.reason.contains("fenced"))
            #expect(try await self.replicas(there) == 3)
            #expect(try await self.replicas(here) == 3)
            #expect(
                here.driver.state.withLock { $0.orders } == ["settle pvc-1", "promote pvc-1 8"]
            )
            let copy = try await self.schedule(here)
            #expect(copy.annotations[SourceFence.activation] != nil)
        }
    }

    // MARK: - Rehearsals

    @Test func aRehearsalRunsBesideEverythingAndIsRemoved() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.prepare(there, here)
            try await here.source.create(
                BuiltIn.volumes,
                KubeObject(
                    BuiltIn.volumes.groupVersionKind,
                    ObjectKey("", "pv-data"),
                    [
                        "spec": [
                            "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"],
                            "csi": ["driver": "pool.godwit.io", "volumeHandle": "pvc-1"],
                        ]
                    ]
                )
            )
            try await here.source.create(
                BuiltIn.claims,
                KubeObject(
                    BuiltIn.claims.groupVersionKind,
                    ObjectKey("shop", "data"),
                    Self.claimBody
                )
            )
            var spec = ActionSpec(.drill, schedule: "s")
            spec.keeps = true
            let status = try await self.perform(spec, here, named: "d")
            #expect(status.status == .successful, "\(status.reason)")
            let key = ObjectKey("shop-drill", "web")
            let copy = try #require(try await here.source.find(Self.deployments, key))
            #expect(copy["spec", "replicas"] == 3)
            #expect(try await self.replicas(here) == 0)
            #expect(try await self.replicas(there) == 3)
            #expect(here.driver.state.withLock { $0.orders } == ["clone pvc-1 8 as pvc-1-drill"])
            let claim = try await here.source.find(
                BuiltIn.claims,
                ObjectKey("shop-drill", "data")
            )
            #expect(claim?["spec", "volumeName"] == "pv-data-drill")
            try await here.source.delete(StorkResource.actions, ObjectKey("kube-system", "d"))
            while try await here.source.find(BuiltIn.volumes, ObjectKey("", "pv-data-drill")) != nil
            {
                await Task.yield()
            }
            #expect(here.driver.state.withLock { $0.orders.last } == "discard pvc-1-drill")
            #expect(try await here.source.find(BuiltIn.volumes, ObjectKey("", "pv-data")) != nil)
        }
    }
}
