// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Kinds
import KubernetesClient
import ObjectModel

/// Whether what a Migration names is there, before it is made: with a misspelt word it would wait for ever.
///
/// What somebody may not see counts as there: the controller will say.
struct MigrationTargets {
    let cluster: Cluster
    let console: Console

    /// Refuses names that nothing can have.
    ///
    /// - Throws: `GW1103` with the name.
    static func checkNames(of spec: MigrationSpec) throws(APIError) {
        for name in spec.namespaces { try Self.checkNamespace(name) }
        guard NameRule.isSubdomain(spec.clusterPair) else {
            throw APIError(
                .invalidName,
                "'\(spec.clusterPair)' is no name of a ClusterPair: use \(NameRule.subdomain)."
            )
        }
    }

    /// The same for one namespace.
    static func checkNamespace(_ name: String) throws(APIError) {
        guard !NameRule.isLabel(name) else { return }
        throw APIError(
            .invalidName,
            "'\(name)' is no name of a namespace.",
            try:
                "use lower-case letters, digits and '-', at most 63, with a letter or digit at both ends"
        )
    }

    /// Looks for the pair and the namespaces.
    ///
    /// - Throws: `GW6002` where the pair is missing, or every namespace, or one that may not be; with the
    ///   name that was probably meant.
    func check(_ spec: MigrationSpec, in home: String) async throws(APIError) {
        try await self.allowingDenial { () async throws(APIError) in
            try await self.checkPair(spec.clusterPair, home)
        }
        try await self.allowingDenial { () async throws(APIError) in
            try await self.checkNamespaces(spec)
        }
    }

    private func allowingDenial(
        _ body: () async throws(APIError) -> Void
    ) async throws(APIError) {
        do { try await body() } catch { guard error.id == .clusterDenied else { throw error } }
    }

    private func checkPair(_ name: String, _ home: String) async throws(APIError) {
        let resource = ClusterPairNoun.resource
        guard try await self.cluster.find(resource, name, home) == nil else { return }
        // Where the kind is missing, this says so.
        let others = try await self.cluster.list(resource, namespace: home).items.map(\.name)
        if others.isEmpty, try await self.cluster.find(CoreResource.namespaces, home, nil) == nil {
            throw try await self.missing(namespace: home)
        }
        let meant = Suggestion.nearest(to: name, in: others).map { "did you mean '\($0)'?" }
        throw Self.error(
            resource,
            name,
            cause: others.isEmpty
                ? "the namespace \(home) has no ClusterPair"
                : "the namespace \(home) has: \(others.prefix(10).joined(separator: ", "))",
            try: meant ?? "pair the clusters first: godwit generate clusterpair --help"
        )
    }

    private func checkNamespaces(_ spec: MigrationSpec) async throws(APIError) {
        var missing: [APIError] = []
        for name in spec.namespaces {
            let found = try await self.cluster.find(CoreResource.namespaces, name, nil)
            if found == nil { missing.append(try await self.missing(namespace: name)) }
        }
        guard let first = missing.first else { return }
        let isAll = missing.count == spec.namespaces.count && spec.namespaceSelectors.isEmpty
        guard !isAll, spec.skipsDeletedNamespaces else { throw first }
        for error in missing {
            let meant = error.try.map { "; \($0)" } ?? ""
            self.console.note("warning: it is left out: \(error.message)\(meant)")
        }
    }

    private func missing(namespace name: String) async throws(APIError) -> APIError {
        let all = try await self.cluster.list(CoreResource.namespaces, namespace: nil)
        let meant = Suggestion.nearest(to: name, in: all.items.map(\.name))
        return Self.error(
            CoreResource.namespaces,
            name,
            try: meant.map { "did you mean '\($0)'?" } ?? "kubectl get namespaces"
        )
    }

    private static func error(
        _ resource: APIResource,
        _ name: String,
        cause: String? = nil,
        try remedy: String
    ) -> APIError {
        let error = Cluster.notFound(resource, name)
        return APIError(error.id, error.message, cause: cause, try: remedy)
    }
}
