// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Namespaces that move.
enum MigrationNoun: ClusterNoun {
    typealias Filter = PairFilter

    static let resource = StorkResource.migrations
    static let word = "migrations"
    static let aliases = ["migration", "mig"]
    static let title = "Migration"
    static let example = "mysqlmigration"
    static let columns = [
        ObjectColumn.name,
        ObjectColumn("CLUSTERPAIR", path: "spec", "clusterPair"),
        ObjectColumn("STAGE", path: "status", "stage"),
        ObjectColumn("STATUS", path: "status", "status"),
        ObjectColumn("VOLUMES") { migration, _ in MigrationFacts(migration).volumes },
        ObjectColumn("RESOURCES") { migration, _ in MigrationFacts(migration).resources },
        ObjectColumn.created,
        ObjectColumn("ELAPSED") { MigrationFacts($0).elapsed(now: $1) },
        ObjectColumn("TOTAL BYTES TRANSFERRED") { migration, _ in
            MigrationFacts(migration).bytes
        },
        ObjectColumn("NAMESPACES", isWide: true) { migration, _ in
            MigrationFacts(migration).spec.namespaces.joined(separator: ",")
        },
        ObjectColumn("MESSAGE", isWide: true) { migration, _ in
            MigrationFacts(migration).message
        },
    ]
}

extension MigrationNoun {
    /// The object that is created.
    static func object(_ key: ObjectKey, _ spec: MigrationSpec) -> KubeObject {
        KubeObject(Self.resource.groupVersionKind, key, ["spec": spec.json])
    }

    /// The name of a Migration that nobody named: who moves, and six letters that tell two runs apart.
    static func name(
        of namespaces: [String],
        using generator: inout some RandomNumberGenerator
    ) -> String {
        let letters = "bcdfghjklmnpqrstvwxz2456789"
        let suffix = (0..<6).compactMap { _ in letters.randomElement(using: &generator) }
        return "\((namespaces.first ?? "migration").prefix(200))-\(String(suffix))"
    }
}

/// How a Migration ended, or that it has not.
enum MigrationOutcome: Equatable {
    case running
    case succeeded
    /// Some of it failed, the rest is done.
    case partial
    case failed
}

/// What tables and waiting read out of a Migration.
struct MigrationFacts {
    let spec: MigrationSpec
    let status: MigrationStatus
    /// Nil before it is stored.
    let created: Timestamp?

    init(_ migration: KubeObject) {
        self.spec = MigrationSpec(migration["spec"])
        self.status = MigrationStatus(migration["status"])
        self.created = migration.creationTimestamp.flatMap { Timestamp($0) }
    }

    var outcome: MigrationOutcome {
        guard self.status.isFinal else { return .running }
        switch self.status.status {
        case .successful: return .succeeded
        case .partialSuccess: return .partial
        case .initial, .pending, .inProgress, .failed, .purged: return .failed
        }
    }

    /// `done/total`; all figures come from the summary once there is one.
    var volumes: String {
        if let summary = self.status.summary {
            return "\(summary.volumesDone)/\(summary.volumes)"
        }
        guard self.spec.includesVolumes else { return "N/A" }
        return "\(self.status.volumesDone)/\(self.status.volumes.count)"
    }

    /// The same of the objects.
    var resources: String {
        if let summary = self.status.summary {
            return "\(summary.resourcesDone)/\(summary.resources)"
        }
        guard self.spec.includesResources else { return "N/A" }
        return "\(self.status.resourcesDone)/\(self.status.resources.count)"
    }

    /// From the creation to the end, or to now; empty before it is stored.
    func elapsed(now: Timestamp) -> String {
        if let summary = self.status.summary {
            return "Volumes (\(GoDuration.text(summary.volumeSeconds))) "
                + "Resources (\(GoDuration.text(summary.resourceSeconds)))"
        }
        guard let created = self.created else { return "" }
        return GoDuration.text((self.status.finished ?? now).seconds(since: created))
    }

    /// Exact, from the summary.
    var bytes: String {
        // In the words of storkctl, whose scripts may look for them.
        self.status.summary.map { "\($0.bytes)" } ?? "Available with stork v2.9.0+"
    }

    /// What failed, each with its reason: the volumes first.
    var failures: [String] {
        let volumes = self.status.volumes.filter { $0.status == .failed }
            .map { "volume \($0.namespace)/\($0.claim): \($0.reason)" }
        let resources = self.status.resources.filter { $0.status == .failed }
            .map { "\($0.kind) \($0.namespace)/\($0.name): \($0.reason)" }
        return volumes + resources
    }

    /// The sentence that says why it is as it is; empty where nothing is said.
    var message: String { self.status.conditions["Succeeded"]?.message ?? "" }
}
