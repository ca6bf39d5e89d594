// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import ObjectModel

/// The columns and cells that several built-in kinds share, worded as `kubectl` shows them.
enum Cells {
    static let none: JSON = "<none>"
    static let unset: JSON = "<unset>"

    static let name = KindColumn("Name", format: "name", summary: "Unique in its namespace.") {
        object,
        _ in .string(object.name)
    }

    static let age = Self.since("Age", "How long the object has existed.") { $0.creationTimestamp }

    static let createdAt = KindColumn("Created At", summary: "When the object was made.") {
        object,
        _ in .string(object.creationTimestamp ?? "")
    }

    /// How long ago a time of the object was.
    static func since(
        _ heading: String,
        _ summary: String = "",
        absent: JSON = "<unknown>",
        priority: Int = 0,
        _ time: @escaping @Sendable (KubeObject) -> String?
    ) -> KindColumn {
        KindColumn(heading, summary: summary, priority: priority) { object, now in
            guard let time = time(object), !time.isEmpty else { return absent }
            guard let date = StoreEnvironment.date(time) else { return "<invalid>" }
            return .string(Age.text(seconds: Int(now.timeIntervalSince(date).rounded(.down))))
        }
    }

    /// The text at a path.
    static func text(
        _ heading: String,
        _ path: String,
        absent: JSON = "",
        priority: Int = 0
    ) -> KindColumn {
        let steps = path.split(separator: ".").map(String.init)
        return KindColumn(heading, priority: priority) { object, _ in
            guard let value = object.json.at(steps), !value.isNull else { return absent }
            return .string(value.string ?? value.compact)
        }
    }

    /// The whole number at a path; 0 where it is missing.
    static func count(_ heading: String, _ path: String) -> KindColumn {
        let steps = path.split(separator: ".").map(String.init)
        return KindColumn(heading, type: "integer") { object, _ in object.json.at(steps) ?? 0 }
    }

    /// How many entries an object or a list at a path has.
    static func entries(_ heading: String, _ paths: String...) -> KindColumn {
        KindColumn(heading, type: "integer") { object, _ in
            let counts = paths.map { path in
                let value = object.json.at(path.split(separator: ".").map(String.init))
                return value?.object?.count ?? value?.array?.count ?? 0
            }
            return JSON(counts.reduce(0, +))
        }
    }

    /// Names and images of containers, and the selector, as `-o wide` shows workloads.
    static func workload(_ template: String, hasSelector: Bool = true) -> [KindColumn] {
        let path = "\(template).spec.containers".split(separator: ".").map(String.init)
        func containers(_ heading: String, _ field: String) -> KindColumn {
            KindColumn(heading, priority: 1) { object, _ in
                let values = (object.json.at(path)?.array ?? []).compactMap { $0[field]?.string }
                return .string(values.joined(separator: ","))
            }
        }
        let columns = [containers("Containers", "name"), containers("Images", "image")]
        return hasSelector
            ? columns + [Self.selector("Selector", "spec.selector", wide: true)] : columns
    }

    /// A selector by labels.
    static func selector(_ heading: String, _ path: String, wide: Bool) -> KindColumn {
        let steps = path.split(separator: ".").map(String.init)
        return KindColumn(heading, priority: wide ? 1 : 0) { object, _ in
            .string(Self.text(ofSelector: object.json.at(steps)))
        }
    }

    static func text(ofSelector selector: JSON?) -> String {
        let isLabelSelector =
            selector?["matchLabels"]?.object != nil || selector?["matchExpressions"] != nil
        let labels = (isLabelSelector ? selector?["matchLabels"] : selector)?.strings ?? [:]
        var parts = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        for requirement in selector?["matchExpressions"]?.array ?? [] {
            let key = requirement["key"]?.string ?? ""
            let values = (requirement["values"]?.array ?? []).compactMap(\.string)
                .joined(separator: ",")
            switch requirement["operator"]?.string {
            case "In": parts.append("\(key) in (\(values))")
            case "NotIn": parts.append("\(key) notin (\(values))")
            case "DoesNotExist": parts.append("!\(key)")
            default: parts.append(key)
            }
        }
        return parts.isEmpty ? "<none>" : parts.joined(separator: ",")
    }

    /// Access modes in short.
    static func accessModes(_ modes: JSON?) -> JSON {
        let short = [
            "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX",
            "ReadWriteOncePod": "RWOP",
        ]
        let texts = (modes?.array ?? []).compactMap(\.string).map { short[$0] ?? $0 }
        return .string(texts.joined(separator: ","))
    }
}
