// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What a schema does to the objects of a kind; nil fields of it stay as they come.
public protocol KindSchema: Sendable {
    /// The OpenAPI v3 document of the kind.
    var json: JSON { get }
    /// The paths that the schema does not know, such as `spec.nme`; sorted.
    func unknownFields(in object: JSON) -> [String]
    /// The object without those fields.
    func pruned(_ object: JSON) -> JSON
    /// The object with the schema's default values.
    func defaulted(_ object: JSON) -> JSON
    /// What breaks the schema; `old` is nil for a new object.
    func causes(_ object: JSON, old: JSON?) -> [APIStatus.Cause]
}

/// A kind as the store serves it in one version: its names and everything that makes it differ.
public struct ServedKind: Sendable {
    /// What the names of a kind's objects may look like.
    public enum NameStyle: Hashable, Sendable {
        case subdomain
        case label
        /// A label that begins with a letter, as names of Services do.
        case letterLabel
        /// Anything that can stand in a path, as names of roles do.
        case pathSegment
    }

    /// Where the number of replicas stands, for kinds that can be scaled.
    public struct Scale: Hashable, Sendable {
        /// Paths of keys in the object.
        public var replicas: [String]
        /// In the status.
        public var statusReplicas: [String]
        /// The selector; nil where the kind has none.
        public var selector: [String]?

        /// The paths of a kind.
        public init(
            replicas: [String] = ["spec", "replicas"],
            statusReplicas: [String] = ["status", "replicas"],
            selector: [String]? = ["spec", "selector"]
        ) {
            self.replicas = replicas
            self.statusReplicas = statusReplicas
            self.selector = selector
        }
    }

    /// The names that clients use.
    public var resource: APIResource
    /// Words that stand for several kinds, such as `all`.
    public var categories: [String] = []
    /// Whether `status` is written through its own path only.
    public var hasStatus = false
    /// Whether `metadata.generation` counts the changes of the specification.
    public var hasGeneration = false
    /// Fields that selectors may name beside `metadata.name` and `metadata.namespace`.
    public var selectableFields: Set<String> = []
    /// nil for kinds without replicas.
    public var scale: Scale?
    /// What names may look like.
    public var nameStyle = NameStyle.subdomain
    /// What `kubectl get` shows.
    public var columns: [KindColumn] = []
    /// How lists and objects inside are merged.
    public var shape = MergeShape()
    /// nil for built-in kinds: they keep every field.
    public var schema: (any KindSchema)?
    /// The native rules.
    public var rules = KindRules()
    /// Whether another version of the kind is the one that is stored and preferred.
    public var isSecondary = false

    /// A kind with these names and no further properties.
    public init(_ resource: APIResource) { self.resource = resource }

    /// What all versions of the kind share: the key of its objects in the store.
    public var storage: String { self.resource.qualifiedPlural }

    /// The kind of its lists.
    public var listKind: String { "\(self.resource.kind)List" }

    /// An object of the store in this version.
    func presented(_ object: KubeObject) -> KubeObject {
        let apiVersion = self.resource.groupVersion.apiVersion
        guard object.apiVersion != apiVersion else { return object }
        var presented = object
        presented.set(.string(apiVersion), at: "apiVersion")
        return presented
    }
}

/// The rules of a kind that are code: what is filled in and what is refused.
public struct KindRules: Sendable {
    /// Fills in defaults before an object is checked; the former object is nil for a new one.
    public var prepare: @Sendable (inout KubeObject, KubeObject?) -> Void = { _, _ in }
    /// What is wrong with an object; the former object is nil for a new one.
    public var causes: @Sendable (KubeObject, KubeObject?) -> [APIStatus.Cause] = { _, _ in [] }

    /// Rules that fill in nothing and refuse nothing.
    public init() {}
}
