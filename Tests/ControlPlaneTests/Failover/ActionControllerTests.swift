// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// Failover, the way back and rehearsals over two clusters that are real, and storage in memory.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ActionControllerTests {
    private let world = ActionWorld()

    // MARK: - Failover

    @Test func aFailoverStopsTheSourceBringsTheLastBytesAndStartsHere() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
            let status = try await self.world.perform(ActionSpec(.failover, schedule: "s"), here)
            #expect(status.status == .successful, "\(status.reason)")
            #expect(try await self.world.replicas(there) == 0)
            #expect(try await self.world.replicas(here) == 3)
            #expect(try await self.world.schedule(there)["spec", "suspend"] == true)
            #expect(try await self.world.schedule(here)["status", "applicationActivated"] == true)
            #expect(status.summary.map(\.namespace) == ["shop"] && status.sourceReached == true)
            let migrations = try await there.source.all(
                StorkResource.migrations,
                namespace: "kube-system"
            )
            let last = try #require(migrations.first)
            #expect(last.name.hasPrefix("s-lastmile-failover-") && migrations.count == 1)
            #expect(last["spec", "startApplications"] == false)
            #expect(MigrationStatus(last["status"]).status == .successful)
            let again = try await self.world.perform(
                ActionSpec(.failover, schedule: "s"),
                here,
                named: "again"
            )
            #expect(again.conditions["Succeeded"]?.reason == "AlreadyActive")
        }
    }

    /// Silence that ends in time costs nothing: the last migration is made, nobody goes on alone.
    @Test func anotherSideThatAnswersAgainIsNotLeftAlone() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
            let way = try await self.world.breakPair(here)
            async let ended = self.world.perform(ActionSpec(.failover, schedule: "s"), here)
            _ = try await here.object(StorkResource.actions, "kube-system", "f") {
                [Condition]($0["status", "conditions"])["OtherSideAnswers"]?.status == .no
            }
            // Long in its stage, and a moment before it would be given up.
            here.clock.pass(.seconds(ActionDecision.patienceForOtherSide - 1))
            try await self.world.lead(to: way, here)
            try await self.world.pass(1, here, until: "f")
            let status = try await ended
            #expect(
                status.status == .successful && status.sourceReached == true,
                "\(status.reason)"
            )
            #expect(status.conditions["OtherSideAnswers"]?.status == .yes)
            #expect(try await self.world.replicas(there) == 0)
        }
    }

    @Test func aChosenStateIsMadeWritable() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
            var spec = ActionSpec(.failover, schedule: "s")
            spec.recoveryPoint = "s-1"
            let status = try await self.world.perform(spec, here)
            #expect(status.status == .successful && status.point?.name == "s-1")
            #expect(status.point.map { $0.lossSeconds >= 1_000 } == true)
            #expect(
                here.driver.state.withLock { $0.orders } == ["settle pvc-1", "promote pvc-1 7"]
            )
        }
    }

    @Test func whatFailsAfterTheSourceWasStoppedIsTakenBack() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
            here.driver.state.withLock {
                $0.refused["promote pvc-1 8"] = VolumeTrouble(
                    .failed,
                    "the disk is broken",
                    isPassing: false
                )
            }
            var spec = ActionSpec(.failover, schedule: "s")
            spec.recoveryPoint = "s-2"
            let status = try await self.world.perform(spec, here)
            #expect(status.status == .failed && status.reason.contains("the disk is broken"))
            #expect(try await self.world.replicas(there) == 3, "the source runs as before")
            #expect(try await self.world.replicas(here) == 0)
            let schedule = try await self.world.schedule(there)
            #expect(schedule["spec", "suspend"] == false)
            #expect(schedule.annotations.keys.allSatisfy { !$0.contains("action") })
            #expect(schedule.annotations[SourceFence.mark] == nil)
            #expect(
                try await self.world.schedule(here)["status", "applicationActivated"]?.bool != true
            )
            #expect(here.driver.state.withLock { $0.orders.last } == "revert pvc-1")
        }
    }

    @Test func oneThatIsDeletedOnItsWayLeavesTheSourceRunning() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
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
            #expect(try await self.world.replicas(there) == 0)
            try await here.source.delete(StorkResource.actions, made.key)
            _ = try await there.object(ActionWorld.deployments, "shop", "web") {
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
            try await self.world.prepare(there, here)
            var spec = ActionSpec(.failover, schedule: "s")
            spec.skipsSource = true
            let status = try await self.world.perform(spec, here)
            #expect(status.status == .successful && status.point?.name == "s-2")
            #expect(status.reason.contains("fenced"))
            #expect(try await self.world.replicas(there) == 3)
            #expect(try await self.world.replicas(here) == 3)
            #expect(
                here.driver.state.withLock { $0.orders } == ["settle pvc-1", "promote pvc-1 8"]
            )
            let copy = try await self.world.schedule(here)
            #expect(copy.annotations[SourceFence.activation] != nil)
        }
    }

    // MARK: - Rehearsals

    @Test func aRehearsalRunsBesideEverythingAndIsRemoved() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
            try await self.world.makeVolume(here)
            var spec = ActionSpec(.drill, schedule: "s")
            spec.keeps = true
            let status = try await self.world.perform(spec, here, named: "d")
            #expect(status.status == .successful, "\(status.reason)")
            #expect(status.reason.contains("Only volumes and objects were verified"))
            let key = ObjectKey("shop-drill", "web")
            let copy = try #require(try await here.source.find(ActionWorld.deployments, key))
            #expect(copy["spec", "replicas"] == 3)
            #expect(try await self.world.replicas(here) == 0)
            #expect(try await self.world.replicas(there) == 3)
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

    /// Where somebody makes pods of workloads, it is not over before they are ready.
    @Test func aRehearsalWaitsForItsPods() async throws {
        try await PairedClusters.runningBoth { there, here in
            try await self.world.prepare(there, here)
            try await self.world.makeVolume(here)
            try await self.world.lookAfterWorkloads(here)
            async let ended = self.world.perform(ActionSpec(.drill, schedule: "s"), here)
            let waiting = try await here.object(StorkResource.actions, "kube-system", "f") {
                let condition = [Condition]($0["status", "conditions"])["Succeeded"]
                return condition?.reason == ActionController.startingPods
            }
            #expect(ActionStatus(waiting["status"], of: .drill).status == .inProgress)
            let key = ObjectKey("shop-drill", "web")
            let copy = try #require(try await here.source.find(ActionWorld.deployments, key))
            _ = try await here.source.change(
                ActionWorld.deployments,
                key,
                [
                    "status": [
                        "observedGeneration": copy["metadata", "generation"] ?? 1,
                        "readyReplicas": 3,
                    ]
                ],
                isStatus: true
            )
            let status = try await ended
            #expect(status.status == .successful, "\(status.reason)")
            #expect(status.reason.contains("All 1 of its workloads became ready."))
            #expect(here.driver.state.withLock { $0.orders.last } == "discard pvc-1-drill")
        }
    }
}
