// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StorkKinds {
    /// One move of namespaces to a destination.
    static func migration() throws(JSONPathError) -> KindDefinition {
        let fixed = [
            Self.fixed("clusterPair", "self.clusterPair == oldSelf.clusterPair"),
            Self.fixed(
                "namespaces",
                "has(self.namespaces) == has(oldSelf.namespaces) && "
                    + "(!has(self.namespaces) || self.namespaces == oldSelf.namespaces)"
            ),
        ]
        let schema = Schema.object(
            "A move of namespaces to the destination of a ClusterPair, once.",
            [
                "spec": Self.migrationSpec.with { $0.rules += fixed },
                "status": Self.migrationStatus,
            ],
            required: ["spec"]
        )
        return Self.kind(
            "Migration",
            plural: "migrations",
            shortNames: ["mig"],
            schema: schema,
            columns: [
                try PrinterColumn("ClusterPair", path: ".spec.clusterPair"),
                try PrinterColumn("Stage", path: ".status.stage"),
                try PrinterColumn("Status", path: ".status.status"),
                try PrinterColumn("Volumes", path: ".status.progress.volumes"),
                try PrinterColumn("Resources", path: ".status.progress.resources"),
                try PrinterColumn(
                    "Percent",
                    .integer,
                    path: ".status.progress.percent",
                    priority: 1
                ),
                try PrinterColumn(
                    "Bytes",
                    .integer,
                    path: ".status.progress.bytesDone",
                    priority: 1
                ),
                try PrinterColumn(
                    "Reason",
                    path: ".status.conditions[?(@.type==\"Succeeded\")].reason",
                    priority: 1
                ),
                try StatusParts.age(),
            ]
        )
    }

    /// What must stay as it was, because a running Migration goes by it.
    private static func fixed(_ field: String, _ expression: String) -> ValidationRule {
        ValidationRule(
            expression,
            message: "\(field) cannot be changed: create another Migration"
        ) { spec, old in
            old.map { spec[field] == $0[field] } ?? true
        }
    }

    /// What a Migration and the template of a MigrationSchedule say.
    static var migrationSpec: Schema {
        .object(
            "What moves, and how.",
            self.placeFields.merging(self.volumeFields) { $1 }.merging(self.selectionFields) { $1 },
            required: ["clusterPair"]
        )
        .with { schema in
            schema.rules = [
                ValidationRule(
                    "(has(self.namespaces) && size(self.namespaces) > 0) || "
                        + "(has(self.namespaceSelectors) && size(self.namespaceSelectors) > 0)",
                    message: "name at least one namespace in namespaces, or labels of some in "
                        + "namespaceSelectors"
                ) { spec, _ in
                    spec["namespaces"]?.array?.isEmpty == false
                        || spec["namespaceSelectors"]?.object?.isEmpty == false
                },
                ValidationRule(
                    "!has(self.namespaces) || !('kube-system' in self.namespaces)",
                    message: "kube-system belongs to its cluster and is never migrated"
                ) { spec, _ in
                    spec["namespaces"]?.array?.contains("kube-system") != true
                },
            ]
        }
    }

    private static var placeFields: [String: Schema] {
        [
            "clusterPair":
                .string("The ClusterPair, in the same namespace, to whose cluster things move.")
                .with {
                    $0.bounds.minLength = 1
                    $0.bounds.maxLength = 253
                },
            "adminClusterPair": .string(
                "The ClusterPair in the admin namespace that is used for what has no namespace."
            ),
            "namespaces":
                .list(
                    "The namespaces to move. Outside of the admin namespace only the own one.",
                    of: .string("The name of a namespace.").with { $0.bounds.maxLength = 63 }
                )
                .with { $0.bounds.maxItems = 1000 },
            "namespaceSelectors": StatusParts.labels(
                "Labels of further namespaces to move; one that matches is enough."
            ),
            "skipDeletedNamespaces": .flag(
                "Whether a namespace that does not exist is a warning rather than a failure.",
                default: true
            ),
        ]
    }

    private static var volumeFields: [String: Schema] {
        [
            "includeResources": .flag(
                "Whether objects move. PersistentVolumes and their claims always do.",
                default: true
            ),
            "includeVolumes": .flag(
                "Whether the data of volumes moves; false where both sides share the storage.",
                default: true
            ),
            "startApplications": .flag(
                "Whether applications run at the destination. Else they have no replicas, and the "
                    + "annotation \(StorkNames.Annotation.migrationReplicas.key) keeps their number.",
                default: false
            ),
            "purgeDeletedResources": .flag(
                "Whether what was moved before and vanished at the source is deleted at the destination.",
                default: false
            ),
            "skipServiceUpdate": .flag(
                "Whether Services keep the addresses of the source cluster.",
                default: false
            ),
            "preExecRule": .string("The Rule that runs before volumes are copied."),
            "postExecRule": .string("The Rule that runs when the copies have been started."),
            "transformSpecs": .list("The ResourceTransformation that changes objects on their way.")
                .with { $0.bounds.maxItems = 1 },
        ]
    }

    private static var selectionFields: [String: Schema] {
        [
            "selectors": StatusParts.labels("Labels that objects must all have to move."),
            "excludeSelectors": StatusParts.labels("Labels of which one is enough to stay."),
            "includeNetworkPolicyWithCIDR": .flag(
                "Whether NetworkPolicies move that name ranges of addresses.",
                default: false
            ),
            "includeOptionalResourceTypes": .list(
                "Kinds that move only when they are named here: Job."
            ),
            "ignoreOwnerReferencesCheck": .flag(
                "Whether objects move that belong to other objects.",
                default: false
            ),
            "excludeResourceTypes": .list("Kinds that stay, in any case of letters."),
        ]
    }
}
