// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StorkKinds {
    /// Commands in pods, before or after volumes are copied.
    static func rule() throws(JSONPathError) -> KindDefinition {
        let waitMark = "${WAIT_CMD}"
        let action =
            Schema.object(
                "A command.",
                [
                    "type": .word("What is done.", ["command"]),
                    "background": .flag(
                        "Whether the command runs on until the volumes are frozen; it must then hold "
                            + "\(waitMark) at the place where it waits."
                    ),
                    "runInSinglePod": .flag("Whether one of the pods is enough."),
                    "value": .string("The command, as a shell reads it.")
                        .with {
                            $0.bounds.minLength = 1
                            $0.bounds.maxLength = 16384
                        },
                ],
                required: ["type", "value"]
            )
            .with { schema in
                schema.rules = [
                    ValidationRule(
                        "!has(self.background) || !self.background || self.value.contains('\(waitMark)')",
                        message: "a background command must hold \(waitMark) where it waits"
                    ) { action, _ in
                        action["background"]?.bool != true
                            || action["value"]?.string?.contains(waitMark) == true
                    }
                ]
            }
        let entry = Schema.object(
            "What runs in some pods.",
            [
                "podSelector": StatusParts.labels("Labels that the pods must all have."),
                "container": .string("The container; the first one when none is named."),
                "actions": .list("What is done, in this order.", of: action)
                    .with { $0.bounds.maxItems = 32 },
            ]
        )
        return Self.kind(
            "Rule",
            plural: "rules",
            shortNames: ["srule"],
            schema: .object(
                "Commands that run in pods before or after volumes are copied.",
                [
                    "rules": .list("What runs where, in this order.", of: entry)
                        .with { $0.bounds.maxItems = 32 }
                ],
                required: ["rules"]
            ),
            columns: [try StatusParts.age()],
            hasStatus: false
        )
    }

    /// Changes to objects on their way.
    static func resourceTransformation() throws(JSONPathError) -> KindDefinition {
        let schema = Schema.object(
            "Changes to objects on their way to a destination.",
            [
                "specs": .object(
                    "The changes.",
                    [
                        "transformSpecs": .list("In this order.", of: self.transformSpec)
                            .with { $0.bounds.maxItems = 64 }
                    ]
                ),
                "status": Self.transformationStatus,
            ],
            required: ["specs"]
        )
        return Self.kind(
            "ResourceTransformation",
            plural: "resourcetransformations",
            shortNames: ["rtrans"],
            schema: schema,
            columns: [
                try PrinterColumn("Status", path: ".status.status"), try StatusParts.age(),
            ]
        )
    }

    private static var transformSpec: Schema {
        let path =
            Schema.object(
                "A change of one field.",
                [
                    "path": .string("The field, with dots between names.")
                        .with { $0.bounds.minLength = 1 },
                    "value": .string(
                        "The new value; pairs are written k:v, several with commas between."
                    ),
                    "type": .word(
                        "How the value is read.",
                        ["int", "string", "bool", "slice", "keypair"]
                    ),
                    "operation": .word(
                        "What is done with the field.",
                        ["add", "modify", "delete"]
                    ),
                ],
                required: ["path", "operation"]
            )
            .with { schema in
                schema.rules = [
                    ValidationRule(
                        "self.operation == 'delete' || has(self.value)",
                        message: "value is needed unless operation is delete"
                    ) { path, _ in
                        path["operation"] == "delete" || path["value"] != nil
                    }
                ]
            }
        return .object(
            "The changes of one kind of objects.",
            [
                "resource":
                    .string("The kind as group/version/kind; /v1/Service for the core group.")
                    .with { schema in
                        schema.pattern = "^[a-z0-9.-]*/[a-z0-9]+/[A-Za-z0-9]+$"
                        schema.patternAdvice =
                            "write group/version/kind, such as apps/v1/Deployment or /v1/Service"
                    },
                "selectors": StatusParts.labels("Labels that the objects must all have."),
                "paths": .list("The changes, in this order.", of: path)
                    .with { $0.bounds.maxItems = 64 },
            ],
            required: ["resource"]
        )
    }

    private static var transformationStatus: Schema {
        let resource = Schema.object(
            "An object on which the changes were tried.",
            [
                "name": .string("The name of the object."),
                "namespace": .string("Its namespace."),
                "group": .string("Its API group."),
                "version": .string("The version of its API."),
                "kind": .string("Its kind."),
                "status": .string("How it went."),
                "reason": .string("A sentence about it."),
                "specs": .anyObject("The changes that were tried."),
            ]
        )
        return StatusParts.status(
            "Whether the changes can be made.",
            [
                "status": .word("The result.", ["", "InProgress", "Ready", "Failed"]),
                "resources": .list("The objects on which they were tried.", of: resource)
                    .with { $0.isNullable = true },
            ]
        )
    }
}
