// SPDX-License-Identifier: Apache-2.0

/// A condition on labels: requirements that all have to hold; none at all matches everything.
public struct LabelSelector: Hashable, Sendable {
    /// One condition.
    public enum Requirement: Hashable, Sendable {
        case isOneOf(key: String, values: [String])
        case isNoneOf(key: String, values: [String])
        case exists(key: String)
        case isAbsent(key: String)
    }

    /// The conditions.
    public let requirements: [Requirement]

    /// A selector with these conditions.
    public init(_ requirements: [Requirement]) { self.requirements = requirements }

    /// All of these labels.
    public init(labels: [String: String]) {
        self.init(
            labels.sorted { $0.key < $1.key }.map { .isOneOf(key: $0.key, values: [$0.value]) }
        )
    }

    /// Whether all requirements hold; an absent label is none of any values.
    public func matches(_ labels: [String: String]) -> Bool {
        self.requirements.allSatisfy { requirement in
            switch requirement {
            case .isOneOf(let key, let values): labels[key].map(values.contains) ?? false
            case .isNoneOf(let key, let values): !(labels[key].map(values.contains) ?? false)
            case .exists(let key): labels[key] != nil
            case .isAbsent(let key): labels[key] == nil
            }
        }
    }
}

/// Why a selector cannot be read.
public struct SelectorError: Error, Hashable, CustomStringConvertible {
    /// What cannot be read.
    public let description: String
}

extension LabelSelector {
    /// Reads the form of the query parameter `labelSelector`:
    /// `a=b,c==d,e!=f,g in (h,i),j notin (k),l,!m`.
    public init(parsing text: String) throws(SelectorError) {
        var requirements: [Requirement] = []
        for part in Self.parts(of: text) where !part.isEmpty {
            requirements.append(try Self.requirement(part))
        }
        self.init(requirements)
    }

    /// The text between commas that stand outside parentheses.
    private static func parts(of text: String) -> [String] {
        var parts: [String] = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        return parts.map(Self.trimmed)
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let text = text.drop(while: \.isWhitespace)
        return String(text.reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func requirement(_ part: String) throws(SelectorError) -> Requirement {
        if let match = part.wholeMatch(of: /(\S+)\s+(in|notin)\s*\((.*)\)/) {
            let values = match.3.split(separator: ",").map(Self.trimmed)
            let key = String(match.1)
            return match.2 == "in"
                ? .isOneOf(key: key, values: values) : .isNoneOf(key: key, values: values)
        }
        if let match = part.wholeMatch(of: /([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)/) {
            let (key, value) = (String(match.1), String(match.3))
            return match.2 == "!="
                ? .isNoneOf(key: key, values: [value]) : .isOneOf(key: key, values: [value])
        }
        if let match = part.wholeMatch(of: /(!?)\s*([^\s=!(),]+)/) {
            return match.1.isEmpty ? .exists(key: String(match.2)) : .isAbsent(key: String(match.2))
        }
        throw SelectorError(description: "unable to parse requirement: \(part)")
    }
}
