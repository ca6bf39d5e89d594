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

/// Storage that remembers what it was asked for, and copies a little more at each look.
final class FakeDriver: VolumeDriver {
    struct State: Sendable {
        var paired: Set<String> = []
        var unpaired: [String] = []
        /// How often each task was begun for the first time, and how far it is.
        var begun: [String: Int] = [:]
        var looks: [String: Int] = [:]
        var cancelled: [String] = []
        /// How often a pair was looked at.
        var checks = 0
        var trouble: VolumeTrouble?
        /// What checks of pairs fail with, while there is something.
        var brokenPair: VolumeTrouble?
        /// What every copy waits for, while there is something.
        var held: VolumeTrouble?
        /// Volumes whose copies fail, and why.
        var broken: [String: VolumeTrouble] = [:]
        /// Calls until it dies with the controller; nil for ever.
        var life: Int?
    }

    let name = "pool.godwit.io"
    let state = Locked(State())

    private func now<Answer: Sendable>(
        _ body: (inout State) throws(VolumeTrouble) -> Answer
    ) throws(VolumeTrouble) -> Answer {
        try self.state.withLock { (state) throws(VolumeTrouble) -> Answer in
            if let trouble = state.trouble { throw trouble }
            return try body(&state)
        }
    }

    func volume(of persistentVolume: KubeObject) -> String? {
        persistentVolume["spec", "csi", "volumeHandle"]?.string
    }

    func atDestination(_ persistentVolume: KubeObject) -> KubeObject { persistentVolume }

    func pair(_ request: StoragePairRequest) async throws(VolumeTrouble) -> String {
        try self.now { (state) throws(VolumeTrouble) in
            state.paired.insert("remote")
            state.brokenPair = nil
            return "remote"
        }
    }

    func check(remote: String) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            state.checks += 1
            if let trouble = state.brokenPair { throw trouble }
            guard state.paired.contains(remote) else {
                throw VolumeTrouble(.notPaired, "lost", isPassing: false)
            }
        }
    }

    func unpair(remote: String) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            state.paired.remove(remote)
            state.unpaired.append(remote)
        }
    }

    func start(_ copy: VolumeCopy) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in
            if state.looks[copy.task] == nil {
                state.looks[copy.task] = 0
                state.begun[copy.task, default: 0] += 1
            }
        }
    }

    func progress(of copy: VolumeCopy) async throws(VolumeTrouble) -> VolumeProgress? {
        try self.now { (state) throws(VolumeTrouble) in
            guard let looks = state.looks[copy.task] else { return nil }
            if let trouble = state.held {
                return VolumeProgress(state: .running, waitsFor: trouble)
            }
            state.looks[copy.task] = looks + 1
            if let trouble = state.broken[copy.volume] {
                return VolumeProgress(state: .failed(trouble))
            }
            guard looks >= 2 else {
                return VolumeProgress(
                    state: .running,
                    bytesDone: UInt64(looks) * 10,
                    bytesTotal: 30
                )
            }
            return VolumeProgress(
                state: .done,
                bytesDone: 30,
                bytesTotal: 30,
                bytesTransferred: 10,
                isFull: true
            )
        }
    }

    func cancel(_ copy: VolumeCopy) async throws(VolumeTrouble) {
        try self.now { (state) throws(VolumeTrouble) in state.cancelled.append(copy.task) }
    }
}

/// Moves objects by remembering that it was asked to.
final class FakeMover: ResourceMoving {
    let moves = Locked(0)
    let result = Locked(ResourceResult())
    let trouble = Locked<Trouble?>(nil)
    /// What happens while it moves.
    let during = Locked<(@Sendable (ResourceJob) async -> Void)?>(nil)

    func move(_ job: ResourceJob) async throws(Trouble) -> ResourceResult {
        if let trouble = self.trouble.withLock({ $0 }) { throw trouble }
        if let during = self.during.withLock({ $0 }) { await during(job) }
        self.moves.withLock { $0 += 1 }
        return self.result.withLock { $0 }
    }
}
