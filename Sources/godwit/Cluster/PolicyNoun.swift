// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import KubernetesClient
import ObjectModel

/// When something is to happen.
protocol PolicyNoun: ClusterNoun {}

extension PolicyNoun {
    static var columns: [ObjectColumn] {
        [
            ObjectColumn.name,
            ObjectColumn("INTERVAL-MINUTES") { policy, _ in PolicyCells(policy).interval },
            ObjectColumn("DAILY") { policy, _ in PolicyCells(policy).daily },
            ObjectColumn("WEEKLY") { policy, _ in PolicyCells(policy).weekly },
            ObjectColumn("MONTHLY") { policy, _ in PolicyCells(policy).monthly },
            ObjectColumn("TIME-ZONE", isWide: true) { policy, _ in
                policy["policy", "timeZone"]?.string ?? "-"
            },
        ]
    }

    /// A schedule that lost its policy would silently begin nothing more.
    ///
    /// - Throws: `GW6014` with the schedules that use it.
    static func checkDeletion(of name: String, in cluster: Cluster) async throws(APIError) {
        let isForAll = !Self.resource.isNamespaced
        let schedules = try await cluster.list(
            StorkResource.migrationSchedules,
            namespace: isForAll ? nil : cluster.namespace
        )
        var users: [String] = []
        for schedule in schedules.items where ScheduleFacts(schedule).policy == name {
            // A policy of the namespace comes first.
            let own = StorkResource.namespacedSchedulePolicies
            if isForAll, try await cluster.find(own, name, schedule.namespace) != nil { continue }
            users.append("\(schedule.namespace)/\(schedule.name)")
        }
        guard let first = users.first else { return }
        let others = users.count > 3 ? " and \(users.count - 3) more" : ""
        throw APIError(
            .objectInUse,
            "\(Self.sentenceName) \(name) is not deleted: it is used by "
                + "\(users.count) of the migration schedules.",
            cause: users.prefix(3).joined(separator: ", ") + others,
            try: "give them another policy or delete them first: godwit get migrationschedules -n "
                + "\(first.prefix { $0 != "/" })"
        )
    }
}

/// Policies for all namespaces.
enum SchedulePolicyNoun: PolicyNoun {
    typealias Filter = NoFilter

    static let resource = StorkResource.schedulePolicies
    static let word = "schedulepolicy"
    static let aliases = ["schedulepolicies", "sp", "spol"]
    static let title = "SchedulePolicy"
    static let sentenceName = "Schedule policy"
    static let example = "testpolicy"
}

/// Policies of one namespace, which come before the others there.
enum NamespacedPolicyNoun: PolicyNoun {
    typealias Filter = NoFilter

    static let resource = StorkResource.namespacedSchedulePolicies
    static let word = "namespacedschedulepolicy"
    static let aliases = ["namespacedschedulepolicies", "nsp", "nspol"]
    static let title = "NamespacedSchedulePolicy"
    static let sentenceName = "Namespaced schedule policy"
    static let example = "testpolicy"
}

/// The parts of a policy: `N/A` where one is absent, `Invalid` where it cannot be used.
struct PolicyCells {
    private let policy: JSON

    init(_ object: KubeObject) { self.policy = object["policy"] ?? [:] }

    var interval: String {
        self.cell("interval") { interval in
            guard let minutes = interval["intervalMinutes"]?.int, minutes >= 1 else { return nil }
            return "\(minutes)"
        }
    }

    var daily: String { self.cell("daily", Self.time) }

    var weekly: String {
        self.cell("weekly") { weekly in
            guard let day = weekly["day"]?.string, Weekday(day) != nil else { return nil }
            return Self.time(weekly).map { "\(day)@\($0)" }
        }
    }

    var monthly: String {
        self.cell("monthly") { monthly in
            guard let date = monthly["date"]?.int, (1...31).contains(date) else { return nil }
            return Self.time(monthly).map { "\(date)@\($0)" }
        }
    }

    private func cell(_ part: String, _ text: (JSON) -> String?) -> String {
        guard let part = self.policy[part], !part.isNull else { return "N/A" }
        return text(part) ?? "Invalid"
    }

    /// As it is written, where it can be read.
    private static func time(_ part: JSON) -> String? {
        guard let time = part["time"]?.string, (try? ScheduleTime(time)) != nil else { return nil }
        return time
    }
}
