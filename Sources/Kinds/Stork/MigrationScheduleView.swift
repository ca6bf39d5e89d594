// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The specification of a MigrationSchedule; what is missing has its default.
public struct MigrationScheduleSpec: Hashable, Sendable {
    /// The field `template.spec`: what each Migration is made of.
    public var template: JSON
    /// A NamespacedSchedulePolicy of the namespace, or else a SchedulePolicy.
    public var policyName: String
    /// Whether nothing is started.
    public var isSuspended: Bool
    /// Whether it is suspended once the applications run at the destination.
    public var suspendsItself: Bool

    /// Reads the field `spec`.
    public init(_ json: JSON?) {
        self.template = json?["template", "spec"] ?? .object([:])
        self.policyName = json?["schedulePolicyName"]?.string ?? ""
        self.isSuspended = json?["suspend"]?.bool ?? false
        self.suspendsItself = json?["autoSuspend"]?.bool ?? false
    }
}

/// A Migration that a schedule has started.
public struct ScheduledRun: Hashable, Sendable {
    /// Of the Migration.
    public var name: String
    /// When it was started.
    public var created: Timestamp
    /// When it was done; nil before.
    public var finished: Timestamp?
    /// How it went.
    public var status: MigrationState

    /// A run that is to be started.
    public init(name: String, created: Timestamp) {
        self.name = name
        self.created = created
        self.status = .pending
    }

    /// Reads an entry of `status.items`; a time that cannot be read is the begin of 1970.
    public init(_ json: JSON) {
        func time(_ name: String) -> Timestamp? { json[name]?.string.flatMap { Timestamp($0) } }
        self.name = json["name"]?.string ?? ""
        self.created = time("creationTimestamp") ?? Timestamp(seconds: 0)
        self.finished = time("finishTimestamp")
        self.status = MigrationState(json["status"])
    }

    /// Whether nothing more will happen.
    public var isFinal: Bool {
        switch self.status {
        case .failed, .partialSuccess, .successful, .purged: true
        case .initial, .pending, .inProgress: false
        }
    }

    /// Whether what it was for is at the destination, as far as pruning is concerned.
    public var hasSucceeded: Bool { self.status == .successful || self.status == .partialSuccess }

    /// As it is written.
    public var json: JSON {
        [
            "name": .string(self.name), "creationTimestamp": .string(self.created.description),
            "finishTimestamp": self.finished.map { .string($0.description) } ?? .null,
            "status": .string(self.status.rawValue),
        ]
    }
}

/// The status of a MigrationSchedule.
public struct MigrationScheduleStatus: Hashable, Sendable {
    /// The policy that is used, as one line, and since when.
    public struct PolicyInEffect: Hashable, Sendable {
        /// Its times.
        public var times: String
        /// Since when it is used; times before it are not missed.
        public var since: Timestamp

        /// A policy from a time on.
        public init(times: String, since: Timestamp) {
            self.times = times
            self.since = since
        }
    }

    /// Times that came without a run.
    public struct Missed: Hashable, Sendable {
        /// How many since the schedule was made.
        public var count: Int
        /// The last of them.
        public var last: Timestamp

        /// So many, the last at a time.
        public init(count: Int, last: Timestamp) {
            self.count = count
            self.last = last
        }
    }

    /// What was started, from the oldest to the newest of each type.
    public var items: [ScheduleType: [ScheduledRun]] = [:]
    /// Whether the applications run; only of a static copy.
    public var applicationActivated: Bool?
    /// When a Migration last succeeded.
    public var lastSuccess: Timestamp?
    /// When the next Migration is to be started.
    public var nextTrigger: Timestamp?
    /// Nil while no policy is used.
    public var policy: PolicyInEffect?
    /// What was missed.
    public var missed: [ScheduleType: Missed] = [:]
    /// The last value of the annotation `sync-now` that was answered.
    public var syncNow: String?
    /// Of what the static copy at the destination was made; nil before there is one.
    public var staticCopyHash: String?
    /// How old the copy at the destination is, and when the next is expected.
    public var recoveryPoint: RecoveryPointFigure?
    /// Which generation was looked at.
    public var observedGeneration = 0
    /// `Ready`, and what else the controller says.
    public var conditions: [Condition] = []

    /// Reads the field `status`; nothing is the initial status.
    public init(_ json: JSON? = nil) {
        func time(_ value: JSON?) -> Timestamp? { value?.string.flatMap { Timestamp($0) } }
        for type in ScheduleType.allCases {
            if let items = json?["items", type.rawValue]?.array {
                self.items[type] = items.map { ScheduledRun($0) }
            }
            if let missed = json?["missed", type.rawValue], let last = time(missed["lastTime"]) {
                self.missed[type] = Missed(count: missed["count"]?.int ?? 0, last: last)
            }
        }
        self.applicationActivated = json?["applicationActivated"]?.bool
        self.lastSuccess = time(json?["lastSuccessTime"])
        self.nextTrigger = time(json?["nextTriggerTime"])
        if let times = json?["policy", "times"]?.string, let since = time(json?["policy", "since"])
        {
            self.policy = PolicyInEffect(times: times, since: since)
        }
        self.syncNow = json?["syncNow"]?.string
        self.staticCopyHash = json?["staticCopyHash"]?.string
        self.recoveryPoint = RecoveryPointFigure(json?["recoveryPoint"])
        self.observedGeneration = json?["observedGeneration"]?.int ?? 0
        self.conditions = [Condition](json?["conditions"])
    }

    /// Whether a Migration of any type is not at its end.
    public var isBusy: Bool { self.items.values.contains { $0.contains { !$0.isFinal } } }

    /// As it is written; lists that are empty stand there, so that a patch empties them.
    public var json: JSON {
        func text(_ time: Timestamp?) -> JSON? { time.map { .string($0.description) } }
        var json: JSON = [
            "items": .object([:]), "observedGeneration": JSON(self.observedGeneration),
            "conditions": .array(self.conditions.map(\.json)),
        ]
        for type in ScheduleType.allCases {
            if let items = self.items[type] {
                json.set(.array(items.map(\.json)), at: "items", type.rawValue)
            }
            if let missed = self.missed[type] {
                json.set(
                    ["count": JSON(missed.count), "lastTime": .string(missed.last.description)],
                    at: "missed",
                    type.rawValue
                )
            }
        }
        json.set(self.applicationActivated.map(JSON.bool), at: "applicationActivated")
        json.set(text(self.lastSuccess), at: "lastSuccessTime")
        json.set(text(self.nextTrigger), at: "nextTriggerTime")
        if let policy = self.policy {
            json.set(
                ["times": .string(policy.times), "since": .string(policy.since.description)],
                at: "policy"
            )
        }
        json.set(self.syncNow.map(JSON.string), at: "syncNow")
        json.set(self.staticCopyHash.map(JSON.string), at: "staticCopyHash")
        json.set(self.recoveryPoint?.json, at: "recoveryPoint")
        return json
    }
}
