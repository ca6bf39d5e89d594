// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The kinds that are served before any definition is applied.
///
/// They keep every field that they are given, known or not: what is migrated must not lose any.
enum BuiltInKinds {
    /// What makes one built-in kind differ from another, beside its names.
    struct Options {
        var isNamespaced = true
        var short: [String] = []
        var categories: [String] = []
        var hasStatus = false
        var hasGeneration = false
        var nameStyle = ServedKind.NameStyle.subdomain
        var scale: ServedKind.Scale?
        var selectable: Set<String> = []
    }

    static func kind(
        _ apiVersion: String,
        _ kind: String,
        _ plural: String,
        _ columns: [KindColumn],
        _ shape: MergeShape = Shapes.plain,
        _ rules: FieldRules = FieldRules(),
        _ change: (inout Options) -> Void = { _ in }
    ) -> ServedKind {
        var options = Options()
        change(&options)
        guard let groupVersion = GroupVersion(apiVersion: apiVersion) else {
            preconditionFailure("\(apiVersion) is no apiVersion")
        }
        var served = ServedKind(
            APIResource(
                groupVersion,
                kind,
                plural: plural,
                isNamespaced: options.isNamespaced,
                shortNames: options.short
            )
        )
        served.categories = options.categories
        served.hasStatus = options.hasStatus
        served.hasGeneration = options.hasGeneration
        served.nameStyle = options.nameStyle
        served.scale = options.scale
        served.selectableFields = options.selectable
        served.columns = columns
        served.shape = shape
        served.rules = rules.rules
        return served
    }

    static let all: [ServedKind] =
        Self.core + Self.volumes + Self.workloads + Self.access + Self.cluster
}

extension KindRegistry {
    /// The built-in kinds.
    public static let builtIn = KindRegistry(BuiltInKinds.all)
}
