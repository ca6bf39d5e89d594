// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// Two controllers in processes of their own, one Lease, and a schedule.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ScheduleLeaseTests {
    private static let key = ObjectKey("default", "nightly")
    /// Seconds; a controller that is not told otherwise waits for 15, and tries every two.
    private static let lease = 3
    /// What a take-over with its run may take here, where a dozen other systems run on few processors:
    /// alone it takes 20 s less the 12 s that the default lease is longer.
    private static let patience = Duration.seconds(120)

    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private func controller(_ cluster: ServedCluster) throws -> Program {
        try Program(
            "godwit-controller",
            [
                "run", "--kubeconfig", cluster.kubeconfig, "--agent", "\(self.scratch.path)/none",
                "--lease-duration", "\(Self.lease)",
            ]
        )
    }

    private func prepare(_ cluster: ServedCluster) async throws {
        let policies = StorkResource.namespacedSchedulePolicies
        try await cluster.client.create(
            policies,
            KubeObject(
                policies.groupVersionKind,
                Self.key,
                ["policy": ["interval": ["intervalMinutes": 1_000]]]
            )
        )
        let schedules = StorkResource.migrationSchedules
        try await cluster.client.create(
            schedules,
            KubeObject(
                schedules.groupVersionKind,
                Self.key,
                [
                    "spec": [
                        "template": ["spec": ["clusterPair": "none", "namespaces": ["default"]]],
                        "schedulePolicyName": .string(Self.key.name),
                    ]
                ]
            )
        )
    }

    private func sync(_ value: Int, _ cluster: ServedCluster) async throws {
        let annotation: JSON = ["stork.libopenstorage.org/sync-now": .string("\(value)")]
        try await cluster.client.patch(
            StorkResource.migrationSchedules,
            Self.key,
            .merge(["metadata": ["annotations": annotation]])
        )
    }

    /// Waits until the run of a value is there, and ends it as an agent would.
    private func run(_ value: String?, _ cluster: ServedCluster) async throws {
        let schedule = try await cluster.object(StorkResource.migrationSchedules, Self.key) {
            let status = MigrationScheduleStatus($0["status"])
            return status.syncNow == value
                && status.items[.interval]?.contains { !$0.isFinal } == true
        }
        let items = MigrationScheduleStatus(schedule["status"]).items[.interval] ?? []
        let name = try #require(items.last { !$0.isFinal }?.name)
        let key = ObjectKey(Self.key.namespace, name)
        _ = try await cluster.object(StorkResource.migrations, key) { _ in true }
        var status = MigrationStatus()
        status.stage = .final
        status.status = .successful
        try await cluster.client.patch(
            StorkResource.migrations,
            key,
            .merge(["status": status.json]),
            subresource: "status"
        )
    }

    @Test func eachTriggerIsOneRunWhicheverControllerIsKilled() async throws {
        try await ServedCluster.running(in: "\(self.scratch.path)/c") { cluster in
            let seen = Locked<Set<String>>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let events = cluster.client.watch(
                        StorkResource.migrations,
                        namespace: Self.key.namespace,
                        from: ""
                    )
                    for try await case .added(let made) in events {
                        seen.withLock { _ = $0.insert(made.name) }
                    }
                }
                try await self.storm(cluster)
                group.cancelAll()
                while let ended = await group.nextResult() { _ = ended }
            }
            #expect(seen.withLock { $0.count } == 4, "\(seen.withLock { $0 })")
        }
    }

    private func storm(_ cluster: ServedCluster) async throws {
        var leader = try self.controller(cluster)
        _ = try await leader.logged("controllers ready")
        var second = try self.controller(cluster)
        try await self.prepare(cluster)
        try await self.run(nil, cluster)
        for round in 1...3 {
            // Before the trigger, with it, and when its item is there but perhaps no Migration.
            if round == 1 { leader.kill9() }
            try await self.sync(round, cluster)
            if round == 3 {
                _ = try await cluster.object(StorkResource.migrationSchedules, Self.key) {
                    MigrationScheduleStatus($0["status"]).syncNow == "3"
                }
            }
            leader.kill9()
            let killed = ContinuousClock.now
            _ = try await second.logged("controllers ready")
            try await self.run("\(round)", cluster)
            let taken = ContinuousClock.now - killed
            #expect(taken < Self.patience, "round \(round): \(taken)")
            leader = second
            second = try self.controller(cluster)
        }
        _ = try await cluster.object(StorkResource.migrationSchedules, Self.key) {
            !MigrationScheduleStatus($0["status"]).isBusy
        }
        #expect(leader.stop() == 0, "\(leader.log)")
        second.kill9()
    }
}
