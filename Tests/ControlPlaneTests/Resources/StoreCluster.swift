// SPDX-License-Identifier: Apache-2.0

import ControlPlane
import EmbeddedCluster
import Foundation
import KubernetesClient
import Locks
import ObjectModel
import TestSupport

/// A cluster for tests: the embedded cluster's store without its server, with faults to order.
final class StoreCluster: ResourceCluster {
    /// One request that a test may see or let fail.
    struct Request: Sendable, Hashable {
        var verb: String
        var kind: String
        var name: String

        var isWrite: Bool { self.verb != "get" && self.verb != "list" && self.verb != "served" }
    }

    /// When a fault strikes.
    enum Fault: Sendable {
        case before(ClusterError)
        /// It is done, and the answer is lost.
        case after(ClusterError)
    }

    let store: ObjectStore
    private let directory: TemporaryDirectory
    private let seen = Locked<[Request]>([])
    private let known = Locked<[APIResource]?>(nil)
    private let fault = Locked<(@Sendable (Request) -> Fault?)?>(nil)

    /// A new cluster; `things` says whether it serves the custom kind of the tests.
    init(things: Bool = true) async throws {
        self.directory = try TemporaryDirectory(inMemory: true)
        var kinds = KindRegistry.builtIn
        if things {
            let version = GroupVersion("example.org", "v1")
            kinds.add(ServedKind(APIResource(version, "Thing", plural: "things")))
        }
        self.store = try await ObjectStore(path: "\(self.directory.path)/objects", kinds: kinds)
    }

    /// What was asked since the last call.
    func requests() -> [Request] {
        self.seen.withLock { seen in
            let all = seen
            seen = []
            return all
        }
    }

    /// Lets requests fail; nil ends that.
    func fails(_ fault: (@Sendable (Request) -> Fault?)?) {
        self.fault.withLock { $0 = fault }
    }

    /// Stores objects as a user does, with the status that a controller would write.
    func add(_ objects: [KubeObject]) async throws {
        for object in objects {
            let kind = try self.kind(object.groupVersionKind)
            var bare = object
            for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
                bare.set(nil, at: "metadata", field)
            }
            // The cluster's binder enters the claim that it has.
            bare.set(nil, at: "spec", "claimRef", "uid")
            bare.set(nil, at: "spec", "claimRef", "resourceVersion")
            let namespace = object.namespace.isEmpty ? nil : object.namespace
            let written = try await self.store.create(kind, bare, namespace: namespace)
            let isBound =
                MovedKind(object.groupVersionKind)?.rawValue.hasPrefix("Persistent") ?? false
            if let status = object["status"], kind.hasStatus, !isBound {
                var whole = written.object
                whole.set(status, at: "status")
                _ = try await self.store.update(kind, object.key, whole, part: .status)
            }
        }
        try await self.store.converge()
    }

    func add(_ objects: KubeObject...) async throws { try await self.add(objects) }

    func namespace(_ name: String) async throws {
        try await self.add(KubeObject(GroupVersionKind("", "v1", "Namespace"), ObjectKey("", name)))
    }

    /// An object that has to be there.
    func object(_ kind: String, _ name: String) async throws -> KubeObject {
        let sample = try Sample.object(kind, name)
        return try await self.store.get(try self.kind(sample.groupVersionKind), sample.key)
    }

    func has(_ kind: String, _ name: String) async throws -> Bool {
        let sample = try Sample.object(kind, name)
        return try await self.find(
            try self.kind(sample.groupVersionKind).resource,
            sample.key
        ) != nil
    }

    /// Changes an object as a person does.
    func edit(_ kind: String, _ name: String, _ patch: String) async throws {
        let sample = try Sample.object(kind, name)
        _ = try await self.store.patch(
            try self.kind(sample.groupVersionKind),
            sample.key,
            .merge(JSON(parsing: patch))
        )
    }

    func delete(_ kind: String, _ name: String) async throws {
        let sample = try Sample.object(kind, name)
        _ = try await self.store.delete(try self.kind(sample.groupVersionKind), sample.key)
        try await self.store.converge()
    }

    private func kind(_ kind: GroupVersionKind) throws -> ServedKind {
        guard let served = self.store.kinds.kind(kind) else {
            throw ClusterError(.notFound, "the server could not find the requested resource")
        }
        return served
    }
}

// MARK: Requests

