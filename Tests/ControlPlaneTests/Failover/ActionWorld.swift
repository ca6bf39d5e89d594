// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// What the tests of Actions find and do: a schedule that has brought an application over.
struct ActionWorld {
    static let deployments = APIResource(
        GroupVersion("apps", "v1"),
        "Deployment",
        plural: "deployments"
    )

    func deployment(_ replicas: Int) -> KubeObject {
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
    func prepare(_ there: PairedClusters, _ here: PairedClusters) async throws {
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

    func schedule() -> KubeObject {
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

    func point(
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

    func perform(
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

    func replicas(_ world: PairedClusters) async throws -> Int? {
        try await world.source.find(Self.deployments, ObjectKey("shop", "web"))?[
            "spec",
            "replicas"
        ]?
        .int
    }

    func schedule(_ world: PairedClusters) async throws -> KubeObject {
        let key = ObjectKey("kube-system", "s")
        return try #require(
            try await world.source.find(StorkResource.migrationSchedules, key)
        )
    }
}
