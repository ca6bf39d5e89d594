// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Who asks: as a certificate's subject or a line of the token file names them.
struct ClusterUser: Hashable, Sendable {
    /// The common name of a certificate.
    let name: String
    /// The organizations of a certificate.
    let groups: [String]

    /// May do everything.
    static let admin = Self(name: "admin", groups: [Self.admins])
    /// The group that may do everything, as an API server of Kubernetes names it.
    static let admins = "system:masters"

    /// May do everything inside of one namespace.
    static func user(of namespace: String) -> Self {
        Self(name: "user-\(namespace)", groups: [Self.namespacePrefix + namespace])
    }

    private static let namespacePrefix = "godwit:namespace:"

    var isAdmin: Bool { self.groups.contains(Self.admins) }

    /// The namespaces that are this user's own.
    var namespaces: Set<String> {
        Set(
            self.groups.filter { $0.hasPrefix(Self.namespacePrefix) }
                .map { String($0.dropFirst(Self.namespacePrefix.count)) }
        )
    }

    /// As a review tells it; everybody who is known is in one more group.
    var json: JSON {
        [
            "username": .string(self.name),
            "groups": JSON(self.groups + ["system:authenticated"]),
        ]
    }
}

/// What somebody wants to do with objects.
struct AccessRequest: Hashable, Sendable {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    let verb: String
    let group: String
    /// The plural name.
    let resource: String
    var subresource: String?
    /// Nil for all namespaces, and for kinds that have none.
    var namespace: String?
    /// Nil for all objects.
    var name: String?

    /// With the part of an object: `deployments/scale`.
    var qualified: String {
        self.subresource.map { "\(self.resource)/\($0)" } ?? self.resource
    }
}
