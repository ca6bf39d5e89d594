// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Kinds
import KubernetesClient
import ObjectModel

/// Whether what a MigrationSchedule names is there and can be used, before it is made.
struct ScheduleTargets {
    let cluster: Cluster
    let console: Console

    /// Looks for the policy of a schedule: one of the namespace, or else one for all.
    ///
    /// - Throws: `GW6002` where there is none, with the name that was probably meant, and `GW6006` with
    ///   what is wrong where it cannot be used.
    func checkPolicy(_ name: String, in namespace: String) async throws(APIError) {
        do throws(APIError) {
            let own = try await self.cluster.find(NamespacedPolicyNoun.resource, name, namespace)
            let shared = SchedulePolicyNoun.resource
            var found = own
            if found == nil { found = try await self.cluster.find(shared, name, nil) }
            guard let found else { throw try await self.missing(name, namespace) }
            try Self.check(found)
        } catch {
            // Who may not see policies may still use them: the controller will say.
            guard error.id == .clusterDenied else { throw error }
        }
    }

    /// - Throws: `GW6006` for a policy that cannot be used, in Stork's words.
    static func check(_ policy: KubeObject) throws(APIError) {
        do { _ = try SchedulePolicy(policy["policy"]) } catch {
            let kind = policy.kind.isEmpty ? SchedulePolicyNoun.title : policy.kind
            throw APIError(
                .objectInvalid,
                "The \(kind) \"\(policy.name)\" cannot be used.",
                cause: error.description,
                try: "correct it: kubectl edit \(kind.lowercased()) \(policy.name)"
            )
        }
    }

    private func missing(_ name: String, _ namespace: String) async throws(APIError) -> APIError {
        var names = try await self.cluster.list(SchedulePolicyNoun.resource, namespace: nil).items
            .map(\.name)
        names += try await self.cluster
            .list(NamespacedPolicyNoun.resource, namespace: namespace).items.map(\.name)
        let error = Cluster.notFound(SchedulePolicyNoun.resource, name)
        let meant = Suggestion.nearest(to: name, in: names).map { "did you mean '\($0)'?" }
        return APIError(
            error.id,
            error.message,
            cause: names.isEmpty
                ? "there is no policy" : "there are: \(names.prefix(10).joined(separator: ", "))",
            try: meant ?? "godwit create schedulepolicy \(name), or give --interval MINUTES"
        )
    }

    /// Looks for the pair and the namespaces, and says what will not go well.
    ///
    /// - Returns: the specification as it is to be: without volumes where the pair has no storage.
    /// - Throws: as ``MigrationTargets/check(_:in:)``.
    func checked(_ spec: MigrationSpec, in home: String) async throws(APIError) -> MigrationSpec {
        var spec = spec
        try await MigrationTargets(cluster: self.cluster, console: self.console)
            .check(spec, in: home)
        let pair = try await self.allowed(ClusterPairNoun.resource, spec.clusterPair, home)
        let storage = pair.map { ClusterPairSpec($0["spec"]) }
        if let storage, storage.options.isEmpty, storage.secretName == nil, spec.includesVolumes {
            spec.includesVolumes = false
            self.console.note(
                "warning: the ClusterPair \(spec.clusterPair) has no storage options: volumes do not move"
            )
        }
        for rule in [spec.preExecRule, spec.postExecRule] where !rule.isEmpty {
            guard try await self.isMissing(RuleNoun.resource, rule, home) else { continue }
            self.console.note(
                "warning: the namespace \(home) has no Rule '\(rule)' yet; no run begins without it"
            )
        }
        if spec.startsApplications {
            self.console.note(
                "warning: applications that run at the destination use the volumes, so that the "
                    + "second run fails; leave out --start-applications"
            )
        }
        return spec
    }

    private func allowed(
        _ resource: APIResource,
        _ name: String,
        _ namespace: String
    ) async throws(APIError) -> KubeObject? {
        do { return try await self.cluster.find(resource, name, namespace) } catch {
            guard error.id == .clusterDenied else { throw error }
            return nil
        }
    }

    private func isMissing(
        _ resource: APIResource,
        _ name: String,
        _ namespace: String
    ) async throws(APIError) -> Bool {
        do { return try await self.cluster.find(resource, name, namespace) == nil } catch {
            guard error.id == .clusterDenied else { throw error }
            return false
        }
    }
}
