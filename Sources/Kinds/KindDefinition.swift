// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// A kind: how its objects are named, what they look like, and how they are shown.
public struct KindDefinition: Sendable {
    /// Its names, and whether it lives in namespaces.
    public let resource: APIResource
    /// What its objects look like, from the root; `apiVersion`, `kind` and `metadata` are not part of it.
    public let schema: Schema
    /// What `kubectl get` shows beside the name.
    public let columns: [PrinterColumn]
    /// Whether `status` is written on its own, as a subresource.
    public let hasStatus: Bool
    /// The groups of kinds it belongs to, as in `kubectl get godwit`.
    public let categories: [String]

    /// A kind with these parts.
    public init(
        _ resource: APIResource,
        schema: Schema,
        columns: [PrinterColumn] = [],
        hasStatus: Bool = false,
        categories: [String] = []
    ) {
        self.resource = resource
        self.schema = schema.with { schema in
            for name in Self.common { schema.properties[name] = nil }
        }
        self.columns = columns
        self.hasStatus = hasStatus
        self.categories = categories
    }

    /// What every object has, and no schema of a kind describes.
    private static let common = ["apiVersion", "kind", "metadata"]

    /// How its objects are listed.
    public var table: ServerTable { ServerTable(columns: self.columns) }

    // MARK: What comes in

    /// The object as it is stored: without unknown fields, with defaults, and for a kind without
    /// namespaces without the namespace that it may carry.
    public func admitted(_ object: KubeObject) -> KubeObject {
        var object = self.rebuilt(object) { self.schema.defaulted(self.schema.pruned($0)) }
        if !self.resource.isNamespaced { object.set(nil, at: "metadata", "namespace") }
        return object
    }

    /// The fields that ``admitted(_:)`` removes, with what was probably meant.
    public func unknownFields(in object: KubeObject) -> [FieldError] {
        self.schema.unknownFields(in: Self.body(of: object))
    }

    /// What is wrong with an object that was admitted; nothing when it may be stored.
    ///
    /// - Parameters:
    ///   - object: what is to be stored.
    ///   - old: what is stored; nil for a new object.
    /// - Returns: the errors, with what was probably meant.
    public func validate(_ object: KubeObject, old: KubeObject? = nil) -> [FieldError] {
        self.schema.validate(Self.body(of: object), old: old.map(Self.body))
    }

    private static func body(of object: KubeObject) -> JSON {
        var fields = object.json.object ?? [:]
        for name in self.common { fields[name] = nil }
        return .object(fields)
    }

    private func rebuilt(_ object: KubeObject, _ change: (JSON) -> JSON) -> KubeObject {
        var fields = change(Self.body(of: object)).object ?? [:]
        for name in Self.common { fields[name] = object.json[name] }
        return KubeObject(.object(fields))
    }

    // MARK: The description for others

    /// The schema of whole objects, as OpenAPI and CustomResourceDefinitions hold it; the CEL rules can
    /// be left out.
    public func openAPISchema(withRules: Bool = true) -> JSON {
        var schema = self.schema
        schema.properties["apiVersion"] = .string(
            "The group and version of the object's schema: \(self.resource.groupVersion)."
        )
        schema.properties["kind"] = .string("The kind of the object: \(self.resource.kind).")
        schema.properties["metadata"] = Schema(.object)
        return schema.json(withRules: withRules)
    }

