// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import Locks
import ObjectModel

/// The phases of `godwit-perf schedules`.
final class SchedulesMeasurement {
    private static let schedules = APIResource(
        StorkNames.groupVersion,
        "MigrationSchedule",
        plural: "migrationschedules"
    )
    private static let policies = APIResource(
        StorkNames.groupVersion,
        "SchedulePolicy",
        plural: "schedulepolicies",
        isNamespaced: false
    )
    private static let policy = "yearly"

    private let source: ControlledSite
    private let destination: ControlledSite

    init(source: ControlledSite, destination: ControlledSite) {
        self.source = source
        self.destination = destination
    }

    /// Makes schedules whose times are far away; so many of them have a small application to move.
    func create(_ count: Int, active: Int) async throws -> SchedulesResults.Creation {
        let objects = (0..<active)
            .flatMap { number in
                [SmallNamespace.namespace("app-\(number)")]
                    + SmallNamespace.many("app-\(number)", count: 1)
            }
        // Namespaces first: several requests are under way at once.
        try await self.source.create(objects.filter { $0.0.kind == "Namespace" })
        try await self.source.create(objects.filter { $0.0.kind != "Namespace" })
        try await self.source.create([Self.distantPolicy(now: Date())])
        let before = try await self.source.statistics()
        let resident = self.source.memory("VmRSS")
        let start = ContinuousClock.now
        try await self.source.create((0..<count).map { Self.schedule($0, of: active) })
        try await self.waitForAll(count)
        let wall = ContinuousClock.now - start
        let after = try await self.source.settled()
        return SchedulesResults.Creation(
            schedules: count,
            wallSeconds: wall / .seconds(1),
            residentBytesBefore: resident,
            residentBytesAfter: self.source.memory("VmRSS"),
            residentBytesPeak: self.source.memory("VmHWM"),
            requestsPerSchedule: ControlledSite.requests(before, after) {
                Double($0) / Double(count)
            }
        )
    }

    /// Lets some schedules begin at once, waits for the ends, and then for a while.
    func round(_ triggers: Int, steadySeconds: Int) async throws -> SchedulesResults.Round {
        let names = (0..<triggers).map { Self.name($0) }
        let (delays, migrations) = try await self.trigger(names)
        try await self.source.waitForEnds(migrations)
        let before = try await self.source.settled()
        let resident = self.source.memory("VmRSS")
        try await Task.sleep(for: .seconds(steadySeconds))
        let after = try await self.source.statistics()
        let sorted = delays.sorted()
        func share(_ part: Double) -> Double {
            sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
        }
        return SchedulesResults.Round(
            triggers: triggers,
            delayP50Seconds: share(0.5),
            delayP99Seconds: share(0.99),
            delayMaximumSeconds: sorted.last ?? 0,
            steadySeconds: steadySeconds,
            residentBytesBefore: resident,
            residentBytesAfter: self.source.memory("VmRSS"),
            destinationResidentBytes: self.destination.memory("VmRSS"),
            requestsPerMinute: ControlledSite.requests(before, after) {
                Double($0) * 60 / Double(steadySeconds)
            },
            failedLooks: Int(after["migrationschedule.failures"] ?? 0)
        )
    }

    // MARK: Parts

    private static func name(_ number: Int) -> String { "s-\(number)" }

    /// A day of the month that is at least ten days away.
    private static func distantPolicy(now: Date) -> (APIResource, KubeObject) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let later = calendar.component(.day, from: now.addingTimeInterval(10 * 86_400))
        let key = ObjectKey("", self.policy)
        let monthly: JSON = ["date": JSON(min(later, 28)), "time": "3:04AM"]
        let object = KubeObject(
            self.policies.groupVersionKind,
            key,
            ["policy": ["timeZone": "UTC", "monthly": monthly]]
        )
        return (self.policies, object)
    }

    private static func schedule(_ number: Int, of active: Int) -> (APIResource, KubeObject) {
        var spec = MigrationSpec()
        spec.clusterPair = "remote"
        spec.namespaces = ["app-\(number % active)"]
        let object = KubeObject(
            self.schedules.groupVersionKind,
            ObjectKey(ControlledSite.home, self.name(number)),
            [
                "spec": [
                    "schedulePolicyName": .string(self.policy), "template": ["spec": spec.json],
                ]
            ]
        )
        return (self.schedules, object)
    }

    /// Every schedule knows when its next run comes.
    private func waitForAll(_ count: Int) async throws {
        var open = Set((0..<count).map { Self.name($0) })
        try await self.source.watch(Self.schedules) { schedule in
            if MigrationScheduleStatus(schedule["status"]).nextTrigger != nil {
                open.remove(schedule.name)
            }
            return open.isEmpty
        }
    }

    /// From when each request was sent until the watch told of its Migration, in seconds; and the
    /// Migrations.
    private func trigger(_ names: [String]) async throws -> (delays: [Double], [String]) {
        let known = try await self.source.client.list(
            ControlledSite.migrations,
            namespace: ControlledSite.home
        )
        let old = Set(known.items.map(\.name))
        let sent = Locked<[String: ContinuousClock.Instant]>([:])
        let mark = JSON.string("\(Date().timeIntervalSince1970)")
        let client = self.source.client
        async let triggered: Void = ControlledSite.each(names, of: client) { client, name in
            sent.withLock { $0[name] = .now }
            try await client.patch(
                Self.schedules,
                ObjectKey(ControlledSite.home, name),
                .merge(["metadata": ["annotations": [StorkNames.Annotation.syncNow.key: mark]]])
            )
        }
        var open = Set(names)
        var delays: [Double] = []
        var migrations: [String] = []
        try await self.source.watch(ControlledSite.migrations, from: known.resourceVersion) {
            migration in
            let schedule = StorkNames.Annotation.migrationScheduleName.value(
                in: migration.annotations
            )
            guard let schedule, !old.contains(migration.name), open.remove(schedule) != nil else {
                return false
            }
            let begin = sent.withLock { $0[schedule] } ?? .now
            delays.append((ContinuousClock.now - begin) / .seconds(1))
            migrations.append(migration.name)
            return open.isEmpty
        }
        try await triggered
        return (delays, migrations)
    }
}
