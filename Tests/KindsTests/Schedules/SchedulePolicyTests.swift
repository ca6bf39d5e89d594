// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@Suite struct SchedulePolicyTests {
    @Test(
        arguments: [
            (
                ["interval": ["intervalMinutes": 0]],
                "Invalid intervalMinutes (0) in Interval policy"
            ),
            (
                ["interval": ["intervalMinutes": -3]],
                "Invalid intervalMinutes (-3) in Interval policy"
            ),
            (["interval": [:]], "Invalid intervalMinutes (0) in Interval policy"),
            (
                ["interval": ["intervalMinutes": "x"]],
                "Invalid intervalMinutes (x) in Interval policy"
            ),
            (
                ["daily": ["time": "12:75PM"]],
                "Invalid time (12:75PM) in Daily policy: parsing time \"12:75PM\": minute out of range"
            ),
            (
                ["weekly": ["day": "Sunday", "time": "13:00PM"]],
                "Invalid time (13:00PM) in Weekly policy: parsing time \"13:00PM\": hour out of range"
            ),
            (
                ["weekly": ["day": "Tues", "time": "1:00PM"]],
                "Invalid day of the week (Tues) in Weekly policy"
            ),
            (["weekly": ["time": "1:00PM"]], "Invalid day of the week () in Weekly policy"),
            (
                ["monthly": ["date": 0, "time": "1:00PM"]],
                "Invalid date of the month (0) in Monthly policy"
            ),
            (
                ["monthly": ["date": 32, "time": "1:00PM"]],
                "Invalid date of the month (32) in Monthly policy"
            ),
            ([:], "Invalid policy: it has neither interval, daily, weekly nor monthly"),
            (
                ["timeZone": "UTC"],
                "Invalid policy: it has neither interval, daily, weekly nor monthly"
            ),
            // One part that is wrong makes the others useless too.
            (
                ["interval": ["intervalMinutes": 5], "monthly": ["date": 40, "time": "1:00PM"]],
                "Invalid date of the month (40) in Monthly policy"
            ),
        ] as [(JSON, String)]
    )
    func whatIsWrongIsSaidAsStorkSaysIt(policy: JSON, text: String) {
        #expect(throws: ScheduleError(description: text)) { try SchedulePolicy(policy) }
    }

    @Test func thePolicyOfTheDocumentsHasAllFourParts() throws {
        let policy = try SchedulePolicy([
            "interval": ["intervalMinutes": 1], "daily": ["time": "10:14PM"],
            "weekly": ["day": "Thursday", "time": "10:13PM"],
            "monthly": ["date": 14, "time": "8:05PM"],
        ])
        #expect(policy.types == [.interval, .daily, .weekly, .monthly])
        #expect(
            policy.description
                == "every 1 min, Daily 10:14PM, Weekly Thursday@10:13PM, Monthly 14@8:05PM"
        )
        #expect(policy.longestGap == 60)
    }

    @Test func partsThatAreNullAreNotThereAndAZoneIsNamed() throws {
        let policy = try SchedulePolicy([
            "interval": .null, "weekly": ["day": "thurs", "time": "01:15am"],
            "timeZone": "Asia/Kolkata",
        ])
        #expect(policy.types == [.weekly])
        #expect(policy.description == "Weekly Thursday@1:15AM, in Asia/Kolkata")
        #expect(policy.longestGap == 7 * 86_400)
    }

    @Test func anIntervalWithoutEndDoesNotOverflow() throws {
        let policy = try SchedulePolicy(["interval": ["intervalMinutes": JSON(Int.max)]])
        var history = ScheduleHistory(since: Timestamp(seconds: 0))
        history.started[.interval] = [Timestamp(seconds: 0)]
        for seconds in [0, Int.max / 1_000_000, Int.min / 1_000_000] {
            let verdict = ScheduleVerdict(
                policy,
                .utc,
                history,
                now: Timestamp(seconds: seconds)
            )
            #expect(verdict.nextRun != nil)
        }
    }
}
