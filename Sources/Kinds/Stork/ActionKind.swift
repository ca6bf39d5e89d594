// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StorkKinds {
    /// A failover or the way back.
    static func action() throws(JSONPathError) -> KindDefinition {
        let schema = Schema.object(
            "A failover of namespaces, or the way back.",
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
                try PrinterColumn("Reason", path: ".status.reason", priority: 1),
                try StatusParts.age(),
            ]
        )
    }

    private static var actionSpec: Schema {
        let schedule = Schema.string("The MigrationSchedule that moves the namespaces.")
            .with { $0.bounds.minLength = 1 }
        return
            .object(
                "What is done.",
                [
                    "actionType": .word(
                        "Which way.",
                        ["failover", "failback", "nearsyncFailover"]
                    ),
                    "actionParameter": .object(
                        "The part of the type.",
                        [
                            "failoverParameter": .object(
                                "For a failover.",
                                [
                                    "failoverNamespaces": .list(
                                        "The namespaces; all when none is named."
                                    ),
                                    "migrationScheduleReference": schedule,
                                    "skipSourceOperations": .flag(
                                        "Whether the source is left alone, because it cannot be reached.",
                                        default: false
                                    ),
                                ],
                                required: ["migrationScheduleReference"]
                            ),
                            "failbackParameter": .object(
                                "For the way back.",
                                [
                                    "failbackNamespaces": .list(
                                        "The namespaces; all when none is named."
                                    ),
                                    "migrationScheduleReference": schedule,
                                ],
                                required: ["migrationScheduleReference"]
                            ),
                        ]
                    ),
                ],
                required: ["actionType", "actionParameter"]
            )
            .with { schema in
                schema.rules = [
                    ValidationRule(
                        "self.actionType == 'failback' ? has(self.actionParameter.failbackParameter) : "
                            + "has(self.actionParameter.failoverParameter)",
                        message: "actionParameter needs the part of the type: failoverParameter or "
                            + "failbackParameter"
                    ) { spec, _ in
                        let part =
                            spec["actionType"] == "failback"
                            ? "failbackParameter" : "failoverParameter"
                        return spec["actionParameter", part] != nil
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
                "stage": .word(
                    "Where it is.",
                    [
                        "", "ScaleDownDestination", "ScaleDownSource", "WaitAfterScaleDown",
                        "LastMileMigration", "ScaleUpDestination", "ScaleUpSource", "Final",
                    ]
                ),
                "status": .word(
                    "How it is going.",
                    [
                        "", "Scheduled", "In-Progress", "Failed", "Successful",
                        "RollbackSuccessful",
                        "RollbackFailed",
                    ]
                ),
                "finishTimestamp": .time("When everything was done."),
                "reason": .string("A sentence about it."),
                "summary": .object(
                    "The result by namespace.",
                    [
                        "failoverSummary": .list("Of a failover.", of: entry),
                        "failbackSummary": .list("Of the way back.", of: entry),
                    ]
                ),
            ]
        )
    }
}
