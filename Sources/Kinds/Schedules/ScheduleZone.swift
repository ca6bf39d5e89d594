// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// A time zone: how far its clocks are from UTC at an instant.
///
/// Where the data comes from is the caller's affair, so that nothing here depends on a machine.
public struct ScheduleZone: Sendable {
    /// Such as `Europe/Berlin`.
    public let name: String
    /// Seconds that clocks are ahead of UTC, from -24 h to 24 h.
    private let offset: @Sendable (Timestamp) -> Int

    /// A zone by its offset in seconds at each instant.
    public init(_ name: String, offset: @escaping @Sendable (Timestamp) -> Int) {
        self.name = name
        self.offset = offset
    }

    /// Without an offset.
    public static let utc = ScheduleZone("UTC") { _ in 0 }

    /// Farther than any clock is from UTC, and less than clocks are left alone between two changes.
    private static let reach = 86_400

    /// What clocks show, as seconds since the begin of 1970 as they count it.
    private func clock(at instant: Timestamp) -> Int { instant.seconds + self.offset(instant) }

    /// The day that calendars show.
    func date(at instant: Timestamp) -> CivilDate {
        let (days, rest) = self.clock(at: instant).quotientAndRemainder(dividingBy: 86_400)
        return CivilDate(days: rest < 0 ? days - 1 : days)
    }

    /// When clocks show a time of a day.
    ///
    /// The first of two instants where the time comes twice, because clocks are set back; the first
    /// instant after the gap where it does not come at all, because they are set forward.
    func instant(of date: CivilDate, _ time: ScheduleTime) -> Timestamp {
        let clock = date.days * 86_400 + time.hour * 3_600 + time.minute * 60
        let (start, end) = (clock - Self.reach, clock + Self.reach)
        let (former, later) = (self.offset(at: start), self.offset(at: end))
        let found = [clock - former, clock - later]
            .filter { self.clock(at: Timestamp(seconds: $0)) == clock }
        if let first = found.min() { return Timestamp(seconds: first) }
        return Timestamp(seconds: self.change(from: former, after: start, upTo: end))
    }

    /// The first second at which the offset is another one.
    private func change(from former: Int, after start: Int, upTo end: Int) -> Int {
        var (before, after) = (start, end)
        while after - before > 1 {
            let middle = before + (after - before) / 2
            if self.offset(at: middle) == former { before = middle } else { after = middle }
        }
        return after
    }

    private func offset(at seconds: Int) -> Int { self.offset(Timestamp(seconds: seconds)) }

    /// As the names of scheduled Migrations have it: `2019-02-14-221651`.
    public func stamp(_ instant: Timestamp) -> String {
        let clock = Timestamp(seconds: self.clock(at: instant)).description
        return clock.prefix(10) + "-" + clock.dropFirst(11).filter(\.isNumber)
    }
}
