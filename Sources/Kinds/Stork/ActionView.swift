// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The words of an Action's `spec.actionType`.
public enum ActionType: String, Hashable, Sendable, CaseIterable {
    /// The applications come to run here.
    case failover
    /// The applications come back to where they ran first.
    case failback
    /// Stork's word for a failover between clusters that share storage; here the same as `failover`.
    case nearsyncFailover
    /// A rehearsal: copies of everything, beside everything.
    case drill

    /// The field of `spec.actionParameter` that belongs to it.
    public var parameter: String {
        switch self {
        case .failover, .nearsyncFailover: "failoverParameter"
        case .failback: "failbackParameter"
        case .drill: "drillParameter"
        }
    }

    /// The field of the parameter that names namespaces.
    public var namespacesField: String {
        switch self {
        case .failover, .nearsyncFailover: "failoverNamespaces"
        case .failback: "failbackNamespaces"
        case .drill: "drillNamespaces"
        }
    }

    /// The field of `status.summary` that has an entry for each namespace.
    public var summaryField: String {
        switch self {
        case .failover, .nearsyncFailover: "failoverSummary"
        case .failback: "failbackSummary"
        case .drill: "drillSummary"
        }
    }
}

/// The words of an Action's `status.stage`.
public enum ActionStage: String, Hashable, Sendable, CaseIterable {
    case initial = ""
    case scaleDownDestination = "ScaleDownDestination"
    case scaleDownSource = "ScaleDownSource"
    case waitAfterScaleDown = "WaitAfterScaleDown"
    case lastMileMigration = "LastMileMigration"
    case scaleUpDestination = "ScaleUpDestination"
    case scaleUpSource = "ScaleUpSource"
    case final = "Final"
}

/// The words of an Action's `status.status`.
public enum ActionState: String, Hashable, Sendable, CaseIterable {
    case initial = ""
    case scheduled = "Scheduled"
    case inProgress = "In-Progress"
    case failed = "Failed"
    case successful = "Successful"
    case rollbackSuccessful = "RollbackSuccessful"
    case rollbackFailed = "RollbackFailed"
}

/// The specification of an Action.
public struct ActionSpec: Hashable, Sendable {
    /// The field that names the MigrationSchedule.
    public static let reference = "migrationScheduleReference"
    /// What stands behind the names of the namespaces of a rehearsal, where nothing else is said.
    public static let defaultSuffix = "-drill"

    /// What is done.
    public var type: ActionType
    /// The MigrationSchedule whose copies are here.
    public var schedule: String
    /// The namespaces; empty for all of the schedule's.
    public var namespaces: [String]
    /// Whether the other side is left alone.
    public var skipsSource: Bool
    /// The RecoveryPoint that is shown; nil for the newest.
    public var recoveryPoint: String?
    /// The RecoveryPoint that is shown was frozen before; nil for the newest.
    public var before: Timestamp?
    /// What stands behind the names of the namespaces of a rehearsal.
    public var suffix: String
    /// Whether a rehearsal stays until the Action is deleted.
    public var keeps: Bool

    /// A specification with its defaults.
    public init(_ type: ActionType, schedule: String, namespaces: [String] = []) {
        self.type = type
        self.schedule = schedule
        self.namespaces = namespaces
        self.skipsSource = false
        self.suffix = Self.defaultSuffix
        self.keeps = false
    }

    /// Reads the field `spec`; what is missing has its default.
    public init(_ json: JSON?) {
        let type = json?["actionType"]?.string.flatMap(ActionType.init(rawValue:)) ?? .failover
        let part = json?["actionParameter", type.parameter]
        let namespaces = part?[type.namespacesField]?.array?.compactMap(\.string)
        self.init(
            type,
            schedule: part?[Self.reference]?.string ?? "",
            namespaces: namespaces ?? []
        )
        self.skipsSource = part?["skipSourceOperations"]?.bool ?? false
        self.recoveryPoint = part?["recoveryPoint"]?.string
        self.before = part?["before"]?.string.flatMap { Timestamp($0) }
        self.suffix = part?["namespaceSuffix"]?.string ?? Self.defaultSuffix
        self.keeps = part?["keep"]?.bool ?? false
    }

    /// As it is written.
    public var json: JSON {
        var part: JSON = [Self.reference: .string(self.schedule)]
        if !self.namespaces.isEmpty {
            part.set(JSON(self.namespaces), at: self.type.namespacesField)
        }
        switch self.type {
        case .failover, .nearsyncFailover:
            part.set(.bool(self.skipsSource), at: "skipSourceOperations")
        case .failback: break
        case .drill:
            part.set(.string(self.suffix), at: "namespaceSuffix")
            part.set(.bool(self.keeps), at: "keep")
        }
        part.set(self.recoveryPoint.map { .string($0) }, at: "recoveryPoint")
        part.set(self.before.map { .string($0.description) }, at: "before")
        return [
            "actionType": .string(self.type.rawValue),
            "actionParameter": [self.type.parameter: part],
        ]
    }
}

