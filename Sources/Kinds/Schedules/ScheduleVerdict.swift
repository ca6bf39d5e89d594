// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What is known of the runs of a schedule: everything that a decision needs beside policy and time.
public struct ScheduleHistory: Hashable, Sendable {
    /// When runs were started, for each type in the order in which they were.
    public var started: [ScheduleType: [Timestamp]]
    /// Whether a run of any type is not at its end.
    public var isBusy: Bool
    /// Since when the policy is in effect: what came before is not missed.
    public var since: Timestamp
    /// The last of the times that are known to be missed.
    public var missedThrough: [ScheduleType: Timestamp]

    /// A schedule that has not run.
    public init(since: Timestamp) {
        self.started = [:]
        self.isBusy = false
        self.since = since
        self.missedThrough = [:]
    }
}

/// Times that came and went without a run.
public struct MissedTimes: Hashable, Sendable {
    /// What was missed.
    public let type: ScheduleType
    /// At most ``limit``, which then stands for that many or more.
    public let count: Int
    /// The last of them.
    public let last: Timestamp

    /// What is counted at most.
    public static let limit = 1_000
}

/// What a schedule is to do now: pure, the same for the same policy, history and time.
public struct ScheduleVerdict: Hashable, Sendable {
    /// The run to start now.
    public struct Run: Hashable, Sendable {
        /// What is due.
        public let type: ScheduleType
        /// The time that it is for; of an interval, now.
        public let time: Timestamp
    }

    /// The first type that is due; nil also while a run goes on.
    public var due: Run?
    /// What was missed and is not known to be.
    public var missed: [MissedTimes] = []
    /// When the next run is meant to start; in the past where one waits for another's end.
    public var nextRun: Timestamp?
    /// When to look again, where nothing else happens before.
    public var nextLook: Timestamp?
    /// A run that is later than now: the clock was put back, and types with fixed times wait for it.
    public var ahead: Timestamp?

    /// How long after its time a daily, weekly or monthly run may still start, in seconds.
    public static let window = 3_600
    /// What the clocks of two machines that take turns may differ by, in seconds.
    private static let skew = 60
    private static let lastInstant = Timestamp(seconds: 253_402_300_799)

    /// Decides.
    ///
    /// - Parameters:
    ///   - policy: the times.
    ///   - zone: in which they are meant.
    ///   - history: what has run.
    ///   - now: the time of day; beyond the year 9999 it is taken for its end.
    public init(
        _ policy: SchedulePolicy,
        _ zone: ScheduleZone,
        _ history: ScheduleHistory,
        now: Timestamp
    ) {
        let now = min(max(now, Timestamp(seconds: 0)), Self.lastInstant)
        let calendar = ScheduleCalendar(policy, zone)
        for type in policy.types {
            switch type {
            case .interval: self.look(atIntervalOf: policy, history, now)
            case .daily, .weekly, .monthly: self.look(at: type, calendar, history, now)
            }
        }
    }

    private mutating func look(
        atIntervalOf policy: SchedulePolicy,
        _ history: ScheduleHistory,
        _ now: Timestamp
    ) {
        let interval = (policy.intervalMinutes ?? 0) * 60
        // The last that was started, not the latest: a run of a clock that was ahead must not hold
        // up the others until then.
        guard let last = history.started[.interval]?.last else {
            self.take(.interval, history.since, history, now)
            return
        }
        let next = last.adding(seconds: interval)
        let isClockBack = last > now.adding(seconds: interval)
        if next < now || isClockBack {
            self.take(.interval, isClockBack ? history.since : next, history, now)
        } else {
            self.plan(next)
            // Strictly later, as Stork has it.
            if !history.isBusy { self.lookAgain(Timestamp(microseconds: next.microseconds + 1)) }
        }
    }

    private mutating func look(
        at type: ScheduleType,
        _ calendar: ScheduleCalendar,
        _ history: ScheduleHistory,
        _ now: Timestamp
    ) {
        let last = history.started[type]?.max()
        if let last, last > now.adding(seconds: Self.skew) {
            self.ahead = max(self.ahead ?? last, last)
        }
        self.count(type, calendar, history, last, now)
        let latest = calendar.latest(type, at: now)
        if let latest, last.map({ $0 < latest }) ?? true, now < latest.adding(seconds: Self.window)
        {
            self.take(type, latest, history, now)
            self.lookAgain(latest.adding(seconds: Self.window))
            return
        }
        var next = calendar.next(type, after: now)
        if let time = next { self.lookAgain(time) }
        // What has run already, by a clock that was ahead, does not run again.
        if let last, last > now { next = calendar.next(type, after: last) }
        if let next { self.plan(next) }
    }

    private mutating func take(
        _ type: ScheduleType,
        _ time: Timestamp,
        _ history: ScheduleHistory,
        _ now: Timestamp
    ) {
        self.plan(time)
        guard !history.isBusy, self.due == nil else { return }
        self.due = Run(type: type, time: type == .interval ? now : time)
    }

    private mutating func plan(_ time: Timestamp) {
        self.nextRun = min(self.nextRun ?? time, time)
    }

    private mutating func lookAgain(_ time: Timestamp) {
        self.nextLook = min(self.nextLook ?? time, time)
    }

    /// Counts what can no longer run.
    private mutating func count(
        _ type: ScheduleType,
        _ calendar: ScheduleCalendar,
        _ history: ScheduleHistory,
        _ last: Timestamp?,
        _ now: Timestamp
    ) {
        let over = now.adding(seconds: -Self.window)
        // A time at the instant from which on the policy is in effect counts.
        var time = Timestamp(microseconds: history.since.microseconds - 1)
        for known in [last, history.missedThrough[type]] { time = max(time, known ?? time) }
        guard let newest = calendar.latest(type, at: over), newest > time else { return }
        var count = 0
        while count < MissedTimes.limit, let next = calendar.next(type, after: time), next <= over {
            count += 1
            time = next
        }
        self.missed.append(MissedTimes(type: type, count: count, last: newest))
    }
}

extension Timestamp {
    func adding(seconds: Int) -> Timestamp {
        Timestamp(microseconds: self.microseconds + seconds * 1_000_000)
    }
}
