// SPDX-License-Identifier: Apache-2.0

/// A JSON value of our own API, with integers kept exact.
enum JSONValue: Decodable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }
}

/// Writes YAML that every parser reads in the same way: texts that could be taken for another
/// type are quoted.
enum YAMLText {
    static func document(_ value: JSONValue) -> String {
        switch value {
        case .list(let items) where !items.isEmpty:
            Self.lines(of: items).joined(separator: "\n") + "\n"
        case .object(let members) where !members.isEmpty:
            Self.lines(of: members).joined(separator: "\n") + "\n"
        case .null, .bool, .integer, .number, .text, .list, .object:
            Self.scalar(value) + "\n"
        }
    }

    private static func lines(of items: [JSONValue]) -> [String] {
        items.flatMap { item -> [String] in
            var lines = Self.block(item) ?? [Self.scalar(item)]
            lines[0] = "- " + lines[0]
            return [lines[0]] + lines.dropFirst().map { "  " + $0 }
        }
    }

    private static func lines(of members: [String: JSONValue]) -> [String] {
        members.sorted { $0.key < $1.key }
            .flatMap { key, value -> [String] in
                guard let block = Self.block(value) else {
                    return ["\(key): \(Self.scalar(value))"]
                }
                return ["\(key):"] + block.map { "  " + $0 }
            }
    }

    private static func block(_ value: JSONValue) -> [String]? {
        switch value {
        case .list(let items): items.isEmpty ? nil : Self.lines(of: items)
        case .object(let members): members.isEmpty ? nil : Self.lines(of: members)
        case .null, .bool, .integer, .number, .text: nil
        }
    }

    private static func scalar(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): Self.quoted(value)
        case .list: "[]"
        case .object: "{}"
        }
    }

    private static func quoted(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || "/_.-0123456789".unicodeScalars.contains($0))
        }
        let first = text.unicodeScalars.first
        let begins = first.map { $0.properties.isAlphabetic || $0 == "/" } ?? false
        let words: Set = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        if plain, begins, !words.contains(text.lowercased()) { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 32:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
            case _: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
