// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension ServedKind {
    /// Fields that nobody owns: the server sets them, or they name the object.
    private static let unowned: [[String]] = [
        ["apiVersion"], ["kind"],
        ["metadata", "name"], ["metadata", "namespace"], ["metadata", "uid"],
        ["metadata", "creationTimestamp"], ["metadata", "resourceVersion"],
        ["metadata", "generation"], ["metadata", "managedFields"], ["metadata", "selfLink"],
        ["metadata", "deletionTimestamp"], ["metadata", "deletionGracePeriodSeconds"],
    ]

    /// Of a set, what a write of one part can own.
    func owned(_ fields: FieldTree, part: Subresource?) -> FieldTree {
        let fields = fields.dropping(Self.unowned)
        if part == .status { return fields.only("status") }
        return self.hasStatus ? fields.dropping([["status"]]) : fields
    }

    func entry(
        _ operation: ManagedFields.Operation,
        part: Subresource?,
        manager: String,
        time: String,
        fields: FieldTree = FieldTree()
    ) -> ManagedFields.Entry {
        ManagedFields.Entry(
            manager: manager.isEmpty ? "unknown" : manager,
            operation: operation,
            apiVersion: self.resource.groupVersion.apiVersion,
            subresource: part.map(\.rawValue) ?? "",
            time: time,
            fields: fields
        )
    }
}

extension StoreTransaction {
    /// Notes who set what, when an object is written otherwise than by server-side apply.
    ///
    /// `appliedFields` are the new `managedFields` where server-side apply made them already.
    func own(
        _ object: inout KubeObject,
        _ kind: ServedKind,
        former: KubeObject?,
        part: Subresource?,
        _ options: WriteOptions,
        appliedFields: JSON?
    ) throws {
        if let appliedFields {
            object.set(appliedFields, at: "metadata", "managedFields")
            return
        }
        // An explicitly empty list takes everybody's fields away, as in the real server.
        let isReset = object["metadata", "managedFields"] == [[:]]
        var managed = former == nil ? ManagedFields() : ManagedFields(object)
        if managed.entries.isEmpty, !isReset, let former { managed = ManagedFields(former) }
        let old = former?.json ?? .object([:])
        let difference = FieldTree.difference(from: old, to: object.json, kind.shape)
        let changed = kind.owned(difference.changed, part: part)
        let removed = kind.owned(difference.removed, part: part)
        var entry = kind.entry(
            .update,
            part: part,
            manager: options.fieldManager,
            time: self.environment.timestamp
        )
        managed.take(changed.union(removed), for: entry)
        entry.fields = managed.fields(of: entry).union(changed).subtracting(removed)
        managed.set(entry)
        object.set(isReset ? nil : managed.json, at: "metadata", "managedFields")
    }

    /// Server-side apply: what one manager wants, everything of it and nothing else.
    func apply(
        _ kind: ServedKind,
        _ key: ObjectKey,
        _ configuration: JSON,
        part: Subresource?,
        _ options: WriteOptions
    ) throws -> Written {
        let wanted = try kind.configuration(configuration, key, options)
        let warnings = try kind.checkUnknownFields(of: wanted, options.fieldValidation)
        let pruned = kind.schema.map { $0.pruned(wanted.json) } ?? wanted.json
        var entry = kind.entry(
            .apply,
            part: part,
            manager: options.fieldManager,
            time: self.environment.timestamp,
            fields: kind.owned(FieldTree(of: pruned, kind.shape), part: part)
        )
        guard let live = try self.object(kind.storage, key).map(kind.presented) else {
            guard part == nil else { throw APIStatus.notFound(kind.resource, key.name) }
            var managed = ManagedFields()
            managed.set(entry)
            return try self.create(
                kind,
                wanted,
                namespace: kind.resource.isNamespaced ? key.namespace : nil,
                options,
                appliedFields: managed.json
            )
        }
        var managed = ManagedFields(live)
        let former = managed.fields(of: entry)
        let others = managed.fields(except: entry)
        let gone = former.subtracting(entry.fields).subtracting(others)
        var proposed = live.json.applied(kind.written(pruned, part), kind.shape)
        proposed =
            proposed.without(gone, others: others.union(entry.fields), kind.shape) ?? proposed
        let difference = FieldTree.difference(from: live.json, to: proposed, kind.shape)
        let changed = kind.owned(difference.changed, part: part)
        let conflicts = managed.conflicts(changed, with: entry)
        guard conflicts.isEmpty || options.isForced else {
            throw APIStatus.applyConflict(kind.resource, key.name, conflicts)
        }
        // What is gone is nobody's: an object that became a text has no fields any more.
        managed.take(changed.union(kind.owned(difference.removed, part: part)), for: entry)
        entry.apiVersion = kind.resource.groupVersion.apiVersion
        managed.set(entry)
        var object = KubeObject(proposed)
        if wanted.resourceVersion.isEmpty {
            object.set(.string(live.resourceVersion), at: "metadata", "resourceVersion")
        }
        var written = try self.replace(
            kind,
            live,
            by: object,
            part: part,
            options,
            appliedFields: managed.json
        )
        written.warnings = warnings
        return written
    }
}

