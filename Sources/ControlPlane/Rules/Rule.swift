// SPDX-License-Identifier: Apache-2.0

import ObjectModel

/// What runs in an application's pods before or after its volumes are frozen.
struct Rule: Hashable, Sendable {
    /// When a Migration runs it.
    enum Purpose: String, Hashable, Sendable {
        case pre = "PreExecRule"
        case post = "PostExecRule"
    }

    /// One command.
    struct Action: Hashable, Sendable {
        var type: String
        /// Whether it runs on until the volumes are frozen.
        var isBackground: Bool
        /// Whether one pod of each namespace is enough.
        var isForOnePod: Bool
        /// As a shell reads it.
        var command: String
    }

    /// The commands of some pods.
    struct Entry: Hashable, Sendable {
        /// Labels that the pods must all have; none selects every pod.
        var podSelector: [String: String]
        /// Empty for the first one of each pod.
        var container: String
        var actions: [Action]
    }

    /// Stands in a background command where it waits.
    static let waitMark = "${WAIT_CMD}"

    let key: ObjectKey
    var entries: [Entry]

    /// Reads a Rule; what is missing has its default.
    init(_ object: KubeObject) {
        self.key = object.key
        self.entries = (object["rules"]?.array ?? [])
            .map { entry in
                Entry(
                    podSelector: entry["podSelector"]?.strings ?? [:],
                    container: entry["container"]?.string ?? "",
                    actions: (entry["actions"]?.array ?? []).map(Action.init)
                )
            }
    }

    /// Why it cannot be run for a purpose; nil where it can.
    func problem(as purpose: Purpose) -> String? {
        for action in self.entries.flatMap(\.actions) {
            guard action.type == "command" else {
                return "unsupported action type: \(action.type) in rule: "
                    + "[\(self.key.namespace)] \(self.key.name)"
            }
            guard action.isBackground else { continue }
            guard purpose == .pre else {
                return "background actions are not supported for post exec rules"
            }
            guard action.command.contains(Self.waitMark) else {
                return "a background command must hold \(Self.waitMark) where it waits"
            }
        }
        return nil
    }
}

extension Rule.Action {
    init(_ json: JSON) {
        self.init(
            type: json["type"]?.string ?? "",
            isBackground: json["background"]?.bool ?? false,
            isForOnePod: json["runInSinglePod"]?.bool ?? false,
            command: json["value"]?.string ?? ""
        )
    }
}
