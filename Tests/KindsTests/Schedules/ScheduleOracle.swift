// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel
import Testing

extension ScheduleZone {
    /// A zone of the data base that Foundation has.
    static func named(_ name: String) throws -> Self {
        let zone = try #require(TimeZone(identifier: name))
        return Self(name) {
            zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0.seconds)))
        }
    }
}

/// What a test wants of a policy, without the words that the product reads.
struct WantedTimes: Sendable {
    /// A time of day in minutes.
    var daily: Int?
    /// From 1 for Sunday, as Foundation counts.
    var weekly: (day: Int, time: Int)?
    var monthly: (date: Int, time: Int)?
    var interval: Int?

    /// As a person writes it.
    var policy: SchedulePolicy {
        get throws {
            let days = ["Sunday", "Mon", "tuesday", "wed", "Thur", "friday", "Sat"]
            var json = JSON.object([:])
            if let daily { json.set(.string(Self.kitchen(daily)), at: "daily", "time") }
            if let weekly {
                json.set(.string(Self.kitchen(weekly.time)), at: "weekly", "time")
                json.set(.string(days[weekly.day - 1]), at: "weekly", "day")
            }
            if let monthly {
                json.set(.string(Self.kitchen(monthly.time)), at: "monthly", "time")
                json.set(JSON(monthly.date), at: "monthly", "date")
            }
            if let interval { json.set(JSON(interval), at: "interval", "intervalMinutes") }
            return try SchedulePolicy(json)
        }
    }

    private static func kitchen(_ minutes: Int) -> String {
        let hour = (minutes / 60 + 11) % 12 + 1
        return String(format: "%d:%02d", hour, minutes % 60) + (minutes < 720 ? "AM" : "pm")
    }
}

/// The clock on the wall of a zone, by minutes since the begin of 1970: what times are meant by.
struct WallClock {
    /// Only every fifth minute is looked at: all times of the tests are such.
    static let step = 5

    let minutes: Range<Int>
    /// What it shows at each step, as minutes since the begin of 1970.
    let shown: [Int]

    /// From two days before the minutes: what comes in them is no part of a test.
    init(_ zone: TimeZone, minutes: Range<Int>) {
        self.minutes = (minutes.lowerBound - 2_880)..<minutes.upperBound
        self.shown = stride(from: self.minutes.lowerBound, to: minutes.upperBound, by: Self.step)
            .map { minute in
                minute + zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(minute) * 60))
                    / 60
            }
    }
}

/// When the times of a policy come, found by walking through the minutes with a clock on the wall and
/// Foundation's calendar beside it.
struct ScheduleOracle {
    /// Minutes since the begin of 1970, from the first.
    private(set) var times: [[Int]] = [[], [], []]
    static let types: [ScheduleType] = [.daily, .weekly, .monthly]

    init(_ wanted: WantedTimes, _ clock: WallClock) throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        let first = clock.minutes.lowerBound
        var targets: [[Int]] = [[], [], []]
        for day in (first / 1440 - 2)...(clock.minutes.upperBound / 1440 + 2) {
            for (place, time) in Self.wanted(wanted, on: day, calendar).enumerated() {
                if let time { targets[place].append(day * 1440 + time) }
            }
        }
        for place in targets.indices {
            var next = 0
            for (step, shown) in clock.shown.enumerated() {
                let minute = first + step * WallClock.step
                while next < targets[place].count, targets[place][next] <= shown {
                    next += 1
                    if minute >= first + 2_880, self.times[place].last != minute {
                        self.times[place].append(minute)
                    }
                }
            }
        }
    }

    /// The daily, weekly and monthly time that a day has, in minutes.
    private static func wanted(
        _ wanted: WantedTimes,
        on day: Int,
        _ calendar: Calendar
    ) -> [Int?] {
        let date = Date(timeIntervalSince1970: Double(day) * 86_400)
        let isWeekly = wanted.weekly.map { calendar.component(.weekday, from: date) == $0.day }
        var isMonthly = false
        if let monthly = wanted.monthly {
            let today = calendar.component(.day, from: date)
            let length = calendar.date(byAdding: .day, value: -today, to: date)
                .flatMap { calendar.range(of: .day, in: .month, for: $0)?.count }
            // The date itself, or what the month before was too short for.
            isMonthly = today == monthly.date || length.map { $0 + today } == monthly.date
        }
        return [
            wanted.daily, isWeekly == true ? wanted.weekly?.time : nil,
            isMonthly ? wanted.monthly?.time : nil,
        ]
    }
}

/// What happens to a schedule beside its times, by minutes.
struct ScheduleTroubles {
    /// When the controller does not run.
    var down: [Range<Int>] = []
    /// When the policy becomes another one; nil for one that is gone.
    var edits: [(minute: Int, wanted: WantedTimes?)] = []
    /// How long each run takes, in the order of the runs and again from the first.
    var durations = [5]

    func isDown(_ minute: Int) -> Bool { self.down.contains { $0.contains(minute) } }
}

/// A run of a schedule, by minutes.
struct SimulatedRun: Hashable, CustomStringConvertible {
    let type: ScheduleType
    let minute: Int

    var description: String { "\(self.type) \(Timestamp(seconds: self.minute * 60))" }
}

/// The rules of runs, step by step of the clock, over times that are known beforehand.
struct MinuteByMinute {
    private var last: [Int?] = [nil, nil, nil]
    private var lastInterval: Int?
    private var busyUntil = Int.min
    private(set) var runs: [SimulatedRun] = []

    /// Runs what is due; the oracles are of the edits, in their order.
    init(_ troubles: ScheduleTroubles, _ oracles: [ScheduleOracle?], minutes: Range<Int>) {
        var edit = 0
        var places = oracles.map { _ in [0, 0, 0] }
        for minute in stride(from: minutes.lowerBound, to: minutes.upperBound, by: WallClock.step) {
            while edit + 1 < troubles.edits.count, troubles.edits[edit + 1].minute <= minute {
                edit += 1
            }
            guard let oracle = oracles[edit], minute >= self.busyUntil, !troubles.isDown(minute)
            else { continue }
            let interval = troubles.edits[edit].wanted?.interval
            guard let type = self.due(minute, oracle, interval, &places[edit]) else { continue }
            let duration = troubles.durations[self.runs.count % troubles.durations.count]
            self.busyUntil = minute + duration
            self.runs.append(SimulatedRun(type: type, minute: minute))
        }
    }

    private mutating func due(
        _ minute: Int,
        _ oracle: ScheduleOracle,
        _ interval: Int?,
        _ places: inout [Int]
    ) -> ScheduleType? {
        let next = interval.map { (self.lastInterval ?? minute - $0 - 1) + $0 }
        if let next, next < minute {
            self.lastInterval = minute
            return .interval
        }
        for place in 0..<3 {
            let times = oracle.times[place]
            while places[place] < times.count, times[places[place]] <= minute { places[place] += 1 }
            guard places[place] > 0 else { continue }
            let time = times[places[place] - 1]
            guard minute < time + 60, self.last[place] ?? Int.min < time else { continue }
            self.last[place] = minute
            return ScheduleOracle.types[place]
        }
        // An instant after the minute: more than the interval has to pass.
        guard next == minute else { return nil }
        self.lastInterval = minute
        return .interval
    }
}
