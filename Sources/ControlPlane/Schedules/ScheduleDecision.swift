// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Decides the next step of a MigrationSchedule: pure, the same for the same facts.
///
/// ```
///  refresh items ▶ make the Migration of a new item ▶ prune ▶ suspended? ▶ policy? ▶ static copy
///     ▶ missed? ▶ due? ▶ wait until the next time
/// ```
enum ScheduleDecision {
    /// Failed runs after the last success that are kept, for each type; Stork keeps all of them, and an
    /// object that grows without end cannot be written any more.
    static let keptFailures = 20

    /// What to do now.
    static func step(_ facts: ScheduleFacts) -> ScheduleStep {
        if facts.isBeingDeleted {
            let runs = ScheduleType.allCases.flatMap { facts.status.items[$0] ?? [] }
            return .release(runs.map(\.name).filter { facts.runs[$0] != nil })
        }
        guard !facts.isStaticCopy else { return .nothing }
        guard facts.hasFinalizer else { return .addFinalizer }
        for item in facts.status.items.values.joined()
        where item.status == .pending && facts.runs[item.name] == nil {
            return .create(item)
        }
        let (status, notices) = Self.refreshed(facts)
        if status != facts.status { return .record(status, notices) }
        if let step = Self.pruning(status) { return step }
        if facts.isSuspended { return Self.suspended(facts) }
        switch facts.policy {
        case .unusable(let trouble): return Self.stopped(facts, trouble)
        case .usable(let policy, let zone): return Self.planned(facts, policy, zone)
        }
    }

    // MARK: - What has run

    private static func refreshed(
        _ facts: ScheduleFacts
    ) -> (status: MigrationScheduleStatus, notices: [Notice]) {
        var status = facts.status
        var notices: [Notice] = []
        for type in ScheduleType.allCases {
            for (place, item) in (status.items[type] ?? []).enumerated() where !item.isFinal {
                var item = item
                guard let run = facts.runs[item.name] else {
                    item.status = .failed
                    item.finished = facts.now
                    notices.append(Self.notice(of: item, "it was deleted"))
                    status.items[type]?[place] = item
                    continue
                }
                item.status = run.state == .initial ? .pending : run.state
                if item.isFinal {
                    item.finished = run.finished ?? facts.now
                    notices.append(Self.notice(of: item, nil))
                    status.take(item, run)
                }
                status.items[type]?[place] = item
            }
        }
        return (status, notices)
    }

    private static func notice(of item: ScheduledRun, _ remark: String?) -> Notice {
        if item.status == .successful {
            return .normal(
                MigrationState.successful.rawValue,
                "Scheduled migration (\(item.name)) completed successfully"
            )
        }
        return .warning(
            MigrationState.failed.rawValue,
            "Scheduled migration (\(item.name)) status \(item.status.rawValue)"
                + (remark.map { ": \($0)" } ?? "")
        )
    }

    /// The last success and what failed after it is kept.
    private static func pruning(_ status: MigrationScheduleStatus) -> ScheduleStep? {
        var kept = status
        var gone: [String] = []
        for type in ScheduleType.allCases {
            guard let items = status.items[type] else { continue }
            let success = items.lastIndex(where: \.hasSucceeded)
            var rest = items[(success ?? 0)...]
            let limit = Self.keptFailures + (success == nil ? 0 : 1)
            while rest.count > limit {
                // Where there is a success, it stays and the oldest failure goes.
                rest = success == nil ? rest.dropFirst() : rest.prefix(1) + rest.dropFirst(2)
            }
            let names = Set(rest.map(\.name))
            gone += items.map(\.name).filter { !names.contains($0) }
            kept.items[type] = Array(rest)
        }
        return gone.isEmpty ? nil : .prune(gone, kept)
    }

    // MARK: - What is not running

    private static func suspended(_ facts: ScheduleFacts) -> ScheduleStep {
        var status = facts.status
        var notices: [Notice] = []
        status.stop()
        if facts.wantsSync {
            status.syncNow = facts.syncNow
            notices.append(
                .warning(
                    MigrationState.failed.rawValue,
                    "No migration is started now: the schedule is suspended. Try: resume it first"
                )
            )
        }
        status.set(
            Finding(ConditionType.ready, .no, "Suspended", "The schedule is suspended."),
            facts
        )
        status.setNoRecoveryPoint("Suspended", "The schedule is suspended.", facts)
        return .settle(status, notices, nil)
    }

    private static func stopped(_ facts: ScheduleFacts, _ trouble: Trouble) -> ScheduleStep {
        var status = facts.status
        status.stop()
        let finding = Finding(ConditionType.ready, .no, trouble.reason.rawValue, trouble.text)
        let isKnown = status.conditions[ConditionType.ready]?.message == trouble.text
        status.set(finding, facts)
        status.setNoRecoveryPoint(trouble.reason.rawValue, trouble.message, facts)
        let text = "Error checking if migration should be triggered: \(trouble.text)"
        return .settle(
            status,
            isKnown ? [] : [.warning(MigrationState.failed.rawValue, text)],
            nil
        )
    }

    // MARK: - What is to run

