// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ControlPlane
import Foundation
import Kinds
import KubernetesClient
import ObjectModel

/// What is asked of an API server before anything is to be moved.
struct ClusterChecks {
    static let area = "cluster"

    let cluster: Cluster

    /// Stops at what makes all that follows pointless.
    func findings() async -> [Finding] {
        let server = self.cluster.client.connection.server
        do throws(APIError) {
            let version = try await self.cluster.version()
            var findings = [
                Finding.ok("cluster-reachable", Self.area, "\(server) answers: \(version)")
            ]
            findings += await self.kinds()
            findings += await self.permissions()
            if let clock = await self.clock() { findings.append(clock) }
            return findings
        } catch { return [.failed("cluster-reachable", Self.area, error)] }
    }

    private func kinds() async -> [Finding] {
        do throws(APIError) {
            let served = Set(try await self.cluster.resources().map(\.groupVersionKind))
            let missing = [ClusterPairNoun.resource, MigrationNoun.resource]
                .filter { !served.contains($0.groupVersionKind) }
                .map(\.kind)
            guard missing.isEmpty else {
                return [
                    Finding(
                        id: "cluster-kinds",
                        area: Self.area,
                        result: .failed,
                        message: "the cluster has no \(missing.joined(separator: " and no "))",
                        cause: "their CustomResourceDefinitions are not there",
                        try: "kubectl apply --server-side -f deploy/crds"
                    )
                ]
            }
            return [.ok("cluster-kinds", Self.area, "the kinds that are needed are there")]
        } catch { return [.failed("cluster-kinds", Self.area, error)] }
    }

    /// What the person needs to be allowed in the namespace, as the server says it.
    private func permissions() async -> [Finding] {
        var denied: [String] = []
        for resource in [ClusterPairNoun.resource, MigrationNoun.resource] {
            for verb in ["get", "list", "create", "delete"] {
                do throws(APIError) {
                    guard try await !self.cluster.isAllowed(verb, resource) else { continue }
                    denied.append("\(verb) \(resource.qualifiedPlural)")
                } catch { return [.failed("cluster-permissions", Self.area, error)] }
            }
        }
        let namespace = self.cluster.namespace
        guard !denied.isEmpty else {
            return [
                .ok(
                    "cluster-permissions",
                    Self.area,
                    "you may pair and migrate in the namespace \(namespace)"
                )
            ]
        }
        return [
            Finding(
                id: "cluster-permissions",
                area: Self.area,
                result: .failed,
                message: "you may not do everything in the namespace \(namespace)",
                cause: "not allowed: \(denied.joined(separator: ", "))",
                try: "ask who administers the cluster for a Role with these verbs"
            )
        ]
    }

    /// A creation that is only tried is dated by the server's clock, and leaves nothing.
    private func clock() async -> Finding? {
        var spec = MigrationSpec()
        spec.clusterPair = "godwit-check"
        spec.namespaces = [self.cluster.namespace]
        let before = Date()
        let dated = try? await self.cluster.create(
            MigrationNoun.resource,
            MigrationNoun.object(ObjectKey(self.cluster.namespace, "godwit-check"), spec),
            self.cluster.namespace,
            isDryRun: true
        )
        guard let theirs = dated?.creationTimestamp.flatMap({ Timestamp($0) }) else { return nil }
        return .clocks(
            "cluster-clock",
            Self.area,
            theirs: Date(timeIntervalSince1970: Double(theirs.seconds)),
            before: before,
            after: Date()
        )
    }
}

extension Cluster {
    /// What the server says it is.
    func version() async throws(APIError) -> String {
        try await self.asking { () throws(ClusterError) in
            try await self.client.version().gitVersion
        }
    }

    /// Whether we may do something with a kind in the namespace.
    func isAllowed(_ verb: String, _ resource: APIResource) async throws(APIError) -> Bool {
        try await self.asking { () throws(ClusterError) in
            // Where the server does not say, it is better to look.
            try await self.client.isAllowed(verb, resource, in: self.namespace) ?? false
        }
    }
}