    /// The CustomResourceDefinition (`apiextensions.k8s.io/v1`) that makes an API server serve the kind.
    ///
    /// The CEL rules can be left out, for API servers before 1.25.
    public func customResourceDefinition(withRules: Bool = true) -> KubeObject {
        let columns = self.columns.compactMap(\.json)
        var version: JSON = [
            "name": .string(self.resource.groupVersion.version), "served": true, "storage": true,
            "schema": ["openAPIV3Schema": self.openAPISchema(withRules: withRules)],
        ]
        if self.hasStatus { version.set(["status": [:]], at: "subresources") }
        if !columns.isEmpty { version.set(.array(columns), at: "additionalPrinterColumns") }
        var names: JSON = [
            "kind": .string(self.resource.kind), "listKind": .string("\(self.resource.kind)List"),
            "plural": .string(self.resource.plural), "singular": .string(self.resource.singular),
        ]
        if !self.resource.shortNames.isEmpty {
            names.set(JSON(self.resource.shortNames), at: "shortNames")
        }
        if !self.categories.isEmpty { names.set(JSON(self.categories), at: "categories") }
        return KubeObject(
            GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
            ObjectKey("", self.resource.qualifiedPlural),
            [
                "spec": [
                    "group": .string(self.resource.groupVersion.group),
                    "names": names,
                    "scope": self.resource.isNamespaced ? "Namespaced" : "Cluster",
                    "versions": [version],
                ]
            ]
        )
    }
}

extension KindDefinition {
    /// The kinds that a CustomResourceDefinition defines: one for each version that is served.
    ///
    /// Its CEL rules are kept and not run: they need a server that has the language.
    ///
    /// - Throws: ``FieldError`` for what a server could not serve.
    public static func defined(
        by definition: KubeObject
    ) throws(FieldError) -> [KindDefinition] {
        func text(_ path: String...) throws(FieldError) -> String {
            guard let text = definition.json.at(path)?.string, !text.isEmpty else {
                throw FieldError(path.joined(separator: "."), .required)
            }
            return text
        }
        let group = try text("spec", "group")
        let kind = try text("spec", "names", "kind")
        let plural = try text("spec", "names", "plural")
        guard definition.name == "\(plural).\(group)" else {
            throw FieldError(
                "metadata.name",
                .invalid,
                .string(definition.name),
                "must be spec.names.plural+\".\"+spec.group",
                suggestion: "\(plural).\(group)"
            )
        }
        let scope = try text("spec", "scope")
        guard ["Namespaced", "Cluster"].contains(scope) else {
            throw FieldError(
                "spec.scope",
                .unsupported,
                .string(scope),
                "supported values: \"Cluster\", \"Namespaced\""
            )
        }
        let names = definition["spec", "names"] ?? [:]
        var kinds: [KindDefinition] = []
        for (index, version) in (definition["spec", "versions"]?.array ?? []).enumerated()
        where version["served"]?.bool != false {
            let resource = APIResource(
                GroupVersion(group, version["name"]?.string ?? ""),
                kind,
                plural: plural,
                isNamespaced: scope == "Namespaced",
                shortNames: names["shortNames"]?.array?.compactMap(\.string) ?? []
            )
            kinds.append(
                try Self.kind(
                    resource,
                    version,
                    names["categories"]?.array?.compactMap(\.string) ?? [],
                    "spec.versions[\(index)]"
                )
            )
        }
        guard !kinds.isEmpty else { throw FieldError("spec.versions", .required) }
        return kinds
    }

    private static func kind(
        _ resource: APIResource,
        _ version: JSON,
        _ categories: [String],
        _ path: String
    ) throws(FieldError) -> KindDefinition {
        guard !resource.groupVersion.version.isEmpty else {
            throw FieldError("\(path).name", .required)
        }
        guard let schema = version["schema", "openAPIV3Schema"], schema.object != nil else {
            throw FieldError(
                "\(path).schema.openAPIV3Schema",
                .required,
                nil,
                "schemas are required"
            )
        }
        var columns: [PrinterColumn] = []
        for (index, column) in (version["additionalPrinterColumns"]?.array ?? []).enumerated() {
            do { columns.append(try PrinterColumn(column)) } catch {
                throw FieldError(
                    "\(path).additionalPrinterColumns[\(index)].jsonPath",
                    .invalid,
                    column["jsonPath"],
                    error.description
                )
            }
        }
        return KindDefinition(
            resource,
            schema: Schema(schema),
            columns: columns,
            hasStatus: version["subresources", "status"] != nil,
            categories: categories
        )
    }
}
