// SPDX-License-Identifier: Apache-2.0

/// Why a text is no JSON, and where.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public let reason: String
    /// Where, counted from 1.
    public let line: Int
    /// Bytes from the line's begin, counted from 1.
    public let column: Int

    /// Place and reason.
    public var description: String { "line \(self.line), column \(self.column): \(self.reason)" }
}

extension JSON {
    /// The most levels of arrays and objects that are read: no object of a cluster comes near it.
    public static let depthLimit = 1000

    /// Reads one JSON value with nothing but white space around it.
    ///
    /// - Complexity: O(n) time and memory.
    /// - Throws: ``JSONError`` for what RFC 8259 does not allow, a key that comes twice in one object,
    ///   text that is no UTF-8, and more than ``depthLimit`` levels. An escaped lone surrogate becomes
    ///   U+FFFD, as the API servers do.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var reader = JSONReader(bytes)
        self = try reader.document()
    }

    /// Reads one JSON value from a text.
    public init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }
}

/// A recursive-descent reader over bytes in memory; the depth is bounded.
struct JSONReader {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSON {
        let value = try self.value()
        self.skipSpace()
        guard self.index == self.bytes.count else { throw self.error("text after the value") }
        return value
    }

    private func error(_ reason: String, at place: Int? = nil) -> JSONError {
        let before = self.bytes[..<min(place ?? self.index, self.bytes.count)]
        let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        return JSONError(
            reason: reason,
            line: before.count { $0 == 0x0a } + 1,
            column: before.count - start + 1
        )
    }

    private var current: UInt8? { self.index < self.bytes.count ? self.bytes[self.index] : nil }

    private mutating func skipSpace() {
        while let byte = self.current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
        {
            self.index += 1
        }
    }

    private mutating func value() throws(JSONError) -> JSON {
        self.skipSpace()
        switch self.current {
        case UInt8(ascii: "{"):
            return try self.nested { reader throws(JSONError) in try reader.object() }
        case UInt8(ascii: "["):
            return try self.nested { reader throws(JSONError) in try reader.array() }
        case UInt8(ascii: "\""): return .string(try self.text())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        case nil: throw self.error("the text ends where a value is expected")
        default: return try self.number()
        }
    }

    private mutating func nested(
        _ body: (inout Self) throws(JSONError) -> JSON
    ) throws(JSONError) -> JSON {
        guard self.depth < JSON.depthLimit else {
            throw self.error("more than \(JSON.depthLimit) levels")
        }
        self.depth += 1
        self.index += 1
        let value = try body(&self)
        self.depth -= 1
        return value
    }

    private mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
        guard self.bytes[self.index...].starts(with: word.utf8) else {
            throw self.error("a value is expected")
        }
        self.index += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = self.index
        while let byte = self.current, Self.isOfNumber(byte) { self.index += 1 }
        let text = String(decoding: self.bytes[start..<self.index], as: UTF8.self)
        guard let number = JSONNumber(text: text) else {
            throw self.error(
                text.isEmpty ? "a value is expected" : "\(text) is no number",
                at: start
            )
        }
        return .number(number)
    }

    /// Digits, signs, the point and the exponent's letter.
    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || byte == 0x2b || byte == 0x2d || byte == 0x2e
            || byte | 0x20 == 0x65
    }

    /// Whether the next byte that is no space is this one; then it is taken.
    private mutating func take(_ byte: UInt8) -> Bool {
        self.skipSpace()
        guard self.current == byte else { return false }
        self.index += 1
        return true
    }

    private mutating func array() throws(JSONError) -> JSON {
        var values: [JSON] = []
        if self.take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            values.append(try self.value())
            if self.take(UInt8(ascii: "]")) { return .array(values) }
            guard self.take(UInt8(ascii: ",")) else { throw self.error("',' or ']' is expected") }
        }
    }

    private mutating func object() throws(JSONError) -> JSON {
        var fields: JSONFields = [:]
        if self.take(UInt8(ascii: "}")) { return .object(fields) }
        while true {
            self.skipSpace()
            let place = self.index
            guard self.current == UInt8(ascii: "\"") else { throw self.error("a key is expected") }
            let key = try self.text()
            guard self.take(UInt8(ascii: ":")) else { throw self.error("':' is expected") }
            guard fields.updateValue(try self.value(), forKey: key) == nil else {
                throw self.error("the key \"\(key)\" comes twice", at: place)
            }
            if self.take(UInt8(ascii: "}")) { return .object(fields) }
            guard self.take(UInt8(ascii: ",")) else { throw self.error("',' or '}' is expected") }
        }
    }
}

// MARK: Texts

extension JSONReader {
    /// The text whose opening quote is next.
    private mutating func text() throws(JSONError) -> String {
        let opening = self.index
        self.index += 1
        var raw: [UInt8] = []
        var run = self.index
        while let byte = self.current {
            switch byte {
            case UInt8(ascii: "\""):
                raw.append(contentsOf: self.bytes[run..<self.index])
                self.index += 1
                guard let text = String(validating: raw, as: UTF8.self) else {
                    throw self.error("the text is not valid UTF-8", at: opening)
                }
                return text
            case UInt8(ascii: "\\"):
                raw.append(contentsOf: self.bytes[run..<self.index])
                self.index += 1
                raw.append(contentsOf: Array(String(try self.escaped()).utf8))
                run = self.index
            case 0..<0x20: throw self.error("a control character stands in a text")
            default: self.index += 1
            }
        }
        throw self.error("the text has no end", at: opening)
    }

    /// What follows a backslash.
    private mutating func escaped() throws(JSONError) -> Unicode.Scalar {
        guard let byte = self.current else { throw self.error("the text has no end") }
        self.index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try self.scalar()
        default: throw self.error("'\\\(Unicode.Scalar(byte))' is no escape", at: self.index - 2)
        }
    }

    /// The character of `\uXXXX`, or of two of them that are a surrogate pair.
    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let high = try self.unit()
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard (0xd800..<0xdc00).contains(high),
            self.bytes[self.index...].starts(with: [0x5c, 0x75])
        else { return "\u{fffd}" }
        let before = self.index
        self.index += 2
        let low = try self.unit()
        guard (0xdc00..<0xe000).contains(low) else {
            self.index = before
            return "\u{fffd}"
        }
        let value = 0x10000 + (high - 0xd800) << 10 + (low - 0xdc00)
        return Unicode.Scalar(value) ?? "\u{fffd}"
    }

    private mutating func unit() throws(JSONError) -> UInt32 {
        let digits = self.bytes[self.index...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw self.error("four hexadecimal digits are expected") }
        self.index += 4
        return value
    }
}
