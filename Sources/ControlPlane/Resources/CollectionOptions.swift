// SPDX-License-Identifier: Apache-2.0

import Kinds
public import ObjectModel

/// What a Migration asks to be moved.
public struct CollectionOptions: Hashable, Sendable {
    /// The namespaces to move; `kube-system` is never moved, also when it is here.
    public var namespaces: Set<String>
    /// Only objects that have all of these labels; empty for all objects.
    public var selectors: [String: String] = [:]
    /// No object that has any of these labels.
    public var excludeSelectors: [String: String] = [:]
    /// No object of these kinds: `Secret`, `secrets`; letter case does not count.
    public var excludeResourceTypes: [String] = []
    /// Kinds that are moved on request only: `Job`.
    public var includeOptionalResourceTypes: [String] = []
    /// Whether network policies move that name address ranges of the source.
    public var includeNetworkPolicyWithCIDR = false
    /// Whether objects move although their owner makes them again.
    public var ignoreOwnerReferencesCheck = false
    /// Whether service accounts move; the documents say no, later releases do
    /// (docs/decisions/0012-service-accounts-stay.md).
    public var includeServiceAccounts = false
    /// Whether only volumes and their claims move (`includeResources: false`).
    public var volumesOnly = false

    /// The defaults, for these namespaces.
    public init(namespaces: some Sequence<String>) { self.namespaces = Set(namespaces) }

    /// The namespace that holds the cluster itself.
    public static let neverMoved = "kube-system"

    /// Whether a kind is in a list of kinds as people write them.
    static func names(_ kinds: [String], _ kind: String) -> Bool {
        let kind = kind.lowercased()
        return kinds.contains { asked in
            let asked = asked.lowercased()
            return asked == kind || asked == kind + "s" || asked == kind + "es"
                || (kind.hasSuffix("y") && asked == kind.dropLast() + "ies")
        }
    }
}

/// Why an object stays where it is.
public enum LeftOutReason: Hashable, Sendable, CustomStringConvertible {
    case namespaceNotMigrated
    case clusterNamespace
    case kindNotMoved
    case kindExcluded
    case kindOnRequest
    case volumesOnly
    case markedToSkip
    case selectorsDoNotMatch
    case excludeSelectorMatches
    case seenBefore
    case beingDeleted
    case madeByTheCluster
    case generatedEndpoints
    case serviceAccountToken
    case serviceAccount
    case subjectsElsewhere
    case notReferenced
    case namesAddressRange
    case claimNotBound
    case volumeOfAnotherDriver
    case volumeNotBound
    case claimNotMoved
    case ownerIsMoved(String)
    case ownedByPod
    case ownedByDeployment

    /// For a person, without the object's name.
    public var description: String {
        switch self {
        case .namespaceNotMigrated: "its namespace is not migrated"
        case .clusterNamespace: "\(CollectionOptions.neverMoved) is never migrated"
        case .kindNotMoved: "objects of this kind are not migrated"
        case .kindExcluded: "its kind is in excludeResourceTypes"
        case .kindOnRequest: "its kind is not in includeOptionalResourceTypes"
        case .volumesOnly: "includeResources is false"
        case .markedToSkip: "it has the annotation \(StorkNames.Annotation.skipResource.key)"
        case .selectorsDoNotMatch: "its labels do not match selectors"
        case .excludeSelectorMatches: "its labels match excludeSelectors"
        case .seenBefore: "the same object was listed under another version"
        case .beingDeleted: "it is being deleted"
        case .madeByTheCluster: "each cluster makes its own"
        case .generatedEndpoints: "a Service makes it again"
        case .serviceAccountToken: "each cluster makes its own tokens"
        case .serviceAccount: "service accounts are not migrated unless asked for"
        case .subjectsElsewhere: "none of its subjects is in a migrated namespace"
        case .notReferenced: "nothing that is migrated refers to it"
        case .namesAddressRange: "it names address ranges (includeNetworkPolicyWithCIDR)"
        case .claimNotBound: "the claim is not Bound"
        case .volumeOfAnotherDriver: "the storage driver does not own its volume"
        case .volumeNotBound: "the volume is not Bound"
        case .claimNotMoved: "its claim is not migrated"
        case .ownerIsMoved(let owner): "\(owner), which owns it, makes it again"
        case .ownedByPod: "a Pod owns it"
        case .ownedByDeployment: "its Deployment makes it again"
        }
    }
}

/// What is moved, and what stays for which reason.
public struct CollectedResources: Hashable, Sendable {
    /// An object that stays.
    public struct LeftOut: Hashable, Sendable {
        /// As the source has it.
        public let object: KubeObject
        /// Why it stays.
        public let reason: LeftOutReason

        /// An object and why it stays.
        public init(_ object: KubeObject, _ reason: LeftOutReason) {
            self.object = object
            self.reason = reason
        }
    }

    /// As the source has them, but for subjects that stay; by kind, namespace and name.
    public var moved: [KubeObject]
    /// In the order of what was given.
    public var leftOut: [LeftOut]

    /// What is moved and what is not.
    public init(moved: [KubeObject] = [], leftOut: [LeftOut] = []) {
        self.moved = moved
        self.leftOut = leftOut
    }

    /// Of what moves, the objects of one kind.
    public func moved(_ kind: MovedKind) -> [KubeObject] {
        self.moved.filter { MovedKind($0.groupVersionKind) == kind }
    }
}
