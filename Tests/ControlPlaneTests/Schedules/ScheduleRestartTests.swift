// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Nothing is known but what status holds.
@Suite struct ScheduleRestartTests {
    private static let policy: JSON = [
        "interval": ["intervalMinutes": 700], "daily": ["time": "2:30AM"],
        "weekly": ["day": "Sunday", "time": "2:15am"], "monthly": ["date": 31, "time": "12:00AM"],
        "timeZone": "Europe/Berlin",
    ]

    /// The names of all Migrations that a schedule starts in so many days over a change of the clocks,
    /// with a new process for every look or one for all of them.
    private func runs(days: Int, newProcess everyLook: Bool) async throws -> [String] {
        let world = try ScheduleStage(at: "2028-02-28T11:00:00Z")
        world.putPolicy(Self.policy)
        world.putSchedule()
        var controller = world.controller()
        var names: [String] = []
        let end = world.now.seconds + days * 86_400
        while world.now.seconds < end {
            if everyLook { controller = world.controller() }
            let wait = try await world.look(controller)
            if let run = world.migrations.last(where: { !MigrationStatus($0["status"]).isFinal }) {
                names.append(run.name)
                // Some take long, and others have to wait or are missed.
                world.pass(60 * (names.count % 7) * 20 + 30)
                try world.finish(run.name, names.count % 5 == 0 ? .failed : .successful)
                continue
            }
            world.pass(max(Int((try #require(wait)) / .seconds(1)), 1))
        }
        #expect(Set(names).count == names.count)
        return names
    }

    @Test func theSameRunsComeOutWhereTheControllerIsRestartedBetweenAnyTwoEvents() async throws {
        let calm = try await self.runs(days: 33, newProcess: false)
        #expect(try await self.runs(days: 33, newProcess: true) == calm)
        // The intervals of 11:40 h alone are 67.
        #expect(calm.count > 80)
        // Clocks in Berlin go from 2:00 to 3:00 on 26 March 2028.
        #expect(calm.contains { $0.hasPrefix("nightly-daily-2028-03-26-03") })
        #expect(calm.contains { $0.hasPrefix("nightly-monthly-2028-03-02-00") })
        #expect(calm.contains { $0.hasPrefix("nightly-monthly-2028-03-31-00") })
    }

    @Test func aKillAtAnyRequestNeitherLosesNorDoublesARun() async throws {
        for life in 0..<24 {
            let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
            world.putPolicy(["interval": ["intervalMinutes": 1]])
            world.putSchedule()
            var ended: Set<String> = []
            world.stage.cluster.state.withLock { $0.life = life }
            for _ in 0..<4 {
                do { _ = try await world.look(world.controller()) } catch let error as ClusterError
                {
                    #expect(error == FakeCluster.crash)
                    // Nobody is killed twice here.
                    world.stage.cluster.state.withLock { $0.life = nil }
                    _ = try await world.look(world.controller())
                }
                let running = world.migrations.filter { !MigrationStatus($0["status"]).isFinal }
                #expect(running.count == 1, "killed at request \(life)")
                ended.formUnion(running.map(\.name))
                world.pass(61)
                try world.finishAll()
            }
            #expect(ended.count == 4, "killed at request \(life): \(ended)")
        }
    }

    @Test func aSteadyScheduleIsNeitherReadNorWritten() async throws {
        let world = try ScheduleStage(at: "2027-03-01T00:00:00Z")
        world.putPolicy(["interval": ["intervalMinutes": 60]])
        world.putSchedule()
        let controller = world.controller()
        _ = try await world.look(controller)
        try world.finishAll()
        let first = try #require(try await world.look(controller))
        let (reads, writes) = world.stage.cluster.state.withLock { ($0.reads, $0.writes) }
        for _ in 0..<50 {
            world.pass(60)
            #expect(try await world.look(controller) != nil)
        }
        world.stage.cluster.state.withLock {
            #expect($0.reads == reads && $0.writes == writes, "no request between two events")
        }
        #expect(first == .seconds(3_600) + .microseconds(1))
    }

    @Test func whatWasMissedIsToldOnceAndCounted() async throws {
        let world = try ScheduleStage(at: "2027-03-01T20:00:00Z")
        world.putPolicy(["daily": ["time": "10:14PM"]])
        world.putSchedule()
        _ = try await world.look(world.controller())
        world.pass(3 * 86_400 + 4 * 3_600)
        for _ in 0..<3 { _ = try await world.look(world.controller()) }
        #expect(world.reasons.count { $0 == "Missed" } == 1)
        #expect(world.status.missed[.daily]?.count == 4)
        #expect(world.status.missed[.daily]?.last.description == "2027-03-04T22:14:00Z")
        #expect(world.migrations.isEmpty, "they are not made up for")
    }

    @Test func aRunThatGoesOnForTooLongMakesTheNextOneMissed() async throws {
        let world = try ScheduleStage(at: "2027-03-01T22:14:00Z")
        world.putPolicy(["daily": ["time": "10:14PM"]])
        world.putSchedule()
        let controller = world.controller()
        _ = try await world.look(controller)
        world.pass(86_400 + 3_601)
        _ = try await world.look(controller)
        #expect(world.migrations.count == 1 && world.status.missed[.daily]?.count == 1)
        try world.finishAll()
        let wait = try await world.look(controller)
        #expect(try #require(wait) <= .seconds(86_400))
        #expect(world.status.nextTrigger?.description == "2027-03-03T22:14:00Z")
    }

    @Test func aClockThatWasAheadIsTold() async throws {
        let world = try ScheduleStage(at: "2036-03-01T22:14:00Z")
        world.putPolicy(["daily": ["time": "10:14PM"]])
        world.putSchedule()
        _ = try await world.look(world.controller())
        try world.finishAll()
        // The clock of another machine, which has taken over, is a little behind.
        world.pass(-30)
        _ = try await world.look(world.controller())
        #expect(world.status.conditions["Ready"]?.status == .yes && world.migrations.count == 1)
        world.pass(-9 * 366 * 86_400)
        for _ in 0..<2 { _ = try await world.look(world.controller()) }
        #expect(world.status.conditions["Ready"]?.reason == "ClockBehind")
        #expect(world.texts.count { $0.contains("later than now") } == 1)
    }

    @Test func theDefaultPoliciesAreMadeOnceAndWhatPeopleChangedStays() async throws {
        let cluster = FakeCluster()
        let resource = StorkResource.schedulePolicies
        let defaults = DefaultPolicies(cluster: cluster, told: { cluster.find(resource, $0) })
        try await defaults.ensure()
        #expect(cluster.everything(resource).count == 5)
        for policy in cluster.everything(resource) { _ = try SchedulePolicy(policy["policy"]) }
        func minutes(_ name: String) -> Int? {
            cluster.find(resource, ObjectKey("", name))?["policy", "interval", "intervalMinutes"]?
                .int
        }
        func put(_ name: String, _ minutes: Int) {
            cluster.put(
                resource,
                KubeObject(
                    resource.groupVersionKind,
                    ObjectKey("", name),
                    ["policy": ["interval": ["intervalMinutes": JSON(minutes)]]]
                )
            )
        }
        put("default-migration-policy", 1)
        put("default-interval-policy", 7)
        try await defaults.ensure()
        #expect(minutes("default-migration-policy") == 30)
        #expect(minutes("default-interval-policy") == 7)
        put("default-migration-policy", 5)
        let writes = cluster.state.withLock { $0.writes }
        try await defaults.ensure()
        #expect(minutes("default-migration-policy") == 5)
        #expect(cluster.state.withLock { $0.writes } == writes)
    }
}
