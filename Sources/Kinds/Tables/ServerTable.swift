// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// Objects as the table that a server prints for `kubectl get` (`meta.k8s.io/v1`, kind `Table`).
public struct ServerTable: Sendable {
    /// How much of its object each row carries (the query parameter `includeObject`).
    public enum Included: String, Hashable, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    /// The name comes first, whatever the columns are.
    public let columns: [PrinterColumn]

    /// A table of a kind; without columns of its own it has the age.
    public init(columns: [PrinterColumn]) {
        self.columns = columns.isEmpty ? [.age] : columns
    }

    /// The table of some objects.
    ///
    /// - Parameters:
    ///   - objects: the rows, in this order.
    ///   - now: what ages are counted to.
    ///   - included: how much of its object each row carries.
    ///   - listMetadata: of the list: `resourceVersion`, `continue`.
    ///   - hasDefinitions: false in the later events of a watch, which need not repeat them.
    /// - Returns: the `Table` object.
    public func json(
        of objects: [KubeObject],
        now: Timestamp,
        included: Included = .metadata,
        listMetadata: JSON = [:],
        hasDefinitions: Bool = true
    ) -> JSON {
        [
            "apiVersion": "meta.k8s.io/v1", "kind": "Table", "metadata": listMetadata,
            "columnDefinitions": .array(hasDefinitions ? self.definitions : []),
            "rows": .array(objects.map { self.row(of: $0, now, included) }),
        ]
    }

    private var definitions: [JSON] {
        let name = Self.definition(
            "Name",
            .string,
            "name",
            "The name is unique within a namespace.",
            0
        )
        return [name]
            + self.columns.map {
                Self.definition($0.name, $0.type, "", $0.description, $0.priority)
            }
    }

    private static func definition(
        _ name: String,
        _ type: PrinterColumn.CellType,
        _ format: String,
        _ description: String,
        _ priority: Int
    ) -> JSON {
        // An age is computed here, so for the client it is a text.
        let shown = type == .date ? PrinterColumn.CellType.string : type
        return [
            "name": .string(name), "type": .string(shown.rawValue), "format": .string(format),
            "description": .string(description), "priority": JSON(priority),
        ]
    }

    private func row(of object: KubeObject, _ now: Timestamp, _ included: Included) -> JSON {
        let cells = self.columns.map { $0.cell(of: object, now: now) }
        var row: JSON = ["cells": .array([.string(object.name)] + cells)]
        switch included {
        case .none: break
        case .metadata:
            row.set(
                [
                    "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
                    "metadata": object["metadata"] ?? [:],
                ],
                at: "object"
            )
        case .object: row.set(object.json, at: "object")
        }
        return row
    }
}

extension PrinterColumn {
    /// How long an object has existed.
    public static let age = PrinterColumn("Age", .date) { object in
        object.creationTimestamp.map(JSON.string) ?? .null
    }
}
