// SPDX-License-Identifier: Apache-2.0

/// An object of a cluster: its JSON, with names for the fields that every kind has.
///
/// Nothing is checked and nothing is lost: unknown fields stay, and reading a field of the wrong type
/// gives the same as an absent one. Validation happens where an object comes in.
public struct KubeObject: Hashable, Sendable {
    /// All of it.
    public var json: JSON

    /// An object that was read.
    public init(_ json: JSON) { self.json = json }

    /// A new object with these names and nothing else.
    public init(_ kind: GroupVersionKind, _ key: ObjectKey, _ fields: JSONFields = [:]) {
        var json = JSON.object(fields)
        json.set(.string(kind.groupVersion.apiVersion), at: "apiVersion")
        json.set(.string(kind.kind), at: "kind")
        json.set(.string(key.name), at: "metadata", "name")
        if !key.namespace.isEmpty { json.set(.string(key.namespace), at: "metadata", "namespace") }
        self.json = json
    }

    /// Empty where it is missing.
    public var apiVersion: String { self.json["apiVersion"]?.string ?? "" }
    /// Empty where it is missing.
    public var kind: String { self.json["kind"]?.string ?? "" }

    /// Of `apiVersion` and `kind`; the group is empty where `apiVersion` is malformed.
    public var groupVersionKind: GroupVersionKind {
        GroupVersionKind(
            GroupVersion(apiVersion: self.apiVersion) ?? GroupVersion("", ""),
            self.kind
        )
    }

    /// Empty where it is missing.
    public var name: String { self.metadata("name") }
    /// Empty for kinds without one.
    public var namespace: String { self.metadata("namespace") }
    /// Empty before it is stored.
    public var uid: String { self.metadata("uid") }
    /// Changes with every write; opaque.
    public var resourceVersion: String { self.metadata("resourceVersion") }
    /// Namespace and name.
    public var key: ObjectKey { ObjectKey(self.namespace, self.name) }
    /// Changes with the specification only.
    public var generation: Int { self.json["metadata", "generation"]?.int ?? 0 }

    /// As the API server wrote it: RFC 3339, UTC, in seconds.
    public var creationTimestamp: String? { self.json["metadata", "creationTimestamp"]?.string }
    /// When deletion was asked for; finalizers may still hold the object.
    public var deletionTimestamp: String? { self.json["metadata", "deletionTimestamp"]?.string }
    /// Whether deletion was asked for.
    public var isBeingDeleted: Bool { self.deletionTimestamp != nil }

    private func metadata(_ field: String) -> String { self.json["metadata", field]?.string ?? "" }

    /// Texts by key; setting none removes the field.
    public var labels: [String: String] {
        get { self.json["metadata", "labels"]?.strings ?? [:] }
        set { self.json.set(newValue.isEmpty ? nil : JSON(newValue), at: "metadata", "labels") }
    }

    /// Texts by key; setting none removes the field.
    public var annotations: [String: String] {
        get { self.json["metadata", "annotations"]?.strings ?? [:] }
        set {
            self.json.set(newValue.isEmpty ? nil : JSON(newValue), at: "metadata", "annotations")
        }
    }

    /// What must be removed before the object can go.
    public var finalizers: [String] {
        get { self.json["metadata", "finalizers"]?.array?.compactMap(\.string) ?? [] }
        set { self.json.set(newValue.isEmpty ? nil : JSON(newValue), at: "metadata", "finalizers") }
    }

    /// The objects without which this one is garbage.
    public var ownerReferences: [OwnerReference] {
        (self.json["metadata", "ownerReferences"]?.array ?? []).map(OwnerReference.init)
    }

    /// The value at a path of keys; nil where there is none.
    public subscript(_ path: String...) -> JSON? { self.json.at(path) }

    /// Sets the value at a path of keys; nil removes it.
    public mutating func set(_ value: JSON?, at path: String...) {
        self.json.set(value, at: path[...])
    }
}

/// An entry of `metadata.ownerReferences`.
public struct OwnerReference: Hashable, Sendable {
    /// Of the owner.
    public var apiVersion: String
    /// Of the owner.
    public var kind: String
    /// Of the owner, in the namespace of the object or in none.
    public var name: String
    /// Of the owner; a new object of that name is another owner.
    public var uid: String
    /// Whether this owner manages the object; one of them at most.
    public var isController: Bool
    /// Whether the owner waits for the object when deleted in the foreground.
    public var blocksOwnerDeletion: Bool

    /// Reads an entry; missing fields are empty.
    public init(_ json: JSON) {
        self.apiVersion = json["apiVersion"]?.string ?? ""
        self.kind = json["kind"]?.string ?? ""
        self.name = json["name"]?.string ?? ""
        self.uid = json["uid"]?.string ?? ""
        self.isController = json["controller"]?.bool ?? false
        self.blocksOwnerDeletion = json["blockOwnerDeletion"]?.bool ?? false
    }

    /// A reference to an object that exists, as its controller.
    public init(to owner: KubeObject) {
        self.apiVersion = owner.apiVersion
        self.kind = owner.kind
        self.name = owner.name
        self.uid = owner.uid
        self.isController = true
        self.blocksOwnerDeletion = true
    }

    /// As it is written.
    public var json: JSON {
        [
            "apiVersion": .string(self.apiVersion), "kind": .string(self.kind),
            "name": .string(self.name), "uid": .string(self.uid),
            "controller": .bool(self.isController),
            "blockOwnerDeletion": .bool(self.blocksOwnerDeletion),
        ]
    }
}
