// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Migrations that begin by themselves.
enum MigrationScheduleNoun: ClusterNoun {
    typealias Filter = PairFilter

    static let resource = StorkResource.migrationSchedules
    static let word = "migrationschedules"
    static let aliases = ["migrationschedule", "migsched"]
    static let title = "MigrationSchedule"
    static let example = "mysqlmigrationschedule"
    static let columns = [
        ObjectColumn.name,
        ObjectColumn("POLICYNAME", path: "spec", "schedulePolicyName"),
        ObjectColumn("CLUSTERPAIR", path: "spec", "template", "spec", "clusterPair"),
        ObjectColumn("SUSPEND") { schedule, _ in "\(ScheduleFacts(schedule).isSuspended)" },
        ObjectColumn("LAST-SUCCESS-TIME") { schedule, _ in
            ScheduleFacts(schedule).lastSuccess?.finished.rfc822 ?? ""
        },
        ObjectColumn("LAST-SUCCESS-DURATION") { schedule, _ in
            ScheduleFacts(schedule).lastSuccess
                .map { GoDuration.text($0.finished.seconds(since: $0.run.created)) } ?? ""
        },
        ObjectColumn("LAG", isWide: true) { ScheduleFacts($0).lag(now: $1) ?? "-" },
        ObjectColumn("RPO", isWide: true) { schedule, _ in
            ScheduleFacts(schedule).target.map { ClusterTime.age($0) } ?? "-"
        },
        ObjectColumn("NEXT", isWide: true) { ScheduleFacts($0).next(now: $1) ?? "-" },
    ]
}

/// What tables and commands read out of a MigrationSchedule.
struct ScheduleFacts {
    let schedule: KubeObject
    /// What each Migration is made of.
    let template: MigrationSpec
    private let spec: MigrationScheduleSpec
    private let status: MigrationScheduleStatus

    init(_ schedule: KubeObject) {
        self.schedule = schedule
        self.spec = MigrationScheduleSpec(schedule["spec"])
        self.template = MigrationSpec(self.spec.template)
        self.status = MigrationScheduleStatus(schedule["status"])
    }

    var policy: String { self.spec.policyName }
    var isSuspended: Bool { self.spec.isSuspended }

    /// Whether it is the copy that the source keeps here, which begins nothing.
    var isCopy: Bool {
        StorkNames.Annotation.staticCopy.value(in: self.schedule.annotations) == "true"
    }

    /// Whether the applications that it moves run in this cluster, of a copy.
    var isActivated: Bool { self.status.applicationActivated ?? false }

    /// What it began, of all policies; the newest last.
    var runs: [ScheduledRun] {
        self.status.items.values.joined()
            .sorted { ($0.created, $0.name) < ($1.created, $1.name) }
    }

    /// The run that succeeded last, with the time of its end; nil where none has yet.
    var lastSuccess: (run: ScheduledRun, finished: Timestamp)? {
        self.runs.filter { $0.status == .successful }
            .compactMap { run in run.finished.map { (run, $0) } }
            .max { $0.1 < $1.1 }
    }

    /// How old the newest state is that the destination has; nil where nothing arrived yet.
    func lag(now: Timestamp) -> String? {
        self.status.recoveryPoint.map { ClusterTime.age(now.seconds(since: $0.time)) }
    }

    /// How old that may become by the policy, in seconds.
    var target: Int? { self.status.recoveryPoint?.targetSeconds }

    /// When the next run is due; nil where none is.
    var nextTrigger: Timestamp? {
        self.isSuspended || self.isCopy ? nil : self.status.nextTrigger
    }

    /// Whether it begins what it should, and why not.
    var ready: Condition? { self.status.conditions["Ready"] }

    /// How long until the next run.
    func next(now: Timestamp) -> String? {
        guard let time = self.nextTrigger else { return nil }
        return time <= now ? "now" : ClusterTime.age(time.seconds(since: now))
    }
}
