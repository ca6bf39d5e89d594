// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import ObjectModel

/// One commit while it is made: reads and writes of objects, and what they changed.
///
/// It lives on the database's writing thread only. Each write gets the next resourceVersion; what
/// was written is told to watches when the commit is on the disk.
final class StoreTransaction {
    /// What a savepoint must put back.
    struct Mark {
        let version: Int
        let changes: Int
        let kinds: KindRegistry
        let needsCollection: Bool
    }

    let database: Database
    let environment: StoreEnvironment
    let limits: StoreLimits
    private(set) var version: Int
    private(set) var changes: [StoredChange] = []
    var kinds: KindRegistry
    /// Whether something was written that the collector has to look at.
    var needsCollection = false

    init(
        _ database: Database,
        version: Int,
        kinds: KindRegistry,
        environment: StoreEnvironment,
        limits: StoreLimits
    ) {
        self.database = database
        self.version = version
        self.kinds = kinds
        self.environment = environment
        self.limits = limits
    }

    var mark: Mark {
        Mark(
            version: self.version,
            changes: self.changes.count,
            kinds: self.kinds,
            needsCollection: self.needsCollection
        )
    }

    /// Forgets what was done since a mark; the database's own savepoint does the same with rows.
    func rollBack(to mark: Mark) {
        self.version = mark.version
        self.changes.removeLast(self.changes.count - mark.changes)
        self.kinds = mark.kinds
        self.needsCollection = mark.needsCollection
    }

    // MARK: Rows

    func object(_ resource: String, _ key: ObjectKey) throws -> KubeObject? {
        try Self.object(self.database, resource, key)
    }

    static func object(
        _ database: Database,
        _ resource: String,
        _ key: ObjectKey
    ) throws -> KubeObject? {
        let statement = try database.cachedStatement(
            sql: "SELECT body FROM object WHERE resource = ? AND namespace = ? AND name = ?"
        )
        return try Data.fetchOne(statement, arguments: [resource, key.namespace, key.name])
            .map { try KubeObject(stored: $0) }
    }

    /// Every object of a kind, or those of one namespace.
    func objects(_ resource: String, namespace: String? = nil) throws -> [KubeObject] {
        var sql = "SELECT body FROM object WHERE resource = ?"
        var arguments: StatementArguments = [resource]
        if let namespace {
            sql += " AND namespace = ?"
            arguments += [namespace]
        }
        return
            try Data.fetchAll(
                self.database,
                sql: sql + " ORDER BY namespace, name",
                arguments: arguments
            )
            .map { try KubeObject(stored: $0) }
    }

    /// Writes an object under the next resourceVersion.
    ///
    /// - Returns: the object with that version.
    @discardableResult
    func put(_ object: KubeObject, in resource: String, former: KubeObject?) throws -> KubeObject {
        self.version += 1
        var object = object
        object.set(.string("\(self.version)"), at: "metadata", "resourceVersion")
        let body = object.stored
        guard body.count <= self.limits.objectBytes else {
            throw APIStatus(
                .requestEntityTooLarge,
                "the object has \(body.count) bytes, more than \(self.limits.objectBytes)"
            )
        }
        let statement = try self.database.cachedStatement(
            sql: """
                INSERT INTO object (resource, namespace, name, uid, version, body)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (resource, namespace, name) DO UPDATE
                SET uid = excluded.uid, version = excluded.version, body = excluded.body
                """
        )
        try statement.execute(
            arguments: [
                resource, object.namespace, object.name, object.uid, self.version, body,
            ]
        )
        try self.noteOwners(of: object, former: former)
        try self.noteDeletion(of: object, former: former)
        try self.noteVolume(object, resource)
        if resource == ServiceAllocator.resource { try self.noteAllocations(of: object) }
        try self.note(
            StoredChange(
                version: self.version,
                resource: resource,
                kind: former == nil ? .added : .modified,
                object: object,
                former: former
            ),
            body: body
        )
        return object
    }

