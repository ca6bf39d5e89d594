// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// A request for objects of a kind that is served, by somebody who may.
struct ObjectRequest: Sendable {
    let store: ObjectStore
    let kind: ServedKind
    let path: ObjectPath
    let request: APIRequest
    let verb: String

    func answer() async throws(APIStatus) -> APIAnswer {
        switch self.verb {
        case "list": return try await self.list()
        case "watch": return try await self.watch()
        case "get": return try await self.get()
        case "create": return try await self.create()
        case "update": return try await self.update()
        case "patch": return try await self.patch()
        case "delete": return try await self.delete()
        case "deletecollection": return try await self.deleteCollection()
        default: throw .methodNotAllowed(self.request.method)
        }
    }

    private var options: QueryOptions { self.request.options }

    // MARK: What is meant

    /// The object that the path names.
    private func key() throws(APIStatus) -> ObjectKey {
        guard let name = self.path.name else { throw .noResource }
        guard self.kind.resource.isNamespaced else { return ObjectKey("", name) }
        guard let namespace = self.path.namespace else { throw .noResource }
        return ObjectKey(namespace, name)
    }

    /// The part of the object that the path names; nil for all of it.
    private func part() throws(APIStatus) -> Subresource? {
        guard let name = self.path.subresource else { return nil }
        guard let part = Subresource(rawValue: name) else { throw .noResource }
        let isServed =
            switch part {
            case .status: self.kind.hasStatus
            case .scale: self.kind.scale != nil
            case .finalize: self.kind.resource.groupVersionKind == Self.namespaceKind
            }
        guard isServed else { throw .noResource }
        return part
    }

    private static let namespaceKind = GroupVersionKind("", "v1", "Namespace")

    private func selection() throws(APIStatus) -> ObjectSelection {
        do {
            return ObjectSelection(
                namespace: self.path.namespace,
                labels: try LabelSelector(parsing: self.options["labelSelector"] ?? ""),
                fields: try FieldSelector(parsing: self.options["fieldSelector"] ?? "")
            )
        } catch let error as APIStatus { throw error } catch {
            throw APIStatus(.badRequest, "unable to parse the label selector: \(error)")
        }
    }

    private func presentation(of part: Subresource? = nil) throws(APIStatus) -> Presentation {
        guard let form = AnswerForm(accepting: self.request.accepted) else {
            throw .notAcceptable("application/json")
        }
        let words = ["None", "Metadata", "Object"]
        let object = try self.options.word("includeObject", of: words)
            .flatMap {
                Presentation.RowObject(rawValue: $0)
            }
        return Presentation(
            kind: self.kind,
            // A scale has no columns of its own.
            form: part == .scale ? .object : form,
            rowObject: object ?? .metadata,
            now: self.store.environment.now()
        )
    }

    private func isDryRun() throws(APIStatus) -> Bool {
        try self.options.word("dryRun", of: ["All"]) != nil
    }

    private func writeOptions() throws(APIStatus) -> WriteOptions {
        var options = WriteOptions()
        options.isDryRun = try self.isDryRun()
        options.fieldManager = self.options["fieldManager"] ?? ""
        options.isForced = try self.options.flag("force")
        let words = WriteOptions.FieldValidation.allCases.map(\.rawValue)
        if let word = try self.options.word("fieldValidation", of: words),
            let validation = WriteOptions.FieldValidation(rawValue: word)
        {
            options.fieldValidation = validation
        }
        return options
    }

    // MARK: Reading

    private func get() async throws(APIStatus) -> APIAnswer {
        let part = try self.part()
        let presentation = try self.presentation(of: part)
        let object = try await self.store.get(self.kind, try self.key())
        return .document(
            presentation.one(part == .scale ? try self.kind.scaleView(of: object) : object)
        )
    }

    private func list() async throws(APIStatus) -> APIAnswer {
        let presentation = try self.presentation()
        var query = ListQuery(try self.selection())
        query.limit = try self.options.number("limit")
        query.continueToken = self.options["continue"]
        query.resourceVersion = self.options["resourceVersion"]
        query.isExact =
            try self.options.word("resourceVersionMatch", of: ["Exact", "NotOlderThan"]) == "Exact"
        let list = try await self.store.list(self.kind, query)
        return .document(
            presentation.list(
                list.items,
                Presentation.ListMetadata(
                    resourceVersion: list.resourceVersion,
                    next: list.continueToken ?? "",
                    remaining: list.remaining
                )
            )
        )
    }

    private func watch() async throws(APIStatus) -> APIAnswer {
        let presentation = try self.presentation()
        var query = WatchQuery(try self.selection(), from: self.options["resourceVersion"])
        query.allowsBookmarks = try self.options.flag("allowWatchBookmarks")
        query.sendsInitialEvents = try self.options.flag("sendInitialEvents")
        // The store waits for no version: nothing that it has told of is missing.
        let seconds = try self.options.number("timeoutSeconds") ?? 0
        let watch = try await self.store.watch(self.kind, query)
        return .watch(
            watch,
            presentation,
            seconds: seconds > 0 ? min(seconds, HTTPLimits.watchSeconds) : HTTPLimits.watchSeconds
        )
    }

