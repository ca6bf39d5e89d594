// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel

extension Definitions {
    /// The kinds that a definition defines, one for each version that is served.
    ///
    /// The schemas of our own kinds bring their rules as code; those of others have only what a
    /// schema can say.
    static func kinds(of definition: KubeObject) throws -> [ServedKind] {
        let defined: [KindDefinition]
        do { defined = try KindDefinition.defined(by: definition) } catch {
            throw APIStatus.invalid(
                BuiltInKinds.definition.resource,
                definition.name,
                [APIStatus.Cause(error)]
            )
        }
        let versions = definition["spec", "versions"]?.array ?? []
        return defined.map { kind in
            let version = versions.first {
                $0["name"]?.string == kind.resource.groupVersion.version
            }
            let own = StorkKinds.all.first { $0.resource == kind.resource }
            return Self.served(kind, own ?? kind, version ?? [:])
        }
    }

    private static func served(
        _ kind: KindDefinition,
        _ rules: KindDefinition,
        _ version: JSON
    ) -> ServedKind {
        var served = ServedKind(kind.resource)
        served.categories = kind.categories
        served.hasStatus = kind.hasStatus
        served.hasGeneration = true
        served.isSecondary = version["storage"] != true
        served.scale = Self.scale(version["subresources", "scale"])
        served.schema = DefinedSchema(kind: rules)
        served.shape = Shapes.object(
            MergeShape(schema: version["schema", "openAPIV3Schema"] ?? [:]).fields
        )
        served.selectableFields = Set(
            (version["selectableFields"]?.array ?? []).compactMap { $0["jsonPath"]?.string }
                .map { String($0.drop { $0 == "." }) }
        )
        served.columns = [Cells.name] + Self.columns(kind.columns)
        return served
    }

    private static func columns(_ columns: [PrinterColumn]) -> [KindColumn] {
        guard !columns.isEmpty else { return [Cells.age] }
        return columns.map { column in
            KindColumn(
                column.name,
                // An age is counted here, so that it travels as a text.
                type: column.type == .date ? "string" : column.type.rawValue,
                summary: column.description,
                priority: column.priority
            ) { object, now in
                column.cell(
                    of: object,
                    now: Timestamp(seconds: Int(now.timeIntervalSince1970.rounded(.down)))
                )
            }
        }
    }

    private static func scale(_ json: JSON?) -> ServedKind.Scale? {
        func path(_ field: String) -> [String]? {
            json?[field]?.string.map { $0.split(separator: ".").map(String.init) }
        }
        guard let replicas = path("specReplicasPath") else { return nil }
        return ServedKind.Scale(
            replicas: replicas,
            statusReplicas: path("statusReplicasPath") ?? ["status", "replicas"],
            selector: path("labelSelectorPath")
        )
    }
}

/// The schema of a defined kind, as the store asks for it.
struct DefinedSchema: KindSchema {
    let kind: KindDefinition

    var json: JSON { self.kind.openAPISchema() }

    func unknownFields(in object: JSON) -> [String] {
        self.kind.unknownFields(in: KubeObject(object)).map(\.path)
    }

    func pruned(_ object: JSON) -> JSON { Self.changing(object, self.kind.schema.pruned) }

    func defaulted(_ object: JSON) -> JSON { Self.changing(object, self.kind.schema.defaulted) }

    /// What every object has is no part of a kind's schema.
    private static func changing(_ object: JSON, _ change: (JSON) -> JSON) -> JSON {
        let common: Set<String> = ["apiVersion", "kind", "metadata"]
        let fields = object.object ?? [:]
        let changed = change(.object(fields.filter { !common.contains($0.key) })).object ?? [:]
        return .object(
            changed.merging(fields.filter { common.contains($0.key) }) { _, kept in kept }
        )
    }

    func causes(_ object: JSON, old: JSON?) -> [APIStatus.Cause] {
        self.kind.validate(KubeObject(object), old: old.map(KubeObject.init))
            .map(APIStatus.Cause.init)
    }
}

extension APIStatus.Cause {
    init(_ error: FieldError) {
        self.init(reason: error.reason.rawValue, message: error.message, field: error.path)
    }
}

extension MergeShape {
    /// How a value of an OpenAPI schema merges.
    init(schema: JSON) {
        self.init()
        self.isAtomic = schema["x-kubernetes-map-type"] == "atomic"
        self.fields =
            (schema["properties"]?.object ?? [:]).mapValues(MergeShape.init(schema:))
            .dictionary
        if let others = schema["additionalProperties"], others.object != nil {
            self.others = [MergeShape(schema: others)]
        }
        guard let items = schema["items"] else { return }
        self.items = [MergeShape(schema: items)]
        switch schema["x-kubernetes-list-type"]?.string {
        case "map":
            let keys = (schema["x-kubernetes-list-map-keys"]?.array ?? []).compactMap(\.string)
            self.list = .map(keys)
            for key in keys {
                self.keyDefaults[key] = items["properties"]?[key]?["default"]?.string
            }
        case "set": self.list = .set
        default: self.list = .atomic
        }
    }
}
