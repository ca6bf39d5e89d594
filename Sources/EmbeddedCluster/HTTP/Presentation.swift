// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// Objects of one kind in the form that a client wants.
struct Presentation: Sendable {
    let kind: ServedKind
    let form: AnswerForm
    /// What stands beside the cells of a table's row.
    let rowObject: RowObject
    let now: Date

    enum RowObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    /// The version and the place of a list.
    struct ListMetadata: Sendable {
        var resourceVersion: String
        /// Where the next part begins; empty at the end.
        var next = ""
        /// How many objects are behind it; nil where nobody has counted.
        var remaining: Int?

        fileprivate var json: JSON {
            var fields: JSONFields = ["resourceVersion": .string(self.resourceVersion)]
            if !self.next.isEmpty {
                fields["continue"] = .string(self.next)
                fields["remainingItemCount"] = self.remaining.map { JSON($0) }
            }
            return .object(fields)
        }
    }

    /// One object as the whole answer.
    func one(_ object: KubeObject) -> JSON {
        switch self.form {
        case .object: object.json
        case .metadata(let version): Self.metadata(of: object, version)
        case .table(let version):
            self.table(
                version,
                [object],
                ["resourceVersion": .string(object.resourceVersion)],
                withColumns: true
            )
        }
    }

    /// A list as the whole answer.
    func list(_ objects: [KubeObject], _ metadata: ListMetadata) -> JSON {
        switch self.form {
        case .object:
            let groupVersion = self.kind.resource.groupVersion
            return Self.list(
                groupVersion.apiVersion,
                self.kind.listKind,
                objects.map(\.json),
                metadata
            )
        case .metadata(let version):
            return Self.list(
                "meta.k8s.io/\(version)",
                "PartialObjectMetadataList",
                objects.map { Self.metadata(of: $0, version) },
                metadata
            )
        case .table(let version):
            return self.table(version, objects, metadata.json, withColumns: true)
        }
    }

    /// An object inside of an event of a watch; clients keep the columns of the first table.
    func event(_ object: KubeObject, isFirst: Bool) -> JSON {
        switch self.form {
        case .object, .metadata: self.one(object)
        case .table(let version):
            self.table(
                version,
                [object],
                ["resourceVersion": .string(object.resourceVersion)],
                withColumns: isFirst
            )
        }
    }

    /// A bookmark, whose object has a version and nothing else.
    ///
    /// In a table it stands in a row without cells, which kubectl passes over.
    func bookmark(_ object: KubeObject) -> JSON {
        switch self.form {
        case .object: return object.json
        case .metadata(let version): return Self.metadata(of: object, version)
        case .table(let version):
            return [
                "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"),
                "metadata": ["resourceVersion": .string(object.resourceVersion)],
                "columnDefinitions": .null,
                "rows": [["cells": [], "object": Self.metadata(of: object, version)]],
            ]
        }
    }

    private static func list(
        _ apiVersion: String,
        _ kind: String,
        _ items: [JSON],
        _ metadata: ListMetadata
    ) -> JSON {
        [
            "kind": .string(kind), "apiVersion": .string(apiVersion), "metadata": metadata.json,
            "items": .array(items),
        ]
    }

    private static func metadata(of object: KubeObject, _ version: String) -> JSON {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": object["metadata"] ?? .object([:]),
        ]
    }

    // MARK: Tables

    private var columns: [KindColumn] {
        self.kind.columns.isEmpty ? Self.usualColumns : self.kind.columns
    }

    /// Of a kind that names none.
    private static let usualColumns = [
        KindColumn("Name", format: "name", summary: "Unique in its namespace.") { object, _ in
            .string(object.name)
        },
        KindColumn("Created At", type: "date", summary: "When the object was made.") { object, _ in
            object.creationTimestamp.map(JSON.string) ?? .null
        },
    ]

    private func table(
        _ version: String,
        _ objects: [KubeObject],
        _ metadata: JSON,
        withColumns: Bool
    ) -> JSON {
        let columns = self.columns
        let definitions = columns.map { column -> JSON in
            [
                "name": .string(column.name), "type": .string(column.type),
                "format": .string(column.format), "description": .string(column.summary),
                "priority": JSON(column.priority),
            ]
        }
        let rows = objects.map { object -> JSON in
            var row: JSONFields = [
                "cells": .array(columns.map { $0.cell(object, self.now) })
            ]
            switch self.rowObject {
            case .none: break
            case .metadata: row["object"] = Self.metadata(of: object, version)
            case .object: row["object"] = object.json
            }
            return .object(row)
        }
        return [
            "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": metadata,
            "columnDefinitions": withColumns ? .array(definitions) : .null,
            "rows": .array(rows),
        ]
    }
}
