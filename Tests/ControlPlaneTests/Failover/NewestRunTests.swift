// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

/// Whether the newest migration of a schedule is one to go back with.
@Suite struct NewestRunTests {
    /// Sunday 22 November 2026, 10:15 in UTC.
    private static let now = Timestamp(seconds: 1_795_342_500)
    private static let key = ObjectKey("shop", "back")

    private func newest(
        _ type: ScheduleType,
        secondsAgo: Int,
        _ state: MigrationState = .successful,
        policy: JSON
    ) throws -> NewestRun {
        var run = ScheduledRun(
            name: "back-1",
            created: Timestamp(seconds: Self.now.seconds - secondsAgo)
        )
        run.status = state
        var status = MigrationScheduleStatus()
        status.items[type] = [run]
        return NewestRun(
            Self.key,
            status,
            .usable(try SchedulePolicy(policy), .utc),
            now: Self.now
        )
    }

    private func refusal(_ newest: NewestRun) -> String? {
        guard case .unfit(let trouble) = newest else { return nil }
        #expect(trouble.text.contains(" Try: ") && !trouble.isPassing)
        return trouble.text
    }

    @Test func theTimeOfTodayIsAsExpected() throws {
        #expect("\(Self.now)" == "2026-11-22T10:15:00Z")
    }

    /// The seconds are the oldest that will do; a minute stands for clocks that differ.
    @Test(
        arguments: [
            (ScheduleType.interval, ["interval": ["intervalMinutes": 60]], 3_600),
            // Yesterday at 22:00.
            (.daily, ["daily": ["time": "10:00PM"]], 12 * 3_600 + 15 * 60),
            // Yesterday at 08:00: today's run may have been missed.
            (.daily, ["daily": ["time": "8:00AM"]], 26 * 3_600 + 15 * 60),
            // A week ago at that time, whatever the day.
            (.weekly, ["weekly": ["day": "Thursday", "time": "10:00AM"]], 7 * 86_400 + 15 * 60),
            // The 15th of October.
            (.monthly, ["monthly": ["date": 15, "time": "10:15AM"]], 38 * 86_400),
        ] as [(ScheduleType, JSON, Int)]
    )
    func aRunInsideTheWindowOfItsPolicyWillDo(
        _ type: ScheduleType,
        _ policy: JSON,
        _ seconds: Int
    ) throws {
        #expect(try self.newest(type, secondsAgo: 0, policy: policy) == .current)
        #expect(try self.newest(type, secondsAgo: seconds, policy: policy) == .current)
        #expect(try self.newest(type, secondsAgo: seconds + 60, policy: policy) == .current)
        let late = try self.newest(type, secondsAgo: seconds + 61, policy: policy)
        let text = try #require(self.refusal(late))
        #expect(text.contains("back-1") && text.contains("by the policy"))
        #expect(text.contains("godwit trigger migrationschedule back --wait -n shop"))
    }

    @Test func aRunOfATypeThatThePolicyHasNoLongerIsMeasuredByTheOthers() throws {
        let policy: JSON = ["daily": ["time": "10:00PM"]]
        #expect(try self.newest(.interval, secondsAgo: 3_601, policy: policy) == .current)
        #expect(
            try self.refusal(self.newest(.interval, secondsAgo: 86_400, policy: policy)) != nil
        )
    }

    @Test(arguments: [MigrationState.failed, .partialSuccess, .purged])
    func aRunThatDidNotSucceedWillNotDo(_ state: MigrationState) throws {
        let newest = try self.newest(
            .interval,
            secondsAgo: 10,
            state,
            policy: ["interval": ["intervalMinutes": 60]]
        )
        #expect(try #require(self.refusal(newest)).contains("ended as \(state.rawValue)"))
    }

    @Test(arguments: [MigrationState.pending, .inProgress])
    func aRunThatGoesOnIsWaitedFor(_ state: MigrationState) throws {
        let newest = try self.newest(
            .interval,
            secondsAgo: 9_999,
            state,
            policy: ["interval": ["intervalMinutes": 60]]
        )
        #expect(newest == .running("back-1"))
    }

    @Test func aScheduleThatHasNotRunOrHasNoPolicyWillNotDo() throws {
        let policy = ScheduleFacts.Policy.usable(
            try SchedulePolicy(["interval": ["intervalMinutes": 60]]),
            .utc
        )
        let none = NewestRun(Self.key, MigrationScheduleStatus(), policy, now: Self.now)
        #expect(try #require(self.refusal(none)).contains("has brought nothing here yet"))
        var run = ScheduledRun(name: "back-1", created: Self.now)
        run.status = .successful
        var status = MigrationScheduleStatus()
        status.items[.interval] = [run]
        let lost = NewestRun(
            Self.key,
            status,
            ScheduleObserver.policy("hourly", nil, .utc),
            now: Self.now
        )
        guard case .unfit(let trouble) = lost else {
            Issue.record("\(lost)")
            return
        }
        #expect(trouble.reason == .policyNotFound && trouble.text.contains("hourly"))
    }

    @Test func theNewestOfAllTypesCounts() throws {
        var status = MigrationScheduleStatus()
        var old = ScheduledRun(name: "old", created: Timestamp(seconds: Self.now.seconds - 90_000))
        old.status = .failed
        var new = ScheduledRun(name: "new", created: Timestamp(seconds: Self.now.seconds - 60))
        new.status = .successful
        status.items = [.daily: [old], .interval: [new]]
        let policy = try SchedulePolicy([
            "interval": ["intervalMinutes": 60], "daily": ["time": "10:00PM"],
        ])
        #expect(NewestRun(Self.key, status, .usable(policy, .utc), now: Self.now) == .current)
    }
}
