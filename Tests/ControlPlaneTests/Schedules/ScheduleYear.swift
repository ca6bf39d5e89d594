// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

@testable import ControlPlane

/// What happens to a schedule, in seconds of the true time since the begin of 1970.
struct ScheduleYearPlan {
    var zone: ScheduleZone
    var time: Range<Int>
    /// When the policy becomes another one, the first at the begin; nil for one that is gone.
    var edits: [(at: Int, policy: SchedulePolicy?)]
    /// When the controller does not run.
    var down: [Range<Int>] = []
    /// By how much the clock of its machine is set forward, or back.
    var jumps: [(at: Int, by: Int)] = []
    /// How long each run takes, in the order of the runs and again from the first.
    var durations = [300]
}

/// What has come of it.
struct ScheduleYearOutcome: Hashable {
    /// The Migrations in the order in which they were started.
    var names: [String] = []
    /// What the schedule has told.
    var notices: [Notice] = []
    /// What its status is at the end.
    var status = MigrationScheduleStatus()
    /// Decisions that were made.
    var looks = 0
    /// Whether two runs have ever gone on at once.
    var overlaps = false
}

/// A schedule from event to event by a simulated clock: the decisions of its controller, without the
/// cluster around them.
struct ScheduleYear {
    private struct Run {
        var ends: Int
        var fails: Bool
    }

    private let plan: ScheduleYearPlan
    /// Whether each decision is made by a process that knows the status of the object and nothing else.
    private let restarts: Bool
    private var outcome = ScheduleYearOutcome()
    private var runs: [String: Run] = [:]
    /// The true time, in microseconds.
    private var now: Int

    private init(_ plan: ScheduleYearPlan, restarts: Bool) {
        self.plan = plan
        self.restarts = restarts
        self.now = plan.time.lowerBound * 1_000_000
    }

    /// Lets a schedule go through its time.
    static func outcome(
        of plan: ScheduleYearPlan,
        restartingBetweenEvents restarts: Bool
    ) -> ScheduleYearOutcome {
        var year = Self(plan, restarts: restarts)
        year.walk()
        return year.outcome
    }

    private var second: Int { self.now / 1_000_000 }

    /// What the controller's machine takes for the time.
    private var clock: Timestamp {
        let offset = self.plan.jumps.filter { $0.at <= self.second }.reduce(0) { $0 + $1.by }
        return Timestamp(microseconds: self.now + offset * 1_000_000)
    }

    private mutating func walk() {
        while self.second < self.plan.time.upperBound {
            var look: Timestamp?
            if !self.plan.down.contains(where: { $0.contains(self.second) }) {
                look = self.look()
            }
            // A run that was started has its end among the events.
            var next = self.events
            if let look { next.append(self.now + look.microseconds - self.clock.microseconds) }
            guard let event = next.filter({ $0 > self.now }).min() else { return }
            self.now = event
        }
    }

    /// When something happens by itself, in microseconds.
    private var events: [Int] {
        let ends = self.runs.values.map(\.ends)
        let fixed = self.plan.edits.map(\.at) + self.plan.jumps.map(\.at)
        let seconds = fixed + ends + self.plan.down.map(\.upperBound)
        return seconds.map { $0 * 1_000_000 }
    }

    private var facts: ScheduleFacts {
        let policy = self.plan.edits.last { $0.at <= self.second }?.policy
        var facts = ScheduleFacts(
            name: "s",
            policy: policy.map { .usable($0, self.plan.zone) }
                ?? .unusable(Trouble(.policyNotFound, "it is gone")),
            now: self.clock
        )
        facts.status = self.outcome.status
        for (name, run) in self.runs {
            let isOver = run.ends <= self.second
            let end: MigrationState = run.fails ? .failed : .successful
            facts.runs[name] = ScheduleFacts.Run(
                state: isOver ? end : .inProgress,
                finished: isOver ? Timestamp(seconds: run.ends) : nil
            )
        }
        return facts
    }

    /// Decides until nothing is to be done now; the time of the next look.
    private mutating func look() -> Timestamp? {
        while true {
            self.outcome.looks += 1
            if self.restarts {
                self.outcome.status = MigrationScheduleStatus(self.outcome.status.json)
            }
            switch ScheduleDecision.step(self.facts) {
            case .nothing, .addFinalizer, .release, .keepCopy: return nil
            case .create(let item): self.start(item)
            case .prune(let names, let status):
                for name in names { self.runs[name] = nil }
                self.outcome.status = status
            case .begin(let type): self.begin(type)
            case .record(let status, let notices):
                self.outcome.status = status
                self.outcome.notices += notices
            case .settle(let status, let notices, let look):
                self.outcome.status = status
                self.outcome.notices += notices
                return look
            }
        }
    }

    private mutating func begin(_ type: ScheduleType) {
        let created = Timestamp(seconds: self.clock.seconds)
        let stem = "\(type.rawValue) \(self.plan.zone.stamp(created))"
        let known = Set(self.outcome.status.items.values.joined().map(\.name) + self.runs.keys)
        var name = stem
        while known.contains(name) { name += "+" }
        self.outcome.status.items[type, default: []]
            .append(
                ScheduledRun(name: name, created: created)
            )
    }

    private mutating func start(_ item: ScheduledRun) {
        let number = self.outcome.names.count
        let duration = self.plan.durations[number % self.plan.durations.count]
        if self.runs.values.contains(where: { $0.ends > self.second }) {
            self.outcome.overlaps = true
        }
        self.outcome.names.append(item.name)
        self.runs[item.name] = Run(ends: self.second + duration, fails: number % 5 == 4)
    }
}
