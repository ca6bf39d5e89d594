// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// The part of JSONPath that printer columns use: `.a.b`, `['a']`, `[0]`, `[-1]`, `[*]`, `.*`,
/// `[?(@.type=="Ready")]` with `==` or `!=`, and `\.` for a dot inside a name.
public struct JSONPath: Hashable, Sendable, CustomStringConvertible {
    private enum Step: Hashable, Sendable {
        case field(String)
        case element(Int)
        case all
        case matching(path: [String], isEqual: Bool, value: JSON)
    }

    /// As it was written.
    public let description: String
    private let steps: [Step]

    /// Reads a path; braces around it may be there.
    ///
    /// - Throws: ``JSONPathError`` for what is outside the part that is understood.
    public init(_ text: String) throws(JSONPathError) {
        self.description = text
        var reader = Reader(text)
        self.steps = try reader.steps()
    }

    /// The values at the path, in the order of the document.
    public func values(in value: JSON) -> [JSON] {
        var found = [value]
        for step in self.steps { found = found.flatMap { Self.values(at: step, in: $0) } }
        return found
    }

    /// The first value at the path, which is what a column shows.
    public func first(in value: JSON) -> JSON? { self.values(in: value).first }

    private static func values(at step: Step, in value: JSON) -> [JSON] {
        switch step {
        case .field(let name): return value[name].map { [$0] } ?? []
        case .element(let index):
            guard let elements = value.array else { return [] }
            let place = index < 0 ? elements.count + index : index
            return elements.indices.contains(place) ? [elements[place]] : []
        case .all: return self.children(of: value)
        case .matching(let path, let isEqual, let wanted):
            return self.children(of: value).filter { ($0.at(path) == wanted) == isEqual }
        }
    }

    private static func children(of value: JSON) -> [JSON] {
        value.array ?? value.object.map { $0.sorted { $0.key < $1.key }.map(\.value) } ?? []
    }
}

/// Why a path cannot be read.
public struct JSONPathError: Error, Hashable, CustomStringConvertible {
    /// What cannot be read, and where it stands.
    public let description: String
}

extension JSONPath {
    private struct Reader {
        private let text: String
        private var rest: Substring

        init(_ text: String) {
            self.text = text
            self.rest = text[...]
            if text.hasPrefix("{"), text.hasSuffix("}") {
                self.rest = self.rest.dropFirst().dropLast()
            }
            if self.rest.hasPrefix("$") { self.rest.removeFirst() }
        }

        mutating func steps() throws(JSONPathError) -> [Step] {
            var steps: [Step] = []
            while let first = self.rest.first {
                switch first {
                case ".":
                    self.rest.removeFirst()
                    // `.[0]` is the same as `[0]`.
                    if self.rest.first == "[" || self.rest.isEmpty && steps.isEmpty { continue }
                    steps.append(try self.name())
                case "[": steps.append(try self.bracket())
                default:
                    guard steps.isEmpty else { throw self.error() }
                    steps.append(try self.name())
                }
            }
            return steps
        }

        private func error() -> JSONPathError {
            JSONPathError(
                description: "'\(self.rest)' in the JSONPath \(self.text) cannot be read; write a "
                    + "path such as .status.conditions[?(@.type==\"Ready\")].status"
            )
        }

        /// A name up to a dot or bracket; a backslash keeps the next character.
        private mutating func name() throws(JSONPathError) -> Step {
            var name = ""
            while let next = self.rest.first, next != ".", next != "[" {
                self.rest.removeFirst()
                if next == "\\" {
                    guard let kept = self.rest.popFirst() else { throw self.error() }
                    name.append(kept)
                } else {
                    guard !" ]{}()\"'@?".contains(next) else { throw self.error() }
                    name.append(next)
                }
            }
            guard !name.isEmpty else { throw self.error() }
            return name == "*" ? .all : .field(name)
        }

        private mutating func bracket() throws(JSONPathError) -> Step {
            if let match = self.rest.prefixMatch(of: /\[(-?[0-9]{1,9})\]/), let index = Int(match.1)
            {
                self.rest = self.rest[match.range.upperBound...]
                return .element(index)
            }
            if let match = self.rest.prefixMatch(of: /\[\*\]/) {
                self.rest = self.rest[match.range.upperBound...]
                return .all
            }
            if let match = self.rest.prefixMatch(of: /\[(?:'([^']*)'|"([^"]*)")\]/) {
                self.rest = self.rest[match.range.upperBound...]
                return .field(String(match.1 ?? match.2 ?? ""))
            }
            let filter =
                /\[\?\(\s*@\.([A-Za-z0-9_.\-]+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([^\s)]+))\s*\)\]/
            guard let match = self.rest.prefixMatch(of: filter) else { throw self.error() }
            let text = match.3 ?? match.4
            let value =
                text.map { JSON.string(String($0)) }
                ?? match.5.flatMap { try? JSON(parsing: String($0)) }
            guard let value else { throw self.error() }
            self.rest = self.rest[match.range.upperBound...]
            return .matching(
                path: match.1.split(separator: ".").map(String.init),
                isEqual: match.2 == "==",
                value: value
            )
        }
    }
}
