// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// How the newest run of a schedule stands to what its policy promises.
enum NewestRun: Hashable, Sendable {
    /// It succeeded, and no newer one is due.
    case current
    case running(String)
    /// What it brought is nothing to begin a failback with.
    case unfit(Trouble)

    /// What of two clocks may differ, in seconds.
    private static let skew = 60

    /// Decides: pure.
    ///
    /// - Parameters:
    ///   - key: of the schedule.
    ///   - status: what its controller says of its runs.
    ///   - policy: when they come.
    ///   - now: the time of day.
    init(
        _ key: ObjectKey,
        _ status: MigrationScheduleStatus,
        _ policy: ScheduleFacts.Policy,
        now: Timestamp
    ) {
        let remedy =
            "let one succeed where the applications run now, then fail back again: "
            + "godwit trigger migrationschedule \(key.name) --wait -n \(key.namespace)"
        func unfit(_ message: String) -> Self {
            .unfit(Trouble(.migrationNotCurrent, message, remedy: remedy, isPassing: false))
        }
        let runs = status.items.flatMap { type, items in items.map { (type, $0) } }
        guard let (type, run) = runs.max(by: { $0.1.created < $1.1.created }) else {
            self = unfit("MigrationSchedule \(key) has brought nothing here yet")
            return
        }
        guard run.isFinal else {
            self = .running(run.name)
            return
        }
        guard run.status == .successful else {
            self = unfit("the newest Migration, \(run.name), ended as \(run.status.rawValue)")
            return
        }
        switch policy {
        case .unusable(let trouble):
            self = .unfit(trouble.withRemedy(remedy))
        case .usable(let policy, let zone):
            let calendar = ScheduleCalendar(policy, zone)
            let earliest =
                calendar.earliestCurrent(type, at: now)
                ?? policy.types.compactMap { calendar.earliestCurrent($0, at: now) }.min()
            guard let earliest, run.created.seconds(since: earliest) < -Self.skew else {
                self = .current
                return
            }
            self = unfit(
                "the newest Migration, \(run.name), was started at \(run.created); by the policy "
                    + "(\(policy)) it would have to be of \(earliest) or later"
            )
        }
    }
}

extension OtherSide {
    /// Looks at the newest run of the schedule there.
    ///
    /// - Parameters:
    ///   - zone: of policies that name none.
    ///   - now: the time of day.
    /// - Returns: how it stands to the policy.
    /// - Throws: `ClusterError` where that cannot be asked, `Trouble` where there is no such schedule.
    func newestRun(in zone: ScheduleZone, now: Timestamp) async throws -> NewestRun {
        let found = try await self.found()
        let name = MigrationScheduleSpec(found["spec"]).policyName
        var policy = try await self.cluster.find(
            StorkResource.namespacedSchedulePolicies,
            ObjectKey(self.schedule.namespace, name)
        )
        if policy == nil {
            policy = try await self.cluster.find(
                StorkResource.schedulePolicies,
                ObjectKey("", name)
            )
        }
        return NewestRun(
            self.schedule,
            MigrationScheduleStatus(found["status"]),
            ScheduleObserver.policy(name, policy, zone),
            now: now
        )
    }
}
