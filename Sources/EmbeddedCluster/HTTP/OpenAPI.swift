// SPDX-License-Identifier: Apache-2.0

import Crypto
import ObjectModel

/// What OpenAPI tells of one resource.
struct OpenAPIEntry: Sendable {
    let entry: DiscoveryEntry
    /// The structural schema of the kind; nil where any fields are taken.
    let schema: JSON?
}

/// The OpenAPI v3 documents: one for each group and version.
///
/// kubectl reads from them what `explain` prints, and whether the server checks unknown fields
/// itself: the parameter `fieldValidation` of PATCH. Strategic merge patches are not listed there:
/// kubectl then takes the merge keys of built-in kinds from its own types, which are complete.
struct OpenAPI: Sendable {
    private let entries: [OpenAPIEntry]

    init(_ entries: [OpenAPIEntry]) { self.entries = entries }

    private var groupVersions: [GroupVersion] {
        Set(self.entries.map(\.entry.resource.groupVersion))
            .sorted { ($0.group, $0.version) < ($1.group, $1.version) }
    }

    /// `/openapi/v3`: where the documents are; the digest lets clients keep them.
    var index: JSON {
        var paths: JSONFields = [:]
        for groupVersion in self.groupVersions {
            guard let document = self.document(groupVersion) else { continue }
            let digest = Self.hexadecimal(Array(SHA256.hash(data: document.bytes)))
            let path = String(groupVersion.path.dropFirst())
            paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(digest)")]
        }
        return ["paths": .object(paths)]
    }

    /// Upper case, as clients know it of the API servers.
    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// The document of one group and version; nil where there is none.
    func document(_ groupVersion: GroupVersion) -> JSON? {
        let entries = self.entries.filter { $0.entry.resource.groupVersion == groupVersion }
        guard !entries.isEmpty else { return nil }
        var paths: JSONFields = [:]
        var schemas = OpenAPIMetadata.schemas
        for entry in entries {
            paths.merge(Self.paths(of: entry.entry)) { first, _ in first }
            schemas[Self.name(of: entry.entry.resource)] = Self.schema(of: entry)
        }
        return [
            "openapi": "3.0.0",
            "info": ["title": "Godwit embedded cluster", "version": "unversioned"],
            "paths": .object(paths),
            "components": ["schemas": .object(schemas)],
        ]
    }
}

// MARK: Paths

extension OpenAPI {
    private static func paths(of entry: DiscoveryEntry) -> JSONFields {
        let resource = entry.resource
        let scope = resource.isNamespaced ? "{namespace}" : nil
        let one = resource.path(namespace: scope, name: "{name}")
        let all = resource.path(namespace: scope)
        guard entry.verbs.contains("patch") else {
            return [all: ["post": Self.operation("post", entry, resource.groupVersionKind)]]
        }
        var paths: JSONFields = [:]
        paths[all] = [
            "get": Self.operation("list", entry, resource.groupVersionKind),
            "post": Self.operation("post", entry, resource.groupVersionKind),
            "delete": Self.operation("deletecollection", entry, resource.groupVersionKind),
        ]
        paths[one] = [
            "get": Self.operation("get", entry, resource.groupVersionKind),
            "put": Self.operation("put", entry, resource.groupVersionKind),
            "patch": Self.operation("patch", entry, resource.groupVersionKind),
            "delete": Self.operation("delete", entry, resource.groupVersionKind),
        ]
        for part in entry.parts {
            paths["\(one)/\(part.name)"] = [
                "get": Self.operation("get", entry, part.kind),
                "put": Self.operation("put", entry, part.kind),
                "patch": Self.operation("patch", entry, part.kind),
            ]
        }
        return paths
    }

    private static func operation(
        _ action: String,
        _ entry: DiscoveryEntry,
        _ kind: GroupVersionKind
    ) -> JSON {
        let resource = entry.resource
        var fields: JSONFields = [
            "tags": [.string(resource.qualifiedPlural)],
            "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": Self.document(kind),
            "parameters": .array(Self.parameters(of: action)),
            "responses": ["200": ["description": "OK"]],
        ]
        let schema: JSON = ["$ref": .string("#/components/schemas/\(Self.name(of: resource))")]
        switch action {
        case "post", "put":
            fields["requestBody"] = ["content": ["application/json": ["schema": schema]]]
        case "patch":
            let types = [
                "application/json-patch+json", "application/merge-patch+json",
                "application/apply-patch+yaml",
            ]
            let patch: JSON = ["schema": ["type": "object"]]
            let content = JSONFields(types.map { ($0, patch) }) { _, last in last }
            fields["requestBody"] = ["content": .object(content)]
        default: break
        }
        return .object(fields)
    }

    private static func parameters(of action: String) -> [JSON] {
        var names = ["pretty"]
        switch action {
        case "post", "put": names += ["dryRun", "fieldManager", "fieldValidation"]
        case "patch": names += ["dryRun", "fieldManager", "fieldValidation", "force"]
        case "list", "deletecollection":
            names += ["continue", "fieldSelector", "labelSelector", "limit", "resourceVersion"]
        default: break
        }
        return names.map { name in
            [
                "name": .string(name), "in": "query",
                "description": .string(OpenAPIMetadata.parameters[name] ?? ""),
                "schema": ["type": name == "force" ? "boolean" : "string", "uniqueItems": true],
            ]
        }
    }

    private static func document(_ kind: GroupVersionKind) -> JSON {
        [
            "group": .string(kind.group), "version": .string(kind.version),
            "kind": .string(kind.kind),
        ]
    }
}

// MARK: Schemas

extension OpenAPI {
    /// `io.libopenstorage.stork.v1alpha1.Migration`; the core group counts as `io.k8s.api.core`.
    static func name(of resource: APIResource) -> String {
        let group = resource.groupVersion.group
        let labels = group.isEmpty ? "core.api.k8s.io" : group
        let reversed = labels.split(separator: ".").reversed().joined(separator: ".")
        return "\(reversed).\(resource.groupVersion.version).\(resource.kind)"
    }

    private static func schema(of entry: OpenAPIEntry) -> JSON {
        let resource = entry.entry.resource
        var schema = entry.schema ?? OpenAPIMetadata.permissive(resource)
        let metadata: JSON = [
            "description": "Standard object's metadata.",
            "allOf": [["$ref": .string("#/components/schemas/\(OpenAPIMetadata.objectMeta)")]],
        ]
        schema.set(metadata, at: "properties", "metadata")
        for (name, text) in OpenAPIMetadata.typeFields
        where schema["properties", name, "description"] == nil {
            schema.set(
                ["type": "string", "description": .string(text)],
                at: "properties",
                name
            )
        }
        schema.set("object", at: "type")
        schema.set(
            [Self.document(resource.groupVersionKind)],
            at: "x-kubernetes-group-version-kind"
        )
        return schema
    }
}
