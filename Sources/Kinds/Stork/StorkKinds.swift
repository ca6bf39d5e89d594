// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The kinds that Godwit brings, in the group that users of Stork know.
public enum StorkKinds {
    /// All of them, in the order in which a person meets them.
    public static let all: [KindDefinition] = {
        do {
            return [
                try clusterPair(), try migration(), try migrationSchedule(), try schedulePolicy(),
                try namespacedSchedulePolicy(), try rule(), try resourceTransformation(),
                try action(), try recoveryPoint(),
            ]
        } catch {
            // The paths of the columns are ours and depend on no input.
            preconditionFailure("a printer column cannot be read: \(error)")
        }
    }()

    /// The kind of a name such as `Migration`; nil where it is none of ours.
    public static subscript(_ kind: String) -> KindDefinition? {
        Self.all.first { $0.resource.kind == kind }
    }

    static func kind(
        _ kind: String,
        plural: String,
        isNamespaced: Bool = true,
        shortNames: [String],
        schema: Schema,
        columns: [PrinterColumn],
        hasStatus: Bool = true
    ) -> KindDefinition {
        KindDefinition(
            APIResource(
                StorkNames.groupVersion,
                kind,
                plural: plural,
                isNamespaced: isNamespaced,
                shortNames: shortNames
            ),
            schema: schema,
            columns: columns,
            hasStatus: hasStatus,
            categories: ["godwit"]
        )
    }
}

/// The CustomResourceDefinitions of ``StorkKinds`` as files: names and texts.
///
/// - Parameter withRules: false leaves the CEL rules out: API servers before 1.25 do not know them,
///   and `kubectl` refuses them there (docs/decisions/0016).
/// - Returns: YAML texts by file name.
public func crdManifests(withRules: Bool = true) -> [String: String] {
    var files: [String: String] = [:]
    for kind in StorkKinds.all {
        let definition = kind.customResourceDefinition(withRules: withRules)
        files["\(kind.resource.plural).yaml"] = """
            # SPDX-License-Identifier: Apache-2.0
            # Generated from Sources/Kinds by `godwit-controller crds`; do not edit.
            \(definition.json.yaml)
            """
    }
    return files
}
