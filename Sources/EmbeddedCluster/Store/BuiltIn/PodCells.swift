// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel

/// What `kubectl get` shows of pods and of what runs them.
enum PodCells {
    static let columns: [KindColumn] = [
        Cells.name,
        KindColumn("Ready") { object, _ in
            let statuses = object["status", "containerStatuses"]?.array ?? []
            let ready = statuses.count { $0["ready"] == true }
            return .string("\(ready)/\(object["spec", "containers"]?.array?.count ?? 0)")
        },
        KindColumn("Status") { object, _ in .string(Self.status(object)) },
        KindColumn("Restarts") { object, _ in
            let statuses = object["status", "containerStatuses"]?.array ?? []
            return .string("\(statuses.compactMap { $0["restartCount"]?.int }.reduce(0, +))")
        },
        Cells.age, Cells.text("IP", "status.podIP", absent: Cells.none, priority: 1),
        Cells.text("Node", "spec.nodeName", absent: Cells.none, priority: 1),
        Cells.text("Nominated Node", "status.nominatedNodeName", absent: Cells.none, priority: 1),
        KindColumn("Readiness Gates", priority: 1) { _, _ in Cells.none },
    ]

    private static func status(_ object: KubeObject) -> String {
        if object.isBeingDeleted { return "Terminating" }
        for status in object["status", "containerStatuses"]?.array ?? [] {
            for state in ["waiting", "terminated"] {
                if let reason = status["state", state, "reason"]?.string { return reason }
            }
        }
        return object["status", "reason"]?.string ?? object["status", "phase"]?.string ?? "Unknown"
    }

    /// How many of the wanted pods are ready.
    static func ready(_ wanted: String, _ ready: String) -> KindColumn {
        let wanted = wanted.split(separator: ".").map(String.init)
        let ready = ready.split(separator: ".").map(String.init)
        return KindColumn("Ready") { object, _ in
            .string("\(object.json.at(ready)?.int ?? 0)/\(object.json.at(wanted)?.int ?? 0)")
        }
    }
}

/// What `kubectl get jobs` shows.
enum JobCells {
    static func status(_ object: KubeObject) -> JSON {
        if object.isBeingDeleted { return "Terminating" }
        let conditions = object["status", "conditions"]?.array ?? []
        func holds(_ type: String) -> Bool {
            conditions.contains { $0["type"]?.string == type && $0["status"] == "True" }
        }
        for (type, word) in [
            ("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended"),
            ("FailureTarget", "FailureTarget"), ("SuccessCriteriaMet", "SuccessCriteriaMet"),
        ] where holds(type) {
            return .string(word)
        }
        return "Running"
    }

    static func completions(_ object: KubeObject) -> JSON {
        let succeeded = object["status", "succeeded"]?.int ?? 0
        if let wanted = object["spec", "completions"]?.int {
            return .string("\(succeeded)/\(wanted)")
        }
        let parallel = object["spec", "parallelism"]?.int ?? 0
        return .string(parallel > 1 ? "\(succeeded)/1 of \(parallel)" : "\(succeeded)/1")
    }

    static func duration(_ object: KubeObject, _ now: Date) -> JSON {
        guard let start = object["status", "startTime"]?.string.flatMap(StoreEnvironment.date)
        else {
            return ""
        }
        let end = object["status", "completionTime"]?.string.flatMap(StoreEnvironment.date) ?? now
        return .string(Age.text(seconds: Int(end.timeIntervalSince(start))))
    }
}
