// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// A resource as discovery tells of it.
struct DiscoveryEntry: Hashable, Sendable {
    let resource: APIResource
    /// Groups of resources that a person names together: `kubectl get all`.
    var categories: [String] = []
    /// What can be done with the objects.
    var verbs = Self.allVerbs
    var hasStatus = false
    var hasScale = false

    /// Of a resource whose objects are stored.
    static let allVerbs = [
        "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
    ]
    /// Of a part of an object.
    static let partVerbs = ["get", "patch", "update"]

    /// The parts of an object that have a path of their own, and the kind that is behind each.
    var parts: [(name: String, kind: GroupVersionKind)] {
        var parts: [(name: String, kind: GroupVersionKind)] = []
        if self.hasScale { parts.append(("scale", Self.scale)) }
        if self.hasStatus { parts.append(("status", self.resource.groupVersionKind)) }
        return parts
    }

    static let scale = GroupVersionKind("autoscaling", "v1", "Scale")

    /// What can be asked about oneself: nothing of it is stored.
    static let reviews: [Self] = [
        Self.review("authentication.k8s.io", "SelfSubjectReview"),
        Self.review("authentication.k8s.io", "TokenReview"),
        Self.review("authorization.k8s.io", "SelfSubjectAccessReview"),
        Self.review("authorization.k8s.io", "SelfSubjectRulesReview"),
        Self.review("authorization.k8s.io", "SubjectAccessReview"),
    ]

    private static func review(_ group: String, _ kind: String) -> Self {
        Self(
            resource: APIResource(
                GroupVersion(group, "v1"),
                kind,
                plural: kind.lowercased() + "s",
                isNamespaced: false
            ),
            verbs: ["create"]
        )
    }
}

/// All resources of a server, in the order in which they are told.
struct Discovery: Sendable {
    /// A group with its versions, the preferred one first.
    struct Group: Sendable {
        let name: String
        var versions: [String]
    }

    let entries: [DiscoveryEntry]
    /// The core group first, the others by name.
    let groups: [Group]

    init(_ entries: [DiscoveryEntry]) {
        self.entries = entries.sorted {
            ($0.resource.groupVersion.group, $0.resource.plural)
                < ($1.resource.groupVersion.group, $1.resource.plural)
        }
        var versions: [String: Set<String>] = [:]
        for entry in entries {
            let groupVersion = entry.resource.groupVersion
            versions[groupVersion.group, default: []].insert(groupVersion.version)
        }
        self.groups = versions.sorted { $0.key < $1.key }
            .map { name, versions in
                Group(name: name, versions: versions.sorted(by: Self.isPreferred))
            }
    }

    /// Released before beta before alpha, and within each the greater number first.
    static func isPreferred(_ first: String, _ second: String) -> Bool {
        func rank(_ version: String) -> (Int, Int, Int) {
            guard let match = version.wholeMatch(of: /v([0-9]+)(?:(alpha|beta)([0-9]+))?/) else {
                return (0, 0, 0)
            }
            let stage = match.2.map { $0 == "beta" ? 2 : 1 } ?? 3
            return (stage, Int(match.1) ?? 0, match.3.flatMap { Int($0) } ?? 0)
        }
        let (left, right) = (rank(first), rank(second))
        return left == right ? first < second : left > right
    }

    func entries(of groupVersion: GroupVersion) -> [DiscoveryEntry] {
        self.entries.filter { $0.resource.groupVersion == groupVersion }
    }
}
