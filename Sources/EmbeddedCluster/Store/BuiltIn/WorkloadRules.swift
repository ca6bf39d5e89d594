// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What holds for kinds that describe pods.
enum WorkloadRules {
    /// The selector of a workload selects its own pods.
    static func template(_ object: KubeObject) -> [APIStatus.Cause] {
        let template = object["spec", "template"]
        guard template?.object != nil else { return [.required("spec.template")] }
        let labels = template?["metadata", "labels"]?.strings ?? [:]
        let wanted = object["spec", "selector", "matchLabels"]?.strings ?? [:]
        var causes = self.containers(template?["spec"], "spec.template.spec")
        if !wanted.allSatisfy({ labels[$0.key] == $0.value }) {
            causes.append(
                .invalid(
                    "spec.template.metadata.labels",
                    JSON(labels),
                    "`selector` does not match template `labels`"
                )
            )
        }
        return causes
    }

    /// A pod has containers, each with a name of its own and an image.
    static func containers(_ spec: JSON?, _ path: String) -> [APIStatus.Cause] {
        guard let containers = spec?["containers"]?.array, !containers.isEmpty else {
            return [.required("\(path).containers")]
        }
        var names: Set<String> = []
        var causes: [APIStatus.Cause] = []
        for list in ["containers", "initContainers"] {
            for (index, container) in (spec?[list]?.array ?? []).enumerated() {
                let place = "\(path).\(list)[\(index)]"
                let name = container["name"]?.string ?? ""
                if name.isEmpty {
                    causes.append(.required("\(place).name"))
                } else if !names.insert(name).inserted {
                    causes.append(.duplicate("\(place).name", name))
                }
                if (container["image"]?.string ?? "").isEmpty {
                    causes.append(.required("\(place).image"))
                }
            }
        }
        return causes
    }

    /// Pods of jobs end: they are not restarted for ever.
    static func restarts(_ object: KubeObject, _ path: String) -> [APIStatus.Cause] {
        let steps = path.split(separator: ".").map(String.init) + ["restartPolicy"]
        let field = "\(path).restartPolicy"
        guard let policy = object.json.at(steps)?.string else {
            return [.required(field, "valid values: \"OnFailure\", \"Never\"")]
        }
        return ["OnFailure", "Never"].contains(policy)
            ? [] : [.unsupported(field, policy, ["OnFailure", "Never"])]
    }

    /// What of a stateful set may change.
    private static let mutable = [
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    ]

    static func statefulSetChanges(
        _ object: KubeObject,
        _ former: KubeObject?
    ) -> [APIStatus.Cause] {
        guard let former else { return [] }
        var now = object["spec"]?.object ?? [:]
        var before = former["spec"]?.object ?? [:]
        for field in Self.mutable + ["selector"] {
            now[field] = nil
            before[field] = nil
        }
        guard now != before else { return [] }
        let fields = Self.mutable.sorted().map { "'\($0)'" }.joined(separator: ", ")
        return [
            .forbidden(
                "spec",
                "updates to statefulset spec for fields other than \(fields) are forbidden"
            )
        ]
    }

    /// A job's pods do not change while it runs.
    static func jobChanges(_ object: KubeObject, _ former: KubeObject?) -> [APIStatus.Cause] {
        guard let former, former["spec", "suspend"] != true else { return [] }
        return ["template", "selector", "completionMode"]
            .compactMap { field in
                let before = former["spec", field]
                guard before != nil, before != object["spec", field] else { return nil }
                return .invalid("spec.\(field)", object["spec", field], "field is immutable")
            }
    }

    /// Of a pod only images and few other fields change.
    static func podChanges(_ object: KubeObject, _ former: KubeObject?) -> [APIStatus.Cause] {
        guard let former else { return [] }
        func fixed(_ object: KubeObject) -> JSON {
            var spec = object["spec"] ?? [:]
            for field in [
                "activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations",
                "nodeName",
            ] {
                spec.set(nil, at: field)
            }
            for list in ["containers", "initContainers"] {
                guard let containers = spec[list]?.array else { continue }
                let fixed = containers.map { container -> JSON in
                    var container = container
                    container.set(nil, at: "image")
                    return container
                }
                spec.set(.array(fixed), at: list)
            }
            return spec
        }
        guard fixed(object) != fixed(former) else { return [] }
        return [
            .forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`, "
                    + "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, "
                    + "`spec.tolerations` and `spec.terminationGracePeriodSeconds`"
            )
        ]
    }
}

extension APIStatus.Cause {
    static func duplicate(_ field: String, _ value: String) -> Self {
        Self(
            reason: "FieldValueDuplicate",
            message: "Duplicate value: \"\(value)\"",
            field: field
        )
    }
}
