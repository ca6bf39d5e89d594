// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// The controller of RecoveryPoints, over a cluster and a storage in memory.
@Suite struct RecoveryPointControllerTests {
    private let stage = ControllerStage()
    private let index = RecoveryPointIndex()
    private let series = ObjectKey("db", "schedule s")

    /// A RecoveryPoint as a migration writes it, told by the watch.
    private func add(_ generation: UInt64, schedule: String? = "s", volume: String = "a") {
        let name = "\(schedule ?? "manual")-\(generation)"
        let spec = RecoveryPointSpec(
            migration: name,
            schedule: schedule,
            namespaces: ["db"],
            time: Timestamp(seconds: Int(generation) * 100),
            isAtomic: true,
            group: "g",
            volumes: [
                RecoveryPointSpec.Volume(
                    claim: ObjectKey("db", volume),
                    volume: volume,
                    generation: generation,
                    snapshot: "\(volume)-\(generation)"
                )
            ]
        )
        let object = KubeObject(
            StorkResource.recoveryPoints.groupVersionKind,
            ObjectKey("db", name),
            ["spec": spec.json]
        )
        self.stage.cluster.put(StorkResource.recoveryPoints, object)
        let now = Duration.seconds(self.stage.seconds.withLock { $0 })
        _ = self.index.take(.added(object), now: now)
    }

    private func keep(_ generations: [UInt64], of volume: String = "a") {
        self.stage.driver.state.withLock { state in
            state.kept[volume] = generations.map {
                VolumeFreeze.Frozen(generation: $0, snapshot: "\(volume)-\($0)")
            }
        }
    }

    private func pass(_ seconds: Int) { self.stage.seconds.withLock { $0 += seconds } }

    private func available(_ name: String) -> Condition? {
        let point = self.stage.cluster.find(StorkResource.recoveryPoints, ObjectKey("db", name))
        return [Condition](point?["status", "conditions"])["Available"]
    }

    private var names: [String] {
        self.stage.cluster.everything(StorkResource.recoveryPoints).map(\.name).sorted()
    }

    private var asked: [String] { self.stage.driver.state.withLock { $0.asked } }
    private var writes: Int { self.stage.cluster.state.withLock { $0.writes } }
    private var reads: Int { self.stage.cluster.state.withLock { $0.reads } }

    @Test func aSeriesKeepsWhatTheStorageKeeps() async throws {
        let controller = self.stage.recoveryPointController(self.index)
        for generation in UInt64(1)...4 {
            self.add(generation)
            self.keep([max(1, generation - 1), generation])
            self.pass(2)
            _ = try await controller.reconcile(self.series)
        }
        #expect(self.names == ["s-3", "s-4"])
        #expect(self.available("s-4")?.status == .yes && self.available("s-3")?.status == .yes)
    }

    @Test func aNewPointIsLookedAtWhenItsStatesMayBeShown() async throws {
        let controller = self.stage.recoveryPointController(self.index)
        self.add(1)
        self.keep([])
        let first = try await controller.reconcile(self.series)
        #expect(first == .after(.seconds(1)) && self.asked.isEmpty)
        self.pass(1)
        let second = try await controller.reconcile(self.series)
        #expect(second == .after(.seconds(2)) && self.available("s-1")?.status == .unknown)
        self.keep([1])
        self.pass(2)
        _ = try await controller.reconcile(self.series)
        #expect(self.available("s-1")?.status == .yes)
    }

    @Test func aSteadySeriesIsNotWritten() async throws {
        let controller = self.stage.recoveryPointController(self.index)
        self.add(1)
        self.keep([1])
        self.pass(2)
        _ = try await controller.reconcile(self.series)
        let written = self.writes
        for _ in 0..<5 {
            self.pass(3_600)
            _ = try await controller.reconcile(self.series)
        }
        #expect(self.writes == written)
        // Nor does what it has written itself ask for another look.
        let point = try #require(
            self.stage.cluster.find(StorkResource.recoveryPoints, ObjectKey("db", "s-1"))
        )
        #expect(self.index.take(.modified(from: point, to: point), now: .zero) == nil)
    }

    @Test func aLookAtOneOfTenThousandSeriesAsksForItsVolumeAlone() async throws {
        let controller = self.stage.recoveryPointController(self.index)
        for number in 1...10_000 {
            let point = KubeObject(
                StorkResource.recoveryPoints.groupVersionKind,
                ObjectKey("db", "other-\(number)"),
                ["spec": ["migrationSchedule": .string("other-\(number)")]]
            )
            _ = self.index.take(.added(point), now: .zero)
        }
        self.add(1)
        self.keep([1])
        self.pass(2)
        _ = try await controller.reconcile(self.series)
        #expect(self.asked == ["a"] && self.writes == 1 && self.reads == 0)
    }

    @Test func migrationsWithoutAScheduleFollowOneAnotherByTheirNamespaces() async throws {
        let controller = self.stage.recoveryPointController(self.index)
        self.add(1, schedule: nil)
        self.add(2, schedule: nil)
        self.add(1, schedule: "s", volume: "b")
        self.keep([2])
        self.pass(2)
        _ = try await controller.reconcile(ObjectKey("db", "namespaces db"))
        #expect(self.names == ["manual-2", "s-1"])
    }

    @Test(arguments: [ActionStage.initial, .scaleUpDestination])
    func aPointThatAnActionIsToShowStaysUntilItsEnd(stage: ActionStage) async throws {
        let controller = self.stage.recoveryPointController(self.index)
        self.add(1)
        self.add(2)
        self.keep([2])
        self.pass(2)
        var spec = ActionSpec(.failover, schedule: "s")
        spec.recoveryPoint = "s-1"
        func put(_ stage: ActionStage) {
            self.stage.cluster.put(
                StorkResource.actions,
                KubeObject(
                    StorkResource.actions.groupVersionKind,
                    ObjectKey("db", "f"),
                    ["spec": spec.json, "status": ["stage": .string(stage.rawValue)]]
                )
            )
        }
        put(stage)
        _ = try await controller.reconcile(self.series)
        #expect(self.names == ["s-1", "s-2"] && self.available("s-1")?.status == .no)
        put(.final)
        _ = try await controller.reconcile(self.series)
        #expect(self.names == ["s-2"])
    }

    @Test func aControllerThatKnowsNoAgentTakesNothingForGone() async throws {
        let driver = PoolVolumeDriver(agents: [])
        await #expect(throws: VolumeTrouble.self) { _ = try await driver.states(of: "a") }
    }
}
