// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StorkKinds {
    /// Migrations at the times of a policy.
    static func migrationSchedule() throws(JSONPathError) -> KindDefinition {
        let schema = Schema.object(
            "Migrations that begin at the times of a policy.",
            ["spec": Self.scheduleSpec, "status": Self.scheduleStatus],
            required: ["spec"]
        )
        return Self.kind(
            "MigrationSchedule",
            plural: "migrationschedules",
            shortNames: ["migsched"],
            schema: schema,
            columns: [
                try PrinterColumn("PolicyName", path: ".spec.schedulePolicyName"),
                try PrinterColumn("ClusterPair", path: ".spec.template.spec.clusterPair"),
                try PrinterColumn("Suspend", .boolean, path: ".spec.suspend"),
                try PrinterColumn("Last-Success", .date, path: ".status.lastSuccessTime"),
                try PrinterColumn("Lag", .date, path: ".status.recoveryPoint.time"),
                try PrinterColumn("RPO", path: ".status.recoveryPoint.target"),
                try PrinterColumn("Next", path: ".status.nextTriggerTime", priority: 1),
                try PrinterColumn(
                    "Activated",
                    .boolean,
                    path: ".status.applicationActivated",
                    priority: 1
                ),
                try StatusParts.age(),
            ]
        )
    }

    private static var scheduleSpec: Schema {
        .object(
            "What is migrated when.",
            [
                "template": .object(
                    "What each Migration is made of.",
                    ["spec": self.migrationSpec],
                    required: ["spec"]
                ),
                "schedulePolicyName":
                    .string(
                        "A NamespacedSchedulePolicy of the namespace, or else a SchedulePolicy."
                    )
                    .with { $0.bounds.minLength = 1 },
                "suspend": .flag("Whether no Migration is started.", default: false),
                "autoSuspend": .flag(
                    "Whether it is suspended once the applications run at the destination.",
                    default: false
                ),
            ],
            required: ["template", "schedulePolicyName"]
        )
    }

    private static var scheduleStatus: Schema {
        let item = Schema.object(
            "A Migration that was started.",
            [
                "name": .string("The name of the Migration."),
                "creationTimestamp": .time("When it was started."),
                "finishTimestamp": .time("When it was done."),
                "status": .word("How it went.", MigrationState.allCases.map(\.rawValue)),
            ]
        )
        return StatusParts.status(
            "What was started.",
            [
                "items":
                    .map(
                        "The last Migrations of Interval, Daily, Weekly and Monthly.",
                        of: .list("From the oldest to the newest.", of: item)
                    )
                    .with { $0.isNullable = true },
                "applicationActivated": .flag("Whether the applications run at the destination."),
                "lastSuccessTime": .time("When a Migration last succeeded."),
                "nextTriggerTime": .time("When the next Migration is to be started."),
                "policy": .object(
                    "The policy that is used.",
                    [
                        "times": .string("Its times, as one line."),
                        "since": .time("Since when it is used."),
                    ]
                ),
                "missed": .map(
                    "What did not begin within an hour of its time, by type.",
                    of: .object(
                        "What was missed.",
                        [
                            "count": StatusParts.count("How many so far."),
                            "lastTime": .time("The last of them."),
                        ]
                    )
                ),
                "syncNow": .string("The value of the annotation sync-now that was answered last."),
                "staticCopyHash": .string(
                    "Of what the suspended copy at the destination was made."
                ),
                "recoveryPoint": Self.recoveryFigure,
            ]
        )
    }

    private static let recoveryVolume = Schema.object(
        "The newest state of one volume that the destination has.",
        [
            "persistentVolumeClaim": .string("The name of the claim."),
            "namespace": .string("The namespace of the claim."),
            "volume": .string("The name of the volume, the same on both sides."),
            "time": .time("When it was frozen."),
            "generation": StatusParts.count("The number of its generation."),
            "bytesTransferred": StatusParts.count("How much its copy has shipped."),
        ]
    )

    private static let recoveryFigure = Schema.object(
        "The newest state that the destination has, and when the next one is expected.",
        [
            "time": .time("When the volumes of it were frozen."),
            "migration": .string("The Migration that brought it."),
            "target": .string("The longest time between two that the policy means, like 30m0s."),
            "deadline": .time("When the next has to be there."),
            "expectedDuration": .string("How long the next is expected to take, like 1m30s."),
            "expectedBytes": StatusParts.count("How much the next is expected to ship."),
            "expectedAt": .time("When the next is expected to be there."),
            "volumes": .list("The newest state of each volume.", of: Self.recoveryVolume),
        ]
    )

    /// Times for everybody.
    static func schedulePolicy() throws(JSONPathError) -> KindDefinition {
        try self.policy(
            "SchedulePolicy",
            plural: "schedulepolicies",
            isNamespaced: false,
            shortName: "spol",
            "Times at which things are done, for all namespaces."
        )
    }

    /// Times for one namespace.
    static func namespacedSchedulePolicy() throws(JSONPathError) -> KindDefinition {
        try self.policy(
            "NamespacedSchedulePolicy",
            plural: "namespacedschedulepolicies",
            isNamespaced: true,
            shortName: "nspol",
            "Times at which things are done, for one namespace; it comes before a SchedulePolicy."
        )
    }

    private static func policy(
        _ kind: String,
        plural: String,
        isNamespaced: Bool,
        shortName: String,
        _ description: String
    ) throws(JSONPathError) -> KindDefinition {
        Self.kind(
            kind,
            plural: plural,
            isNamespaced: isNamespaced,
            shortNames: [shortName],
            schema: .object(description, ["policy": self.policyBody], required: ["policy"]),
            columns: [
                try PrinterColumn(
                    "Interval-Minutes",
                    .integer,
                    path: ".policy.interval.intervalMinutes"
                ),
                try PrinterColumn("Daily", path: ".policy.daily.time"),
                try PrinterColumn("Weekly", path: ".policy.weekly.day"),
                try PrinterColumn("Weekly-Time", path: ".policy.weekly.time", priority: 1),
                try PrinterColumn("Monthly", .integer, path: ".policy.monthly.date"),
                try PrinterColumn("Monthly-Time", path: ".policy.monthly.time", priority: 1),
                try StatusParts.age(),
            ],
            hasStatus: false
        )
    }

    private static var policyBody: Schema {
        .object(
            "Any of the four may be there.",
            [
                "interval": self.policyPart(
                    "Again and again.",
                    [
                        "intervalMinutes": .integer("Minutes from one to the next.", from: 1)
                    ],
                    required: ["intervalMinutes"]
                ),
                "daily": self.policyPart(
                    "Every day.",
                    [
                        "time": self.timeOfDay,
                        "forceFullSnapshotDay": self.weekday(
                            "The day of the week on which snapshots are full."
                        ),
                    ],
                    required: ["time"]
                ),
                "weekly": self.policyPart(
                    "Every week.",
                    ["day": self.weekday("The day of the week."), "time": self.timeOfDay],
                    required: ["day", "time"]
                ),
                "timeZone":
                    .string(
                        "The time zone of the times, such as Europe/Berlin; without it that of the "
                            + "controller."
                    )
                    .with { $0.bounds.maxLength = 64 },
                "monthly": self.policyPart(
                    "Every month.",
                    [
                        "date": .integer(
                            "The day of the month; one that a month does not have is counted on into "
                                + "the next month.",
                            from: 1,
                            to: 31
                        ),
                        "time": self.timeOfDay,
                    ],
                    required: ["date", "time"]
                ),
            ]
        )
        .with { $0.bounds.minProperties = 1 }
    }

    private static func policyPart(
        _ description: String,
        _ fields: [String: Schema],
        required: [String]
    ) -> Schema {
        let shared: [String: Schema] = [
            "retain": .integer("How many results are kept; 0 for the default.", from: 0),
            "options": StatusParts.labels("Handed on to whatever is done."),
        ]
        return .object(description, fields.merging(shared) { own, _ in own }, required: required)
    }

    private static var timeOfDay: Schema {
        .string("The time of day in the policy's time zone, like 1:02PM or 1:02pm.")
            .with { schema in
                schema.pattern = ScheduleTime.pattern
                schema.patternAdvice = ScheduleTime.advice
            }
    }

    private static func weekday(_ description: String) -> Schema {
        .word(description, Weekday.allSpellings)
    }
}
