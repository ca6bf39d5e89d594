// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StoreTransaction {
    func live(_ kind: ServedKind, _ key: ObjectKey) throws -> KubeObject {
        guard let live = try self.object(kind.storage, key) else {
            throw APIStatus.notFound(kind.resource, key.name)
        }
        return kind.presented(live)
    }

    /// Replaces an object, or one part of it.
    func update(
        _ kind: ServedKind,
        _ key: ObjectKey,
        _ body: KubeObject,
        part: Subresource?,
        _ options: WriteOptions
    ) throws -> Written {
        let live = try self.live(kind, key)
        if part == .scale { return try self.scale(kind, live, to: body, options) }
        var object = body
        try kind.adopt(&object, namespace: kind.resource.isNamespaced ? key.namespace : nil)
        guard object.name == key.name else {
            throw APIStatus(
                .badRequest,
                "the name of the object (\(object.name)) does not match the name on the URL "
                    + "(\(key.name))"
            )
        }
        return try self.replace(kind, live, by: object, part: part, options)
    }

    /// Puts a proposed state in the place of the present one, with everything that a write checks.
    func replace(
        _ kind: ServedKind,
        _ live: KubeObject,
        by proposed: KubeObject,
        part: Subresource?,
        _ options: WriteOptions,
        appliedFields: JSON? = nil
    ) throws -> Written {
        try kind.checkVersion(of: proposed, live)
        var object = proposed
        let warnings = try kind.checkUnknownFields(of: object, options.fieldValidation)
        kind.keepWhatIsNotWritten(&object, live, part: part)
        try self.complete(&object, kind, former: live)
        try self.arrange(&object, kind, former: live)
        if kind.hasGeneration, kind.specification(object) != kind.specification(live) {
            object.set(JSON(live.generation + 1), at: "metadata", "generation")
        }
        try kind.validate(object, former: live)
        try self.own(
            &object,
            kind,
            former: live,
            part: part,
            options,
            appliedFields: appliedFields
        )
        guard object != live else { return Written(object: live, warnings: warnings) }
        if object.isReadyToGo {
            try self.remove(object, from: kind.storage)
            try self.followRemoval(of: object, kind)
            return Written(object: object, warnings: warnings)
        }
        let stored = try self.put(kind.stored(object, self.kinds), in: kind.storage, former: live)
        try self.follow(stored, kind)
        return Written(object: kind.presented(stored), warnings: warnings)
    }
}

extension KubeObject {
    /// Whether deletion was asked for and nothing holds the object any more.
    var isReadyToGo: Bool {
        guard self.isBeingDeleted, self.finalizers.isEmpty else { return false }
        guard self.kind == "Namespace", self.apiVersion == "v1" else { return true }
        return (self["spec", "finalizers"]?.array ?? []).isEmpty
    }
}

extension ServedKind {
    /// Sets what a body may leave out, and refuses what is of another kind or namespace.
    func adopt(_ object: inout KubeObject, namespace: String?) throws {
        guard object.json.object != nil else {
            throw APIStatus(.badRequest, "the body is \(object.json.kind), not an object")
        }
        let version = self.resource.groupVersion.apiVersion
        guard object.apiVersion.isEmpty || object.apiVersion == version else {
            throw APIStatus(
                .badRequest,
                "the API version in the data (\(object.apiVersion)) does not match the expected "
                    + "API version (\(version))"
            )
        }
        guard object.kind.isEmpty || object.kind == self.resource.kind else {
            throw APIStatus(
                .badRequest,
                "the kind in the data (\(object.kind)) does not match the expected kind "
                    + "(\(self.resource.kind))"
            )
        }
        object.set(.string(version), at: "apiVersion")
        object.set(.string(self.resource.kind), at: "kind")
        guard self.resource.isNamespaced, let namespace else {
            // As the real server: a namespace on a kind that has none is dropped.
            if !self.resource.isNamespaced { object.set(nil, at: "metadata", "namespace") }
            return
        }
        guard object.namespace.isEmpty || object.namespace == namespace else {
            throw APIStatus(
                .badRequest,
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        }
        object.set(.string(namespace), at: "metadata", "namespace")
    }

    /// Optimistic concurrency: what was changed by others meanwhile is not overwritten.
    func checkVersion(of proposed: KubeObject, _ live: KubeObject) throws {
        let uid = proposed.uid
        guard uid.isEmpty || uid == live.uid else {
            throw APIStatus.conflict(
                self.resource,
                live.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(live.uid)"
            )
        }
        let version = proposed.resourceVersion
        guard version.isEmpty || version == live.resourceVersion else {
            throw APIStatus.conflict(self.resource, live.name, APIStatus.modified)
        }
        if version.isEmpty, self.schema != nil {
            // Custom resources are never replaced blindly.
            throw APIStatus.invalid(
                self.resource,
                live.name,
                [.invalid("metadata.resourceVersion", 0, "must be specified for an update")]
            )
        }
    }

    /// Takes from the present state what this write has no say in.
    func keepWhatIsNotWritten(
        _ object: inout KubeObject,
        _ live: KubeObject,
        part: Subresource?
    ) {
        switch part {
        case .status:
            var kept = live
            kept.set(object["status"], at: "status")
            let managed = object["metadata", "managedFields"]
            kept.set(managed, at: "metadata", "managedFields")
            object = kept
        case .finalize:
            var kept = live
            kept.set(object["spec", "finalizers"] ?? [], at: "spec", "finalizers")
            object = kept
        case .scale, nil:
            for field in [
                "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                "generation", "resourceVersion", "selfLink",
            ] {
                object.set(live["metadata", field], at: "metadata", field)
            }
            if self.hasStatus { object.set(live["status"], at: "status") }
            // What holds a namespace goes through its own path, or contents would outlive it.
            if self.storage == BuiltInKinds.namespace.storage {
                object.set(live["spec", "finalizers"], at: "spec", "finalizers")
            }
        }
    }

    /// Everything whose change moves the generation.
    func specification(_ object: KubeObject) -> JSONFields {
        var fields = object.json.object ?? [:]
        fields["metadata"] = nil
        if self.hasStatus { fields["status"] = nil }
        return fields
    }

    /// An object in the version that is stored.
    func stored(_ object: KubeObject, _ kinds: KindRegistry) -> KubeObject {
        guard self.isSecondary, let stored = kinds.stored(self.storage) else { return object }
        return stored.presented(object)
    }
}
