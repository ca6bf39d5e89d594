// SPDX-License-Identifier: Apache-2.0

// The garbage collector and the namespace controller of a real cluster, as rounds over the tables:
// each round looks at what is there, never at what happened, so a restart at any point converges.

import Foundation
import GRDB
import ObjectModel

extension StoreTransaction {
    /// One bounded round of everything that follows from what is stored.
    ///
    /// - Returns: how many things were done; 0 when the store is at rest.
    func collect(limit: Int) throws -> Int {
        var done = try self.settleVolumes(limit: limit)
        done += try self.collectOrphans(limit: limit)
        for (resource, object) in try self.deletionsInProgress() {
            guard let kind = self.kinds.stored(resource) else { continue }
            let current = try self.object(resource, object.key) ?? object
            guard current.uid == object.uid else { continue }
            if current.finalizers.contains(StoreFinalizer.orphan) {
                done += try self.releaseDependents(of: current, kind)
            } else if current.finalizers.contains(StoreFinalizer.foreground) {
                done += try self.deleteDependents(of: current, kind)
            } else if resource == BuiltInKinds.namespace.storage {
                done += try self.emptyNamespace(current, limit: limit)
            } else if current.finalizers.contains(StoreFinalizer.customResources) {
                done += try self.emptyDefinition(current, kind, limit: limit)
            }
        }
        return done
    }

    // MARK: Owners that are gone

    /// Looks at the objects whose owners changed or went.
    private func collectOrphans(limit: Int) throws -> Int {
        let suspects = try String.fetchAll(
            self.database,
            sql: "SELECT uid FROM suspect LIMIT ?",
            arguments: [limit]
        )
        for uid in suspects {
            try self.execute("DELETE FROM suspect WHERE uid = ?", [uid])
            let row = try Row.fetchOne(
                self.database,
                sql: "SELECT resource, body FROM object WHERE uid = ?",
                arguments: [uid]
            )
            guard let row else { continue }
            let object = try KubeObject(stored: row["body"])
            let owners = object.ownerReferences
            let gone = try owners.filter { try !self.isThere($0, for: object) }
            guard !gone.isEmpty, !object.isBeingDeleted else { continue }
            try self.drop(gone.map(\.uid), from: object, in: row["resource"], owners: owners)
        }
        return suspects.count
    }

    private func isThere(_ owner: OwnerReference, for object: KubeObject) throws -> Bool {
        try Bool.fetchOne(
            self.database,
            sql: """
                SELECT EXISTS (
                    SELECT 1 FROM object WHERE uid = ?1
                    AND (namespace = '' OR ?2 = '' OR namespace = ?2)
                )
                """,
            arguments: [owner.uid, object.namespace]
        ) ?? false
    }

    /// Deletes an object whose owners all go; else takes those that go out of it.
    private func drop(
        _ gone: [String],
        from object: KubeObject,
        in resource: String,
        owners: [OwnerReference],
        _ propagation: DeleteOptions.Propagation = .background
    ) throws {
        guard owners.allSatisfy({ gone.contains($0.uid) }) else {
            var kept = object
            let references = (object["metadata", "ownerReferences"]?.array ?? [])
                .filter { !gone.contains($0["uid"]?.string ?? "") }
            kept.set(.array(references), at: "metadata", "ownerReferences")
            try self.put(kept, in: resource, former: object)
            return
        }
        try self.discard(object, in: resource, propagation)
    }

    /// Deletes an object on behalf of the cluster; finalizers are waited for.
    private func discard(
        _ object: KubeObject,
        in resource: String,
        _ propagation: DeleteOptions.Propagation = .background
    ) throws {
        guard let kind = self.kinds.stored(resource) else {
            // Of a kind that nobody serves any more: there is nobody to wait for.
            try self.remove(object, from: resource)
            return
        }
        var options = DeleteOptions()
        let waits = [StoreFinalizer.foreground, StoreFinalizer.orphan]
        if !object.finalizers.contains(where: waits.contains) { options.propagation = propagation }
        _ = try self.delete(kind, object.key, options)
    }

    // MARK: Deletions that wait

    /// Objects that are marked and that the store itself has to do something about.
    private func deletionsInProgress() throws -> [(String, KubeObject)] {
        try Row.fetchAll(
            self.database,
            sql: """
                SELECT o.resource, o.body FROM deleting JOIN object AS o ON o.uid = deleting.uid
                WHERE o.resource = ?
                OR instr(o.body, CAST('"\(StoreFinalizer.foreground)"' AS BLOB))
                OR instr(o.body, CAST('"\(StoreFinalizer.orphan)"' AS BLOB))
                OR instr(o.body, CAST('"\(StoreFinalizer.customResources)"' AS BLOB))
                """,
            arguments: [BuiltInKinds.namespace.storage]
        )
        .map { ($0["resource"], try KubeObject(stored: $0["body"])) }
    }

    private func dependents(of owner: KubeObject) throws -> [(String, KubeObject)] {
        try Row.fetchAll(
            self.database,
            sql: """
                SELECT o.resource, o.body FROM owner JOIN object AS o ON o.uid = owner.dependent
                WHERE owner.owner = ?
                """,
            arguments: [owner.uid]
        )
        .map { ($0["resource"], try KubeObject(stored: $0["body"])) }
    }