    private static func planned(
        _ facts: ScheduleFacts,
        _ policy: SchedulePolicy,
        _ zone: ScheduleZone
    ) -> ScheduleStep {
        if facts.isCopyDue { return .keepCopy }
        var status = facts.status
        let times = policy.timeZone == nil ? "\(policy), in \(zone.name)" : policy.description
        if status.policy?.times != times {
            // To the second, as it is read again.
            let since = Timestamp(seconds: facts.now.seconds)
            status.policy = MigrationScheduleStatus.PolicyInEffect(times: times, since: since)
        }
        let verdict = ScheduleVerdict(
            policy,
            zone,
            status.history(since: status.policy?.since ?? facts.now),
            now: facts.now
        )
        var notices = verdict.missed.map { Self.take($0, zone, &status) }
        status.nextTrigger = verdict.nextRun
        status.observedGeneration = facts.generation
        let finding = Self.readiness(verdict, facts.now, status, zone)
        let former = status.conditions[ConditionType.ready]
        status.set(finding, facts)
        if finding.status == .no, former?.reason != finding.reason {
            notices.append(.warning(MigrationState.failed.rawValue, finding.message))
        }
        let figures = RecoveryPointForecast(policy, zone, facts.now)
        notices += figures.update(&status, nextRun: verdict.nextRun, facts)
        if let type = verdict.due?.type
            ?? (status.isBusy || !facts.wantsSync ? nil : policy.types.first)
        {
            // What was missed is written with what is started.
            return status == facts.status ? .begin(type) : .record(status, notices)
        }
        let looks = [verdict.nextLook, figures.nextLook(status)].compactMap { $0 }
        return .settle(status, notices, looks.min())
    }

    private static func take(
        _ missed: MissedTimes,
        _ zone: ScheduleZone,
        _ status: inout MigrationScheduleStatus
    ) -> Notice {
        let count = (status.missed[missed.type]?.count ?? 0).addingReportingOverflow(missed.count)
        status.missed[missed.type] = MigrationScheduleStatus.Missed(
            count: count.partialValue,
            last: missed.last
        )
        let runs = missed.count == 1 ? "run" : "runs"
        return .warning(
            "Missed",
            "\(missed.count) \(missed.type.rawValue) \(runs) did not begin within an hour, the last at "
                + "\(missed.last): the controllers did not run, or another migration of the schedule "
                + "went on. They are not made up for"
        )
    }

    private static func readiness(
        _ verdict: ScheduleVerdict,
        _ now: Timestamp,
        _ status: MigrationScheduleStatus,
        _ zone: ScheduleZone
    ) -> Finding {
        if let ahead = verdict.ahead {
            return Finding(
                ConditionType.ready,
                .no,
                "ClockBehind",
                "A migration was started at \(ahead), which is later than now: until then daily, "
                    + "weekly and monthly migrations wait. Try: set the clock of the controllers, or "
                    + "make the schedule anew"
            )
        }
        return Finding(
            ConditionType.ready,
            .yes,
            "Scheduled",
            "Migrations are started: \(status.policy?.times ?? "")."
        )
    }
}

extension MigrationScheduleStatus {
    /// What a decision on times needs.
    func history(since: Timestamp) -> ScheduleHistory {
        var history = ScheduleHistory(since: since)
        history.started = self.items.mapValues { $0.map(\.created) }
        history.isBusy = self.isBusy
        history.missedThrough = self.missed.mapValues(\.last)
        return history
    }

    /// Takes in a run that has ended.
    mutating func take(_ item: ScheduledRun, _ run: ScheduleFacts.Run) {
        if item.status == .successful, let finished = item.finished {
            self.lastSuccess = max(self.lastSuccess ?? finished, finished)
        }
        guard item.hasSucceeded else { return }
        let seconds = max((item.finished ?? item.created).seconds(since: item.created), 0)
        var figure = RecoveryPointFigure(
            time: run.frozen ?? item.created,
            migration: item.name,
            expectedSeconds: seconds,
            expectedBytes: max(run.bytes, 0)
        )
        if let former = self.recoveryPoint {
            // The newest counts twice: what is shipped changes with the hours of the day.
            figure.expectedSeconds = (former.expectedSeconds + 2 * seconds) / 3
            figure.expectedBytes = former.expectedBytes / 3 + figure.expectedBytes / 3 * 2
            figure.targetSeconds = former.targetSeconds
            guard figure.time >= former.time else { return }
        }
        let known = self.recoveryPoint?.volumes ?? []
        figure.volumes = run.volumes.compactMap { volume in
            guard volume.hasArrived else {
                // The others are newer now: this one is as old as it was.
                return known.first { $0.claim == volume.claim && $0.volume == volume.volume }
            }
            return RecoveryPointFigure.Volume(
                claim: volume.claim,
                volume: volume.volume,
                time: figure.time,
                generation: volume.generation,
                bytes: volume.bytes
            )
        }
        self.recoveryPoint = figure
    }

    /// Nothing is planned any more.
    mutating func stop() {
        self.policy = nil
        self.nextTrigger = nil
        self.recoveryPoint?.deadline = nil
        self.recoveryPoint?.expectedAt = nil
    }

    mutating func set(_ finding: Finding, _ facts: ScheduleFacts) {
        self.observedGeneration = facts.generation
        self.conditions.set(finding, generation: facts.generation, now: facts.now)
    }

    mutating func setNoRecoveryPoint(_ reason: String, _ message: String, _ facts: ScheduleFacts) {
        self.set(Finding(ConditionType.recoveryPointMet, .unknown, reason, message), facts)
    }
}
