// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StorkKinds {
    /// A failover, the way back, or a rehearsal.
    static func action() throws(JSONPathError) -> KindDefinition {
        let schema = Schema.object(
            "A failover of namespaces, the way back, or a rehearsal.",
            ["spec": Self.actionSpec, "status": Self.actionStatus],
            required: ["spec"]
        )
        return Self.kind(
            "Action",
            plural: "actions",
            shortNames: ["dract"],
            schema: schema,
            columns: [
                try PrinterColumn("Type", path: ".spec.actionType"),
                try PrinterColumn("Stage", path: ".status.stage"),
                try PrinterColumn("Status", path: ".status.status"),
                try PrinterColumn("Point", .date, path: ".status.recoveryPoint.time"),
                try PrinterColumn("Reason", path: ".status.reason", priority: 1),
                try StatusParts.age(),
            ]
        )
    }

    private static var actionSpec: Schema {
        .object(
            "What is done.",
            [
                "actionType": .word("Which way.", ActionType.allCases.map(\.rawValue)),
                "actionParameter": .object(
                    "The part of the type.",
                    [
                        ActionType.failover.parameter: self.failoverParameter,
                        ActionType.failback.parameter: self.part(
                            "For the way back.",
                            namespaces: "failbackNamespaces"
                        ),
                        ActionType.drill.parameter: self.drillParameter,
                    ]
                ),
            ],
            required: ["actionType", "actionParameter"]
        )
        .with { schema in
            schema.rules = [
                ValidationRule(
                    "self.actionType == 'failback' ? has(self.actionParameter.failbackParameter) : "
                        + "self.actionType == 'drill' ? has(self.actionParameter.drillParameter) : "
                        + "has(self.actionParameter.failoverParameter)",
                    message: "actionParameter needs the part of the type: failoverParameter, "
                        + "failbackParameter or drillParameter"
                ) { spec, _ in
                    let type = spec["actionType"]?.string.flatMap(ActionType.init(rawValue:))
                    return spec["actionParameter", (type ?? .failover).parameter] != nil
                },
                ValidationRule(
                    "self == oldSelf",
                    message: "an Action cannot be changed: create another"
                ) { spec, old in
                    old.map { $0 == spec } ?? true
                },
            ]
        }
    }

    /// What every type has.
    private static func part(
        _ description: String,
        namespaces: String,
        _ own: [String: Schema] = [:]
    ) -> Schema {
        let reference = ActionSpec.reference
        let shared: [String: Schema] = [
            namespaces: .list("The namespaces; all when none is named."),
            reference: .string("The MigrationSchedule that moves the namespaces.")
                .with { $0.bounds.minLength = 1 },
        ]
        return .object(
            description,
            shared.merging(own) { shared, _ in shared },
            required: [reference]
        )
    }

    /// Which state of the volumes is shown.
    private static var choice: [String: Schema] {
        [
            "recoveryPoint": .string("The RecoveryPoint that is shown; the newest by default."),
            "before": .time("The newest RecoveryPoint that was frozen before this time is shown."),
        ]
    }

    private static var failoverParameter: Schema {
        let skip = Schema.flag(
            "Whether the source is left alone, because it cannot be reached.",
            default: false
        )
        return self.part(
            "For a failover.",
            namespaces: "failoverNamespaces",
            self.choice.merging(["skipSourceOperations": skip]) { own, _ in own }
        )
    }

    private static var drillParameter: Schema {
        let own: [String: Schema] = [
            "namespaceSuffix": ActionSpec.suffixSchema,
            "keep": .flag(
                "Whether everything stays until the Action is deleted.",
                default: false
            ),
        ]
        return self.part(
            "For a rehearsal: copies of the volumes and applications, beside everything else.",
            namespaces: "drillNamespaces",
            self.choice.merging(own) { _, own in own }
        )
    }

    private static var actionStatus: Schema {
        let entry = Schema.object(
            "A namespace.",
            [
                "namespace": .string("Its name."), "status": .string("How it went."),
                "reason": .string("A sentence about it."),
            ]
        )
        return StatusParts.status(
            "How it is going.",
            [
                "stage": .word("Where it is.", ActionStage.allCases.map(\.rawValue)),
                "status": .word("How it is going.", ActionState.allCases.map(\.rawValue)),
                "stageTime": .time("Since when it is there."),
                "recoveryPoint": .object(
                    "The state of the volumes that is shown.",
                    [
                        "name": .string("The RecoveryPoint."),
                        "time": .time("When its volumes were frozen at the source."),
                        "lossSeconds": StatusParts.count(
                            "How old it was: what was written in this time is not in it."
                        ),
                    ]
                ),
                "sourceReached": .flag("Whether the applications there are known to be stopped."),
                "finishTimestamp": .time("When everything was done."),
                "reason": .string("A sentence about it."),
                "summary": .object(
                    "The result by namespace.",
                    [
                        "failoverSummary": .list("Of a failover.", of: entry),
                        "failbackSummary": .list("Of the way back.", of: entry),
                        "drillSummary": .list("Of a rehearsal.", of: entry),
                    ]
                ),
            ]
        )
    }
}

extension ActionSpec {
    fileprivate static let suffixSchema =
        Schema.string(
            "What stands behind the namespaces' names in the rehearsal."
        )
        .with {
            $0.bounds.maxLength = 32
            $0.pattern = "^-[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
            $0.patternAdvice = "write something like -drill"
        }

    /// Whether a text can stand behind the names of namespaces.
    public static func isSuffix(_ text: String) -> Bool {
        Self.suffixSchema.validate(.string(text)).isEmpty
    }
}
