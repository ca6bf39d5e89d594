// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// Where a command runs.
struct CommandPlace: Hashable, Sendable, CustomStringConvertible {
    var namespace: String
    var pod: String
    var container: String

    var description: String { "pod \(self.namespace)/\(self.pod), container \(self.container)" }
}

/// A pod as far as rules look at it.
struct RulePod: Hashable, Sendable {
    let key: ObjectKey
    let labels: [String: String]
    let phase: String
    let containers: [String]

    init(_ object: KubeObject) {
        self.key = object.key
        self.labels = object.labels
        self.phase = object["status", "phase"]?.string ?? ""
        self.containers = (object["spec", "containers"]?.array ?? [])
            .compactMap { $0["name"]?.string }
    }

    func has(_ labels: [String: String]) -> Bool {
        labels.allSatisfy { self.labels[$0.key] == $0.value }
    }
}

/// Which commands of a Rule run where, in which order: pure, the same for the same pods.
struct RulePlan: Hashable, Sendable {
    /// One action: all of its commands run at the same time, and the next step begins after them.
    struct Step: Hashable, Sendable {
        var action: Rule.Action
        var places: [CommandPlace]
    }

    /// What cannot be planned.
    struct Problem: Error, Hashable { let message: String }

    let rule: Rule
    private(set) var steps: [Step] = []
    /// What a person should know although it is no failure.
    private(set) var warnings: [String] = []

    /// The commands of a rule.
    ///
    /// - Parameters:
    ///   - rule: one that can be run.
    ///   - pods: all of the namespaces.
    ///   - phases: of the pods that take commands; what has ended is in none of them.
    /// - Throws: ``Problem`` where a selected pod has no container of the name.
    init(_ rule: Rule, pods: [RulePod], phases: Set<String>) throws(Problem) {
        self.rule = rule
        let running = pods.filter { phases.contains($0.phase) && !$0.containers.isEmpty }
            .sorted { ($0.key.namespace, $0.key.name) < ($1.key.namespace, $1.key.name) }
        for entry in rule.entries where !entry.actions.isEmpty {
            let chosen = running.filter { $0.has(entry.podSelector) }
            if chosen.isEmpty {
                let labels = entry.podSelector.sorted { $0.key < $1.key }
                    .map { "\($0.key)=\($0.value)" }
                self.warnings.append(
                    "no running pod has the labels \(labels.joined(separator: ",")) of rule "
                        + "\(rule.key.name): its commands were not run there"
                )
                continue
            }
            let places = try chosen.map { pod throws(Problem) in try Self.place(pod, entry) }
            for action in entry.actions {
                self.steps.append(
                    Step(
                        action: action,
                        places: action.isForOnePod ? Self.onePerNamespace(places) : places
                    )
                )
            }
        }
    }

    /// The places of the commands that stay until the volumes are frozen.
    var backgroundPlaces: [CommandPlace] {
        self.steps.filter(\.action.isBackground).flatMap(\.places)
    }

    private static func place(
        _ pod: RulePod,
        _ entry: Rule.Entry
    ) throws(Problem) -> CommandPlace {
        let container = entry.container.isEmpty ? pod.containers[0] : entry.container
        guard pod.containers.contains(container) else {
            throw Problem(message: "pod \(pod.key) has no container \"\(container)\"")
        }
        return CommandPlace(
            namespace: pod.key.namespace,
            pod: pod.key.name,
            container: container
        )
    }

    private static func onePerNamespace(_ places: [CommandPlace]) -> [CommandPlace] {
        var seen: Set<String> = []
        return places.filter { seen.insert($0.namespace).inserted }
    }
}