/// The status of an Action.
public struct ActionStatus: Hashable, Sendable {
    /// The state of the volumes that is shown.
    public struct Point: Hashable, Sendable {
        /// The RecoveryPoint.
        public var name: String
        /// When its volumes were frozen.
        public var time: Timestamp
        /// Its age when it was chosen, in seconds.
        public var lossSeconds: Int

        /// A state by its name.
        public init(name: String, time: Timestamp, lossSeconds: Int) {
            self.name = name
            self.time = time
            self.lossSeconds = lossSeconds
        }
    }

    /// The result for one namespace.
    public struct Entry: Hashable, Sendable {
        /// The namespace.
        public var namespace: String
        /// How it went.
        public var status: ActionState
        /// A sentence about it.
        public var reason: String

        /// The result for one namespace.
        public init(namespace: String, status: ActionState, reason: String) {
            self.namespace = namespace
            self.status = status
            self.reason = reason
        }
    }

    /// Where it is.
    public var stage: ActionStage
    /// How it is going.
    public var status: ActionState
    /// Since when it is there.
    public var stageTime: Timestamp?
    /// When everything was done.
    public var finished: Timestamp?
    /// A sentence about it.
    public var reason: String
    /// The state of the volumes that is shown; nil before it is chosen, and where there are none.
    public var point: Point?
    /// Whether the applications on the other side are known to be stopped; nil before that is tried.
    public var sourceReached: Bool?
    /// One entry for each namespace, at the end.
    public var summary: [Entry]
    /// Which generation of the Action was looked at.
    public var observedGeneration: Int
    /// What is known about it.
    public var conditions: [Condition]

    /// Reads the field `status` of an Action of a type; nothing is the initial status.
    public init(_ json: JSON? = nil, of type: ActionType) {
        func time(_ name: String) -> Timestamp? { json?[name]?.string.flatMap { Timestamp($0) } }
        self.stage = json?["stage"]?.string.flatMap(ActionStage.init(rawValue:)) ?? .initial
        self.status = json?["status"]?.string.flatMap(ActionState.init(rawValue:)) ?? .initial
        self.stageTime = time("stageTime")
        self.finished = time("finishTimestamp")
        self.reason = json?["reason"]?.string ?? ""
        if let name = json?["recoveryPoint", "name"]?.string,
            let frozen = json?["recoveryPoint", "time"]?.string.flatMap({ Timestamp($0) })
        {
            let loss = json?["recoveryPoint", "lossSeconds"]?.int ?? 0
            self.point = Point(name: name, time: frozen, lossSeconds: loss)
        }
        self.sourceReached = json?["sourceReached"]?.bool
        self.summary = (json?["summary", type.summaryField]?.array ?? [])
            .map { entry in
                Entry(
                    namespace: entry["namespace"]?.string ?? "",
                    status: entry["status"]?.string.flatMap(ActionState.init(rawValue:))
                        ?? .initial,
                    reason: entry["reason"]?.string ?? ""
                )
            }
        self.observedGeneration = json?["observedGeneration"]?.int ?? 0
        self.conditions = [Condition](json?["conditions"])
    }

    /// As it is written for an Action of a type.
    public func json(of type: ActionType) -> JSON {
        var json: JSON = [
            "stage": .string(self.stage.rawValue), "status": .string(self.status.rawValue),
            "reason": .string(self.reason), "observedGeneration": JSON(self.observedGeneration),
            "conditions": .array(self.conditions.map(\.json)),
        ]
        json.set(self.stageTime.map { .string($0.description) }, at: "stageTime")
        json.set(self.finished.map { .string($0.description) }, at: "finishTimestamp")
        if let point = self.point {
            let entry: JSON = [
                "name": .string(point.name), "time": .string(point.time.description),
                "lossSeconds": JSON(point.lossSeconds),
            ]
            json.set(entry, at: "recoveryPoint")
        }
        json.set(self.sourceReached.map { .bool($0) }, at: "sourceReached")
        if !self.summary.isEmpty {
            let entries = self.summary.map { entry -> JSON in
                [
                    "namespace": .string(entry.namespace),
                    "status": .string(entry.status.rawValue), "reason": .string(entry.reason),
                ]
            }
            json.set(.array(entries), at: "summary", type.summaryField)
        }
        return json
    }
}
