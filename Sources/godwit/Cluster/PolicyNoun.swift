// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// When something is to happen.
enum SchedulePolicyNoun: ClusterNoun {
    typealias Filter = NoFilter

    static let resource = StorkResource.schedulePolicies
    static let word = "schedulepolicy"
    static let aliases = ["schedulepolicies", "sp"]
    static let title = "SchedulePolicy"
    static let example = "testpolicy"
    static let columns = [
        ObjectColumn.name,
        ObjectColumn("INTERVAL-MINUTES") { policy, _ in PolicyCells(policy).interval },
        ObjectColumn("DAILY") { policy, _ in PolicyCells(policy).daily },
        ObjectColumn("WEEKLY") { policy, _ in PolicyCells(policy).weekly },
        ObjectColumn("MONTHLY") { policy, _ in PolicyCells(policy).monthly },
    ]
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
