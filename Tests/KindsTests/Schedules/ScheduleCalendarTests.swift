// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

/// The times of a calendar against lists that were written by hand.
@Suite struct ScheduleCalendarTests {
    /// The times of the only part of a policy from one instant up to another.
    private func times(
        _ policy: JSON,
        _ zone: String,
        from start: String,
        to end: String
    ) throws -> [String] {
        let policy = try SchedulePolicy(policy)
        let calendar = ScheduleCalendar(policy, try ScheduleZone.named(zone))
        let type = try #require(policy.types.first)
        var time = try #require(Timestamp(start))
        let last = try #require(Timestamp(end))
        var found: [String] = []
        while let next = calendar.next(type, after: time), next <= last {
            #expect(calendar.latest(type, at: next) == next)
            #expect(
                calendar.latest(type, at: Timestamp(microseconds: next.microseconds - 1)) != next
            )
            found.append(next.description)
            time = next
        }
        return found
    }

    @Test func datesThatAMonthDoesNotHaveRollOverIntoTheNext() throws {
        #expect(
            try self.times(
                ["monthly": ["date": 31, "time": "8:05PM"]],
                "UTC",
                from: "2027-01-01T00:00:00Z",
                to: "2028-03-31T23:00:00Z"
            ) == [
                "2027-01-31T20:05:00Z", "2027-03-03T20:05:00Z", "2027-03-31T20:05:00Z",
                "2027-05-01T20:05:00Z", "2027-05-31T20:05:00Z", "2027-07-01T20:05:00Z",
                "2027-07-31T20:05:00Z", "2027-08-31T20:05:00Z", "2027-10-01T20:05:00Z",
                "2027-10-31T20:05:00Z", "2027-12-01T20:05:00Z", "2027-12-31T20:05:00Z",
                "2028-01-31T20:05:00Z", "2028-03-02T20:05:00Z", "2028-03-31T20:05:00Z",
            ]
        )
    }

    @Test(arguments: [
        (29, 2027, "2027-03-01"), (29, 2028, "2028-02-29"), (30, 2027, "2027-03-02"),
        (30, 2028, "2028-03-01"), (31, 2027, "2027-03-03"), (31, 2028, "2028-03-02"),
        // 2100 is no leap year.
        (29, 2100, "2100-03-01"),
    ])
    func theEndOfFebruaryIsTheSecondOrThirdOfMarch(date: Int, year: Int, day: String) throws {
        #expect(
            try self.times(
                ["monthly": ["date": JSON(date), "time": "12:00AM"]],
                "UTC",
                from: "\(year)-02-01T00:00:00Z",
                to: "\(year)-03-20T00:00:00Z"
            ) == ["\(day)T00:00:00Z"]
        )
    }

    @Test func aTimeThatDoesNotExistComesAtTheFirstInstantAfterTheGap() throws {
        // At 2:00 clocks in Berlin are set to 3:00.
        #expect(
            try self.times(
                ["daily": ["time": "2:30AM"]],
                "Europe/Berlin",
                from: "2027-03-27T00:00:00Z",
                to: "2027-03-29T12:00:00Z"
            ) == ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]
        )
        // On Lord Howe they are set forward by half an hour, from 2:00 at +10:30.
        #expect(
            try self.times(
                ["daily": ["time": "2:15AM"]],
                "Australia/Lord_Howe",
                from: "2027-10-01T16:00:00Z",
                to: "2027-10-04T12:00:00Z"
            ) == ["2027-10-02T15:30:00Z", "2027-10-03T15:15:00Z"]
        )
    }

    @Test func aTimeThatExistsTwiceComesOnceAtTheFirst() throws {
        #expect(
            try self.times(
                ["daily": ["time": "1:30AM"]],
                "America/New_York",
                from: "2027-11-06T00:00:00Z",
                to: "2027-11-08T12:00:00Z"
            ) == ["2027-11-06T05:30:00Z", "2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"]
        )
    }

    @Test func aDayThatAZoneLeftOutIsNotRunTwice() throws {
        // Samoa had no 30 December 2011.
        #expect(
            try self.times(
                ["daily": ["time": "12:00AM"]],
                "Pacific/Apia",
                from: "2011-12-28T12:00:00Z",
                to: "2012-01-01T12:00:00Z"
            ) == [
                "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z",
                "2012-01-01T10:00:00Z",
            ]
        )
    }

    @Test func aWeekGoesOverTheEndOfAYear() throws {
        #expect(
            try self.times(
                ["weekly": ["day": "Sat", "time": "11:59pm"]],
                "Asia/Kolkata",
                from: "2027-12-20T00:00:00Z",
                to: "2028-01-10T00:00:00Z"
            ) == ["2027-12-25T18:29:00Z", "2028-01-01T18:29:00Z", "2028-01-08T18:29:00Z"]
        )
    }

    @Test func theStampOfANameIsOfTheZone() throws {
        let instant = try #require(Timestamp("2019-02-14T22:16:51Z"))
        #expect(ScheduleZone.utc.stamp(instant) == "2019-02-14-221651")
        #expect(try ScheduleZone.named("Asia/Kolkata").stamp(instant) == "2019-02-15-034651")
    }
}
