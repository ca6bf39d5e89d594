// SPDX-License-Identifier: Apache-2.0

import Kinds
public import ObjectModel

/// How a Migration rewrites what it moves.
public struct PreparationOptions: Hashable, Sendable {
    /// The Migration that moves it.
    public var migration: ObjectKey
    /// When, as the annotation has it: `2006-01-02-150405`.
    public var time: String
    /// Whether applications run at the destination.
    public var startApplications = false
    /// Whether Services keep their addresses.
    public var skipServiceUpdate = false
    /// What else is changed; nil for nothing.
    public var transformation: ResourceTransformation?
    /// How applications of custom kinds are stopped; a later one of a kind counts.
    public var registrations: [ApplicationRegistration] = ApplicationRegistration.builtIn
    /// Projects of the source and of the destination, where a namespace belongs to one.
    public var projectMappings: [String: String] = [:]

    /// The defaults, for this Migration.
    public init(migration: ObjectKey, time: String) {
        self.migration = migration
        self.time = time
    }
}

/// An object as it is applied at the destination.
public struct PreparedResource: Hashable, Sendable {
    /// What is applied.
    public var object: KubeObject
    /// The owners that it has at the source; those of claims are entered again at the destination.
    public var owners: [OwnerReference] = []
    /// A status that moves too; nil for most kinds.
    public var status: JSON?
    /// The ResourceTransformation that changed it; empty where none did.
    public var transformedBy = ""
    /// The kind of the custom resource that waits in this ConfigMap; nil for everything else.
    public var stashedKind: GroupKind?

    /// The hash that it was stamped with.
    public var hash: String {
        self.object.noted(.resourceHash) ?? ""
    }

    /// Stamps it with the hash of what it is now.
    mutating func stampHash() {
        let hash = ResourceHash.of(self.object, owners: self.owners)
        self.object.set(
            .string(hash),
            at: "metadata",
            "annotations",
            StorkNames.Annotation.resourceHash.key
        )
    }
}

/// Makes of an object of the source the object that the destination gets: a pure function.
///
/// What is not named here stays as it is, fields that we do not know included.
public struct ResourcePreparation: Sendable {
    let options: PreparationOptions
    let volumes: any VolumeOwnership

    /// Preparation for one Migration.
    public init(_ options: PreparationOptions, volumes: any VolumeOwnership = CSIVolumes.pool) {
        self.options = options
        self.volumes = volumes
    }

    /// Prepares an object that is moved.
    ///
    /// - Parameters:
    ///   - object: as the source has it.
    ///   - claims: what it owns; only what is stashed keeps that.
    /// - Returns: what is applied at the destination.
    /// - Throws: ``TransformationError`` where the transformation does not fit the object.
    func prepare(
        _ object: KubeObject,
        owning claims: [StashedResource.OwnedClaim] = []
    ) throws(TransformationError) -> PreparedResource {
        let kind = MovedKind(object.groupVersionKind)
        var prepared = PreparedResource(object: Self.reduced(object))
        if kind == .persistentVolumeClaim { prepared.owners = object.ownerReferences }
        // A Service loses the source's addresses first: a transformation may give it new ones. All
        // else is changed before, so that nothing starts, and nothing is deleted, by a change.
        if kind == .service { self.rewrite(&prepared.object, kind) }
        if let changed = try self.options.transformation?.applied(to: prepared.object) {
            prepared.object = changed
            prepared.transformedBy = self.options.transformation?.name ?? ""
            prepared.object.set(
                .string(prepared.transformedBy),
                at: "metadata",
                "annotations",
                StorkNames.Annotation.transformationName.key
            )
        }
        if self.stashes(object) {
            prepared.object.set(nil, at: "status")
            prepared.stashedKind = GroupKind(object.groupVersionKind)
            prepared.object = StashedResource(prepared.object, claims: claims).configMap
        } else {
            if kind != .service { self.rewrite(&prepared.object, kind) }
            prepared.status =
                self.registration(of: object)?.keepStatus == true
                ? object["status"] : nil
            prepared.object.set(nil, at: "status")
        }
        self.stamp(&prepared)
        return prepared
    }

    private func registration(of object: KubeObject) -> ApplicationRegistration? {
        self.options.registrations.last { $0.kind == GroupKind(object.groupVersionKind) }
    }

    /// Whether it waits in a ConfigMap for being activated.
    private func stashes(_ object: KubeObject) -> Bool {
        !self.options.startApplications && self.registration(of: object)?.isStashed == true
    }

    /// With name, namespace, labels and annotations as only metadata.
    static func reduced(_ object: KubeObject) -> KubeObject {
        let kept: Set<String> = ["name", "namespace", "labels", "annotations"]
        let metadata = object["metadata"]?.object?.filter { kept.contains($0.key) }
        var reduced = object
        reduced.set(.object(metadata ?? [:]), at: "metadata")
        // Who has stopped it at the source says nothing about the copy.
        for mark in [OtherSide.stopMark] + Self.marksOfBinder
        where reduced.annotations[mark] != nil {
            reduced.set(nil, at: "metadata", "annotations", mark)
        }
        return reduced
    }

