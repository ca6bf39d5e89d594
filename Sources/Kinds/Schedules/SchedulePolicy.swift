// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The kinds of times that a policy may have, in the order in which they are looked at.
public enum ScheduleType: String, Hashable, Sendable, CaseIterable {
    case interval = "Interval"
    case daily = "Daily"
    case weekly = "Weekly"
    case monthly = "Monthly"
}

/// The times of a SchedulePolicy or NamespacedSchedulePolicy, as a whole valid.
public struct SchedulePolicy: Hashable, Sendable {
    /// A day of the week and a time of it.
    public struct Weekly: Hashable, Sendable {
        /// The day of the week.
        public let day: Weekday
        /// Of that day.
        public let time: ScheduleTime
    }

    /// A day of the month and a time of it; one that a month does not have is counted on into the next.
    public struct Monthly: Hashable, Sendable {
        /// From 1 to 31.
        public let date: Int
        /// Of that day.
        public let time: ScheduleTime
    }

    /// A hundred years: what is longer never comes, and the sum with a time must not overflow.
    static let longestInterval = 52_560_000

    /// Minutes from one run to the next.
    public private(set) var intervalMinutes: Int?
    /// The time of every day.
    public private(set) var daily: ScheduleTime?
    /// The time of every week.
    public private(set) var weekly: Weekly?
    /// The time of every month.
    public private(set) var monthly: Monthly?
    /// A name of the IANA data base; nil for the zone of the controller.
    public private(set) var timeZone: String?

    /// Reads the field `policy`.
    ///
    /// - Throws: ``ScheduleError`` for the first part that cannot be used, as Stork words it: a policy is
    ///   used as a whole or not at all.
    public init(_ json: JSON?) throws(ScheduleError) {
        if let part = Self.part("interval", json) {
            let minutes = part["intervalMinutes"]
            guard let count = minutes?.int, count >= 1 else {
                throw ScheduleError(
                    description:
                        "Invalid intervalMinutes (\(Self.text(minutes, or: "0"))) in Interval "
                        + "policy"
                )
            }
            self.intervalMinutes = min(count, Self.longestInterval)
        }
        if let part = Self.part("daily", json) { self.daily = try Self.time(part, .daily) }
        if let part = Self.part("weekly", json) {
            let time = try Self.time(part, .weekly)
            guard let day = part["day"]?.string.flatMap({ Weekday($0) }) else {
                throw ScheduleError(
                    description: "Invalid day of the week (\(Self.text(part["day"], or: ""))) in "
                        + "Weekly policy"
                )
            }
            self.weekly = Weekly(day: day, time: time)
        }
        if let part = Self.part("monthly", json) {
            let time = try Self.time(part, .monthly)
            guard let date = part["date"]?.int, (1...31).contains(date) else {
                throw ScheduleError(
                    description:
                        "Invalid date of the month (\(Self.text(part["date"], or: "0"))) in "
                        + "Monthly policy"
                )
            }
            self.monthly = Monthly(date: date, time: time)
        }
        if let zone = json?["timeZone"]?.string, !zone.isEmpty { self.timeZone = zone }
        guard !self.types.isEmpty else {
            throw ScheduleError(
                description: "Invalid policy: it has neither interval, daily, weekly nor monthly"
            )
        }
    }

    /// What is in it, in the fixed order.
    public var types: [ScheduleType] {
        ScheduleType.allCases.filter { type in
            switch type {
            case .interval: self.intervalMinutes != nil
            case .daily: self.daily != nil
            case .weekly: self.weekly != nil
            case .monthly: self.monthly != nil
            }
        }
    }

    /// The longest time from one run to the next that the policy means, in seconds: of several parts
    /// that of the one that comes most often.
    public var longestGap: Int {
        let day = 86_400
        return [
            self.intervalMinutes.map { $0 * 60 }, self.daily.map { _ in day },
            self.weekly.map { _ in 7 * day }, self.monthly.map { _ in 31 * day },
        ]
        .compactMap { $0 }.min() ?? 0
    }

    private static func part(_ name: String, _ json: JSON?) -> JSON? {
        json?[name].flatMap { $0.isNull ? nil : $0 }
    }

    private static func text(_ json: JSON?, or missing: String) -> String {
        json.map { $0.string ?? $0.compact } ?? missing
    }

    private static func time(
        _ part: JSON,
        _ type: ScheduleType
    ) throws(ScheduleError) -> ScheduleTime {
        let text = Self.text(part["time"], or: "")
        do { return try ScheduleTime(text) } catch {
            throw ScheduleError(
                description: "Invalid time (\(text)) in \(type.rawValue) policy: \(error)"
            )
        }
    }
}

extension SchedulePolicy: CustomStringConvertible {
    /// Its times in one line: `every 30 min, Daily 10:14PM, Weekly Thursday@10:13PM`.
    ///
    /// Two policies with the same text are the same.
    public var description: String {
        let parts = [
            self.intervalMinutes.map { "every \($0) min" }, self.daily.map { "Daily \($0)" },
            self.weekly.map { "Weekly \($0.day.name)@\($0.time)" },
            self.monthly.map { "Monthly \($0.date)@\($0.time)" }, self.timeZone.map { "in \($0)" },
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }
}
