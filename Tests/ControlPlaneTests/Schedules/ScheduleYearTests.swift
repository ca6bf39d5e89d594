// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Over 400 days a schedule does the same whether its controller lives on or is another process at each
/// decision.
@Suite struct ScheduleYearTests {
    static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
    ]
    /// 1 December 2027, noon: a leap day, and both changes of the clocks in both hemispheres.
    private static let begin = 1_827_662_400
    private static let time = begin..<(begin + 400 * 86_400)

    /// One of each type, and all of them together.
    private static let policies: [JSON] = [
        ["interval": ["intervalMinutes": 5_000]], ["daily": ["time": "2:30AM"]],
        ["weekly": ["day": "Sunday", "time": "2:15am"]],
        ["monthly": ["date": 31, "time": "12:00AM"]],
        [
            "interval": ["intervalMinutes": 5_000], "daily": ["time": "1:30AM"],
            "weekly": ["day": "Sunday", "time": "2:00AM"],
            "monthly": ["date": 29, "time": "11:55PM"],
        ],
    ]

    private func plan(_ zone: ScheduleZone, _ policy: JSON) throws -> ScheduleYearPlan {
        ScheduleYearPlan(
            zone: zone,
            time: Self.time,
            edits: [(Self.begin, try SchedulePolicy(policy))]
        )
    }

    /// The times of a policy of one type, as its calendar has them.
    private func times(_ policy: SchedulePolicy, _ zone: ScheduleZone) throws -> [Timestamp] {
        let type = try #require(policy.types.first)
        let calendar = ScheduleCalendar(policy, zone)
        var times: [Timestamp] = []
        var next: Timestamp? = Timestamp(seconds: Self.begin)
        if type != .interval { next = calendar.next(type, after: Timestamp(seconds: Self.begin)) }
        while let time = next, time.seconds < Self.time.upperBound {
            times.append(time)
            let minutes = policy.intervalMinutes ?? 0
            // More than the interval has to pass, by an instant; the status has seconds.
            next =
                type == .interval
                ? Timestamp(seconds: time.seconds + minutes * 60) : calendar.next(type, after: time)
        }
        return times
    }

    @Test(arguments: zones)
    func eachTypeRunsExactlyAtItsTimesWhereTheControllerIsRestartedBetweenAnyTwoEvents(
        zone name: String
    ) throws {
        let zone = try #require(ScheduleZone(knownAs: name))
        for json in Self.policies.dropLast() {
            let plan = try self.plan(zone, json)
            let outcome = ScheduleYear.outcome(of: plan, restartingBetweenEvents: true)
            let policy = try SchedulePolicy(json)
            let type = try #require(policy.types.first).rawValue
            let times = try self.times(policy, zone)
            #expect(
                outcome.names == times.map { "\(type) \(zone.stamp($0))" },
                "\(name) \(policy)"
            )
            #expect(outcome.status.missed.isEmpty && !outcome.overlaps)
            #expect(outcome.names.count >= 13 && outcome.looks > 3 * outcome.names.count)
        }
    }

    @Test(arguments: zones)
    func whereMuchGoesWrongARestartBetweenAnyTwoEventsChangesNothing(zone name: String) throws {
        let seed = TestSeed()
        let zone = try #require(ScheduleZone(knownAs: name))
        var generator = seed.generator
        var plan = try self.plan(zone, try #require(Self.policies.last))
        self.trouble(&plan, using: &generator)
        let calm = ScheduleYear.outcome(of: plan, restartingBetweenEvents: false)
        let restarted = ScheduleYear.outcome(of: plan, restartingBetweenEvents: true)
        #expect(restarted.names == calm.names, "\(seed) \(name)")
        #expect(restarted.notices == calm.notices, "\(seed) \(name)")
        #expect(restarted.status.missed == calm.status.missed, "\(seed) \(name)")
        #expect(!calm.overlaps && !restarted.overlaps, "\(seed) \(name)")
        #expect(calm.names.count > 50 && !calm.status.missed.isEmpty, "\(seed) \(name)")
    }

    /// The controller is down, the policy becomes another one or is gone, clocks jump, and runs take long.
    private func trouble(_ plan: inout ScheduleYearPlan, using generator: inout SeededGenerator) {
        func time(_ number: Int, of count: Int) -> Int {
            let part = Self.time.count / count
            return Self.begin + number * part + Int.random(in: 0..<part, using: &generator)
        }
        var second = Self.begin
        while second < Self.time.upperBound {
            second += Int.random(in: 86_400...2_000_000, using: &generator)
            // From minutes to three days.
            let length = Int.random(in: 300...260_000, using: &generator)
            plan.down.append(second..<(second + length))
            second += length
        }
        for number in 1..<20 {
            let place = number % 2 == 0 ? 4 : Int.random(in: 0..<5, using: &generator)
            let isGone = number % 5 == 0
            plan.edits.append(
                (time(number, of: 20), isGone ? nil : try? SchedulePolicy(Self.policies[place]))
            )
        }
        for number in 1..<12 {
            let by = Int.random(in: 1...250_000, using: &generator)
            let isForward = Bool.random(using: &generator)
            plan.jumps.append((time(number, of: 12), isForward ? by : -by))
        }
        plan.durations = (0..<17).map { _ in Int.random(in: 1...14_000, using: &generator) }
    }
}
