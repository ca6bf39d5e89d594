// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Commands that run in pods around the freezing of volumes.
enum RuleNoun: ClusterNoun {
    typealias Filter = NoFilter

    static let resource = StorkResource.rules
    static let word = "rules"
    static let aliases = ["rule", "srule"]
    static let title = "Rule"
    static let example = "mysql-pre-rule"
    static let columns = [
        ObjectColumn.name,
        ObjectColumn("PODS") { rule, _ in
            Self.entries(of: rule)
                .map { entry in
                    let labels = (entry["podSelector"]?.strings ?? [:]).sorted { $0.key < $1.key }
                    return labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
                }
                .joined(separator: ";")
        },
        ObjectColumn("COMMANDS") { rule, _ in "\(Self.actions(of: rule).count)" },
        ObjectColumn("BACKGROUND") { rule, _ in
            "\(Self.actions(of: rule).count { $0["background"]?.bool == true })"
        },
        ObjectColumn.created,
    ]

    private static func entries(of rule: KubeObject) -> [JSON] { rule["rules"]?.array ?? [] }

    private static func actions(of rule: KubeObject) -> [JSON] {
        Self.entries(of: rule).flatMap { $0["actions"]?.array ?? [] }
    }
}
