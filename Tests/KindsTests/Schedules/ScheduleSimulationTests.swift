// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel
import TestSupport
import Testing

/// A schedule over 400 days by a simulated clock: from event to event, beside a simulation that walks
/// through the minutes and shares no line with it.
@Suite struct ScheduleSimulationTests {
    static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
    ]
    /// From noon of 1 December 2027, when nothing is in its hour: a leap day, and both changes of the clocks in both hemispheres.
    private static let begin = 30_461_040
    private static let minutes = begin..<(begin + 400 * 1440)

    private static let policies: [WantedTimes] = [
        WantedTimes(daily: 150), WantedTimes(daily: 0), WantedTimes(daily: 23 * 60 + 30),
        WantedTimes(weekly: (1, 135)), WantedTimes(monthly: (29, 150)),
        WantedTimes(monthly: (30, 1435)), WantedTimes(monthly: (31, 0)), WantedTimes(interval: 700),
        WantedTimes(daily: 90, weekly: (1, 120), monthly: (31, 100), interval: 480),
    ]

    /// Runs a schedule from event to event; what is known between two events is the history alone.
    private func runs(
        _ troubles: ScheduleTroubles,
        _ zone: ScheduleZone
    ) throws -> (runs: [SimulatedRun], missed: [ScheduleType: Int]) {
        let policies = try troubles.edits.map { try $0.wanted?.policy }
        var history = ScheduleHistory(since: Timestamp(seconds: Self.begin * 60))
        var runs: [SimulatedRun] = []
        var missed: [ScheduleType: Int] = [:]
        var busyUntil = 0
        var edit = 0
        var now = Timestamp(seconds: Self.begin * 60)
        while now.seconds / 60 < Self.minutes.upperBound {
            let minute = now.seconds / 60
            while edit + 1 < policies.count, troubles.edits[edit + 1].minute <= minute {
                edit += 1
                history.since = now
            }
            history.isBusy = minute < busyUntil
            var next = [busyUntil, edit + 1 < policies.count ? troubles.edits[edit + 1].minute : 0]
            if let down = troubles.down.first(where: { $0.contains(minute) }) {
                next.append(down.upperBound)
            } else if let policy = policies[edit] {
                let verdict = ScheduleVerdict(policy, zone, history, now: now)
                for found in verdict.missed {
                    missed[found.type, default: 0] += found.count
                    history.missedThrough[found.type] = found.last
                }
                if let due = verdict.due {
                    // As status has it: seconds alone.
                    history.started[due.type, default: []].append(Timestamp(seconds: now.seconds))
                    busyUntil = minute + troubles.durations[runs.count % troubles.durations.count]
                    runs.append(SimulatedRun(type: due.type, minute: minute))
                    continue
                }
                if let look = verdict.nextLook, look > now {
                    let events = next.filter { $0 > minute }.map { Timestamp(seconds: $0 * 60) }
                    now = min(look, events.min() ?? look)
                    continue
                }
            }
            guard let event = next.filter({ $0 > minute }).min() else { break }
            now = Timestamp(seconds: event * 60)
        }
        return (runs, missed)
    }

    private func oracles(_ name: String, _ wanted: [WantedTimes]) throws -> [ScheduleOracle] {
        let zone = try #require(TimeZone(identifier: name))
        let clock = WallClock(zone, minutes: Self.minutes)
        return try wanted.map { try ScheduleOracle($0, clock) }
    }

    @Test(arguments: zones)
    func eachTypeRunsExactlyAtItsTimes(zone name: String) throws {
        let zone = try ScheduleZone.named(name)
        for (wanted, oracle) in zip(Self.policies, try self.oracles(name, Self.policies)) {
            let troubles = ScheduleTroubles(edits: [(Self.begin, wanted)])
            let found = try self.runs(troubles, zone)
            let times = zip(ScheduleOracle.types, oracle.times)
                .flatMap { type, times in
                    times.map { SimulatedRun(type: type, minute: $0) }
                }
            if wanted.interval == nil {
                #expect(found.runs == times.sorted { $0.minute < $1.minute }, "\(name) \(wanted)")
            } else {
                let expected = MinuteByMinute(troubles, [oracle], minutes: Self.minutes)
                #expect(found.runs == expected.runs, "\(name) \(wanted)")
            }
            #expect(found.missed.isEmpty)
            #expect(found.runs.count >= 13)
        }
    }

    @Test(arguments: zones)
    func whatGoesWrongChangesTheRunsAsTheRulesSay(zone name: String) throws {
        let seed = TestSeed()
        var generator = seed.generator
        let zone = try ScheduleZone.named(name)
        let oracles = try self.oracles(name, Self.policies)
        for first in [2, 8] {
            var troubles = ScheduleTroubles(edits: [(Self.begin, Self.policies[first])])
            var edited: [ScheduleOracle?] = [oracles[first]]
            var minute = Self.begin
            while minute < Self.minutes.upperBound {
                minute += 5 * Int.random(in: 20...1800, using: &generator)
                let length = 5 * Int.random(in: 1...400, using: &generator)
                troubles.down.append(minute..<(minute + length))
                minute += length
            }
            for edit in 1...20 {
                let place = edit % 2 == 0 ? first : Int.random(in: 0..<9, using: &generator)
                let isGone = edit % 5 == 0
                let change = 5 * Int.random(in: 0...199, using: &generator)
                troubles.edits.append(
                    (
                        Self.begin + edit * 400 * 70 + change,
                        isGone ? nil : Self.policies[place]
                    )
                )
                edited.append(isGone ? nil : oracles[place])
            }
            troubles.durations = (0..<17).map { _ in 5 * Int.random(in: 1...40, using: &generator) }
            let expected = MinuteByMinute(troubles, edited, minutes: Self.minutes).runs
            let found = try self.runs(troubles, zone)
            #expect(found.runs == expected, "\(seed) \(name) \(Self.policies[first])")
            #expect(!found.missed.isEmpty && !expected.isEmpty)
        }
    }

    @Test func everyTimeIsEitherRunOrMissed() throws {
        let wanted = WantedTimes(daily: 600)
        var troubles = ScheduleTroubles(edits: [(Self.begin, wanted)])
        // Three days and a half, then the two hours around one time, then only the first half of a window.
        let noon = Self.begin
        troubles.down = [
            (noon + 1440)..<(noon + 4 * 1440 + 720), (noon + 9 * 1440 - 180)..<(noon + 9 * 1440),
            (noon + 19 * 1440 - 180)..<(noon + 19 * 1440 - 90),
        ]
        let found = try self.runs(troubles, .utc)
        #expect(found.missed == [.daily: 4])
        #expect(found.runs.count == 400 - 4)
        #expect(found.runs.contains { $0.minute == noon + 19 * 1440 - 90 }, "within its hour")
    }

    @Test func aClockThatJumpsNeverRunsATimeTwice() throws {
        let seed = TestSeed()
        var generator = seed.generator
        for wanted in Self.policies where wanted.interval == nil {
            let policy = try wanted.policy
            let zone = try ScheduleZone.named("Europe/Berlin")
            let calendar = ScheduleCalendar(policy, zone)
            var history = ScheduleHistory(since: Timestamp(seconds: Self.begin * 60))
            var now = Self.begin * 60
            var done: [ScheduleType: Set<Timestamp>] = [:]
            for _ in 0..<600 {
                let verdict = ScheduleVerdict(policy, zone, history, now: Timestamp(seconds: now))
                for missed in verdict.missed { history.missedThrough[missed.type] = missed.last }
                if let due = verdict.due {
                    #expect(calendar.latest(due.type, at: Timestamp(seconds: now)) == due.time)
                    let isNew = done[due.type, default: []].insert(due.time).inserted
                    #expect(isNew, "\(seed) \(policy) \(due.time) ran twice")
                    history.started[due.type, default: []].append(Timestamp(seconds: now))
                }
                switch Int.random(in: 0..<10, using: &generator) {
                case 0: now -= Int.random(in: 1...900_000, using: &generator)
                case 1: now += Int.random(in: 1...900_000, using: &generator)
                default: now = max(verdict.nextLook?.seconds ?? 0, now + 1)
                }
            }
            #expect(!done.isEmpty)
        }
    }

    @Test func anIntervalGoesOnWhenAClockThatWasAheadIsPutRight() throws {
        let policy = try WantedTimes(interval: 30).policy
        var history = ScheduleHistory(since: Timestamp(seconds: 0))
        history.started[.interval] = [Timestamp(seconds: 1_900_000_000)]
        func due(_ seconds: Int) -> Bool {
            ScheduleVerdict(policy, .utc, history, now: Timestamp(seconds: seconds)).due != nil
        }
        #expect(!due(1_900_000_000 - 1_800), "a little back: it waits")
        #expect(due(1_800_000_000), "years back: it runs once")
        history.started[.interval]?.append(Timestamp(seconds: 1_800_000_000))
        #expect(!due(1_800_001_800), "exactly the interval is not due")
        #expect(due(1_800_001_801))
    }
}
