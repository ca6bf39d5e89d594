// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import ObjectModel

/// Whether a Migration could begin: what `--dry-run` asks, without creating anything.
struct MigrationPreview {
    let cluster: Cluster
    let console: Console

    /// Prints the list of checks.
    ///
    /// - Throws: `GW6013` where a required one failed, with all that did.
    func check(_ migration: KubeObject) async throws {
        var failures: [APIError] = []
        for (title, body) in self.checks(of: migration) {
            do throws(APIError) {
                try await body()
                self.console.result("\(title)....Ok")
            } catch {
                guard error.code != .unreachable else { throw error }
                self.console.result("\(title)....Failed")
                self.console.note("  \(error.message)")
                if let remedy = error.try { self.console.note("  try: \(remedy)") }
                failures.append(error)
            }
        }
        guard let first = failures.first else {
            self.console.result("All Ready!!")
            return
        }
        throw APIError(
            .notReady,
            "Migration \(migration.name) cannot begin: \(failures.count) of the checks failed.",
            cause: first.message,
            try: first.try
        )
    }

    private typealias Check = () async throws(APIError) -> Void

    private func checks(of migration: KubeObject) -> [(title: String, body: Check)] {
        let home = migration.namespace.isEmpty ? self.cluster.namespace : migration.namespace
        let facts = MigrationFacts(migration)
        var checks: [(String, Check)] = [
            (
                "[Optional] Checking Migration Namespaces",
                { () async throws(APIError) in
                    for name in facts.spec.namespaces {
                        _ = try await self.cluster.get(CoreResource.namespaces, name, nil)
                    }
                }
            )
        ]
        let pair = facts.spec.clusterPair
        checks.append(
            (
                "[Required] Checking ClusterPair Status",
                { () async throws(APIError) in try await self.checkPair(pair, home, facts.spec) }
            )
        )
        for (title, rule) in [
            ("PreExecRule", facts.spec.preExecRule), ("PostExecRule", facts.spec.postExecRule),
        ] where !rule.isEmpty {
            checks.append(
                (
                    "[Optional] Checking \(title)",
                    { () async throws(APIError) in
                        _ = try await self.cluster.get(StorkResource.rules, rule, home)
                    }
                )
            )
        }
        return checks
    }

    private func checkPair(
        _ name: String,
        _ namespace: String,
        _ spec: MigrationSpec
    ) async throws(APIError) {
        let pair = try await self.cluster.get(ClusterPairNoun.resource, name, namespace)
        let status = ClusterPairStatus(pair["status"])
        let needed = [
            ("Storage", status.storageStatus, spec.includesVolumes),
            ("Scheduler", status.schedulerStatus, spec.includesResources),
        ]
        for (title, status, isNeeded) in needed where isNeeded && status != .ready {
            throw APIError(
                .notReady,
                "\(title) status of ClusterPair \(name) is '\(status.rawValue)', not 'Ready'.",
                try: "godwit describe clusterpair \(name) -n \(namespace)"
            )
        }
    }
}
