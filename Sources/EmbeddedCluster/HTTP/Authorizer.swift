// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Decides who may do what.
///
/// Two roles: an administrator, and the user of a namespace. Roles and bindings that are stored as
/// objects grant nothing: the embedded cluster carries them for the clusters to which they migrate.
enum Authorizer {
    /// Kinds of the whole cluster that a user of a namespace refers to from inside of it.
    private static let readable: Set<String> = [
        "schedulepolicies.stork.libopenstorage.org", "storageclasses.storage.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
    ]
    private static let reading: Set<String> = ["get", "list", "watch"]
    /// What everybody may ask about themselves.
    private static let own: Set<String> = [
        "selfsubjectreviews.authentication.k8s.io",
        "selfsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectrulesreviews.authorization.k8s.io",
    ]

    static func allows(_ user: ClusterUser, _ request: AccessRequest) -> Bool {
        if user.isAdmin { return true }
        let kind = request.group.isEmpty ? request.resource : "\(request.resource).\(request.group)"
        if Self.own.contains(kind) { return request.verb == "create" }
        if kind == "namespaces" {
            // The namespace itself is the administrator's; its user sees it.
            return Self.reading.contains(request.verb)
                && request.name.map(user.namespaces.contains) ?? false
        }
        if let namespace = request.namespace { return user.namespaces.contains(namespace) }
        return Self.readable.contains(kind) && Self.reading.contains(request.verb)
    }

    /// Why not, in the words that kubectl's users know.
    static func refusal(_ user: ClusterUser, _ request: AccessRequest) -> String {
        let kind = request.group.isEmpty ? request.resource : "\(request.resource).\(request.group)"
        let object = request.name.map { " \"\($0)\"" } ?? ""
        let scope =
            request.namespace.map { "in the namespace \"\($0)\"" } ?? "at the cluster scope"
        return "\(kind)\(object) is forbidden: User \"\(user.name)\" cannot \(request.verb) "
            + "resource \"\(request.qualified)\" in API group \"\(request.group)\" \(scope)"
    }

    /// What a user may do in a namespace, as `kubectl auth can-i --list` shows it.
    static func rules(of user: ClusterUser, in namespace: String) -> [JSON] {
        func rule(_ verbs: [String], _ groups: [String], _ resources: [String]) -> JSON {
            ["verbs": JSON(verbs), "apiGroups": JSON(groups), "resources": JSON(resources)]
        }
        var rules: [JSON] = []
        if user.isAdmin || user.namespaces.contains(namespace) {
            rules.append(rule(["*"], ["*"], ["*"]))
        }
        for (kinds, verbs) in [(Self.own, ["create"]), (Self.readable, Self.reading.sorted())] {
            for kind in kinds.sorted() {
                let parts = kind.split(separator: ".", maxSplits: 1).map(String.init)
                rules.append(rule(verbs, [parts.last ?? ""], [parts.first ?? ""]))
            }
        }
        return rules
    }
}
