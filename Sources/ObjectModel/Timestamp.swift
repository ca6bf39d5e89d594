// SPDX-License-Identifier: Apache-2.0

/// An instant in UTC to the microsecond: what the times of objects say.
public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Since the begin of 1970; leap seconds are not counted.
    public let microseconds: Int

    /// An instant by microseconds since the begin of 1970.
    public init(microseconds: Int) { self.microseconds = microseconds }

    /// An instant by whole seconds since the begin of 1970.
    public init(seconds: Int) { self.microseconds = seconds * 1_000_000 }

    /// Whole seconds since the begin of 1970, rounded down.
    public var seconds: Int { Self.divided(self.microseconds, 1_000_000).quotient }

    /// Whether one instant is before another.
    public static func < (left: Self, right: Self) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Seconds from another instant to this one; negative where this one is earlier.
    public func seconds(since other: Self) -> Int { self.seconds - other.seconds }

    /// As objects hold it: `2018-10-26T20:04:19Z`.
    public var description: String {
        let date = CivilDate(days: Self.divided(self.seconds, 86400).quotient)
        return "\(date)T\(self.clock)Z"
    }

    /// As Leases and events hold it: `2018-10-26T20:04:19.000000Z`.
    public var withMicroseconds: String {
        let part = Self.divided(self.microseconds, 1_000_000).remainder
        let digits = "\(part)"
        return self.description.dropLast() + "."
            + String(repeating: "0", count: 6 - digits.count) + digits + "Z"
    }

    /// As `storkctl` prints it (RFC 822): `26 Oct 18 20:04 UTC`.
    public var rfc822: String {
        let date = CivilDate(days: Self.divided(self.seconds, 86400).quotient)
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        return "\(Self.two(date.day)) \(months[date.month - 1]) \(Self.two(date.year % 100)) "
            + "\(self.clock.prefix(5)) UTC"
    }

    private var clock: String {
        let second = Self.divided(self.seconds, 86400).remainder
        return [second / 3600, second / 60 % 60, second % 60].map(Self.two).joined(separator: ":")
    }

    static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Division that rounds down, so that the remainder is never negative.
    private static func divided(_ value: Int, _ by: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: by)
        return remainder < 0 ? (quotient - 1, remainder + by) : (quotient, remainder)
    }
}

extension Timestamp {
    /// Reads RFC 3339: `2018-10-26T20:04:19Z`, with a fraction and an offset where there are any.
    ///
    /// Digits beyond the microsecond are cut. Nil for everything else, also for days that do not exist.
    public init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        var reader = TimestampReader(rest: text.utf8[...])
        guard let microseconds = reader.microseconds(), reader.rest.isEmpty else { return nil }
        self.init(microseconds: microseconds)
    }
}

/// Reads a time from the left to the right: by hand, as a pattern is compiled anew at each call, and each
/// look at an object reads several.
private struct TimestampReader {
    var rest: Substring.UTF8View

    /// As many digits; nil where there are fewer.
    private mutating func number(digits: Int) -> Int? {
        var number = 0
        for _ in 0..<digits {
            guard let byte = self.rest.first, (0x30...0x39).contains(byte) else { return nil }
            number = number * 10 + Int(byte - 0x30)
            self.rest.removeFirst()
        }
        return number
    }

    /// One of these bytes; nil where another one comes.
    private mutating func take(_ choice: StaticString) -> UInt8? {
        guard let byte = self.rest.first,
            choice.withUTF8Buffer({ $0.contains(byte) })
        else { return nil }
        self.rest.removeFirst()
        return byte
    }

    /// Two digits below a limit.
    private mutating func part(below limit: Int) -> Int? {
        self.number(digits: 2).flatMap { $0 < limit ? $0 : nil }
    }

    mutating func microseconds() -> Int? {
        guard let year = self.number(digits: 4), self.take("-") != nil,
            let month = self.number(digits: 2), self.take("-") != nil,
            let day = self.number(digits: 2), self.take("Tt") != nil,
            let hour = self.part(below: 24), self.take(":") != nil,
            let minute = self.part(below: 60), self.take(":") != nil,
            let second = self.part(below: 60), let fraction = self.fraction(),
            let offset = self.offset(), let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        let seconds = date.days * 86400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1_000_000 + fraction
    }

    /// In microseconds; what is smaller is left out.
    private mutating func fraction() -> Int? {
        guard self.take(".") != nil else { return 0 }
        let digits = self.rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        self.rest = self.rest.dropFirst(digits.count)
        return (0..<6)
            .reduce(0) { number, place in
                let digit = digits.dropFirst(place).first.map { Int($0 - 0x30) } ?? 0
                return number * 10 + digit
            }
    }

    /// How far the clock that was read is ahead of UTC, in seconds.
    private mutating func offset() -> Int? {
        guard self.take("Zz") == nil else { return 0 }
        guard let sign = self.take("-+"), let hours = self.part(below: 24), self.take(":") != nil,
            let minutes = self.part(below: 60)
        else { return nil }
        return (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
}

/// A day of the Gregorian calendar.
public struct CivilDate: Hashable, Sendable, CustomStringConvertible {
    /// From 0 to 9999 where it was read.
    public let year: Int
    /// From 1.
    public let month: Int
    /// From 1.
    public let day: Int

    /// The day by its numbers; nil where there is none.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1, day <= Self.length(ofMonth: month, in: year)
        else {
            return nil
        }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day by the number of days since the first of 1970.
    public init(days: Int) {
        // Counted in cycles of 400 years that begin with March: then the leap day is the last one.
        let shifted = days + 719_468
        let cycle = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfCycle = shifted - cycle * 146_097
        let yearOfCycle =
            (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        self.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.year = yearOfCycle + cycle * 400 + (self.month <= 2 ? 1 : 0)
    }

    /// Days since the first of 1970; negative before.
    public var days: Int {
        let year = self.month <= 2 ? self.year - 1 : self.year
        let cycle = (year >= 0 ? year : year - 399) / 400
        let yearOfCycle = year - cycle * 400
        let shiftedMonth = self.month > 2 ? self.month - 3 : self.month + 9
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + self.day - 1
        return cycle * 146_097 + yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
            - 719_468
    }

    /// How many days a month has, counted from 1.
    public static func length(ofMonth month: Int, in year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// As RFC 3339 writes it: `2018-10-26`.
    public var description: String {
        let year = String(repeating: "0", count: max(0, 4 - "\(self.year)".count)) + "\(self.year)"
        return "\(year)-\(Timestamp.two(self.month))-\(Timestamp.two(self.day))"
    }
}
