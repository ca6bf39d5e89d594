// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StoreTransaction {
    /// Changes an object, or one part of it, as a patch says.
    func patch(
        _ kind: ServedKind,
        _ key: ObjectKey,
        _ patch: ObjectPatch,
        part: Subresource?,
        _ options: WriteOptions
    ) throws -> Written {
        if case .apply(let configuration) = patch {
            return try self.apply(kind, key, configuration, part: part, options)
        }
        let live = try self.live(kind, key)
        let target = part == .scale ? try kind.scaleView(of: live) : live
        var proposed = KubeObject(try kind.patched(target, patch))
        if part == .scale { return try self.scale(kind, live, to: proposed, options) }
        guard proposed.apiVersion == live.apiVersion, proposed.kind == live.kind else {
            throw APIStatus(.badRequest, "a patch cannot change apiVersion or kind")
        }
        guard proposed.name == live.name, proposed.namespace == live.namespace else {
            throw APIStatus.invalid(
                kind.resource,
                live.name,
                [.invalid("metadata.name", .string(proposed.name), "field is immutable")]
            )
        }
        if proposed.resourceVersion.isEmpty {
            proposed.set(.string(live.resourceVersion), at: "metadata", "resourceVersion")
        }
        return try self.replace(kind, live, by: proposed, part: part, options)
    }
}

extension ServedKind {
    /// The object that a patch proposes.
    func patched(_ live: KubeObject, _ patch: ObjectPatch) throws -> JSON {
        switch patch {
        case .merge(let changes):
            guard changes.object != nil else {
                throw APIStatus(.badRequest, "a merge patch is an object")
            }
            return live.json.merged(with: changes)
        case .json(let operations):
            do { return try live.json.patched(with: operations) } catch {
                throw APIStatus.invalid(
                    self.resource,
                    live.name,
                    [
                        APIStatus.Cause(
                            reason: "FieldValueInvalid",
                            message: error.reason,
                            field: "patch"
                        )
                    ]
                )
            }
        case .strategicMerge(let changes):
            guard self.schema == nil else {
                throw APIStatus(
                    .unsupportedMediaType,
                    "the body of the request was in an unknown format - accepted media types "
                        + "include: application/json-patch+json, application/merge-patch+json, "
                        + "application/apply-patch+yaml"
                )
            }
            return try live.json.strategicallyMerged(with: changes, self.shape)
        case .apply:
            preconditionFailure("an apply patch has a way of its own")
        }
    }
}
