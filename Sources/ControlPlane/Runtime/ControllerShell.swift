// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What every controller has of its kind: the objects that the watch has told, a way to write, and
/// an ear for events.
struct ControllerShell: Sendable {
    let cluster: any ClusterAccess
    let resource: APIResource
    let environment: ControllerEnvironment
    /// One object as the watch has told.
    let told: @Sendable (ObjectKey) -> KubeObject?
    /// All objects as the watch has told.
    let allTold: @Sendable () -> [KubeObject]
    /// Records an event about an object.
    let record: @Sendable (KubeObject, Notice) async -> Void
    private let newest = NewestObjects()

    /// How long what does not answer may hold up the deletion of an object, in seconds.
    static let deletionPatience = 60

    init(
        cluster: any ClusterAccess,
        resource: APIResource,
        environment: ControllerEnvironment,
        told: @escaping @Sendable (ObjectKey) -> KubeObject?,
        allTold: @escaping @Sendable () -> [KubeObject],
        record: @escaping @Sendable (KubeObject, Notice) async -> Void
    ) {
        self.cluster = cluster
        self.resource = resource
        self.environment = environment
        self.told = told
        self.allTold = allTold
        self.record = record
    }

    /// One object, as new as this process knows it.
    func object(_ key: ObjectKey) -> KubeObject? { self.newest.newest(self.told(key), key) }

    /// All objects, each as new as this process knows it.
    func objects() -> [KubeObject] {
        self.allTold().map { self.newest.newest($0, $0.key) ?? $0 }
    }

    /// Notes what a write has answered.
    func note(_ written: KubeObject, insteadOf former: KubeObject) {
        guard written.resourceVersion != former.resourceVersion else { return }
        self.newest.note(written, insteadOf: former.resourceVersion)
    }

    /// Whether a deletion has waited long enough for somebody who does not answer.
    ///
    /// An agent that is being restarted is back soon; one that is gone must not hold the object for
    /// ever.
    func isPatienceOver(withDeletionOf object: KubeObject) -> Bool {
        guard let asked = object.deletionTimestamp.flatMap({ Timestamp($0) }) else { return true }
        return self.environment.now().seconds(since: asked) >= Self.deletionPatience
    }

    /// Records an event; one that cannot be recorded is no reason to stop.
    func tell(_ object: KubeObject, _ notice: Notice) async { await self.record(object, notice) }
}
