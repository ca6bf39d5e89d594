// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct ScheduleControllerTests {
    private static let minute: JSON = ["interval": ["intervalMinutes": 1]]

    @Test func aRunIsMadeOfTheTemplateAndNamedAsTheDocumentsNameIt() async throws {
        let world = try ScheduleStage(at: "2019-02-16T00:40:52Z")
        world.putPolicy(Self.minute)
        world.putSchedule()
        let wait = try await world.look(world.controller())
        let run = try #require(world.migrations.first)
        #expect(run.name == "nightly-interval-2019-02-16-004052")
        #expect(run["spec", "clusterPair"] == "remote")
        #expect(run.annotations["stork.libopenstorage.org/migration-schedule-name"] == "nightly")
        #expect(run.annotations["team"] == "blue")
        #expect(run.ownerReferences.map(\.name) == ["nightly"])
        let item = try #require(world.status.items[.interval]?.first)
        #expect(item.name == run.name && item.status == .pending && item.finished == nil)
        #expect(item.created == world.now)
        // While it runs nothing is to be done but to say, some time, that the next one is late.
        #expect(try #require(wait) >= .seconds(60))

        world.pass(60)
        try world.finish(run.name, .successful)
        _ = try await world.look(world.controller())
        #expect(
            world.texts.contains("Scheduled migration (\(run.name)) completed successfully")
        )
        #expect(world.status.lastSuccess == world.now)
        #expect(world.migrations.count == 1, "exactly a minute is not due")
        world.pass(1)
        _ = try await world.look(world.controller())
        #expect(world.migrations.map(\.name).last == "nightly-interval-2019-02-16-004153")
    }

    @Test func theLastSuccessAndLaterFailuresAreKept() async throws {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putPolicy(Self.minute)
        world.putSchedule()
        let controller = world.controller()
        var names: [String] = []
        for state in [
            MigrationState.failed, .successful, .failed, .failed, .partialSuccess, .failed,
        ] {
            _ = try await world.look(controller)
            let run = try #require(world.migrations.last?.name)
            names.append(run)
            world.pass(61)
            try world.finish(run, state)
            if state == .failed, names.count == 4 {
                _ = try await world.look(controller)
                let kept = world.status.items[.interval]?.prefix(3).map(\.name)
                #expect(kept == Array(names[1...3]))
            }
        }
        _ = try await world.look(controller)
        let items = try #require(world.status.items[.interval])
        #expect(items.prefix(2).map(\.name) == Array(names[4...5]))
        #expect(items.count == 3 && items.map(\.name) == world.migrations.map(\.name))
        #expect(world.texts.contains("Scheduled migration (\(names[4])) status PartialSuccess"))
    }

    @Test func failuresDoNotPileUpWithoutEnd() async throws {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putPolicy(Self.minute)
        world.putSchedule()
        let controller = world.controller()
        for number in 0..<(ScheduleDecision.keptFailures + 10) {
            _ = try await world.look(controller)
            world.pass(61)
            try world.finishAll(number == 2 ? .successful : .failed)
        }
        _ = try await world.look(controller)
        let items = try #require(world.status.items[.interval])
        #expect(items.count <= ScheduleDecision.keptFailures + 2)
        #expect(items.first?.status == .successful, "the last success is never dropped")
        #expect(items.map(\.name) == world.migrations.map(\.name))
    }

    @Test func aPolicyThatIsMissingOrWrongIsToldOnceAndUsedWhenItIsMended() async throws {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putSchedule()
        for _ in 0..<3 { #expect(try await world.look(world.controller()) == nil) }
        let begin = "Error checking if migration should be triggered: "
        #expect(world.texts.count == 1)
        #expect(world.texts[0].hasPrefix(begin + "schedulepolicy policy not found in cache"))
        world.putPolicy(["daily": ["time": "12:75PM"]])
        for _ in 0..<3 { #expect(try await world.look(world.controller()) == nil) }
        #expect(world.texts.count == 2)
        #expect(
            world.texts[1]
                .hasPrefix(
                    begin
                        + "Invalid time (12:75PM) in Daily policy: parsing time \"12:75PM\": minute out "
                        + "of range"
                )
        )
        #expect(world.status.conditions["Ready"]?.reason == "PolicyInvalid")
        world.putPolicy(["timeZone": "Mars/Phobos", "interval": ["intervalMinutes": 1]])
        _ = try await world.look(world.controller())
        #expect(world.texts[2].contains("Invalid timeZone (Mars/Phobos) in policy"))
        #expect(world.migrations.isEmpty)
        // One of the namespace comes before the one of all.
        world.putPolicy(Self.minute, in: "db")
        _ = try await world.look(world.controller())
        #expect(world.migrations.count == 1)
        #expect(world.status.conditions["Ready"]?.status == .yes)
    }

    @Test func aSuspendedScheduleStartsNothingAndGoesOnAfterwards() async throws {
        let world = try ScheduleStage(at: "2027-03-01T21:00:00Z")
        world.putPolicy(["daily": ["time": "10:14PM"]])
        world.putSchedule("nightly", ["suspend": true])
        let controller = world.controller()
        #expect(try await world.look(controller) == nil)
        #expect(world.status.nextTrigger == nil && world.status.policy == nil)
        try world.change {
            $0.annotations["stork.libopenstorage.org/sync-now"] = "1"
        }
        _ = try await world.look(controller)
        _ = try await world.look(controller)
        #expect(world.texts.count { $0.contains("is suspended") } == 1)
        // Three days later nothing was missed: nobody had wanted it.
        world.pass(3 * 86_400)
        try world.change { $0.set(false, at: "spec", "suspend") }
        let wait = try await world.look(controller)
        #expect(wait == .seconds(74 * 60))
        #expect(
            world.status.missed.isEmpty && world.migrations.isEmpty,
            "and the wish is forgotten"
        )
        #expect(world.status.nextTrigger?.description == "2027-03-04T22:14:00Z")
        world.pass(74 * 60)
        _ = try await world.look(controller)
        #expect(world.migrations.map(\.name) == ["nightly-daily-2027-03-04-221400"])
    }

    @Test func aRunThatIsAskedForIsMadeOnceForEachValue() async throws {
        let world = try ScheduleStage(at: "2027-03-01T21:00:00Z")
        world.putPolicy(["daily": ["time": "10:14PM"]])
        world.putSchedule()
        _ = try await world.look(world.controller())
        #expect(world.migrations.isEmpty)
        for value in ["1", "2"] {
            try world.change { $0.annotations["stork.libopenstorage.org/sync-now"] = value }
            for _ in 0..<3 { _ = try await world.look(world.controller()) }
            // The last success stays until there is another one.
            #expect(world.migrations.count == Int(value))
            #expect(world.status.syncNow == value)
            #expect(
                world.migrations[0].annotations.keys.contains { $0.contains("sync-now") } == false
            )
            try world.finishAll()
            world.pass(10)
        }
        _ = try await world.look(world.controller())
        #expect(world.migrations.map(\.name) == ["nightly-daily-2027-03-01-210010"])
        // It takes nothing from the daily run.
        world.pass(74 * 60)
        _ = try await world.look(world.controller())
        #expect(world.migrations.last?.name == "nightly-daily-2027-03-01-221420")
    }

    @Test func aScheduleThatIsDeletedTakesItsMigrationsAlong() async throws {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putPolicy(Self.minute)
        world.putSchedule()
        let controller = world.controller()
        _ = try await world.look(controller)
        world.stage.putMigration()
        world.stage.markDeleted(StorkResource.migrationSchedules, "nightly")
        _ = try await controller.reconcile(ScheduleStage.key)
        #expect(world.migrations.map(\.name) == ["m"], "that of a person stays")
        #expect(
            world.stage.cluster.find(StorkResource.migrationSchedules, ScheduleStage.key) == nil
        )
    }

    @Test func aStaticCopyStartsNothingAndIsNotWritten() async throws {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putPolicy(Self.minute)
        world.putSchedule()
        try world.change { $0.annotations["stork.libopenstorage.org/static-copy"] = "true" }
        #expect(try await world.look(world.controller()) == nil)
        #expect(world.migrations.isEmpty && world.writes == 0)
    }

    @Test func namesAreCutAndNeverTakenTwice() async throws {
        let world = try ScheduleStage(at: "2027-10-31T00:30:00Z", zone: "Europe/Berlin")
        world.putPolicy(["interval": ["intervalMinutes": 60]])
        world.putSchedule()
        let controller = world.controller()
        _ = try await world.look(controller)
        try world.finishAll()
        _ = try await world.look(controller)
        // Clocks are set back: half past two comes again.
        world.pass(3_600)
        #expect(try await world.look(controller) != nil)
        world.pass(1)
        _ = try await world.look(controller)
        #expect(
            world.migrations.map(\.name) == [
                "nightly-interval-2027-10-31-023000", "nightly-interval-2027-10-31-023001",
            ]
        )
        let long = String(repeating: "x", count: 250)
        world.putSchedule(long)
        for _ in 0..<3 { _ = try await controller.reconcile(ObjectKey("db", long)) }
        let name = try #require(world.migrations.last?.name)
        #expect(name.utf8.count == 253 && name.hasSuffix("x-interval-2027-10-31-023001"))
    }

    @Test func aMigrationThatTheClusterRefusesEndsItsItemWithTheReason() async throws {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putPolicy(["interval": ["intervalMinutes": 60]])
        world.putSchedule()
        // Somebody else's of the name that it would have.
        let taken = KubeObject(
            StorkResource.migrations.groupVersionKind,
            ObjectKey("db", "nightly-interval-2027-03-01-000000")
        )
        world.stage.cluster.put(StorkResource.migrations, taken)
        _ = try await world.look(world.controller())
        #expect(world.migrations.map(\.name).last == "nightly-interval-2027-03-01-000000-2")
    }

    @Test func aRunThatIsAskedForWaitsForTheOneThatGoesOn() async throws {
        let world = try ScheduleStage(at: "2027-03-01T21:00:00Z")
        world.putPolicy(["interval": ["intervalMinutes": 60]])
        world.putSchedule()
        _ = try await world.look(world.controller())
        try world.change { $0.annotations["stork.libopenstorage.org/sync-now"] = "1" }
        world.pass(5)
        _ = try await world.look(world.controller())
        #expect(world.migrations.count == 1 && world.status.syncNow == nil)
        try world.finishAll()
        _ = try await world.look(world.controller())
        #expect(world.migrations.count == 2 && world.status.syncNow == "1")
    }

    @Test func aPolicyThatIsDeletedOrEditedWhileARunGoesOnCountsForTheNext() async throws {
        let world = try ScheduleStage(at: "2027-03-01T21:00:00Z")
        world.putPolicy(Self.minute)
        world.putSchedule()
        let controller = world.controller()
        _ = try await world.look(controller)
        world.stage.cluster.state.withLock { state in
            for path in state.objects.keys where path.hasPrefix("schedulepolicies ") {
                state.objects[path] = nil
            }
        }
        world.pass(120)
        try world.finishAll()
        #expect(try await world.look(controller) == nil)
        let name = try #require(world.migrations.first?.name)
        #expect(world.texts.contains("Scheduled migration (\(name)) completed successfully"))
        #expect(world.status.conditions["Ready"]?.reason == "PolicyNotFound")
        world.putPolicy(["daily": ["time": "10:00PM"]])
        #expect(try await world.look(controller) == .seconds(58 * 60))
        #expect(world.migrations.count == 1 && world.status.missed.isEmpty)
        // What it is now is shown, and since when.
        #expect(world.status.policy?.times == "Daily 10:00PM, in UTC")
        #expect(world.status.policy?.since == world.now)
    }
}
