// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The specification of a Migration; what is missing has its default.
public struct MigrationSpec: Hashable, Sendable {
    /// The ClusterPair in the Migration's namespace.
    public var clusterPair: String
    /// The ClusterPair in the admin namespace for what has no namespace; empty for ``clusterPair``.
    public var adminClusterPair: String
    /// The namespaces to move.
    public var namespaces: [String]
    /// Labels of further namespaces to move; one pair is enough.
    public var namespaceSelectors: [String: String]
    /// Whether objects move; without, PersistentVolumes and claims still do.
    public var includesResources: Bool
    /// Whether the data of volumes moves.
    public var includesVolumes: Bool
    /// Whether applications keep their replicas at the destination.
    public var startsApplications: Bool
    /// Whether what vanished at the source is deleted at the destination.
    public var purgesDeletedResources: Bool
    /// Whether Services keep what belongs to the source cluster.
    public var skipsServiceUpdate: Bool
    /// Whether NetworkPolicies with address ranges move.
    public var includesNetworkPolicyWithCIDR: Bool
    /// Labels that objects must all have.
    public var selectors: [String: String]
    /// Labels of which objects may have none.
    public var excludeSelectors: [String: String]
    /// A Rule to run before volumes are copied; empty for none.
    public var preExecRule: String
    /// A Rule to run when the copies have been started; empty for none.
    public var postExecRule: String
    /// Kinds that move only when they are named: Jobs.
    public var includeOptionalResourceTypes: [String]
    /// Whether a missing namespace is a warning and no failure.
    public var skipsDeletedNamespaces: Bool
    /// At most one ResourceTransformation.
    public var transformSpecs: [String]
    /// Whether objects with owners move too.
    public var ignoresOwnerReferences: Bool
    /// Kinds that stay.
    public var excludeResourceTypes: [String]

    /// Reads the field `spec`; nothing is a specification of defaults.
    public init(_ json: JSON? = nil) {
        func text(_ name: String) -> String { json?[name]?.string ?? "" }
        func texts(_ name: String) -> [String] { json?[name]?.array?.compactMap(\.string) ?? [] }
        func labels(_ name: String) -> [String: String] { json?[name]?.strings ?? [:] }
        func flag(_ name: String, _ byDefault: Bool) -> Bool { json?[name]?.bool ?? byDefault }
        self.clusterPair = text("clusterPair")
        self.adminClusterPair = text("adminClusterPair")
        self.namespaces = texts("namespaces")
        self.namespaceSelectors = labels("namespaceSelectors")
        self.includesResources = flag("includeResources", true)
        self.includesVolumes = flag("includeVolumes", true)
        self.startsApplications = flag("startApplications", false)
        self.purgesDeletedResources = flag("purgeDeletedResources", false)
        self.skipsServiceUpdate = flag("skipServiceUpdate", false)
        self.includesNetworkPolicyWithCIDR = flag("includeNetworkPolicyWithCIDR", false)
        self.selectors = labels("selectors")
        self.excludeSelectors = labels("excludeSelectors")
        self.preExecRule = text("preExecRule")
        self.postExecRule = text("postExecRule")
        self.includeOptionalResourceTypes = texts("includeOptionalResourceTypes")
        self.skipsDeletedNamespaces = flag("skipDeletedNamespaces", true)
        self.transformSpecs = texts("transformSpecs")
        self.ignoresOwnerReferences = flag("ignoreOwnerReferencesCheck", false)
        self.excludeResourceTypes = texts("excludeResourceTypes")
    }

    /// As it is written: the truth values always, the rest where there is something to say.
    public var json: JSON {
        var json: JSON = [
            "clusterPair": .string(self.clusterPair), "namespaces": JSON(self.namespaces),
            "includeResources": .bool(self.includesResources),
            "includeVolumes": .bool(self.includesVolumes),
            "startApplications": .bool(self.startsApplications),
            "purgeDeletedResources": .bool(self.purgesDeletedResources),
            "skipServiceUpdate": .bool(self.skipsServiceUpdate),
            "includeNetworkPolicyWithCIDR": .bool(self.includesNetworkPolicyWithCIDR),
            "skipDeletedNamespaces": .bool(self.skipsDeletedNamespaces),
            "ignoreOwnerReferencesCheck": .bool(self.ignoresOwnerReferences),
        ]
        for (name, text) in [
            ("adminClusterPair", self.adminClusterPair), ("preExecRule", self.preExecRule),
            ("postExecRule", self.postExecRule),
        ] where !text.isEmpty {
            json.set(.string(text), at: name)
        }
        for (name, labels) in [
            ("namespaceSelectors", self.namespaceSelectors), ("selectors", self.selectors),
            ("excludeSelectors", self.excludeSelectors),
        ] where !labels.isEmpty {
            json.set(JSON(labels), at: name)
        }
        for (name, texts) in [
            ("includeOptionalResourceTypes", self.includeOptionalResourceTypes),
            ("transformSpecs", self.transformSpecs),
            ("excludeResourceTypes", self.excludeResourceTypes),
        ] where !texts.isEmpty {
            json.set(JSON(texts), at: name)
        }
        return json
    }
}