    /// Removes an object for good.
    func remove(_ object: KubeObject, from resource: String) throws {
        self.version += 1
        let statement = try self.database.cachedStatement(
            sql: "DELETE FROM object WHERE resource = ? AND namespace = ? AND name = ?"
        )
        try statement.execute(arguments: [resource, object.namespace, object.name])
        var last = object
        last.set(.string("\(self.version)"), at: "metadata", "resourceVersion")
        try self.execute(
            "INSERT OR IGNORE INTO suspect (uid) SELECT dependent FROM owner WHERE owner = ?",
            [object.uid]
        )
        try self.execute("DELETE FROM owner WHERE dependent = ?", [object.uid])
        try self.execute("DELETE FROM deleting WHERE uid = ?", [object.uid])
        if resource == ServiceAllocator.resource {
            try self.execute("DELETE FROM allocation WHERE uid = ?", [object.uid])
        }
        self.needsCollection = true
        try self.noteVolume(object, resource)
        try self.note(
            StoredChange(
                version: self.version,
                resource: resource,
                kind: .deleted,
                object: last,
                former: object
            ),
            body: last.stored
        )
    }

    private func note(_ change: StoredChange, body: Data) throws {
        let former = change.former?.stored
        let statement = try self.database.cachedStatement(
            sql: """
                INSERT INTO change (version, resource, namespace, name, kind, body, former, size)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        try statement.execute(
            arguments: [
                change.version, change.resource, change.object.namespace, change.object.name,
                change.kind.rawValue, body, former, body.count + (former?.count ?? 0),
            ]
        )
        self.changes.append(change)
    }

    func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try self.database.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    // MARK: What the collector looks for

    /// Keeps the table of owners equal to the objects' references.
    private func noteOwners(of object: KubeObject, former: KubeObject?) throws {
        let owners = Set(object.ownerReferences.map(\.uid))
        let before = Set((former?.ownerReferences ?? []).map(\.uid))
        guard owners != before || former?.uid != object.uid else { return }
        self.needsCollection = self.needsCollection || !owners.isEmpty || !before.isEmpty
        for gone in before.subtracting(owners) {
            try self.execute(
                "DELETE FROM owner WHERE dependent = ? AND owner = ?",
                [object.uid, gone]
            )
        }
        guard !owners.isEmpty else { return }
        // The references may be to nobody from the start.
        try self.execute("INSERT OR IGNORE INTO suspect (uid) VALUES (?)", [object.uid])
        for owner in owners {
            try self.execute(
                "INSERT OR IGNORE INTO owner (owner, dependent) VALUES (?, ?)",
                [owner, object.uid]
            )
        }
    }

    /// Keeps the table of objects that wait for their finalizers.
    private func noteDeletion(of object: KubeObject, former: KubeObject?) throws {
        guard object.isBeingDeleted else { return }
        self.needsCollection = true
        guard former?.isBeingDeleted != true else { return }
        try self.execute("INSERT OR IGNORE INTO deleting (uid) VALUES (?)", [object.uid])
    }

    /// Keeps the table of volumes and claims that the binder has to look at.
    ///
    /// With a claim the volume that it names, and the other way round: either may settle the other.
    private func noteVolume(_ object: KubeObject, _ resource: String) throws {
        let other: ObjectKey
        switch resource {
        case VolumeBinder.claims:
            other = ObjectKey("", object["spec", "volumeName"]?.string ?? "")
            try self.noteUnsettled(VolumeBinder.claims, object.key)
            if !other.name.isEmpty { try self.noteUnsettled(VolumeBinder.volumes, other) }
        case VolumeBinder.volumes:
            let claim = object["spec", "claimRef"]
            other = ObjectKey(claim?["namespace"]?.string ?? "", claim?["name"]?.string ?? "")
            try self.noteUnsettled(VolumeBinder.volumes, object.key)
            if !other.name.isEmpty { try self.noteUnsettled(VolumeBinder.claims, other) }
        default: return
        }
    }

    private func noteUnsettled(_ resource: String, _ key: ObjectKey) throws {
        self.needsCollection = true
        try self.execute(
            "INSERT OR IGNORE INTO unsettled (resource, namespace, name) VALUES (?, ?, ?)",
            [resource, key.namespace, key.name]
        )
    }
}
