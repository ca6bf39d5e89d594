// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// The part of the documents about schedules: what they suppose, and what they promise.
extension DocumentWalk {
    /// The policy has two names in the documents, of which the schedule uses this one; the schedule that
    /// they describe has a third.
    static func withoutSlip(_ text: String) -> String {
        text.replacing("name: testpolcy", with: "name: testpolicy")
    }

    /// The namespace of the schedule has its own pair, and the times of the policy, which come once a day
    /// or less, have just come.
    mutating func prepare(schedule: ObjectKey) async throws {
        if !self.schedule.name.isEmpty { try await self.deleteSchedule() }
        self.schedule = schedule
        let pair = Self.file(of: "ClusterPair")
        try await self.here.succeeds("kubectl apply -n \(schedule.namespace) -f \(pair)")
        try await self.isReady(ObjectKey(schedule.namespace, Self.pair.name))
        let now = Date()
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.hour, .minute, .weekday, .day], from: now)
        let (hour, minute, date) = (parts.hour ?? 0, parts.minute ?? 0, parts.day ?? 1)
        let day = try #require(Weekday(rawValue: (parts.weekday ?? 1) - 1))
        let time =
            "\(hour % 12 == 0 ? 12 : hour % 12):\(minute < 10 ? "0" : "")\(minute)"
            + (hour < 12 ? "AM" : "PM")
        let policy: JSON = [
            "apiVersion": .string(StorkNames.groupVersion.apiVersion), "kind": "SchedulePolicy",
            "metadata": ["name": "testpolicy"],
            "policy": [
                "timeZone": "UTC", "interval": ["intervalMinutes": 1],
                "daily": ["time": .string(time)],
                "weekly": ["day": .string(day.name), "time": .string(time)],
                "monthly": ["date": JSON(date), "time": .string(time)],
            ],
        ]
        try self.here.save(policy.pretty, as: "now.json")
        try await self.here.succeeds("kubectl apply -f now.json")
    }

    /// A run of each kind of times has succeeded, and was told.
    func schedulesHaveRun() async throws {
        _ = try await self.source.object(
            StorkResource.migrationSchedules,
            self.schedule.namespace,
            self.schedule.name
        ) { schedule in
            let items = MigrationScheduleStatus(schedule["status"]).items
            return ScheduleType.allCases.allSatisfy { type in
                items[type]?.contains { $0.status == .successful } == true
            }
        }
        try await self.eventsAreThere(4, of: StorkResource.migrationSchedules, self.schedule)
        // The columns of storkctl, which the documents do not show.
        let shown = try await self.here.succeeds(
            "storkctl get migrationschedule -n \(self.schedule.namespace) -o wide"
        )
        let rows = Table.rows(shown.output)
        let leading = [
            "NAME", "POLICYNAME", "CLUSTERPAIR", "SUSPEND", "LAST-SUCCESS-TIME",
            "LAST-SUCCESS-DURATION",
        ]
        #expect(rows[0] == leading + ["LAG", "RPO", "NEXT"])
        #expect(
            rows[1]
                .starts(
                    with: ["mysqlmigrationschedule", "testpolicy", "remotecluster", "false"]
                )
        )
        #expect(rows[1].count == 9 && rows[1][7] == "60s", "\(rows[1])")
    }

    /// With the schedule, what it began goes.
    func deleteSchedule() async throws {
        let (name, namespace) = (self.schedule.name, self.schedule.namespace)
        let kept = try await self.here.types(["storkctl", "delete", "schedulepolicy", "testpolicy"])
        #expect(kept.status == 5 && kept.errors.contains("\(namespace)/\(name)"))
        let deleted = try await self.here.succeeds(
            "storkctl delete migrationschedules \(name) -n \(namespace)"
        )
        #expect(deleted.output == "MigrationSchedule \(name) deleted successfully\n")
        try await self.waitUntilGone("migrationschedule/\(name)")
        let runs = try await self.scheduled()
        for run in runs { try await self.waitUntilGone("migration/\(run)") }
        #expect(try await self.scheduled() == [])
    }

    private func waitUntilGone(_ object: String) async throws {
        // Old ones take it for a failure that it is gone already.
        try await self.here.types([
            "kubectl", "wait", "--for=delete", object, "-n", self.schedule.namespace,
            "--timeout=60s",
        ])
    }

    private func scheduled() async throws -> [String] {
        try await self.source.client
            .list(StorkResource.migrations, namespace: self.schedule.namespace).items
            .filter {
                StorkNames.Annotation.migrationScheduleName.value(in: $0.annotations) != nil
            }
            .map(\.name)
    }

    /// Nothing uses the policy any more.
    func deletePolicy() async throws {
        try await self.here.succeeds("storkctl delete schedulepolicy testpolicy")
    }
}
