// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

@Suite(.timeLimit(.minutes(10))) struct MigrationControllerTests {
    private let stage = ControllerStage()

    @Test func aMigrationComesToItsEndWithEveryTotal() async throws {
        self.stage.prepare(claims: ["a", "b"])
        self.stage.putMigration()
        self.stage.mover.result.withLock {
            $0.entries = [
                MigratedResource(
                    GroupVersionKind("apps", "v1", "Deployment"),
                    ObjectKey("db", "web"),
                    .successful
                )
            ]
        }
        try await self.stage.look(self.stage.migrationController())
        let status = self.stage.migration
        #expect(status.stage == .final && status.status == .successful)
        #expect(status.conditions["Succeeded"]?.status == .yes)
        #expect(status.volumes.map(\.transfer) == [.full, .full])
        #expect(status.summary?.volumes == 2 && status.summary?.volumesDone == 2)
        #expect(status.summary?.resources == 1 && status.summary?.resourcesDone == 1)
        #expect(status.summary?.bytes == 20, "what went over the network, not the volumes' sizes")
        #expect(status.finished != nil && status.volumesFinished != nil)
        #expect(self.stage.mover.moves.withLock { $0 } == 1)
        let told = self.stage.notices.withLock { $0.map(\.message) }
        #expect(told.filter { $0 == "Volume pv-a migrated successfully" }.count == 1)
    }

    @Test func whatIsFinalCostsNoRequest() async throws {
        self.stage.prepare()
        self.stage.putMigration()
        try await self.stage.look(self.stage.migrationController())
        let before = self.stage.cluster.state.withLock { ($0.reads, $0.writes) }
        for _ in 0..<3 {
            let next = try await self.stage.migrationController().reconcile(ObjectKey("db", "m"))
            #expect(next == .onChange)
        }
        let after = self.stage.cluster.state.withLock { ($0.reads, $0.writes) }
        #expect(before == after)
    }

    @Test func waitingWritesOnceAndTellsOnce() async throws {
        self.stage.prepare()
        self.stage.putPair(storage: .error)
        self.stage.putMigration()
        let controller = self.stage.migrationController()
        try await self.stage.look(controller, limit: 3)
        let writes = self.stage.cluster.state.withLock { $0.writes }
        try await self.stage.look(controller, limit: 5)
        #expect(self.stage.cluster.state.withLock { $0.writes } == writes)
        #expect(self.stage.notices.withLock { $0.filter(\.isWarning).count } == 1)
        #expect(self.stage.migration.conditions["Succeeded"]?.reason == "ClusterPairNotReady")
        #expect(self.stage.migration.conditions["Succeeded"]?.status == .unknown)
        self.stage.putPair(storage: .ready)
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful, "it goes on when the cause is gone")
    }

    /// The storage does not answer, at each stage of a copy; when it does again, it goes on.
    @Test func storageThatIsAwayIsWaitedFor() async throws {
        self.stage.prepare()
        self.stage.putMigration()
        let controller = self.stage.migrationController()
        let away = VolumeTrouble(.agentUnreachable, "nobody answers", isPassing: true)
        self.stage.driver.state.withLock { $0.trouble = away }
        try await self.stage.look(controller, limit: 3)
        #expect(self.stage.migration.conditions["Succeeded"]?.reason == "AgentUnreachable")
        #expect(self.stage.migration.stage == .volumes)
        self.stage.driver.state.withLock { $0.trouble = nil }
        try await self.stage.look(controller, limit: 2)
        self.stage.driver.state.withLock { $0.trouble = away }
        try await self.stage.look(controller, limit: 2)
        #expect(self.stage.migration.conditions["Succeeded"]?.reason == "AgentUnreachable")
        #expect(self.stage.migration.volumes.first?.status == .inProgress)
        self.stage.driver.state.withLock { $0.trouble = nil }
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful)
        #expect(self.stage.driver.state.withLock { Array($0.begun.values) } == [1])
    }

    /// The agent tries again and again by itself: who waits for the Migration has to know why.
    @Test func aCopyThatIsHeldUpSaysWhyAndGoesOn() async throws {
        self.stage.prepare()
        self.stage.putMigration()
        let controller = self.stage.migrationController()
        self.stage.driver.state.withLock {
            $0.held = VolumeTrouble(
                .destinationUnreachable,
                "nobody answers",
                remedy: "start it",
                isPassing: true
            )
        }
        try await self.stage.look(controller, limit: 6)
        let condition = self.stage.migration.conditions["Succeeded"]
        #expect(condition?.reason == "DestinationUnreachable" && condition?.status == .unknown)
        #expect(condition?.message == "nobody answers Try: start it")
        let warnings = self.stage.notices.withLock { $0.filter(\.isWarning) }
        #expect(warnings == [.warning("Failed", "nobody answers Try: start it")], "told once")
        #expect(self.stage.doubts.withLock { $0 } == [ObjectKey("db", "remote")])
        self.stage.driver.state.withLock { $0.held = nil }
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful)
    }

    @Test func whatIsInTheWayIsLookedAtSoonAtFirstAndSeldomLater() async throws {
        self.stage.prepare()
        self.stage.putPair(storage: .error)
        self.stage.putMigration()
        let controller = self.stage.migrationController()
        var waits: [Requeue] = []
        for _ in 0..<5 {
            waits.append(try await controller.reconcile(ObjectKey("db", "m")))
            self.stage.seconds.withLock { $0 += 8 }
        }
        #expect(
            waits == [
                .after(.seconds(1)), .after(.seconds(4)), .after(.seconds(8)), .after(.seconds(10)),
                .after(.seconds(10)),
            ]
        )
        #expect(self.stage.doubts.withLock { $0.isEmpty }, "the pair has told of it itself")
    }

    @Test func aVolumeThatFailsEndsItWithItsReasonAfterTheOthers() async throws {
        self.stage.prepare(claims: ["a", "b"])
        self.stage.putMigration()
        self.stage.driver.state.withLock {
            $0.broken["pv-a"] = VolumeTrouble(
                .noSpace,
                "the pool is full",
                remedy: "add space",
                isPassing: false
            )
        }
        try await self.stage.look(self.stage.migrationController())
        let status = self.stage.migration
        #expect(status.stage == .final && status.status == .failed)
        #expect(status.conditions["Succeeded"]?.status == .no)
        #expect(status.conditions["Succeeded"]?.reason == "NoSpace")
        #expect(status.conditions["Succeeded"]?.message.contains("add space") == true)
        #expect(status.volumes.map(\.status) == [.failed, .failed], "shown together or not at all")
        #expect(status.volumes.map(\.cause) == ["NoSpace", "VolumeGroupFailed"])
        #expect(self.stage.driver.state.withLock { $0.committed.isEmpty })
        #expect(self.stage.mover.points.withLock { $0.isEmpty })
        #expect(self.stage.mover.moves.withLock { $0 } == 0, "no object without its volume")
        #expect(status.summary?.volumesDone == 0)
    }

    @Test func theRecoveryPointNamesWhatIsShownBeforeItIs() async throws {
        self.stage.prepare(claims: ["a", "b"])
        self.stage.putMigration()
        let away = Trouble(.destinationUnreachable, "nobody answers")
        self.stage.mover.trouble.withLock { $0 = away }
        let controller = self.stage.migrationController()
        try await self.stage.look(controller, limit: 8)
        #expect(self.stage.migration.conditions["Succeeded"]?.reason == "DestinationUnreachable")
        #expect(self.stage.driver.state.withLock { $0.committed.isEmpty }, "the record comes first")
        self.stage.mover.trouble.withLock { $0 = nil }
        try await self.stage.look(controller)
        let status = self.stage.migration
        #expect(status.status == .successful && status.recoveryPoint?.isVisible == true)
        #expect(status.recoveryPoint?.time == Timestamp(seconds: 999_000))
        let point = try #require(self.stage.mover.points.withLock { $0.last })
        let spec = try #require(RecoveryPointSpec(point["spec"]))
        #expect(point.key == ObjectKey("db", "m-uid-m") && spec.isAtomic)
        #expect(spec.namespaces == ["db"] && spec.migration == "m" && spec.group == "uid-m")
        #expect(spec.volumes.map(\.volume) == ["pv-a", "pv-b"])
        #expect(spec.volumes.map(\.generation) == [1, 2])
        #expect(spec.volumes.map(\.claim) == [ObjectKey("db", "a"), ObjectKey("db", "b")])
    }

    @Test func copiesThatTheStorageHasForgottenAreFrozenAnew() async throws {
        self.stage.prepare()
        self.stage.putMigration()
        let controller = self.stage.migrationController()
        try await self.stage.look(controller, limit: 2)
        #expect(self.stage.migration.recoveryPoint != nil)
        self.stage.driver.state.withLock { $0.looks = [:] }
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful && self.stage.migration.freezes == 1)
        let begun = self.stage.driver.state.withLock { $0.begun.keys.sorted() }
        #expect(begun == ["uid-m-1-db-data", "uid-m-db-data"], "another freeze, another task")
        #expect(self.stage.notices.withLock { $0.contains { $0.message.contains("frozen anew") } })
    }

    @Test func anObjectThatDoesNotArriveIsNoSuccess() async throws {
        self.stage.prepare()
        self.stage.putMigration()
        self.stage.mover.result.withLock {
            $0.entries = [
                MigratedResource(
                    GroupVersionKind("", "v1", "Service"),
                    ObjectKey("db", "web"),
                    .failed,
                    reason: "Error applying resource: no"
                )
            ]
        }
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.migration.status == .partialSuccess)
        #expect(self.stage.migration.conditions["Succeeded"]?.status == .no)
        #expect(self.stage.migration.conditions["Succeeded"]?.reason == "PartialSuccess")
    }

    @Test func deletionCancelsTheCopiesAndLetsGo() async throws {
        self.stage.prepare()
        self.stage.putMigration()
        let controller = self.stage.migrationController()
        try await self.stage.look(controller, limit: 1)
        #expect(self.stage.migration.stage == .volumes)
        self.stage.markDeleted(StorkResource.migrations, "m")
        _ = try await controller.reconcile(ObjectKey("db", "m"))
        #expect(self.stage.driver.state.withLock { $0.cancelled } == ["uid-m-db-data"])
        #expect(self.stage.cluster.find(StorkResource.migrations, ObjectKey("db", "m")) == nil)
    }

    /// Dies at any request on its way into the copies; by then nothing tells which namespaces the
    /// selectors had chosen.
    @Test(arguments: 1..<16) func deletionEndsWhatWasBegun(life: Int) async throws {
        self.stage.prepare(claims: ["a", "b"])
        self.stage.putMigration { spec in
            spec.namespaces = []
            spec.namespaceSelectors = ["team": "sales"]
        }
        self.stage.label("db", "team", "sales")
        self.stage.cluster.state.withLock { $0.life = life }
        try? await self.stage.look(self.stage.migrationController(), limit: 1)
        self.stage.cluster.state.withLock { $0.life = nil }
        let begun = self.stage.driver.state.withLock { Set($0.begun.keys) }
        self.stage.label("db", "team", "none")
        self.stage.markDeleted(StorkResource.migrations, "m")
        _ = try await self.stage.migrationController().reconcile(ObjectKey("db", "m"))
        #expect(begun.isSubset(of: self.stage.driver.state.withLock { $0.cancelled }))
        #expect(self.stage.cluster.find(StorkResource.migrations, ObjectKey("db", "m")) == nil)
    }

    @Test func anAgentThatIsAwayMayComeBackToCancelButNotForEver() async throws {
        self.stage.prepare()
        self.stage.putMigration()
        let controller = self.stage.migrationController()
        try await self.stage.look(controller, limit: 1)
        let away = VolumeTrouble(.agentUnreachable, "nobody answers", isPassing: true)
        self.stage.driver.state.withLock { $0.trouble = away }
        self.stage.markDeleted(StorkResource.migrations, "m")
        self.stage.seconds.withLock { $0 = 1_767_225_600 }
        let next = try await controller.reconcile(ObjectKey("db", "m"))
        #expect(next == .after(MigrationController.cancelPause))
        #expect(self.stage.cluster.find(StorkResource.migrations, ObjectKey("db", "m")) != nil)
        self.stage.seconds.withLock { $0 += ControllerShell.deletionPatience }
        _ = try await controller.reconcile(ObjectKey("db", "m"))
        #expect(self.stage.cluster.find(StorkResource.migrations, ObjectKey("db", "m")) == nil)
        #expect(self.stage.notices.withLock { $0.last?.message }?.contains("may go on") == true)
    }

    @Test func aNamespaceThatTheWatchHasNotToldOfIsAskedFor() async throws {
        self.stage.prepare()
        self.stage.putMigration { spec in
            spec.namespaces = ["db", "gone"]
        }
        try await self.stage.look(self.stage.migrationController(), limit: 1)
        #expect(self.stage.migration.conditions["Succeeded"]?.reason == "NamespaceNotAllowed")
    }

    /// Dies at the first request, at the second, and so on; a new process goes on each time.
    @Test func killedAtAnyRequestItComesToTheSameEnd() async throws {
        let expected = ControllerStage()
        expected.prepare(claims: ["a", "b", "c"])
        expected.putMigration()
        try await expected.look(expected.migrationController())
        let end = expected.migration
        #expect(end.status == .successful)

        for life in 0..<60 {
            let stage = ControllerStage()
            stage.prepare(claims: ["a", "b", "c"])
            stage.putMigration()
            stage.cluster.state.withLock { $0.life = life }
            try? await stage.look(stage.migrationController())
            stage.cluster.state.withLock { $0.life = nil }
            try await stage.look(stage.migrationController())
            #expect(stage.migration.stage == .final, "killed after \(life)")
            #expect(stage.migration.status == end.status, "killed after \(life)")
            #expect(stage.migration.volumes.map(\.status) == end.volumes.map(\.status))
            let begun = stage.driver.state.withLock { $0.begun }
            #expect(begun.count == 3 && begun.values.allSatisfy { $0 == 1 }, "after \(life)")
        }
    }

    /// Dies again and again, every few requests.
    @Test(arguments: [2, 3, 5, 7]) func killedForEverItStillGetsThere(life: Int) async throws {
        self.stage.prepare(claims: ["a", "b"])
        self.stage.putMigration()
        for _ in 0..<200 where self.stage.migration.stage != .final {
            self.stage.cluster.state.withLock { $0.life = life + 6 }
            try? await self.stage.look(self.stage.migrationController(), limit: 3)
        }
        #expect(self.stage.migration.status == .successful)
        #expect(self.stage.driver.state.withLock { $0.begun.values.allSatisfy { $0 == 1 } })
    }
}
