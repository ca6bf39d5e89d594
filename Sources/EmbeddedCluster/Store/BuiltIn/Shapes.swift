// SPDX-License-Identifier: Apache-2.0

/// How the built-in kinds merge: their lists with keys, and what is owned whole.
enum Shapes {
    /// Objects without lists of their own.
    static let plain = Self.object([:])

    /// A whole object: its metadata and what else is told.
    static func object(_ fields: [String: MergeShape]) -> MergeShape {
        var shape = MergeShape()
        shape.fields = fields
        shape.fields["metadata"] = Self.metadata
        return shape
    }

    static let metadata = Self.fields([
        "ownerReferences": Self.list(["uid"]), "finalizers": Self.set,
        "managedFields": MergeShape(),
    ])

    static func fields(_ fields: [String: MergeShape]) -> MergeShape {
        var shape = MergeShape()
        shape.fields = fields
        return shape
    }

    /// A list of objects that keys tell apart; strategic merge patches use the first.
    static func list(
        _ keys: [String],
        _ element: MergeShape = MergeShape(),
        defaults: [String: String] = [:],
        patchKey: String? = nil
    ) -> MergeShape {
        var shape = MergeShape()
        shape.list = .map(keys)
        shape.patchKey = patchKey ?? keys.first
        shape.items = [element]
        shape.keyDefaults = defaults
        return shape
    }

    static let set: MergeShape = {
        var shape = MergeShape()
        shape.list = .set
        return shape
    }()

    /// An object that one manager owns whole.
    static let whole: MergeShape = {
        var shape = MergeShape()
        shape.isAtomic = true
        return shape
    }()

    static let status = Self.fields(["conditions": Self.list(["type"])])

    private static let container = Self.fields([
        "ports": Self.list(["containerPort", "protocol"], defaults: ["protocol": "TCP"]),
        "env": Self.list(["name"]),
        "volumeMounts": Self.list(["mountPath"]),
        "volumeDevices": Self.list(["devicePath"]),
        "resources": Self.fields(["claims": Self.list(["name"])]),
    ])

    static let podSpec = Self.fields([
        "containers": Self.list(["name"], Self.container),
        "initContainers": Self.list(["name"], Self.container),
        "ephemeralContainers": Self.list(["name"], Self.container),
        "volumes": Self.list(["name"]),
        "imagePullSecrets": Self.list(["name"]),
        "hostAliases": Self.list(["ip"]),
        "schedulingGates": Self.list(["name"]),
        "resourceClaims": Self.list(["name"]),
        "topologySpreadConstraints": Self.list(
            ["topologyKey", "whenUnsatisfiable"],
            Self.fields(["labelSelector": Self.whole])
        ),
        "nodeSelector": Self.whole,
    ])

    static let podTemplate = Self.fields(["metadata": Self.metadata, "spec": Self.podSpec])

    /// A kind with a selector and a template of pods.
    static let workload = Self.object([
        "spec": Self.fields(["selector": Self.whole, "template": Self.podTemplate]),
        "status": Self.status,
    ])

    static let service = Self.object([
        "spec": Self.fields([
            "ports": Self.list(["port", "protocol"], defaults: ["protocol": "TCP"]),
            "selector": Self.whole,
        ]),
        "status": Self.status,
    ])
}
