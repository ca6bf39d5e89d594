// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

extension ObjectStore {
    /// Stores a new object; `namespace` is the request's, nil for kinds without.
    ///
    /// - Returns: the object with what the server filled in.
    /// - Throws: `.alreadyExists`, `.invalid` with each field that is wrong, `.badRequest` for a body
    ///   that is of another kind or namespace, `.notFound` and `.forbidden` about the namespace.
    public func create(
        _ kind: ServedKind,
        _ object: KubeObject,
        namespace: String? = nil,
        _ options: WriteOptions = WriteOptions()
    ) async throws(APIStatus) -> Written {
        try await self.write(isDryRun: options.isDryRun) { transaction in
            try transaction.create(kind, object, namespace: namespace, options)
        }
    }

    /// Replaces an object, or one part of it.
    ///
    /// - Throws: `.conflict` where the object changed since its resourceVersion, `.notFound`,
    ///   `.invalid`, `.badRequest`.
    public func update(
        _ kind: ServedKind,
        _ key: ObjectKey,
        _ object: KubeObject,
        part: Subresource? = nil,
        _ options: WriteOptions = WriteOptions()
    ) async throws(APIStatus) -> Written {
        try await self.write(isDryRun: options.isDryRun) { transaction in
            try transaction.update(kind, key, object, part: part, options)
        }
    }

    /// Changes an object, or one part of it, as a patch says.
    ///
    /// - Throws: as ``update(_:_:_:part:_:)``; `.unsupportedMediaType` for a strategic merge patch of
    ///   a kind that has no merge keys; `.conflict` with each field that another manager owns.
    public func patch(
        _ kind: ServedKind,
        _ key: ObjectKey,
        _ patch: ObjectPatch,
        part: Subresource? = nil,
        _ options: WriteOptions = WriteOptions()
    ) async throws(APIStatus) -> Written {
        try await self.write(isDryRun: options.isDryRun) { transaction in
            try transaction.patch(kind, key, patch, part: part, options)
        }
    }

    /// Deletes an object, or marks it where finalizers hold it.
    ///
    /// - Throws: `.notFound`, `.conflict` where a precondition does not hold, `.forbidden` for the
    ///   namespaces that every cluster has.
    public func delete(
        _ kind: ServedKind,
        _ key: ObjectKey,
        _ options: DeleteOptions = DeleteOptions()
    ) async throws(APIStatus) -> Deleted {
        try await self.write(isDryRun: options.isDryRun) { transaction in
            try transaction.delete(kind, key, options)
        }
    }

    /// Deletes every object of a selection.
    ///
    /// - Returns: the objects as they were.
    public func deleteCollection(
        _ kind: ServedKind,
        _ selection: ObjectSelection,
        _ options: DeleteOptions = DeleteOptions()
    ) async throws(APIStatus) -> ObjectList {
        var list = try await self.list(kind, ListQuery(selection))
        var deleted: [KubeObject] = []
        for object in list.items {
            do {
                _ = try await self.delete(kind, object.key, options)
                deleted.append(object)
            } catch  where error.reason == .notFound {
                // Somebody else was faster.
            }
        }
        list.items = deleted
        return list
    }
}
