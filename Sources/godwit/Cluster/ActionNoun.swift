// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import ObjectModel

/// An Action of one direction.
protocol ActionNoun: AwaitedNoun {
    static var type: ActionType { get }
}

extension ActionNoun {
    static var resource: APIResource { StorkResource.actions }
    static var columns: [ObjectColumn] {
        [
            ObjectColumn.name, ObjectColumn.created, ObjectColumn("STAGE", path: "status", "stage"),
            ObjectColumn("STATUS", path: "status", "status"),
            ObjectColumn("MORE INFO", path: "status", "reason"),
            ObjectColumn("RECOVERY-POINT", isWide: true, path: "status", "recoveryPoint", "name"),
            ObjectColumn("LOSS", isWide: true) { action, _ in
                action["status", "recoveryPoint", "lossSeconds"]?.int.map { ClusterTime.age($0) }
                    ?? "-"
            },
        ]
    }

    static func owns(_ object: KubeObject) -> Bool {
        let type = object["spec", "actionType"]?.string.flatMap(ActionType.init(rawValue:))
        // With Stork's other word for it.
        return type == Self.type || Self.type == .failover && type == .nearsyncFailover
    }

    static func checkDeletion(of name: String, in cluster: Cluster) async throws(APIError) {
        // A name may be that of an Action of another direction.
        _ = try await Self.get(name, cluster.namespace, in: cluster)
    }

    /// What is read out of one.
    static func status(of action: KubeObject) -> ActionStatus {
        ActionStatus(action["status"], of: ActionSpec(action["spec"]).type)
    }

    /// What a person reads while it runs.
    static func phase(of action: KubeObject) -> String {
        let status = Self.status(of: action)
        let words = [status.stage.rawValue, status.status.rawValue].filter { !$0.isEmpty }
        let phase = words.isEmpty ? "Waiting" : words.joined(separator: " ")
        if !status.reason.isEmpty { return "\(phase): \(status.reason)" }
        let condition = status.conditions["Succeeded"]
        guard let condition, !words.isEmpty, condition.message != status.stage.rawValue else {
            return phase
        }
        return "\(phase): \(condition.message)"
    }
}

/// What was taken over by this cluster.
enum FailoverNoun: ActionNoun {
    typealias Filter = NoFilter

    static let type = ActionType.failover
    static let word = "failover"
    static let aliases = ["failovers"]
    static let title = "Failover"
    static let example = "failover-mysqlmigrationschedule-2026-11-22-101500"
}

/// What came back to this cluster.
enum FailbackNoun: ActionNoun {
    typealias Filter = NoFilter

    static let type = ActionType.failback
    static let word = "failback"
    static let aliases = ["failbacks"]
    static let title = "Failback"
    static let example = "failback-reverse-2026-11-22-101500"
}

/// Rehearsals.
enum DrillNoun: ActionNoun {
    typealias Filter = NoFilter

    static let type = ActionType.drill
    static let word = "drill"
    static let aliases = ["drills"]
    static let title = "Drill"
    static let example = "drill-mysqlmigrationschedule-2026-11-22-101500"
}
