// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// A condition on fields: `metadata.name=a,status.phase!=Bound`; none at all matches everything.
public struct FieldSelector: Hashable, Sendable {
    /// One condition.
    public struct Requirement: Hashable, Sendable {
        /// The path of the field, with dots.
        public let field: String
        /// What the field is compared with.
        public let value: String
        /// Whether the field has to be equal, or has to differ.
        public let isEqual: Bool

        /// A condition on one field.
        public init(field: String, value: String, isEqual: Bool = true) {
            self.field = field
            self.value = value
            self.isEqual = isEqual
        }
    }

    /// The conditions; all of them have to hold.
    public let requirements: [Requirement]

    /// A selector with these conditions.
    public init(_ requirements: [Requirement] = []) { self.requirements = requirements }

    /// Reads the form of the query parameter `fieldSelector`.
    ///
    /// - Throws: `.badRequest` for what is no condition.
    public init(parsing text: String) throws(APIStatus) {
        var requirements: [Requirement] = []
        for part in Self.split(text) where !part.isEmpty {
            guard let match = part.wholeMatch(of: /([^=!]+?)\s*(==|=|!=)(.*)/.dotMatchesNewlines())
            else {
                throw APIStatus(
                    .badRequest,
                    "invalid selector: '\(text)'; can't understand '\(part)'"
                )
            }
            requirements.append(
                Requirement(
                    field: String(match.1),
                    value: Self.unescaped(match.3),
                    isEqual: match.2 != "!="
                )
            )
        }
        self.init(requirements)
    }

    /// The parts between commas; a backslash takes the next character's meaning away.
    private static func split(_ text: String) -> [String] {
        var parts = [""]
        var isEscaped = false
        for character in text {
            if character == ",", !isEscaped {
                parts.append("")
                continue
            }
            parts[parts.count - 1].append(character)
            isEscaped = character == "\\" && !isEscaped
        }
        return parts
    }

    private static func unescaped(_ text: Substring) -> String {
        var value = ""
        var isEscaped = false
        for character in text {
            if character == "\\", !isEscaped {
                isEscaped = true
                continue
            }
            value.append(character)
            isEscaped = false
        }
        return value
    }

    /// Whether all conditions hold; an absent field is the empty text.
    public func matches(_ object: KubeObject) -> Bool {
        self.requirements.allSatisfy { requirement in
            (Self.text(of: object, requirement.field) == requirement.value) == requirement.isEqual
        }
    }

    /// What a field is compared as.
    private static func text(of object: KubeObject, _ field: String) -> String {
        guard let value = object.json.at(field.split(separator: ".").map(String.init)) else {
            return ""
        }
        return value.string ?? (value.isNull ? "" : value.compact)
    }

    /// The value that a field has to be equal to, if there is one.
    func required(_ field: String) -> String? {
        self.requirements.first { $0.field == field && $0.isEqual }?.value
    }
}
