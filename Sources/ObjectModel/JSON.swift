// SPDX-License-Identifier: Apache-2.0

/// A JSON value that loses nothing: what is read is written with the same numbers, texts and keys.
///
/// An object that is migrated may carry fields that we do not know and numbers that no machine type
/// holds: `1.0` stays `1.0` and 40 digits stay 40 digits, because a number is kept as its text.
/// The order of keys carries no meaning in JSON (RFC 8259 §4) and is not kept.
/// Texts and keys are told apart by their bytes: what Unicode calls equivalent is not the same here.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONFields)

    /// Whether both are written with the same bytes.
    public static func == (first: Self, second: Self) -> Bool {
        switch (first, second) {
        case (.null, .null): true
        case (.bool(let first), .bool(let second)): first == second
        case (.number(let first), .number(let second)): first == second
        case (.string(let first), .string(let second)): first.hasBytes(of: second)
        case (.array(let first), .array(let second)): first == second
        case (.object(let first), .object(let second)): first == second
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}

/// The fields of an object.
public typealias JSONFields = TextMap<JSON>

/// A number as its JSON text.
///
/// Two numbers are equal when their texts are: `1` and `1.0` differ, as they do to whoever wrote them.
public struct JSONNumber: Hashable, Sendable {
    /// The text, valid by the grammar of RFC 8259 §6.
    public let text: String

    init(validated text: String) { self.text = text }

    /// The number with this text; nil where it is no JSON number.
    public init?(text: String) {
        guard JSONNumber.isValid(Array(text.utf8)) else { return nil }
        self.text = text
    }

    /// The number of an integer.
    public init(_ value: some BinaryInteger) { self.text = "\(value)" }

    /// The value, where the text is an integer that fits.
    public var int: Int? { Int(self.text) }

    /// The nearest value with a fraction; used for comparing and showing only.
    public var double: Double? { Double(self.text) }

    /// `-`? digits without a leading zero, a fraction, an exponent (RFC 8259 §6).
    private static func isValid(_ bytes: [UInt8]) -> Bool {
        var index = 0
        func isDigit() -> Bool { index < bytes.count && (0x30...0x39).contains(bytes[index]) }
        func digits() -> Bool {
            guard isDigit() else { return false }
            while isDigit() { index += 1 }
            return true
        }
        func take(_ accepted: UInt8...) -> Bool {
            guard index < bytes.count, accepted.contains(bytes[index]) else { return false }
            index += 1
            return true
        }
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")), !digits() { return false }
        if take(UInt8(ascii: ".")), !digits() { return false }
        if take(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+"), UInt8(ascii: "-"))
            if !digits() { return false }
        }
        return index == bytes.count
    }
}

// MARK: Literals

// There is none for null: `nil` in an optional would silently mean it.

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An integer.
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A list.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// The last of several equal keys counts.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(JSONFields(elements) { _, last in last })
    }

    /// An integer.
    public init(_ value: Int) { self = .number(JSONNumber(value)) }

    /// An object with texts.
    public init(_ values: [String: String]) {
        self = .object(JSONFields(values.mapValues(JSON.string)))
    }

    /// A list of texts.
    public init(_ values: [String]) { self = .array(values.map(JSON.string)) }
}

// MARK: Reading

extension JSON {
    /// The text, if it is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The truth value, if it is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The integer, if it is one that fits.
    public var int: Int? { if case .number(let value) = self { value.int } else { nil } }
    /// The elements, if it is an array.
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    /// The fields, if it is an object.
    public var object: JSONFields? { if case .object(let value) = self { value } else { nil } }
    /// Whether it is null.
    public var isNull: Bool { self == .null }

    /// The texts of an object whose values are all texts; others are left out.
    public var strings: [String: String]? {
        guard case .object(let fields) = self else { return nil }
        var texts: [String: String] = [:]
        for (key, value) in fields { if let text = value.string { texts[key] = text } }
        return texts
    }

    /// What kind of value it is, as an error names it.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number(let number): number.int == nil ? "number" : "integer"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The value at a path of keys; nil where there is none.
    public subscript(_ path: String...) -> JSON? { self.at(path) }

    /// The value at a path of keys; nil where there is none.
    public func at(_ path: some Collection<String>) -> JSON? {
        guard let key = path.first else { return self }
        guard case .object(let fields) = self else { return nil }
        return fields[key]?.at(path.dropFirst())
    }
}

// MARK: Writing

extension JSON {
    /// Sets the value at a path of keys; nil removes it.
    ///
    /// Objects on the way are made where they are missing or are something else; when a value is
    /// removed, the objects that held it stay, even empty.
    public mutating func set(_ value: JSON?, at path: String...) { self.set(value, at: path[...]) }

    /// Sets the value at a path of keys, as the form with several arguments does.
    public mutating func set(_ value: JSON?, at path: ArraySlice<String>) {
        guard let key = path.first else {
            if let value { self = value }
            return
        }
        var fields = self.object ?? [:]
        if path.count == 1 {
            fields[key] = value
        } else {
            guard value != nil || fields[key]?.object != nil else { return }
            var child = fields.removeValue(forKey: key) ?? .object([:])
            child.set(value, at: path.dropFirst())
            fields[key] = child
        }
        self = .object(fields)
    }

    /// The text with sorted keys and no white space: equal values have equal texts.
    public var compact: String {
        var writer = JSONWriter(isPretty: false)
        return writer.text(of: self)
    }

    /// The text with sorted keys, indented by two spaces.
    public var pretty: String {
        var writer = JSONWriter(isPretty: true)
        return writer.text(of: self)
    }

    /// The bytes of ``compact``.
    public var bytes: [UInt8] {
        var writer = JSONWriter(isPretty: false)
        return writer.bytes(of: self)
    }
}
