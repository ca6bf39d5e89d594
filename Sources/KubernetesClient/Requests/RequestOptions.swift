// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// Which objects a list or a watch is about.
public struct ObjectSelection: Sendable, Hashable {
    /// Conditions on labels, as `a=b,c in (d,e)`; empty for none.
    public var labels = ""
    /// Conditions on fields, as `metadata.name=a`; empty for none.
    public var fields = ""

    /// Everything.
    public static let all = Self()

    /// Objects that meet both conditions.
    public init(labels: String = "", fields: String = "") {
        self.labels = labels
        self.fields = fields
    }

    /// Objects with all of these labels.
    public init(labels: [String: String]) {
        self.labels = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            .joined(separator: ",")
    }

    /// Objects that a selector matches.
    public init(_ selector: LabelSelector) {
        self.labels = selector.requirements
            .map { requirement in
                switch requirement {
                case .isOneOf(let key, let values): "\(key) in (\(values.joined(separator: ",")))"
                case .isNoneOf(let key, let values):
                    "\(key) notin (\(values.joined(separator: ",")))"
                case .exists(let key): key
                case .isAbsent(let key): "!\(key)"
                }
            }
            .joined(separator: ",")
    }

    /// The object of this name.
    public static func named(_ name: String) -> Self { Self(fields: "metadata.name=\(name)") }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if !self.labels.isEmpty { query.append(("labelSelector", self.labels)) }
        if !self.fields.isEmpty { query.append(("fieldSelector", self.fields)) }
        return query
    }
}

/// One page of a list, or all of it.
public struct ObjectList: Sendable {
    /// The objects, each with its `apiVersion` and `kind`, which servers leave out.
    public var items: [KubeObject]
    /// Where a watch goes on.
    public var resourceVersion: String
    /// For the next page; empty on the last.
    public var continueToken: String
    /// How many follow; nil where the server does not say.
    public var remaining: Int?

    init(_ json: JSON, _ resource: APIResource) {
        let apiVersion = JSON.string(resource.groupVersion.apiVersion)
        self.items = (json["items"]?.array ?? [])
            .map { item in
                var item = item
                if item["apiVersion"] == nil { item.set(apiVersion, at: "apiVersion") }
                if item["kind"] == nil { item.set(.string(resource.kind), at: "kind") }
                return KubeObject(item)
            }
        self.resourceVersion = json["metadata", "resourceVersion"]?.string ?? ""
        self.continueToken = json["metadata", "continue"]?.string ?? ""
        self.remaining = json["metadata", "remainingItemCount"]?.int
    }
}

/// How a write is done.
public struct WriteOptions: Sendable, Hashable {
    /// Who writes, as `metadata.managedFields` names it; nil for the name of the program.
    public var fieldManager: String?
    /// Whether everything happens but the writing.
    public var dryRun = false
    /// What becomes of unknown fields on servers from 1.25 on; nil for the server's default, to warn.
    public var fieldValidation: FieldValidation?

    /// What a server does about fields that the kind does not have.
    public enum FieldValidation: String, Sendable {
        /// Leaves them out.
        case ignore = "Ignore"
        /// Leaves them out and says so.
        case warn = "Warn"
        /// Refuses the object.
        case strict = "Strict"
    }

    /// A write in the name of `fieldManager`.
    public init(
        fieldManager: String? = nil,
        dryRun: Bool = false,
        fieldValidation: FieldValidation? = nil
    ) {
        self.fieldManager = fieldManager
        self.dryRun = dryRun
        self.fieldValidation = fieldValidation
    }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if let fieldManager = self.fieldManager { query.append(("fieldManager", fieldManager)) }
        if self.dryRun { query.append(("dryRun", "All")) }
        if let validation = self.fieldValidation {
            query.append(("fieldValidation", validation.rawValue))
        }
        return query
    }
}

/// A change of an object.
public enum Patch: Sendable, Hashable {
    /// A merge patch (RFC 7396): null removes, objects merge, everything else replaces.
    case merge(JSON)
    /// Operations (RFC 6902), done all or none.
    case operations([JSON])
    /// The patch of the built-in kinds that knows the keys of their lists.
    case strategic(JSON)
    /// The fields that this writer wants, by server-side apply; made where there is no object.
    ///
    /// `force` takes fields from other writers; without it their fields are a conflict.
    case apply(JSON, force: Bool)

    var contentType: String {
        switch self {
        case .merge: "application/merge-patch+json"
        case .operations: "application/json-patch+json"
        case .strategic: "application/strategic-merge-patch+json"
        // YAML is what servers take here; JSON is YAML.
        case .apply: "application/apply-patch+yaml"
        }
    }

    var body: JSON {
        switch self {
        case .merge(let json), .strategic(let json), .apply(let json, _): json
        case .operations(let operations): .array(operations)
        }
    }
}

/// How an object is deleted.
public struct DeleteOptions: Sendable, Hashable {
    /// What becomes of the objects that have it as their owner.
    public enum Propagation: String, Sendable {
        /// They go after it.
        case background = "Background"
        /// They go before it.
        case foreground = "Foreground"
        /// They stay.
        case orphan = "Orphan"
    }

    /// Nil for the default of the kind.
    public var propagation: Propagation?
    /// Delete only the object with this `uid`: not a new one of the same name.
    public var uid: String?
    /// Delete only the object as it was read.
    public var resourceVersion: String?
    /// Seconds that a pod gets to end; nil for its own.
    public var gracePeriodSeconds: Int?
    /// Whether everything happens but the deleting.
    public var dryRun = false

    /// A deletion of these conditions.
    public init(
        propagation: Propagation? = nil,
        uid: String? = nil,
        resourceVersion: String? = nil,
        gracePeriodSeconds: Int? = nil,
        dryRun: Bool = false
    ) {
        self.propagation = propagation
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.gracePeriodSeconds = gracePeriodSeconds
        self.dryRun = dryRun
    }

    var body: JSON {
        var json: JSON = ["apiVersion": "v1", "kind": "DeleteOptions"]
        if let propagation = self.propagation {
            json.set(.string(propagation.rawValue), at: "propagationPolicy")
        }
        if let uid = self.uid { json.set(.string(uid), at: "preconditions", "uid") }
        if let version = self.resourceVersion {
            json.set(.string(version), at: "preconditions", "resourceVersion")
        }
        if let seconds = self.gracePeriodSeconds {
            json.set(JSON(seconds), at: "gracePeriodSeconds")
        }
        if self.dryRun { json.set(["All"], at: "dryRun") }
        return json
    }
}
