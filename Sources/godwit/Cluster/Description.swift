// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ObjectModel

/// An object and its events for reading from top to bottom, laid out as `kubectl describe` does.
///
/// Unlike there, what opens a door is not shown: tokens, passwords and private keys.
struct Description {
    private var lines: [(label: String, value: String?)] = []

    /// All of it, and its events in the order in which they are given.
    static func text(of object: KubeObject, events: [KubeObject], now: Timestamp) -> String {
        var description = Description()
        description.head(object)
        var metadata = object["metadata"]?.object ?? [:]
        for shown in ["name", "namespace", "labels", "annotations", "managedFields"] {
            metadata[shown] = nil
        }
        description.put(0, "Metadata", .object(metadata))
        let rest = (object.json.object ?? [:])
            .filter { !["apiVersion", "kind", "metadata"].contains($0.key) }
        for (key, value) in rest.sorted(by: { $0.key < $1.key }) {
            description.put(0, key, value)
        }
        return description.text + Self.table(of: events, now: now)
    }

    private mutating func head(_ object: KubeObject) {
        self.lines.append(("Name:", object.name))
        self.lines.append(("Namespace:", object.namespace))
        self.pairs("Labels", object.labels)
        self.pairs("Annotations", object.annotations)
        self.lines.append(("API Version:", object.apiVersion))
        self.lines.append(("Kind:", object.kind))
    }

    /// Texts by key, one below the other.
    private mutating func pairs(_ label: String, _ values: [String: String]) {
        if values.isEmpty { self.lines.append(("\(label):", "<none>")) }
        for (index, pair) in values.sorted(by: { $0.key < $1.key }).enumerated() {
            self.lines.append((index == 0 ? "\(label):" : "", Self.shortened(pair)))
        }
    }

    private static func shortened(_ pair: (key: String, value: String)) -> String {
        let line = "\(pair.key): \(pair.value)"
        return line.count > 140 ? line.prefix(137) + "..." : line
    }

    private mutating func put(_ level: Int, _ key: String, _ value: JSON) {
        let label = String(repeating: "  ", count: level) + Self.label(key) + ":"
        if Self.isSecret(key), value.string?.isEmpty == false {
            self.lines.append((label, "<hidden>"))
            return
        }
        switch value {
        case .object(let fields):
            self.lines.append((label, nil))
            self.fields(level + 1, fields)
        case .array(let values):
            self.lines.append((label, nil))
            for value in values { self.element(level + 1, value) }
        case .null: self.lines.append((label, "<nil>"))
        case .bool, .number, .string: self.lines.append((label, Self.scalar(value)))
        }
    }

    private mutating func fields(_ level: Int, _ fields: JSONFields) {
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { self.put(level, key, value) }
    }

    private mutating func element(_ level: Int, _ value: JSON) {
        switch value {
        case .object(let fields): self.fields(level, fields)
        case .array, .null, .bool, .number, .string:
            self.lines.append((String(repeating: "  ", count: level) + Self.scalar(value), nil))
        }
    }

    private static func scalar(_ value: JSON) -> String { value.string ?? value.compact }

    /// `creationTimestamp` as `Creation Timestamp`; a key that is no such word stays.
    static func label(_ key: String) -> String {
        guard key.allSatisfy({ $0.isLetter || $0.isNumber }) else { return key }
        if ["uid", "url", "ip"].contains(key) { return key.uppercased() }
        var label = ""
        var former: Character?
        for character in key {
            if let former, character.isUppercase, !former.isUppercase { label += " " }
            label += former == nil ? character.uppercased() : String(character)
            former = character
        }
        return label
    }

    private static func isSecret(_ key: String) -> Bool {
        ["token", "password", "client-key-data", "id-token", "refresh-token"].contains(key)
    }

    /// Values stand below each other as long as lines have them.
    private var text: String {
        var result = ""
        var block: [[String]] = []
        for (label, value) in self.lines {
            if let value {
                block.append([label, PlainText.line(value)])
                continue
            }
            result += Self.block(block) + PlainText.line(label) + "\n"
            block = []
        }
        return result + Self.block(block)
    }

    private static func block(_ rows: [[String]]) -> String {
        var table = TextTable(padding: 2)
        return table.lines(rows)
    }

    private static func table(of events: [KubeObject], now: Timestamp) -> String {
        guard !events.isEmpty else { return "Events:  <none>\n" }
        let head = ["Type", "Reason", "Age", "From", "Message"]
        let rows = events.map { event in
            [
                event["type"]?.string ?? "", event["reason"]?.string ?? "",
                Self.age(of: event, now: now), Self.source(of: event),
                PlainText.line(Self.message(of: event)),
            ]
        }
        var table = TextTable(padding: 2)
        let all = [head, head.map { String(repeating: "-", count: $0.count) }] + rows
        return "Events:\n" + table.lines(all.map { ["  " + $0[0]] + $0.dropFirst() })
    }

    private static func age(of event: KubeObject, now: Timestamp) -> String {
        let last =
            event["series", "lastObservedTime"]?.string ?? event["lastTimestamp"]?.string
            ?? event["deprecatedLastTimestamp"]?.string ?? event["eventTime"]?.string
            ?? event.creationTimestamp
        guard let time = last.flatMap({ Timestamp($0) }) else { return "<unknown>" }
        let age = ClusterTime.age(now.seconds(since: time))
        let count = event["series", "count"]?.int ?? event["count"]?.int ?? 1
        guard count > 1 else { return age }
        let begin =
            event["firstTimestamp"]?.string ?? event["eventTime"]?.string ?? event.creationTimestamp
        let first = begin.flatMap { Timestamp($0) }
        let since = first.map { " over \(ClusterTime.age(now.seconds(since: $0)))" } ?? ""
        return "\(age) (x\(count)\(since))"
    }

    private static func source(of event: KubeObject) -> String {
        event["source", "component"]?.string ?? event["reportingController"]?.string
            ?? event["reportingComponent"]?.string ?? ""
    }

    private static func message(of event: KubeObject) -> String {
        event["message"]?.string ?? event["note"]?.string ?? ""
    }
}