    private func releaseDependents(of owner: KubeObject, _ kind: ServedKind) throws -> Int {
        for (resource, object) in try self.dependents(of: owner) {
            var kept = object
            let references = (object["metadata", "ownerReferences"]?.array ?? [])
                .filter { $0["uid"]?.string != owner.uid }
            kept.set(
                references.isEmpty ? nil : .array(references),
                at: "metadata",
                "ownerReferences"
            )
            try self.put(kept, in: resource, former: object)
        }
        try self.finish(owner, kind, StoreFinalizer.orphan)
        return 1
    }

    private func deleteDependents(of owner: KubeObject, _ kind: ServedKind) throws -> Int {
        var done = 0
        var isBlocked = false
        for (resource, object) in try self.dependents(of: owner) {
            let owners = object.ownerReferences
            if !object.isBeingDeleted {
                done += 1
                try self.drop([owner.uid], from: object, in: resource, owners: owners, .foreground)
            }
            let isThere = try self.object(resource, object.key)?.ownerReferences
                .contains { $0.uid == owner.uid && $0.blocksOwnerDeletion }
            isBlocked = isBlocked || isThere == true
        }
        guard !isBlocked else { return done }
        try self.finish(owner, kind, StoreFinalizer.foreground)
        return done + 1
    }

    /// Takes a finalizer of the store off an object, which goes if it was the last.
    private func finish(_ object: KubeObject, _ kind: ServedKind, _ finalizer: String) throws {
        var finished = object
        finished.finalizers.removeAll { $0 == finalizer }
        guard finished.isReadyToGo else {
            try self.put(finished, in: kind.storage, former: object)
            return
        }
        try self.remove(finished, from: kind.storage)
        try self.followRemoval(of: finished, kind)
    }

    // MARK: Namespaces and definitions

    private func emptyNamespace(_ namespace: KubeObject, limit: Int) throws -> Int {
        let done = try self.discardAll(
            where: "namespace = ?",
            [namespace.name],
            limit: limit
        )
        let remaining = try Row.fetchAll(
            self.database,
            sql:
                "SELECT resource, COUNT(*) AS count FROM object WHERE namespace = ? GROUP BY resource",
            arguments: [namespace.name]
        )
        guard remaining.isEmpty else {
            let texts = remaining.map { row -> String in
                "\(row["resource"] as String) has \(row["count"] as Int) resource instances"
            }
            return try done + self.explain(namespace, texts)
        }
        var empty = namespace
        let finalizers = (namespace["spec", "finalizers"]?.array ?? [])
            .filter { $0.string != StoreFinalizer.namespace }
        empty.set(.array(finalizers), at: "spec", "finalizers")
        guard empty != namespace || empty.isReadyToGo else { return done }
        if empty.isReadyToGo {
            try self.remove(empty, from: BuiltInKinds.namespace.storage)
        } else {
            try self.put(empty, in: BuiltInKinds.namespace.storage, former: namespace)
        }
        return done + 1
    }

    /// Says in the status what still holds a namespace, for the person who waits for it.
    private func explain(_ namespace: KubeObject, _ texts: [String]) throws -> Int {
        let message = "Some resources are remaining: \(texts.joined(separator: ", "))"
        let conditions = namespace["status", "conditions"]?.array ?? []
        let former = conditions.first { $0["type"] == "NamespaceContentRemaining" }
        guard former?["message"]?.string != message else { return 0 }
        var explained = namespace
        explained.set(
            .array(
                conditions.filter { $0["type"] != "NamespaceContentRemaining" } + [
                    [
                        "type": "NamespaceContentRemaining", "status": "True",
                        "reason": "SomeResourcesRemain", "message": .string(message),
                        "lastTransitionTime": former?["lastTransitionTime"]
                            ?? .string(self.environment.timestamp),
                    ]
                ]
            ),
            at: "status",
            "conditions"
        )
        try self.put(explained, in: BuiltInKinds.namespace.storage, former: namespace)
        return 1
    }

    /// Deletes the objects of a kind whose definition goes, and then the definition.
    private func emptyDefinition(
        _ definition: KubeObject,
        _ kind: ServedKind,
        limit: Int
    ) throws -> Int {
        let done = try self.discardAll(
            where: "resource = ?",
            [definition.name],
            limit: limit
        )
        let remains = try Bool.fetchOne(
            self.database,
            sql: "SELECT EXISTS (SELECT 1 FROM object WHERE resource = ?)",
            arguments: [definition.name]
        )
        guard remains != true else { return done }
        try self.finish(definition, kind, StoreFinalizer.customResources)
        return done + 1
    }

    /// Deletes what is not marked yet.
    private func discardAll(
        where condition: String,
        _ arguments: StatementArguments,
        limit: Int
    ) throws -> Int {
        let rows = try Row.fetchAll(
            self.database,
            sql: """
                SELECT resource, body FROM object WHERE \(condition)
                AND NOT EXISTS (SELECT 1 FROM deleting WHERE deleting.uid = object.uid)
                LIMIT \(limit)
                """,
            arguments: arguments
        )
        for row in rows { try self.discard(KubeObject(stored: row["body"]), in: row["resource"]) }
        return rows.count
    }
}
