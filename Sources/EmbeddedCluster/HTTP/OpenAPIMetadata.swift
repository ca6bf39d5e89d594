// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// The schemas that all kinds share, in our words.
enum OpenAPIMetadata {
    static let objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    private static let ownerReference = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference"

    /// What every document holds.
    static let schemas: JSONFields = [
        Self.objectMeta: [
            "type": "object",
            "description": "What every stored object has: its names, its labels and its history.",
            "properties": .object(Self.fields),
        ],
        Self.ownerReference: [
            "type": "object",
            "description": "The object without which this one is garbage.",
            "required": ["apiVersion", "kind", "name", "uid"],
            "properties": [
                "apiVersion": Self.text("Group and version of the owner."),
                "kind": Self.text("Kind of the owner."),
                "name": Self.text("Name of the owner."),
                "uid": Self.text("Identity of the owner: a new object of its name is another one."),
                "controller": Self.truth("Whether this owner manages the object."),
                "blockOwnerDeletion": Self.truth(
                    "Whether the owner, deleted in the foreground, waits for this object."
                ),
            ],
        ],
    ]

    private static let fields: JSONFields = [
        "name": Self.text("Unique in its namespace; it cannot be changed."),
        "generateName": Self.text("A prefix: the server makes the name of it and a random end."),
        "namespace": Self.text("Where the object lives; none for kinds of the whole cluster."),
        "uid": Self.text("Identity of this object in time and space; set by the server."),
        "resourceVersion": Self.text("Changes with every write; opaque; set by the server."),
        "generation": [
            "type": "integer", "format": "int64",
            "description": "Counts the changes of the specification; set by the server.",
        ],
        "creationTimestamp": Self.time("When the object was made; set by the server."),
        "deletionTimestamp": Self.time("When its deletion was asked for; set by the server."),
        "deletionGracePeriodSeconds": [
            "type": "integer", "format": "int64",
            "description": "How long the object may take to end.",
        ],
        "labels": Self.texts("Names and values by which objects are selected."),
        "annotations": Self.texts("Names and values for tools; nothing is selected by them."),
        "finalizers": [
            "type": "array", "items": ["type": "string"],
            "description": "What has to be removed before the object can go.",
        ],
        "ownerReferences": [
            "type": "array",
            "description": "The objects without which this one is garbage.",
            "items": ["$ref": .string("#/components/schemas/\(Self.ownerReference)")],
        ],
        "managedFields": [
            "type": "array",
            "description": "Who has set which fields; set by the server.",
            "items": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
        ],
        "selfLink": Self.text("Not set any more."),
    ]

    /// The two fields that say what an object is.
    static let typeFields = [
        ("apiVersion", "Group and version of the kind, such as apps/v1; v1 for the core group."),
        ("kind", "Which kind of object this is, in CamelCase."),
    ]

    /// The query's parameters, in our words.
    static let parameters = [
        "pretty": "Whether the answer is indented.",
        "dryRun": "All: everything is checked and nothing is stored.",
        "fieldManager": "Who writes: the fields that are set become its own.",
        "fieldValidation": "Ignore, Warn or Strict: what happens to unknown and repeated fields.",
        "force": "Whether an apply takes over fields of other managers.",
        "continue": "Where the next part of a list begins.",
        "fieldSelector": "Conditions on fields of the objects.",
        "labelSelector": "Conditions on labels of the objects.",
        "limit": "How many objects an answer holds at most.",
        "resourceVersion": "Which state of the store is meant.",
    ]

    /// Of a built-in kind, whose fields are taken as they come: what a person can know of it here.
    static func permissive(_ resource: APIResource) -> JSON {
        var properties: JSONFields = [:]
        for (name, text) in Self.parts[resource.kind] ?? Self.usualParts {
            properties[name] = [
                "type": "object", "description": .string(text),
                "x-kubernetes-preserve-unknown-fields": true,
            ]
        }
        return [
            "type": "object",
            "description": .string(
                "\(resource.kind) of \(resource.groupVersion). The embedded cluster stores it and "
                    + "runs nothing of it; its fields are those of Kubernetes."
            ),
            "x-kubernetes-preserve-unknown-fields": true,
            "properties": .object(properties),
        ]
    }

    private static let usualParts = [
        ("spec", "What is wanted."), ("status", "What is seen; written by controllers."),
    ]

    /// Of kinds that have no specification.
    private static let parts: [String: [(String, String)]] = [
        "ConfigMap": [
            ("data", "Texts by name."), ("binaryData", "Bytes by name, in base64."),
        ],
        "Secret": [
            ("data", "Bytes by name, in base64."), ("stringData", "Texts by name; written only."),
        ],
        "ServiceAccount": [], "Event": [], "StorageClass": [("parameters", "Texts by name.")],
        "Role": [], "ClusterRole": [],
        "RoleBinding": [("roleRef", "The role that is given.")],
        "ClusterRoleBinding": [("roleRef", "The role that is given.")],
    ]

    private static func text(_ description: String) -> JSON {
        ["type": "string", "description": .string(description)]
    }

    private static func truth(_ description: String) -> JSON {
        ["type": "boolean", "description": .string(description)]
    }

    private static func time(_ description: String) -> JSON {
        ["type": "string", "format": "date-time", "description": .string(description)]
    }

    private static func texts(_ description: String) -> JSON {
        [
            "type": "object", "description": .string(description),
            "additionalProperties": ["type": "string"],
        ]
    }
}
