// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension BuiltInKinds {
    static let cluster: [ServedKind] = [
        Self.ingress, Self.networkPolicy, Self.disruptionBudget, Self.priorityClass,
        Self.definition, Self.lease, Self.webhooks("ValidatingWebhookConfiguration"),
        Self.webhooks("MutatingWebhookConfiguration"),
    ]

    private static let ingress = Self.kind(
        "networking.k8s.io/v1",
        "Ingress",
        "ingresses",
        [
            Cells.name, Cells.text("Class", "spec.ingressClassName", absent: Cells.none),
            KindColumn("Hosts") { object, _ in
                let hosts = (object["spec", "rules"]?.array ?? [])
                    .map { $0["host"]?.string ?? "*" }
                return .string(hosts.isEmpty ? "*" : hosts.joined(separator: ","))
            },
            KindColumn("Address") { object, _ in
                let given = (object["status", "loadBalancer", "ingress"]?.array ?? [])
                    .compactMap { ($0["ip"] ?? $0["hostname"])?.string }
                return .string(given.joined(separator: ","))
            },
            KindColumn("Ports") { object, _ in
                object["spec", "tls"]?.array?.isEmpty == false ? "80, 443" : "80"
            },
            Cells.age,
        ],
        Shapes.plain,
        FieldRules(causes: { object, _ in
            guard object["spec", "rules"] == nil, object["spec", "defaultBackend"] == nil else {
                return []
            }
            return [
                .invalid(
                    "spec",
                    object["spec"],
                    "either `defaultBackend` or `rules` must be specified"
                )
            ]
        })
    ) {
        $0.short = ["ing"]
        $0.hasStatus = true
        $0.hasGeneration = true
    }

    private static let networkPolicy = Self.kind(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        [
            Cells.name, Cells.selector("Pod-Selector", "spec.podSelector", wide: false), Cells.age,
        ],
        Shapes.object(["spec": Shapes.fields(["podSelector": Shapes.whole])])
    ) {
        $0.short = ["netpol"]
        $0.hasGeneration = true
    }

    private static let disruptionBudget = Self.kind(
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        [
            Cells.name, Cells.text("Min Available", "spec.minAvailable", absent: "N/A"),
            Cells.text("Max Unavailable", "spec.maxUnavailable", absent: "N/A"),
            Cells.count("Allowed Disruptions", "status.disruptionsAllowed"), Cells.age,
        ],
        Shapes.object([
            "spec": Shapes.fields(["selector": Shapes.whole]), "status": Shapes.status,
        ]),
        FieldRules(causes: { object, _ in
            guard object["spec", "minAvailable"] != nil, object["spec", "maxUnavailable"] != nil
            else { return [] }
            return [
                .invalid(
                    "spec",
                    object["spec"],
                    "minAvailable and maxUnavailable cannot be both set"
                )
            ]
        })
    ) {
        $0.short = ["pdb"]
        $0.hasStatus = true
        $0.hasGeneration = true
    }

    private static let priorityClass = Self.kind(
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "priorityclasses",
        [
            Cells.name, Cells.count("Value", "value"),
            KindColumn("Global-Default") { object, _ in
                .string(object["globalDefault"] == true ? "true" : "false")
            },
            Cells.age, Cells.text("PreemptionPolicy", "preemptionPolicy"),
        ],
        Shapes.plain,
        FieldRules(
            required: ["value"],
            immutable: ["value", "preemptionPolicy"],
            defaults: [("preemptionPolicy", "PreemptLowerPriority")]
        )
    ) {
        $0.isNamespaced = false
        $0.short = ["pc"]
        $0.hasGeneration = true
    }

    static let definition = Self.kind(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        [Cells.name, Cells.createdAt],
        Shapes.object(["status": Shapes.status]),
        FieldRules(
            immutable: ["spec.scope", "spec.group", "spec.names.kind", "spec.names.plural"],
            prepare: { object, former in Definitions.prepare(&object, former) },
            causes: { object, _ in Definitions.causes(object) }
        )
    ) {
        $0.isNamespaced = false
        $0.short = ["crd", "crds"]
        $0.categories = ["api-extensions"]
        $0.hasStatus = true
        $0.hasGeneration = true
    }

    private static let lease = Self.kind(
        "coordination.k8s.io/v1",
        "Lease",
        "leases",
        [Cells.name, Cells.text("Holder", "spec.holderIdentity"), Cells.age]
    )

    private static func webhooks(_ kind: String) -> ServedKind {
        Self.kind(
            "admissionregistration.k8s.io/v1",
            kind,
            kind.lowercased() + "s",
            [Cells.name, Cells.entries("Webhooks", "webhooks"), Cells.age],
            Shapes.object(["webhooks": Shapes.list(["name"])])
        ) {
            $0.isNamespaced = false
            $0.categories = ["api-extensions"]
            $0.hasGeneration = true
        }
    }
}
