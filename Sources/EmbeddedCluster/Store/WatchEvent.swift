// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// Which objects of a kind a list or a watch is about.
public struct ObjectSelection: Sendable, Hashable {
    /// nil for all namespaces, and for kinds without.
    public var namespace: String?
    /// On labels.
    public var labels: LabelSelector
    /// On fields.
    public var fields: FieldSelector

    /// A selection; everything by default.
    public init(
        namespace: String? = nil,
        labels: LabelSelector = LabelSelector([]),
        fields: FieldSelector = FieldSelector()
    ) {
        self.namespace = namespace
        self.labels = labels
        self.fields = fields
    }

    /// Whether an object belongs to it.
    public func matches(_ object: KubeObject) -> Bool {
        if let namespace, object.namespace != namespace { return false }
        if !self.labels.requirements.isEmpty, !self.labels.matches(object.labels) { return false }
        return self.fields.matches(object)
    }

    /// Whether it leaves objects out that are in its namespace.
    var isSelective: Bool {
        !self.labels.requirements.isEmpty || !self.fields.requirements.isEmpty
    }
}

/// What a watch tells.
public struct WatchEvent: Sendable, Hashable {
    /// What happened.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        /// Nothing, up to the resourceVersion of the object.
        case bookmark = "BOOKMARK"
        /// The watch ends; the object is a status.
        case error = "ERROR"
    }

    /// What happened.
    public let kind: Kind
    /// The object, or for a bookmark the resourceVersion alone, or a status.
    public let object: KubeObject
    /// Of the change; 0 of an error.
    let version: Int

    init(_ kind: Kind, _ object: KubeObject, version: Int) {
        self.kind = kind
        self.object = object
        self.version = version
    }

    /// The end of a watch, with its reason.
    init(_ status: APIStatus) { self.init(.error, KubeObject(status.json), version: 0) }

    /// The line that travels.
    public var json: JSON {
        ["type": .string(self.kind.rawValue), "object": self.object.json]
    }
}

/// What one watch wants of the changes.
struct WatchFilter: Sendable {
    let kind: ServedKind
    let selection: ObjectSelection

    /// What a change means for the selection: an object that no longer belongs to it is deleted.
    func event(_ change: StoredChange) -> WatchEvent? {
        let isNow = change.kind != .deleted && self.selection.matches(change.object)
        let wasBefore = change.former.map(self.selection.matches) ?? false
        switch (isNow, wasBefore) {
        case (true, true): return self.event(.modified, change.object, change.version)
        case (true, false): return self.event(.added, change.object, change.version)
        case (false, false): return nil
        case (false, true):
            var last = change.former ?? change.object
            last.set(.string("\(change.version)"), at: "metadata", "resourceVersion")
            return self.event(.deleted, last, change.version)
        }
    }

    func event(_ kind: WatchEvent.Kind, _ object: KubeObject, _ version: Int) -> WatchEvent {
        WatchEvent(kind, self.kind.presented(object), version: version)
    }

    func bookmark(_ version: Int, endsInitialEvents: Bool = false) -> WatchEvent {
        var object = KubeObject([
            "kind": .string(self.kind.resource.kind),
            "apiVersion": .string(self.kind.resource.groupVersion.apiVersion),
            "metadata": ["resourceVersion": .string("\(version)")],
        ])
        if endsInitialEvents { object.annotations = ["k8s.io/initial-events-end": "true"] }
        return WatchEvent(.bookmark, object, version: version)
    }
}
