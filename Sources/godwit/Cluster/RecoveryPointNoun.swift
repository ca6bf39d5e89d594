// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import KubernetesClient
import ObjectModel

/// Of which instants this cluster has all volumes.
enum RecoveryPointNoun: ClusterNoun {
    typealias Filter = NoFilter

    static let resource = StorkResource.recoveryPoints
    static let word = "recoverypoints"
    static let aliases = ["recoverypoint", "rp", "rpoint"]
    static let title = "RecoveryPoint"
    static let example = "mysqlmigrationschedule-interval-2026-11-22-101500"
    static let columns = [
        ObjectColumn.name,
        ObjectColumn("MIGRATIONSCHEDULE") { point, _ in
            point["spec", "migrationSchedule"]?.string ?? "-"
        },
        ObjectColumn("VOLUMES") { point, _ in
            "\(point["spec", "volumes"]?.array?.count ?? 0)"
        },
        ObjectColumn("TOGETHER") { point, _ in
            "\(point["spec", "isAtomic"]?.bool ?? false)"
        },
        ObjectColumn("FROZEN") { point, _ in RecoveryPointSpec(point["spec"])?.time.rfc822 ?? "" },
        ObjectColumn("AGE") { point, now in
            RecoveryPointSpec(point["spec"]).map { ClusterTime.age(now.seconds(since: $0.time)) }
                ?? "-"
        },
        ObjectColumn("AVAILABLE") { point, _ in Self.available(point)?.rawValue ?? "-" },
        ObjectColumn("MIGRATION", isWide: true, path: "spec", "migration"),
        ObjectColumn("NAMESPACES", isWide: true) { point, _ in
            (RecoveryPointSpec(point["spec"])?.namespaces ?? []).joined(separator: ",")
        },
    ]

    /// Whether its generations are still there; nil where nobody has looked yet.
    static func available(_ point: KubeObject) -> Condition.Status? {
        [Condition](point["status", "conditions"])["Available"]?.status
    }
}

/// The states of a schedule's volumes that this cluster can show.
struct RecoveryChoice {
    /// One of them.
    struct Point {
        let name: String
        let time: Timestamp
        /// The generations of its volumes, by their names.
        let generations: [String: UInt64]
    }

    /// Which of them somebody wants; at most one is given.
    enum Wish {
        case newest
        case named(String)
        case before(Timestamp)
        /// The one in which a volume has this generation.
        case generation(UInt64)
    }

    /// The newest first.
    let points: [Point]
    private let schedule: String

    /// Those of a schedule among all; what is known to be gone is left out.
    init(_ objects: [KubeObject], of schedule: String) {
        self.schedule = schedule
        self.points =
            objects
            .compactMap { object -> Point? in
                guard let spec = RecoveryPointSpec(object["spec"]), spec.schedule == schedule,
                    RecoveryPointNoun.available(object) != .no
                else { return nil }
                return Point(
                    name: object.name,
                    time: spec.time,
                    generations: Dictionary(
                        spec.volumes.map { ($0.volume, $0.generation) },
                        uniquingKeysWith: { first, _ in first }
                    )
                )
            }
            .sorted { $0.time > $1.time }
    }

    /// Asks a cluster for them; nil where they may not be seen.
    static func find(
        of schedule: KubeObject,
        in cluster: Cluster
    ) async throws(APIError) -> Self? {
        do throws(APIError) {
            let list = try await cluster.list(
                RecoveryPointNoun.resource,
                namespace: schedule.namespace
            )
            return Self(list.items, of: schedule.name)
        } catch {
            guard error.id == .clusterDenied else { throw error }
            return nil
        }
    }

    /// The one that is meant.
    ///
    /// - Throws: `GW6002` where it is not there, or none is old enough, `GW1101` where a generation
    ///   means several; nil is where nobody chose and there is none.
    func chosen(_ wish: Wish) throws(APIError) -> Point? {
        switch wish {
        case .newest: return self.points.first
        case .named(let name):
            if let point = self.points.first(where: { $0.name == name }) { return point }
            let missing = Cluster.notFound(RecoveryPointNoun.resource, name)
            throw APIError(missing.id, missing.message, cause: self.names, try: self.advice)
        case .before(let time):
            if let point = self.points.first(where: { $0.time < time }) { return point }
            throw self.missing("before \(time)")
        case .generation(let number): return try self.chosen(generation: number)
        }
    }

    /// Volumes count for themselves: with several of them, one number may stand in several points.
    private func chosen(generation number: UInt64) throws(APIError) -> Point {
        let found = self.points.filter { $0.generations.values.contains(number) }
        guard let point = found.first else { throw self.missing("with generation \(number)") }
        guard found.count == 1 else {
            let meant = found.prefix(5)
                .map { point in
                    let volumes = point.generations.filter { $0.value == number }.keys.sorted()
                    return "\(point.name) (\(volumes.joined(separator: ", ")))"
                }
            throw APIError(
                .invalidRequest,
                "Generation \(number) stands in \(found.count) RecoveryPoints, of different volumes.",
                cause: meant.joined(separator: "; "),
                try: "name one of them: --recovery-point \(point.name)"
            )
        }
        return point
    }

    private func missing(_ which: String) -> APIError {
        APIError(
            .objectNotFound,
            "There is no RecoveryPoint of MigrationSchedule \(self.schedule) \(which).",
            cause: self.names,
            try: self.advice
        )
    }

    private var names: String {
        guard let last = self.points.last else { return "this cluster has none of that schedule" }
        let names = self.points.prefix(5).map(\.name).joined(separator: ", ")
        return "there are \(self.points.count), the oldest of \(last.time): \(names)"
    }

    private var advice: String { "choose one of 'godwit get recoverypoints'" }
}
