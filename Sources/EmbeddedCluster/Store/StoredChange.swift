// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import ObjectModel

/// One change of one object: what the history keeps and what watches are told.
struct StoredChange: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    let version: Int
    /// Of the kind, as ``ServedKind/storage`` has it.
    let resource: String
    let kind: Kind
    /// After the change; of a deleted object, its last state.
    let object: KubeObject
    /// Before the change; nil for a new object.
    let former: KubeObject?

    init(
        version: Int,
        resource: String,
        kind: Kind,
        object: KubeObject,
        former: KubeObject?
    ) {
        self.version = version
        self.resource = resource
        self.kind = kind
        self.object = object
        self.former = former
    }

    init(_ row: Row) throws {
        self.version = row["version"]
        self.resource = row["resource"]
        guard let kind = Kind(rawValue: row["kind"]) else {
            throw APIStatus(.internalError, "the history has a change of no known kind")
        }
        self.kind = kind
        self.object = try KubeObject(stored: row["body"])
        self.former = try (row["former"] as Data?).map { try KubeObject(stored: $0) }
    }

    /// Changes in the history after a version, oldest first.
    static func changes(
        _ database: Database,
        of resource: String,
        after version: Int,
        through last: Int,
        limit: Int
    ) throws -> [StoredChange] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT version, resource, kind, body, former FROM change
                WHERE resource = ? AND version > ? AND version <= ? ORDER BY version LIMIT ?
                """,
            arguments: [resource, version, last, limit]
        )
        .map(StoredChange.init)
    }
}

extension KubeObject {
    /// An object as the database holds it.
    init(stored body: Data) throws { self.init(try JSON(parsing: Array(body))) }

    /// As the database holds it.
    var stored: Data { Data(self.json.bytes) }
}

/// The counters of the store.
enum StoreCounter: String {
    /// The newest resourceVersion that was given.
    case version
    /// The newest resourceVersion that the history no longer has.
    case compacted

    func read(_ database: Database) throws -> Int {
        try Int.fetchOne(
            database,
            sql: "SELECT value FROM counter WHERE name = ?",
            arguments: [self.rawValue]
        ) ?? 0
    }

    func write(_ value: Int, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE counter SET value = ? WHERE name = ?",
            arguments: [value, self.rawValue]
        )
    }
}
