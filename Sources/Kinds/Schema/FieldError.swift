// SPDX-License-Identifier: Apache-2.0

public import ObjectModel

/// What is wrong with one field of an object.
public struct FieldError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why; the raw values are those of the causes in a `Status` object.
    public enum Reason: String, Hashable, Sendable {
        case required = "FieldValueRequired"
        case duplicate = "FieldValueDuplicate"
        case invalid = "FieldValueInvalid"
        case unsupported = "FieldValueNotSupported"
        case wrongType = "FieldValueTypeInvalid"
        case tooMany = "FieldValueTooMany"
        case tooLong = "FieldValueTooLong"
        case unknown = "FieldValueForbidden"
    }

    /// From the object's root: `spec.namespaces[0]`; empty for the object itself.
    public let path: String
    /// Why.
    public let reason: Reason
    /// What stands there, where anything does.
    public let value: JSON?
    /// What it should be.
    public let detail: String
    /// What was probably meant.
    public let suggestion: String?

    init(
        _ path: String,
        _ reason: Reason,
        _ value: JSON? = nil,
        _ detail: String = "",
        suggestion: String? = nil
    ) {
        self.path = path
        self.reason = reason
        self.value = value
        self.detail = detail
        self.suggestion = suggestion
    }

    /// The error without its path, as API servers word it.
    public var message: String {
        let text =
            switch self.reason {
            case .required:
                self.detail.isEmpty ? "Required value" : "Required value: \(self.detail)"
            case .duplicate: "Duplicate value: \(self.shownValue)"
            case .invalid, .wrongType: "Invalid value: \(self.shownValue): \(self.detail)"
            case .unsupported: "Unsupported value: \(self.shownValue): \(self.detail)"
            case .tooMany: "Too many: \(self.detail)"
            case .tooLong: "Too long: \(self.detail)"
            case .unknown: "unknown field \"\(self.path)\""
            }
        return self.suggestion.map { "\(text); did you mean \"\($0)\"?" } ?? text
    }

    /// The path, what is wrong with it, and what was probably meant.
    public var description: String {
        self.reason == .unknown || self.path.isEmpty
            ? self.message : "\(self.path): \(self.message)"
    }

    /// The value, cut where it is long: a whole Secret helps nobody.
    private var shownValue: String {
        guard let value = self.value else { return "null" }
        // Of a duplicate the value is the key, which is small and says which.
        let isWhole = self.reason == .duplicate || value.array == nil && value.object == nil
        let text = isWhole ? value.compact : "\"\(value.kind)\""
        return text.count <= 120 ? text : "\(text.prefix(117))..."
    }
}

/// Where a value stands in an object.
struct FieldPath {
    let text: String

    static let root = Self(text: "")

    /// A field, or a key of a map; one that is no plain word is set in brackets.
    func field(_ name: String) -> Self {
        let isWord = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
        guard isWord, !name.isEmpty else { return Self(text: "\(self.text)[\(name)]") }
        return Self(text: self.text.isEmpty ? name : "\(self.text).\(name)")
    }

    func element(_ index: Int) -> Self { Self(text: "\(self.text)[\(index)]") }
}