    // MARK: Writing

    private func create() async throws(APIStatus) -> APIAnswer {
        guard self.path.subresource == nil,
            !self.kind.resource.isNamespaced || self.path.namespace != nil
        else { throw .methodNotAllowed(self.request.method) }
        let presentation = try self.presentation()
        let written = try await self.store.create(
            self.kind,
            KubeObject(try self.request.document()),
            namespace: self.path.namespace,
            try self.writeOptions()
        )
        return .document(presentation.one(written.object), code: 201, warnings: written.warnings)
    }

    private func update() async throws(APIStatus) -> APIAnswer {
        let part = try self.part()
        let presentation = try self.presentation(of: part)
        let written = try await self.store.update(
            self.kind,
            try self.key(),
            KubeObject(try self.request.document()),
            part: part,
            try self.writeOptions()
        )
        return self.answer(written, presentation)
    }

    private func patch() async throws(APIStatus) -> APIAnswer {
        let part = try self.part()
        let presentation = try self.presentation(of: part)
        let written = try await self.store.patch(
            self.kind,
            try self.key(),
            try Self.patch(of: self.request),
            part: part,
            try self.writeOptions()
        )
        return self.answer(written, presentation)
    }

    /// A created one has another code: `kubectl apply` says by it what happened.
    private func answer(_ written: Written, _ presentation: Presentation) -> APIAnswer {
        .document(
            presentation.one(written.object),
            code: written.isNew ? 201 : 200,
            warnings: written.warnings
        )
    }

    static func patch(of request: APIRequest) throws(APIStatus) -> ObjectPatch {
        let document = { () throws(APIStatus) in try APIRequest.value(of: request.body) }
        switch request.contentType?.name {
        case "application/json-patch+json": return .json(try document())
        case "application/merge-patch+json": return .merge(try document())
        case "application/strategic-merge-patch+json": return .strategicMerge(try document())
        case "application/apply-patch+yaml":
            guard request.options["fieldManager"] != nil else {
                throw APIStatus(
                    .badRequest,
                    "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: "
                        + "is required for apply patch"
                )
            }
            return .apply(try document())
        default:
            throw .unsupported(
                request.contentType,
                [
                    "application/json-patch+json", "application/merge-patch+json",
                    "application/strategic-merge-patch+json", "application/apply-patch+yaml",
                ]
            )
        }
    }

    // MARK: Deleting

    private func delete() async throws(APIStatus) -> APIAnswer {
        guard self.path.subresource == nil else { throw .methodNotAllowed(self.request.method) }
        let presentation = try self.presentation()
        let key = try self.key()
        switch try await self.store.delete(self.kind, key, try self.deleteOptions()) {
        case .gone(let object):
            return .document(
                APIStatus.success(self.kind.resource, name: object.name, uid: object.uid)
            )
        case .waiting(let object): return .document(presentation.one(object))
        }
    }

    private func deleteCollection() async throws(APIStatus) -> APIAnswer {
        guard !self.kind.resource.isNamespaced || self.path.namespace != nil else {
            throw .methodNotAllowed(self.request.method)
        }
        let presentation = try self.presentation()
        let deleted = try await self.store.deleteCollection(
            self.kind,
            try self.selection(),
            try self.deleteOptions()
        )
        return .document(
            presentation.list(
                deleted.items,
                Presentation.ListMetadata(resourceVersion: deleted.resourceVersion)
            )
        )
    }

    /// Of the body and of the query, which counts where both speak.
    private func deleteOptions() throws(APIStatus) -> DeleteOptions {
        let body = try self.request.optionalDocument() ?? .object([:])
        var options = DeleteOptions()
        let asked =
            self.options["propagationPolicy"] ?? body["propagationPolicy"]?.string
            ?? Self.propagation(orphans: body["orphanDependents"]?.bool)
        if let asked {
            guard let propagation = DeleteOptions.Propagation(rawValue: asked) else {
                throw APIStatus(
                    .badRequest,
                    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported "
                        + "value: \"\(asked)\": supported values: \"Foreground\", \"Background\", "
                        + "\"Orphan\""
                )
            }
            options.propagation = propagation
        }
        options.uid = body["preconditions", "uid"]?.string
        options.resourceVersion = body["preconditions", "resourceVersion"]?.string
        let isDryRunInBody = body["dryRun"]?.array?.contains("All") ?? false
        options.isDryRun = try self.isDryRun() || isDryRunInBody
        return options
    }

    /// The older way to say it.
    private static func propagation(orphans: Bool?) -> String? {
        orphans.map { $0 ? "Orphan" : "Background" }
    }
}
