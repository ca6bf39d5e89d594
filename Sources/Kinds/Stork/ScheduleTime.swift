// SPDX-License-Identifier: Apache-2.0

/// A time of day in the form `3:04PM` or `3:04pm`.
public struct ScheduleTime: Hashable, Sendable, CustomStringConvertible {
    /// From 0 to 23.
    public let hour: Int
    /// From 0 to 59.
    public let minute: Int

    /// The same form as a pattern for schemas.
    public static let pattern = "^(0?[0-9]|1[0-2]):[0-5][0-9](AM|PM|am|pm)$"
    /// What to write, for errors.
    public static let advice = "write the time like 1:02PM or 1:02pm"

    /// Reads a time; a leading zero may be there, the form of 24 hours is refused.
    ///
    /// - Throws: ``ScheduleError`` with what is wrong, as Stork words it.
    public init(_ text: String) throws(ScheduleError) {
        guard let match = text.wholeMatch(of: /([0-9]{1,2}):([0-9]{2})(AM|PM|am|pm)/),
            let hour = Int(match.1), let minute = Int(match.2)
        else {
            throw ScheduleError(
                description: "parsing time \"\(text)\": cannot be read as 3:04PM; \(Self.advice)"
            )
        }
        guard hour <= 12 else {
            throw ScheduleError(description: "parsing time \"\(text)\": hour out of range")
        }
        guard minute < 60 else {
            throw ScheduleError(description: "parsing time \"\(text)\": minute out of range")
        }
        let isAfternoon = match.3.lowercased() == "pm"
        self.hour = hour % 12 + (isAfternoon ? 12 : 0)
        self.minute = minute
    }

    /// As schedules write it: `10:14PM`.
    public var description: String {
        let hour = self.hour % 12 == 0 ? 12 : self.hour % 12
        let minute = self.minute < 10 ? "0\(self.minute)" : "\(self.minute)"
        return "\(hour):\(minute)\(self.hour < 12 ? "AM" : "PM")"
    }
}

/// A day of the week; the raw value counts from Sunday, which is 0.
public enum Weekday: Int, Hashable, Sendable, CaseIterable {
    case sunday
    case monday
    case tuesday
    case wednesday
    case thursday
    case friday
    case saturday

    /// The day of one of its ``spellings``; nil for every other text.
    public init?(_ text: String) {
        guard let day = Self.allCases.first(where: { $0.spellings.contains(text) }) else {
            return nil
        }
        self = day
    }

    /// The full name.
    public var name: String {
        switch self {
        case .sunday: "Sunday"
        case .monday: "Monday"
        case .tuesday: "Tuesday"
        case .wednesday: "Wednesday"
        case .thursday: "Thursday"
        case .friday: "Friday"
        case .saturday: "Saturday"
        }
    }

    /// Full and short, with a capital letter and without; Thursday has two short names more.
    public var spellings: [String] {
        var names = [self.name, String(self.name.prefix(3))]
        if self == .thursday { names += ["Thur", "Thurs"] }
        return names + names.map { $0.lowercased() }
    }

    /// Every spelling of every day.
    public static var allSpellings: [String] { Self.allCases.flatMap(\.spellings) }
}

/// Why a time, a day or a policy cannot be used.
public struct ScheduleError: Error, Hashable, CustomStringConvertible {
    /// What is wrong, as Stork words it.
    public let description: String

    /// An error with its words.
    public init(description: String) { self.description = description }
}
