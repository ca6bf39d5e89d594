// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// When the daily, weekly and monthly times of a policy come, in a time zone.
public struct ScheduleCalendar: Sendable {
    private let policy: SchedulePolicy
    private let zone: ScheduleZone

    /// The times of a policy in a zone.
    public init(_ policy: SchedulePolicy, _ zone: ScheduleZone) {
        self.policy = policy
        self.zone = zone
    }

    /// The last time at or before an instant; nil for intervals and for what the policy does not have.
    public func latest(_ type: ScheduleType, at instant: Timestamp) -> Timestamp? {
        self.times(type, around: instant).last { $0 <= instant }
    }

    /// The first time after an instant; nil for intervals and for what the policy does not have.
    public func next(_ type: ScheduleType, after instant: Timestamp) -> Timestamp? {
        self.times(type, around: instant).first { $0 > instant }
    }

    /// When the newest run of a type must have been started at the earliest, for what it brought to be
    /// as new as the policy promises; nil for what the policy does not have.
    ///
    /// As Stork has it: an interval before the instant, or the time of today (whatever the day of the
    /// week), or of this month, less a day, a week or a month.
    public func earliestCurrent(_ type: ScheduleType, at instant: Timestamp) -> Timestamp? {
        let today = self.zone.date(at: instant)
        func start(_ date: CivilDate, _ time: ScheduleTime) -> Timestamp {
            self.zone.instant(of: date, time)
        }
        switch type {
        case .interval:
            return self.policy.intervalMinutes.map { instant.adding(seconds: -$0 * 60) }
        case .daily:
            return self.policy.daily.map { start(CivilDate(days: today.days - 1), $0) }
        case .weekly:
            return self.policy.weekly.map { start(CivilDate(days: today.days - 7), $0.time) }
        case .monthly:
            return self.policy.monthly.map {
                start(Self.day($0.date, ofMonth: -1, from: today), $0.time)
            }
        }
    }

    /// At least one before and one after, from the earliest; two days whose time is one instant,
    /// because clocks skipped a whole day, are one.
    private func times(_ type: ScheduleType, around instant: Timestamp) -> [Timestamp] {
        let today = self.zone.date(at: instant)
        let found: [(CivilDate, ScheduleTime)]
        switch type {
        case .interval: return []
        case .daily:
            guard let time = self.policy.daily else { return [] }
            found = (-1...1).map { (CivilDate(days: today.days + $0), time) }
        case .weekly:
            guard let weekly = self.policy.weekly else { return [] }
            found = (-7...7).map { today.days + $0 }
                .filter { Self.weekday(ofDay: $0) == weekly.day }
                .map { (CivilDate(days: $0), weekly.time) }
        case .monthly:
            guard let monthly = self.policy.monthly else { return [] }
            found = (-2...1)
                .map { (Self.day(monthly.date, ofMonth: $0, from: today), monthly.time) }
        }
        return Set(found.map { self.zone.instant(of: $0, $1) }).sorted()
    }

    /// The first of 1970 was a Thursday.
    private static func weekday(ofDay day: Int) -> Weekday? {
        let rest = (day + Weekday.thursday.rawValue) % 7
        return Weekday(rawValue: rest < 0 ? rest + 7 : rest)
    }

    /// A date of the month that is so many months away; one that the month does not have is counted on
    /// into the next one.
    private static func day(_ date: Int, ofMonth distance: Int, from today: CivilDate) -> CivilDate
    {
        let months = today.year * 12 + today.month - 1 + distance
        let (years, rest) = months.quotientAndRemainder(dividingBy: 12)
        let (year, month) = rest < 0 ? (years - 1, rest + 12) : (years, rest)
        guard let first = CivilDate(year: year, month: month + 1, day: 1) else { return today }
        return CivilDate(days: first.days + date - 1)
    }
}
