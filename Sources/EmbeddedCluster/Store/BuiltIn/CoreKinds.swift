// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension BuiltInKinds {
    static let namespace = Self.kind(
        "v1",
        "Namespace",
        "namespaces",
        [Cells.name, Cells.text("Status", "status.phase"), Cells.age],
        Shapes.object(["status": Shapes.status]),
        FieldRules(prepare: { object, former in
            object.labels["kubernetes.io/metadata.name"] = object.name
            guard former == nil else { return }
            object.set([.string(StoreFinalizer.namespace)], at: "spec", "finalizers")
            object.set("Active", at: "status", "phase")
        })
    ) {
        $0.isNamespaced = false
        $0.short = ["ns"]
        $0.hasStatus = true
        $0.nameStyle = .label
        $0.selectable = ["status.phase"]
    }

    static let core: [ServedKind] = [
        Self.namespace, Self.pod, Self.configMap, Self.secret, Self.service, Self.endpoints,
        Self.serviceAccount, Self.event, Self.resourceQuota, Self.limitRange,
    ]

    private static let configMap = Self.kind(
        "v1",
        "ConfigMap",
        "configmaps",
        [Cells.name, Cells.entries("Data", "data", "binaryData"), Cells.age],
        Shapes.plain,
        FieldRules(causes: { object, former in
            Self.texts(object, "data") + Self.frozen(object, former, ["data", "binaryData"])
        })
    ) { $0.short = ["cm"] }

    private static let secret = Self.kind(
        "v1",
        "Secret",
        "secrets",
        [
            Cells.name, Cells.text("Type", "type"), Cells.entries("Data", "data"), Cells.age,
        ],
        Shapes.plain,
        FieldRules(
            immutable: ["type"],
            defaults: [("type", "Opaque")],
            prepare: { object, _ in Secrets.encode(&object) },
            causes: { object, former in
                Secrets.causes(object) + Self.frozen(object, former, ["data"])
            }
        )
    ) { $0.selectable = ["type"] }

    /// What an object that is marked as immutable may not change any more.
    private static func frozen(
        _ object: KubeObject,
        _ former: KubeObject?,
        _ fields: [String]
    ) -> [APIStatus.Cause] {
        guard let former, former["immutable"] == true else { return [] }
        let reason = "field is immutable when `immutable` is set"
        return (fields + ["immutable"]).filter { object[$0] != former[$0] }
            .map { .forbidden($0, reason) }
    }

    /// A map whose values are texts.
    private static func texts(_ object: KubeObject, _ field: String) -> [APIStatus.Cause] {
        guard let value = object[field], !value.isNull else { return [] }
        guard let values = value.object else {
            return [.invalid(field, value, "must be an object")]
        }
        return values.sorted { $0.key < $1.key }.filter { $0.value.string == nil }
            .map { .invalid("\(field)[\($0.key)]", $0.value, "must be a string") }
    }

    private static let service = Self.kind(
        "v1",
        "Service",
        "services",
        ServiceCells.columns,
        Shapes.service,
        FieldRules(
            defaults: [
                ("spec.type", "ClusterIP"), ("spec.sessionAffinity", "None"),
                ("status", ["loadBalancer": [:]]),
            ],
            words: [("spec.type", ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"])],
            prepare: { object, _ in ServiceRules.prepare(&object) },
            causes: { object, former in ServiceRules.causes(object, former) }
        )
    ) {
        $0.short = ["svc"]
        $0.categories = ["all"]
        $0.hasStatus = true
        $0.nameStyle = .letterLabel
        $0.selectable = ["spec.clusterIP", "spec.type"]
    }

    private static let endpoints = Self.kind(
        "v1",
        "Endpoints",
        "endpoints",
        [
            Cells.name,
            KindColumn("Endpoints") { object, _ in ServiceCells.endpoints(object) },
            Cells.age,
        ]
    ) { $0.short = ["ep"] }

    private static let serviceAccount = Self.kind(
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        [Cells.name, Cells.entries("Secrets", "secrets"), Cells.age],
        Shapes.object(["secrets": Shapes.list(["name"])])
    ) { $0.short = ["sa"] }

    private static let event = Self.kind(
        "v1",
        "Event",
        "events",
        EventCells.columns,
        Shapes.plain,
        FieldRules(
            required: ["involvedObject"],
            causes: { object, _ in EventCells.causes(object) }
        )
    ) {
        $0.short = ["ev"]
        $0.selectable = [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
            "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
            "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
        ]
    }

    private static let resourceQuota = Self.kind(
        "v1",
        "ResourceQuota",
        "resourcequotas",
        [
            Cells.name,
            KindColumn("Request") { object, _ in QuotaCells.text(object, isLimit: false) },
            KindColumn("Limit") { object, _ in QuotaCells.text(object, isLimit: true) },
            Cells.age,
        ]
    ) {
        $0.short = ["quota"]
        $0.hasStatus = true
    }

    private static let limitRange = Self.kind(
        "v1",
        "LimitRange",
        "limitranges",
        [Cells.name, Cells.createdAt]
    ) { $0.short = ["limits"] }
}

/// The cells of quotas.
private enum QuotaCells {
    static func text(_ object: KubeObject, isLimit: Bool) -> JSON {
        let hard = object["status", "hard"]?.strings ?? object["spec", "hard"]?.strings ?? [:]
        let used = object["status", "used"]?.strings ?? [:]
        let texts = hard.sorted { $0.key < $1.key }
            .filter { $0.key.hasPrefix("limits.") == isLimit }
            .map { "\($0.key): \(used[$0.key] ?? "0")/\($0.value)" }
        return .string(texts.joined(separator: ", "))
    }
}
