// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks
import ObjectModel

@testable import ControlPlane

/// A cluster in memory, with the versions and conflicts of a real one, that can die at any request.
final class FakeCluster: ClusterAccess {
    /// What a test that plays a crash throws.
    static let crash = ClusterError(.cancelled, "killed here")

    struct State: Sendable {
        var objects: [String: KubeObject] = [:]
        var version = 100
        var reads = 0
        var writes = 0
        /// Requests until it dies; nil for ever.
        var life: Int?
    }

    let state = Locked(State())

    private static func path(_ resource: APIResource, _ key: ObjectKey) -> String {
        "\(resource.plural) \(key)"
    }

    /// Counts a request, and dies where it is time to: before the work or after it.
    private static func live(_ state: inout State) throws(ClusterError) {
        guard let life = state.life else { return }
        guard life > 0 else { throw Self.crash }
        state.life = life - 1
    }

    /// Puts an object there as a person does.
    func put(_ resource: APIResource, _ object: KubeObject) {
        self.state.withLock { state in
            state.version += 1
            var object = object
            object.set(.string("\(state.version)"), at: "metadata", "resourceVersion")
            if object.uid.isEmpty {
                object.set(.string("uid-\(object.name)"), at: "metadata", "uid")
            }
            object.set(1, at: "metadata", "generation")
            state.objects[Self.path(resource, object.key)] = object
        }
    }

    /// Takes an object away as a person does.
    func remove(_ resource: APIResource, _ key: ObjectKey) {
        self.state.withLock { $0.objects[Self.path(resource, key)] = nil }
    }

    func find(_ resource: APIResource, _ key: ObjectKey) -> KubeObject? {
        self.state.withLock { $0.objects[Self.path(resource, key)] }
    }

    func everything(_ resource: APIResource) -> [KubeObject] {
        self.state.withLock { state in
            state.objects.filter { $0.key.hasPrefix("\(resource.plural) ") }.map(\.value)
        }
    }

    func read(
        _ resource: APIResource,
        _ key: ObjectKey
    ) async throws(ClusterError) -> KubeObject {
        try self.state.withLock { (state) throws(ClusterError) -> KubeObject in
            state.reads += 1
            try Self.live(&state)
            guard let object = state.objects[Self.path(resource, key)] else {
                throw ClusterError(.notFound, "\(resource.plural) \"\(key.name)\" not found")
            }
            return object
        }
    }

    func all(
        _ resource: APIResource,
        namespace: String?
    ) async throws(ClusterError) -> [KubeObject] {
        try self.state.withLock { (state) throws(ClusterError) -> [KubeObject] in
            state.reads += 1
            try Self.live(&state)
            return state.objects.filter { $0.key.hasPrefix("\(resource.plural) ") }.map(\.value)
                .filter { namespace == nil || $0.namespace == namespace }
                .sorted { $0.name < $1.name }
        }
    }

    func merge(
        _ resource: APIResource,
        _ key: ObjectKey,
        _ patch: JSON,
        isStatus: Bool,
        manager: String
    ) async throws(ClusterError) -> KubeObject {
        try self.state.withLock { (state) throws(ClusterError) -> KubeObject in
            try Self.live(&state)
            let path = Self.path(resource, key)
            guard let object = state.objects[path] else {
                throw ClusterError(.notFound, "\(key) not found")
            }
            let expected = patch["metadata", "resourceVersion"]?.string
            guard expected == nil || expected == object.resourceVersion else {
                throw ClusterError(.conflict, "\(key) was changed")
            }
            state.writes += 1
            state.version += 1
            var written = KubeObject(object.json.merged(with: patch))
            written.set(.string("\(state.version)"), at: "metadata", "resourceVersion")
            let isGone = written.isBeingDeleted && written.finalizers.isEmpty
            state.objects[path] = isGone ? nil : written
            // The answer of a write that was done may be lost.
            if state.life == 0 { throw Self.crash }
            return written
        }
    }

    func make(
        _ resource: APIResource,
        _ object: KubeObject,
        manager: String
    ) async throws(ClusterError) -> KubeObject {
        try self.state.withLock { (state) throws(ClusterError) -> KubeObject in
            try Self.live(&state)
            let path = Self.path(resource, object.key)
            guard state.objects[path] == nil else {
                throw ClusterError(.alreadyExists, "\(object.key) already exists")
            }
            state.writes += 1
            state.version += 1
            var made = object
            made.set(.string("\(state.version)"), at: "metadata", "resourceVersion")
            made.set(.string("uid-\(object.name)-\(state.version)"), at: "metadata", "uid")
            made.set(1, at: "metadata", "generation")
            state.objects[path] = made
            if state.life == 0 { throw Self.crash }
            return made
        }
    }

    func remove(
        _ resource: APIResource,
        _ key: ObjectKey,
        uid: String
    ) async throws(ClusterError) {
        try self.state.withLock { (state) throws(ClusterError) in
            try Self.live(&state)
            let path = Self.path(resource, key)
            guard let object = state.objects[path], object.uid == uid else { return }
            state.writes += 1
            if object.finalizers.isEmpty {
                state.objects[path] = nil
            } else {
                state.objects[path]?
                    .set("2026-01-01T00:00:00Z", at: "metadata", "deletionTimestamp")
            }
            if state.life == 0 { throw Self.crash }
        }
    }

    func serverVersion() async throws(ClusterError) -> String { "v1.32.1" }
}
