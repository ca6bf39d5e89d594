// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

/// An application by its kind and name: the same on both sides of a migration.
struct ApplicationName: Hashable, Sendable, Comparable {
    var kind: GroupKind
    var key: ObjectKey

    static func < (left: Self, right: Self) -> Bool { left.order < right.order }

    private var order: String { "\(self.key) \(self.kind.group)/\(self.kind.kind)" }
}

/// Stops applications by name where they run, and starts those again, and no others.
struct ApplicationStop: Sendable {
    private let cluster: any ResourceCluster

    init(_ cluster: any ResourceCluster) { self.cluster = cluster }

    /// Stops what runs, and keeps on each object how it ran and who has stopped it.
    ///
    /// What has no replicas already was stopped by somebody else, and is left alone.
    func stop(_ applications: [ApplicationName], mark: String) async throws(ClusterError) {
        try await self.change(applications) { object, control in
            var stopped = object
            control.stop(&stopped)
            guard stopped["spec"] != object["spec"] else { return }
            stopped.set(.string(mark), at: "metadata", "annotations", OtherSide.stopMark)
            object = stopped
        }
    }

    /// Starts what was stopped under the same mark.
    func start(_ applications: [ApplicationName], mark: String) async throws(ClusterError) {
        try await self.change(applications) { object, control in
            guard object.annotations[OtherSide.stopMark] == mark else { return }
            control.start(&object)
            object.set(nil, at: "metadata", "annotations", OtherSide.stopMark)
        }
    }

    private func change(
        _ applications: [ApplicationName],
        _ edit: @Sendable (inout KubeObject, ApplicationControl) -> Void
    ) async throws(ClusterError) {
        let kinds = ServedKinds(try await self.cluster.served())
        let registrations = try await ApplicationRegistration.known(
            in: self.cluster,
            isOptional: true
        )
        for application in applications.sorted() {
            guard let resource = kinds.resource(application.kind),
                let object = try await self.cluster.find(resource, application.key),
                let control = ApplicationControl(
                    object.groupVersionKind,
                    registrations: registrations
                )
            else { continue }
            var changed = object
            edit(&changed, control)
            guard let patch = object.json.mergePatch(to: changed.json) else { continue }
            _ = try await self.cluster.change(
                resource,
                application.key,
                patch,
                isStatus: false
            )
        }
    }
}