extension ServedKind {
    /// A configuration that is checked and complete enough to be merged.
    fileprivate func configuration(
        _ configuration: JSON,
        _ key: ObjectKey,
        _ options: WriteOptions
    ) throws -> KubeObject {
        guard !options.fieldManager.isEmpty else {
            throw APIStatus(
                .badRequest,
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: "
                    + "is required for apply patch"
            )
        }
        var wanted = KubeObject(configuration.withoutNulls)
        guard wanted["metadata", "managedFields"] == nil else {
            throw APIStatus(.badRequest, "metadata.managedFields must be nil")
        }
        guard !wanted.apiVersion.isEmpty, !wanted.kind.isEmpty else {
            throw APIStatus(.badRequest, "apiVersion and kind must be set in an apply patch")
        }
        try self.adopt(&wanted, namespace: self.resource.isNamespaced ? key.namespace : nil)
        guard wanted.name.isEmpty || wanted.name == key.name else {
            throw APIStatus(
                .badRequest,
                "metadata.name must match the name in the URL: \(wanted.name), \(key.name)"
            )
        }
        wanted.set(.string(key.name), at: "metadata", "name")
        wanted.dropEmptyMetadata()
        return wanted
    }

    /// Of a configuration, what a write of one part changes.
    fileprivate func written(_ configuration: JSON, _ part: Subresource?) -> JSON {
        var fields = configuration.object ?? [:]
        if part == .status {
            fields = fields.filter { $0.key == "status" }
        } else if self.hasStatus {
            fields["status"] = nil
        }
        return .object(fields)
    }
}

extension ManagedFields {
    /// The fields that a write changes and that others own, by manager.
    fileprivate func conflicts(
        _ changed: FieldTree,
        with entry: Entry
    ) -> [(owner: Entry, path: String)] {
        self.entries.filter { !$0.isSameManager(entry) }
            .flatMap { owner in
                changed.intersection(owner.fields).paths.map { (owner, $0) }
            }
    }
}

extension APIStatus {
    fileprivate static func applyConflict(
        _ resource: APIResource,
        _ name: String,
        _ conflicts: [(owner: ManagedFields.Entry, path: String)]
    ) -> APIStatus {
        func owner(_ entry: ManagedFields.Entry) -> String {
            let part = entry.subresource.isEmpty ? "" : " with subresource \"\(entry.subresource)\""
            return "\"\(entry.manager)\"\(part) using \(entry.apiVersion)"
        }
        let causes = conflicts.map { conflict in
            Cause(
                reason: "FieldManagerConflict",
                message: "conflict with \(owner(conflict.owner))",
                field: conflict.path
            )
        }
        let texts = causes.map { "\($0.message): \($0.field)" }
        let count = causes.count == 1 ? "1 conflict" : "\(causes.count) conflicts"
        var status = APIStatus(
            .conflict,
            "Apply failed with \(count): \(texts.joined(separator: "; "))",
            resource,
            name
        )
        status.causes = causes
        return status
    }
}
