// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The finalizers that the store itself knows.
enum StoreFinalizer {
    /// Dependents go first.
    static let foreground = "foregroundDeletion"
    /// Dependents lose their reference first.
    static let orphan = "orphan"
    /// Of definitions: the objects of the kind go first.
    static let customResources = "customresourcecleanup.apiextensions.k8s.io"
    /// Of namespaces, in the specification.
    static let namespace = "kubernetes"
}

extension StoreTransaction {
    /// Deletes an object, or marks it where something holds it.
    func delete(
        _ kind: ServedKind,
        _ key: ObjectKey,
        _ options: DeleteOptions
    ) throws -> Deleted {
        let live = try self.live(kind, key)
        try kind.check(options, live)
        var object = live
        if let propagation = options.propagation {
            var finalizers = object.finalizers.filter {
                $0 != StoreFinalizer.foreground && $0 != StoreFinalizer.orphan
            }
            switch propagation {
            case .background: break
            case .foreground: finalizers.append(StoreFinalizer.foreground)
            case .orphan: finalizers.append(StoreFinalizer.orphan)
            }
            object.finalizers = finalizers
        }
        if !object.isBeingDeleted { self.mark(&object, kind) }
        if object.isReadyToGo {
            try self.remove(live, from: kind.storage)
            try self.followRemoval(of: live, kind)
            return .gone(live)
        }
        guard object != live else { return .waiting(live) }
        let stored = try self.put(kind.stored(object, self.kinds), in: kind.storage, former: live)
        return .waiting(kind.presented(stored))
    }

    private func mark(_ object: inout KubeObject, _ kind: ServedKind) {
        object.set(.string(self.environment.timestamp), at: "metadata", "deletionTimestamp")
        object.set(0, at: "metadata", "deletionGracePeriodSeconds")
        if kind.hasGeneration {
            object.set(JSON(object.generation + 1), at: "metadata", "generation")
        }
        if kind.storage == BuiltInKinds.namespace.storage {
            object.set("Terminating", at: "status", "phase")
        }
    }
}

extension ServedKind {
    /// The namespaces that a cluster cannot be without.
    static let protectedNamespaces: Set<String> = ["default", "kube-system", "kube-public"]

    func check(_ options: DeleteOptions, _ live: KubeObject) throws {
        if self.storage == BuiltInKinds.namespace.storage,
            Self.protectedNamespaces.contains(live.name)
        {
            throw APIStatus.forbidden(
                self.resource,
                live.name,
                "this namespace may not be deleted"
            )
        }
        if let uid = options.uid, uid != live.uid {
            throw APIStatus.conflict(
                self.resource,
                live.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(live.uid)"
            )
        }
        if let version = options.resourceVersion, version != live.resourceVersion {
            throw APIStatus.conflict(
                self.resource,
                live.name,
                "Precondition failed: ResourceVersion in precondition: \(version), "
                    + "ResourceVersion in object meta: \(live.resourceVersion)"
            )
        }
    }
}
