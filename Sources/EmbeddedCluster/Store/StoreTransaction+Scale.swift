// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

extension ServedKind {
    /// An object as `Scale` of autoscaling/v1 shows it.
    ///
    /// - Throws: `.notFound` for kinds without replicas.
    func scaleView(of object: KubeObject) throws(APIStatus) -> KubeObject {
        guard let scale = self.scale else {
            throw APIStatus(
                .notFound,
                "the server could not find the requested resource",
                self.resource,
                object.name
            )
        }
        var metadata: JSONFields = [:]
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[field] = object["metadata", field]
        }
        var view = KubeObject([
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": .object(metadata),
            "spec": ["replicas": object.json.at(scale.replicas) ?? 0],
            "status": ["replicas": object.json.at(scale.statusReplicas) ?? 0],
        ])
        if let path = scale.selector, let selector = object.json.at(path) {
            let labels = (selector["matchLabels"] ?? selector).strings ?? [:]
            let text =
                selector.string
                ?? labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                .joined(separator: ",")
            view.set(.string(text), at: "status", "selector")
        }
        return view
    }
}

extension StoreTransaction {
    /// Sets the number of replicas.
    func scale(
        _ kind: ServedKind,
        _ live: KubeObject,
        to body: KubeObject,
        _ options: WriteOptions
    ) throws -> Written {
        guard let scale = kind.scale else {
            _ = try kind.scaleView(of: live)
            return Written(object: live)
        }
        guard let replicas = body["spec", "replicas"]?.int ?? (body["spec"] == nil ? 0 : nil),
            replicas >= 0
        else {
            throw APIStatus.invalid(
                kind.resource,
                live.name,
                [
                    .invalid(
                        "spec.replicas",
                        body["spec", "replicas"],
                        "must be an integer that is not negative"
                    )
                ]
            )
        }
        let version = body.resourceVersion
        guard version.isEmpty || version == live.resourceVersion else {
            throw APIStatus.conflict(kind.resource, live.name, APIStatus.modified)
        }
        var proposed = live
        proposed.json.set(JSON(replicas), at: scale.replicas[...])
        var written = try self.replace(kind, live, by: proposed, part: nil, options)
        written.object = try kind.scaleView(of: written.object)
        return written
    }
}

extension ObjectStore {
    /// The number of an object's replicas, as `Scale` of autoscaling/v1.
    ///
    /// - Throws: `.notFound` for an object that is not there and for kinds without replicas.
    public func scale(_ kind: ServedKind, _ key: ObjectKey) async throws(APIStatus) -> KubeObject {
        try kind.scaleView(of: try await self.get(kind, key))
    }
}
