// SPDX-License-Identifier: Apache-2.0

import ObjectModel

extension StoreTransaction {
    /// Stores a new object.
    func create(
        _ kind: ServedKind,
        _ body: KubeObject,
        namespace: String?,
        _ options: WriteOptions,
        appliedFields: JSON? = nil
    ) throws -> Written {
        var object = body
        try kind.adopt(&object, namespace: namespace)
        try self.name(&object, kind)
        guard object.resourceVersion.isEmpty else {
            throw APIStatus(
                .badRequest,
                "resourceVersion should not be set on objects to be created"
            )
        }
        try self.requireNamespace(for: object, kind)
        guard try self.object(kind.storage, object.key) == nil else {
            throw APIStatus.alreadyExists(kind.resource, object.name)
        }
        let warnings = try kind.checkUnknownFields(of: object, options.fieldValidation)
        self.stamp(&object, kind)
        if kind.hasStatus { object.set(nil, at: "status") }
        try self.complete(&object, kind, former: nil)
        try self.arrange(&object, kind, former: nil)
        try kind.validate(object, former: nil)
        try self.own(&object, kind, former: nil, part: nil, options, appliedFields: appliedFields)
        let stored = try self.put(kind.stored(object, self.kinds), in: kind.storage, former: nil)
        try self.follow(stored, kind)
        return Written(object: kind.presented(stored), warnings: warnings, isNew: true)
    }

    /// Takes the name, or makes one of `generateName`.
    private func name(_ object: inout KubeObject, _ kind: ServedKind) throws {
        guard object.name.isEmpty else { return }
        guard let prefix = object["metadata", "generateName"]?.string, !prefix.isEmpty else {
            throw APIStatus.invalid(
                kind.resource,
                "",
                [.required("metadata.name", "name or generateName is required")]
            )
        }
        // The real server cuts the prefix so that the name stays a label.
        let start = String(prefix.prefix(58))
        for _ in 0..<8 {
            object.set(.string(start + self.environment.nameSuffix()), at: "metadata", "name")
            if try self.object(kind.storage, object.key) == nil { return }
        }
    }

    /// Sets what the server alone says about a new object.
    private func stamp(_ object: inout KubeObject, _ kind: ServedKind) {
        object.set(.string(self.environment.uid()), at: "metadata", "uid")
        object.set(.string(self.environment.timestamp), at: "metadata", "creationTimestamp")
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            object.set(nil, at: "metadata", field)
        }
        object.set(kind.hasGeneration ? 1 : nil, at: "metadata", "generation")
    }

    /// A namespace has to be there, and must not be on its way out.
    private func requireNamespace(for object: KubeObject, _ kind: ServedKind) throws {
        guard kind.resource.isNamespaced else { return }
        let namespaces = BuiltInKinds.namespace
        guard
            let namespace = try self.object(namespaces.storage, ObjectKey("", object.namespace))
        else { throw APIStatus.notFound(namespaces.resource, object.namespace) }
        guard namespace.isBeingDeleted else { return }
        var status = APIStatus.forbidden(
            kind.resource,
            object.name,
            "unable to create new content in namespace \(object.namespace) "
                + "because it is being terminated"
        )
        status.causes = [
            APIStatus.Cause(
                reason: "NamespaceTerminating",
                message: "namespace \(object.namespace) is being terminated",
                field: "metadata.namespace"
            )
        ]
        throw status
    }

    /// Drops what the schema does not know and fills in what it has defaults for.
    func complete(_ object: inout KubeObject, _ kind: ServedKind, former: KubeObject?) throws {
        if let schema = kind.schema {
            object.json = schema.defaulted(schema.pruned(object.json))
        }
        object.dropEmptyMetadata()
        kind.rules.prepare(&object, former)
    }
}

extension KubeObject {
    /// Removes what stands for nothing: `creationTimestamp: null`, empty maps and lists.
    mutating func dropEmptyMetadata() {
        guard var metadata = self.json["metadata"]?.object else { return }
        for field in ["labels", "annotations", "finalizers", "ownerReferences", "managedFields"] {
            guard let value = metadata[field] else { continue }
            if value.isNull || value.object?.isEmpty == true || value.array?.isEmpty == true {
                metadata[field] = nil
            }
        }
        for (field, value) in metadata where value.isNull { metadata[field] = nil }
        self.json.set(.object(metadata), at: "metadata")
    }
}
