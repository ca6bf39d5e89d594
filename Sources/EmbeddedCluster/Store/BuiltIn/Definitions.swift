// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What holds for objects that define kinds.
enum Definitions {
    /// Fills in the names that follow from others.
    static func prepare(_ object: inout KubeObject, _ former: KubeObject?) {
        guard let kind = object["spec", "names", "kind"]?.string else { return }
        if object["spec", "names", "singular"] == nil {
            object.set(.string(kind.lowercased()), at: "spec", "names", "singular")
        }
        if object["spec", "names", "listKind"] == nil {
            object.set(.string("\(kind)List"), at: "spec", "names", "listKind")
        }
        if object["spec", "conversion"] == nil {
            object.set(["strategy": "None"], at: "spec", "conversion")
        }
        // The objects of the kind go before the kind does.
        if !object.isBeingDeleted, !object.finalizers.contains(StoreFinalizer.customResources) {
            object.finalizers.append(StoreFinalizer.customResources)
        }
    }

    static func causes(_ object: KubeObject) -> [APIStatus.Cause] {
        let group = object["spec", "group"]?.string ?? ""
        let plural = object["spec", "names", "plural"]?.string ?? ""
        var causes: [APIStatus.Cause] = []
        if object.name != "\(plural).\(group)" {
            causes.append(
                .invalid(
                    "metadata.name",
                    .string(object.name),
                    "must be spec.names.plural+\".\"+spec.group"
                )
            )
        }
        for (path, value) in [
            ("spec.group", group), ("spec.names.plural", plural),
            ("spec.names.kind", object["spec", "names", "kind"]?.string ?? ""),
        ] where value.isEmpty {
            causes.append(.required(path))
        }
        let scope = object["spec", "scope"]?.string ?? ""
        if !["Cluster", "Namespaced"].contains(scope) {
            causes.append(.unsupported("spec.scope", scope, ["Cluster", "Namespaced"]))
        }
        return causes + Self.versionCauses(object["spec", "versions"]?.array ?? [])
    }

    private static func versionCauses(_ versions: [JSON]) -> [APIStatus.Cause] {
        guard !versions.isEmpty else { return [.required("spec.versions")] }
        var causes: [APIStatus.Cause] = []
        var names: Set<String> = []
        for (index, version) in versions.enumerated() {
            let path = "spec.versions[\(index)]"
            let name = version["name"]?.string ?? ""
            if !NameRule.isLabel(name) {
                causes.append(.invalid("\(path).name", .string(name), MetadataRules.label))
            } else if !names.insert(name).inserted {
                causes.append(.duplicate("\(path).name", name))
            }
            if version["schema", "openAPIV3Schema"]?.object == nil {
                causes.append(
                    .required("\(path).schema.openAPIV3Schema", "schemas are required")
                )
            }
        }
        if versions.count(where: { $0["storage"] == true }) != 1 {
            causes.append(
                .invalid(
                    "spec.versions",
                    .array(versions.map { $0["name"] ?? .null }),
                    "must have exactly one version marked as storage version"
                )
            )
        }
        return causes
    }

    /// Whether the kinds of a definition are served.
    static func isEstablished(_ object: KubeObject) -> Bool {
        (object["status", "conditions"]?.array ?? [])
            .contains { $0["type"] == "Established" && $0["status"] == "True" }
    }
}
