// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// A rehearsal of a failover: everything that would run, beside everything, in namespaces of its own.
///
/// Replication goes on meanwhile: what is written to are clones. All that is made carries ``mark``, and
/// only what carries it is removed again.
struct Drill: Sendable {
    /// On everything that a rehearsal made: the UID of its Action.
    static let mark = "\(StorkNames.group)/drill"

    let action: KubeObject
    let facts: ActionFacts
    let cluster: any ResourceCluster
    let driver: any VolumeDriver

    func place(_ namespace: String) -> String { namespace + self.facts.spec.suffix }

    /// The name of a clone: of its own among all volumes.
    private func clone(of volume: String) -> String { "\(volume)\(self.facts.spec.suffix)" }

    // MARK: - Making

    /// Makes the clones, the namespaces, and what is in them; what is there already stays.
    func run(_ point: RecoveryPointSpec?) async throws {
        let kinds = ServedKinds(try await self.cluster.served())
        for namespace in self.facts.namespaces { try await self.makeNamespace(namespace) }
        if let point {
            for volume in point.volumes
            where self.facts.namespaces.contains(volume.claim.namespace) {
                try await self.makeVolume(volume)
            }
        }
        let registrations = try await ApplicationRegistration.known(
            in: self.cluster,
            isOptional: true
        )
        for namespace in self.facts.namespaces {
            for kind in Self.kinds(registrations) {
                guard let resource = kinds.resource(kind) else { continue }
                for object in try await self.cluster.listed(resource, namespace: namespace)
                where object.isMigrated {
                    try await self.make(object, resource, registrations)
                }
            }
        }
    }

    /// What applications read before the applications themselves.
    private static func kinds(_ registrations: [ApplicationRegistration]) -> [GroupKind] {
        [
            GroupKind("", "ServiceAccount"), GroupKind("", "ConfigMap"), GroupKind("", "Secret"),
            GroupKind("rbac.authorization.k8s.io", "Role"),
            GroupKind("rbac.authorization.k8s.io", "RoleBinding"), GroupKind("", "Service"),
            GroupKind("apps", "StatefulSet"), GroupKind("apps", "Deployment"),
            GroupKind("apps", "DaemonSet"),
        ] + registrations.map(\.kind) + [GroupKind("batch", "CronJob")]
    }

    private func makeNamespace(_ name: String) async throws {
        let place = ObjectKey("", self.place(name))
        if let found = try await self.cluster.find(BuiltIn.namespaces, place) {
            guard found.annotations[Self.mark] == self.action.uid, !found.isBeingDeleted else {
                throw Trouble(
                    .namespaceNotAllowed,
                    "namespace \(place.name) is there already, and not of this rehearsal",
                    remedy: "choose another namespaceSuffix, or wait until it is gone",
                    isPassing: false
                )
            }
            return
        }
        try await self.write(
            BuiltIn.namespaces,
            KubeObject(BuiltIn.namespaces.groupVersionKind, place)
        )
    }

    private func makeVolume(_ volume: RecoveryPointSpec.Volume) async throws {
        let claim = try await self.cluster.find(BuiltIn.claims, volume.claim)
        let name = claim?["spec", "volumeName"]?.string ?? ""
        guard let claim,
            let present = try await self.cluster.find(BuiltIn.volumes, ObjectKey("", name))
        else {
            throw Trouble(
                .volumeNotFound,
                "claim \(volume.claim) has no PersistentVolume here",
                remedy: "let a migration with resources succeed first",
                isPassing: false
            )
        }
        let clone = self.clone(of: volume.volume)
        try await self.driver.clone(
            volume.volume,
            as: clone,
            of: VolumeFreeze.Frozen(generation: volume.generation, snapshot: volume.snapshot)
        )
        var copy = KubeObject(
            BuiltIn.volumes.groupVersionKind,
            ObjectKey("", self.clone(of: name)),
            ["spec": present["spec"] ?? [:]]
        )
        copy.set(.string(clone), at: "spec", "csi", "volumeHandle")
        copy.set(nil, at: "spec", "claimRef")
        copy.set("Retain", at: "spec", "persistentVolumeReclaimPolicy")
        try await self.write(BuiltIn.volumes, copy)
        var wish = self.moved(claim)
        wish.set(.string(self.clone(of: name)), at: "spec", "volumeName")
        try await self.write(BuiltIn.claims, wish)
    }

    private func make(
        _ object: KubeObject,
        _ resource: APIResource,
        _ registrations: [ApplicationRegistration]
    ) async throws {
        var copy = self.moved(object)
        // A service of the cluster gets addresses and ports of its own.
        for field in ["clusterIP", "clusterIPs", "healthCheckNodePort"]
        where copy["spec", field]?.string != "None" {
            if object.kind == "Service" { copy.set(nil, at: "spec", field) }
        }
        if object.kind == "Service", let ports = copy["spec", "ports"]?.array {
            let free = ports.map { port -> JSON in
                var port = port
                port.set(nil, at: "nodePort")
                return port
            }
            copy.set(.array(free), at: "spec", "ports")
        }
        if let control = ApplicationControl(
            object.groupVersionKind,
            registrations: registrations
        ) {
            control.start(&copy)
        }
        try await self.write(resource, copy)
    }

    /// The object as a new one of the rehearsal's namespace.
    private func moved(_ object: KubeObject) -> KubeObject {
        var fields = object.json.object ?? [:]
        for name in ["metadata", "status", "apiVersion", "kind"] { fields[name] = nil }
        var copy = KubeObject(
            object.groupVersionKind,
            ObjectKey(self.place(object.namespace), object.name),
            fields
        )
        copy.labels = object.labels
        copy.set(JSON(object.annotations), at: "metadata", "annotations")
        for mark in ResourcePreparation.marksOfBinder {
            copy.set(nil, at: "metadata", "annotations", mark)
        }
        // A migration must not take it for its own.
        for stamp in StorkNames.Annotation.stamps {
            copy.set(nil, at: "metadata", "annotations", stamp.key)
            copy.set(nil, at: "metadata", "labels", stamp.key)
        }
        return copy
    }

    private func write(_ resource: APIResource, _ object: KubeObject) async throws {
        var marked = object
        marked.set(.string(self.action.uid), at: "metadata", "annotations", Self.mark)
        do throws(ClusterError) { _ = try await self.cluster.write(resource, marked) } catch {
            guard error.reason == .alreadyExists else { throw error }
        }
    }

    // MARK: - Removing

    /// Removes what carries the mark: namespaces with what is in them, volumes, and then the clones.
    func discard() async throws {
        for namespace in self.facts.namespaces {
            let place = ObjectKey("", self.place(namespace))
            if let found = try await self.cluster.find(BuiltIn.namespaces, place),
                found.annotations[Self.mark] == self.action.uid
            {
                try await self.cluster.remove(BuiltIn.namespaces, place, uid: found.uid)
            }
        }
        for volume in try await self.cluster.listed(BuiltIn.volumes, namespace: nil)
        where volume.annotations[Self.mark] == self.action.uid {
            let clone = self.driver.volume(of: volume)
            if let clone { try await self.driver.discard(clone: clone) }
            try await self.cluster.remove(BuiltIn.volumes, volume.key, uid: volume.uid)
        }
    }
}