    /// What a cluster's binder writes on volumes and claims that it has bound.
    ///
    /// Another cluster's binder would take a claim that comes with them for lost until a volume names it by UID.
    static let marksOfBinder = [
        "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller",
    ]

    func stamp(_ prepared: inout PreparedResource) {
        let stamps = [
            StorkNames.Annotation.migrated.key: "true",
            StorkNames.Annotation.migrationName.key: self.options.migration.name,
            StorkNames.Annotation.migrationNamespace.key: self.options.migration.namespace,
            StorkNames.Annotation.migrationTime.key: self.options.time,
        ]
        for (key, value) in stamps {
            prepared.object.set(.string(value), at: "metadata", "annotations", key)
        }
        prepared.stampHash()
    }
}

// MARK: Kinds that are rewritten

extension ResourcePreparation {
    private func rewrite(_ object: inout KubeObject, _ kind: MovedKind?) {
        if kind == .service { self.rewriteService(&object) }
        if kind == .persistentVolume { self.rewriteVolume(&object) }
        if kind == .job { Self.rewriteJob(&object) }
        let control = ApplicationControl(
            object.groupVersionKind,
            registrations: self.options.registrations
        )
        if self.options.startApplications {
            control?.start(&object)
        } else {
            control?.stop(&object)
        }
    }

    /// Addresses belong to a cluster; having none (`None`) is a property of the Service.
    private func rewriteService(_ object: inout KubeObject) {
        if self.options.skipServiceUpdate || object.isMarked(.skipModifyResource) { return }
        if object["spec", "clusterIP"]?.string != "None" {
            object.set(nil, at: "spec", "clusterIP")
        }
        object.set(nil, at: "spec", "clusterIPs")
        object.set(nil, at: "spec", "loadBalancerIP")
    }

    /// Reserved for its claim by name, kept whatever happens to the claim, and with the handle that
    /// the data has at the destination.
    ///
    /// Stork leaves the volume unclaimed until its claim is made; a claim of somebody else may then
    /// take it. A reservation without a UID is what the API has for this.
    private func rewriteVolume(_ object: inout KubeObject) {
        object = self.volumes.atDestination(object)
        for (annotation, field) in [
            (StorkNames.Annotation.reclaimPolicy.key, "persistentVolumeReclaimPolicy"),
            (StorkNames.Annotation.currentStorageClassName.key, "storageClassName"),
        ] {
            if let value = object["spec", field]?.string, !value.isEmpty {
                object.set(.string(value), at: "metadata", "annotations", annotation)
            }
        }
        object.set(nil, at: "spec", "storageClassName")
        object.set("Retain", at: "spec", "persistentVolumeReclaimPolicy")
        object.set(nil, at: "spec", "claimRef", "uid")
        object.set(nil, at: "spec", "claimRef", "resourceVersion")
    }

    /// The labels and the selector that a cluster gives to each Job are unique to that Job.
    private static func rewriteJob(_ object: inout KubeObject) {
        for label in ["controller-uid", "batch.kubernetes.io/controller-uid"] {
            object.set(nil, at: "metadata", "labels", label)
            object.set(nil, at: "spec", "template", "metadata", "labels", label)
            object.set(nil, at: "spec", "selector", "matchLabels", label)
        }
        if object["spec", "manualSelector"]?.bool != true {
            object.set(nil, at: "spec", "selector")
        }
    }
}

// MARK: What others need

extension ResourcePreparation {
    /// A namespace as it is made where it is missing.
    public func namespace(_ object: KubeObject) -> PreparedResource {
        var prepared = PreparedResource(object: Self.reduced(object))
        prepared.object.set(nil, at: "spec")
        prepared.object.set(nil, at: "status")
        for field in ["labels", "annotations"] {
            for (key, value) in object["metadata", field]?.strings ?? [:]
            where key.contains("cattle.io") {
                prepared.object.set(self.mapped(value), at: "metadata", field, key)
            }
        }
        self.stamp(&prepared)
        return prepared
    }

    /// The project of the destination, alone or after its cluster and a colon; nil for no project.
    private func mapped(_ project: String) -> JSON? {
        if let whole = self.options.projectMappings[project] { return .string(whole) }
        guard let last = project.split(separator: ":").last.map(String.init) else { return nil }
        return self.options.projectMappings[last].map(JSON.string)
    }

    /// A storage class as it is made where it is missing: never the default of the destination.
    public func storageClass(_ object: KubeObject) -> PreparedResource {
        var prepared = PreparedResource(object: Self.reduced(object))
        for key in [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ] {
            prepared.object.set(nil, at: "metadata", "annotations", key)
        }
        self.stamp(&prepared)
        return prepared
    }

    /// A definition of a custom kind as it is made where it is missing.
    public func definition(_ object: KubeObject) -> PreparedResource {
        var prepared = PreparedResource(object: Self.reduced(object))
        prepared.object.set(nil, at: "status")
        self.stamp(&prepared)
        return prepared
    }
}