extension StoreCluster {
    private func perform<Value: Sendable>(
        _ verb: String,
        _ resource: APIResource?,
        _ name: String,
        _ body: (ServedKind?) async throws -> Value
    ) async throws(ClusterError) -> Value {
        let request = Request(verb: verb, kind: resource?.kind ?? "", name: name)
        self.seen.withLock { $0.append(request) }
        let fault = self.fault.withLock { $0 }?(request)
        if case .before(let error) = fault { throw error }
        do {
            let kind = try resource.map { try self.kind($0.groupVersionKind) }
            let value = try await body(kind)
            if case .after(let error) = fault { throw error }
            return value
        } catch let error as ClusterError { throw error } catch let error as APIStatus {
            throw ClusterError(error)
        } catch { throw ClusterError(.internalError, "\(error)") }
    }

    /// As it was at the first question, unless it must be new: the longest that a client remembers.
    func served(isNew: Bool) async throws(ClusterError) -> [APIResource] {
        if !isNew, let known = self.known.withLock({ $0 }) { return known }
        let served = try await self.perform("served", nil, "") { _ in
            self.store.kinds.all.map(\.resource)
        }
        self.known.withLock { $0 = served }
        return served
    }

    func find(_ resource: APIResource, _ key: ObjectKey) async throws(ClusterError) -> KubeObject? {
        do {
            return try await self.perform("get", resource, "\(key)") { kind in
                guard let kind else { return nil }
                return try await self.store.get(kind, key)
            }
        } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
    }

    func listed(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject] {
        try await self.perform("list", resource, namespace ?? "") { kind in
            guard let kind else { return [] }
            let selection = EmbeddedCluster.ObjectSelection(namespace: namespace)
            return try await self.store.list(kind, ListQuery(selection)).items
        }
    }

    func apply(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        try await self.perform("apply", resource, "\(object.key)") { kind in
            guard let kind else { return object }
            var options = EmbeddedCluster.WriteOptions()
            options.fieldManager = "godwit-migration"
            options.isForced = true
            let patch = ObjectPatch.apply(object.json)
            return try await self.store.patch(kind, object.key, patch, options).object
        }
    }

    func write(
        _ resource: APIResource,
        _ object: KubeObject
    ) async throws(ClusterError) -> KubeObject {
        try await self.perform("write", resource, "\(object.key)") { kind in
            guard let kind else { return object }
            let namespace = object.namespace.isEmpty ? nil : object.namespace
            return object.resourceVersion.isEmpty
                ? try await self.store.create(kind, object, namespace: namespace).object
                : try await self.store.update(kind, object.key, object).object
        }
    }

    func rehearse(_ resource: APIResource, _ object: KubeObject) async throws(ClusterError) {
        try await self.perform("rehearse", resource, "\(object.key)") { kind in
            guard let kind else { return }
            let namespace = object.namespace.isEmpty ? nil : object.namespace
            var options = EmbeddedCluster.WriteOptions()
            options.isDryRun = true
            _ = try await self.store.create(kind, object, namespace: namespace, options)
        }
    }

    func change(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool
    ) async throws(ClusterError) -> KubeObject {
        try await self.perform(isStatus ? "status" : "patch", resource, "\(key)") { kind in
            guard let kind else { return KubeObject(.null) }
            if isStatus, !kind.hasStatus { throw ClusterError(.notFound, "no status") }
            let part: Subresource? = isStatus ? .status : nil
            return try await self.store.patch(kind, key, .merge(patch), part: part).object
        }
    }

    func remove(
        _ resource: APIResource,
        _ key: ObjectKey,
        uid: String
    ) async throws(ClusterError) {
        do {
            try await self.perform("delete", resource, "\(key)") { kind in
                guard let kind else { return }
                var options = EmbeddedCluster.DeleteOptions()
                options.uid = uid
                _ = try await self.store.delete(kind, key, options)
            }
        } catch {
            guard error.reason == .notFound else { throw error }
        }
    }
}

extension ClusterError {
    /// As the client reads the Status that the server sends.
    init(_ status: APIStatus) {
        self.init(
            Reason(rawValue: status.reason.rawValue) ?? .unknown,
            status.message,
            statusCode: status.code,
            causes: status.causes.map {
                Cause(reason: $0.reason, field: $0.field, message: $0.message)
            },
            kind: status.kind,
            name: status.name
        )
    }
}
