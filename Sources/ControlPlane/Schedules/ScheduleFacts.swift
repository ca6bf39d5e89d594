// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Everything that a decision on a MigrationSchedule looks at.
struct ScheduleFacts: Sendable {
    /// What the policy's name leads to.
    enum Policy: Sendable {
        case usable(SchedulePolicy, ScheduleZone)
        case unusable(Trouble)
    }

    /// A Migration that the schedule has started.
    struct Run: Hashable, Sendable {
        var state: MigrationState = .initial
        var finished: Timestamp?
        /// When its volumes were frozen; nil where it does not say.
        var frozen: Timestamp?
        var bytes = 0
        var volumes: [Volume] = []
        /// How far its copies are; nil before that is known of all of them, and at the end.
        var progress: Progress?
    }

    /// How far the copies of a Migration are.
    struct Progress: Hashable, Sendable {
        /// When they were begun.
        var since: Timestamp
        /// Bytes that are done with, of so many.
        var done: Int
        var total: Int

        /// When they end if they go on as they did until now; nil while there is too little to tell.
        ///
        /// In whole minutes, as it is written each time it changes.
        func end(now: Timestamp) -> Timestamp? {
            let elapsed = now.seconds(since: self.since)
            guard elapsed >= 10, self.done > 0, self.total >= self.done else { return nil }
            let left = Double(self.total - self.done) / Double(self.done) * Double(elapsed)
            // A year is as good as never.
            let end = now.seconds + Int(min(left, 366 * 86_400))
            return Timestamp(seconds: (end / 60 + 1) * 60)
        }
    }

    /// A volume of such a Migration.
    struct Volume: Hashable, Sendable {
        var claim: ObjectKey
        var volume: String
        var generation: Int?
        var bytes = 0
        /// Whether the destination shows it.
        var hasArrived = true
    }

    var isBeingDeleted = false
    var hasFinalizer = true
    /// Whether it is the copy of a schedule of another cluster.
    var isStaticCopy = false
    var isSuspended = false
    var generation = 0
    var name: String
    var policy: Policy
    var status = MigrationScheduleStatus()
    /// Those Migrations of ``status`` that are there.
    var runs: [String: Run] = [:]
    /// The annotation that asks for a run now.
    var syncNow: String?
    /// Whether the destination is to be shown what the schedule is now.
    var isCopyDue = false
    var now: Timestamp

    init(name: String, policy: Policy, now: Timestamp) {
        self.name = name
        self.policy = policy
        self.now = now
    }

    /// The runs that were started are in no more words than their Migrations have.
    var wantsSync: Bool { self.syncNow != nil && self.syncNow != self.status.syncNow }
}

/// What a controller does next about a MigrationSchedule; one step at a time.
enum ScheduleStep: Hashable, Sendable {
    /// Nothing until something changes.
    case nothing
    /// Keeps the object until its Migrations are deleted.
    case addFinalizer
    /// Deletes the Migrations, then lets the object go.
    case release([String])
    /// Makes the Migration of an item: it was written before, so that a kill neither loses nor doubles
    /// a run.
    case create(ScheduledRun)
    /// Deletes Migrations that are no longer kept, then forgets them.
    case prune([String], MigrationScheduleStatus)
    /// Shows the destination what the schedule is now.
    case keepCopy
    /// Asks the destination whether its applications run, and starts a run where they do not.
    case begin(ScheduleType)
    /// Writes a status, tells of it, and looks again at a time.
    case settle(MigrationScheduleStatus, [Notice], Timestamp?)
    /// Writes a status, tells of it, and goes on.
    case record(MigrationScheduleStatus, [Notice])
}
