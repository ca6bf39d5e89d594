// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The parts that the schemas of several kinds share.
enum StatusParts {
    /// The fields of every status beside Stork's.
    static let common: [String: Schema] = [
        "observedGeneration": .integer(
            "The generation of the object that the controller looked at last.",
            format: "int64"
        ),
        "conditions": .list("What is known about the object.", of: condition, keys: ["type"]),
    ]

    private static let condition = Schema.object(
        "One thing that is known about the object.",
        [
            "type": .string("What is known, in CamelCase.")
                .with {
                    $0.bounds.minLength = 1
                    $0.bounds.maxLength = 316
                },
            "status": .word("Whether it holds.", Condition.Status.allCases.map(\.rawValue)),
            "reason": .string("One word in CamelCase, for programs.")
                .with { $0.bounds.maxLength = 1024 },
            "message": .string("A sentence with the cause and what to do, for people.")
                .with { $0.bounds.maxLength = 32768 },
            "observedGeneration": .integer(
                "The generation of the object that this is about.",
                format: "int64"
            ),
            "lastTransitionTime": .time("When the status last changed."),
        ],
        required: ["type", "status"]
    )

    /// A status of its own fields and the common ones.
    static func status(_ description: String, _ fields: [String: Schema]) -> Schema {
        // Manifests that were written by `kubectl get -o yaml` carry empty ones.
        .object(description, fields.merging(Self.common) { own, _ in own })
            .with { $0.isNullable = true }
    }

    static func count(_ description: String) -> Schema {
        .integer(description, from: 0, format: "int64")
    }

    /// Text by text, as labels are.
    static func labels(_ description: String) -> Schema { .map(description) }

    /// The column that every kind has at its end.
    static func age() throws(JSONPathError) -> PrinterColumn {
        try PrinterColumn("Age", .date, path: ".metadata.creationTimestamp")
    }
}
