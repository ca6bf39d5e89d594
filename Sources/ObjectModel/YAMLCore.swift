// SPDX-License-Identifier: Apache-2.0

/// What a plain value means: the core schema of YAML 1.2 (§10.3.2), with octal numbers as kubectl
/// reads them.
enum YAMLCore {
    /// The value of a text without quotes; nil where it is a number that JSON does not have.
    static func value(ofPlain text: String) -> JSON? {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        case ".nan", ".NaN", ".NAN": return nil
        default: break
        }
        // Nearly all texts leave here: no number begins with another character.
        guard let first = text.utf8.first, Self.beginsNumber(first) else { return .string(text) }
        if let number = JSONNumber(text: text) { return .number(number) }
        let sign = first == UInt8(ascii: "-") ? "-" : ""
        let body = text.drop { $0 == "-" || $0 == "+" }
        guard text.utf8.count - body.utf8.count <= 1 else { return .string(text) }
        if [".inf", ".Inf", ".INF"].contains(body) { return nil }
        if let integer = Self.integer(body) {
            return .number(JSONNumber(validated: sign + integer))
        }
        if let number = Self.decimal(body) { return .number(JSONNumber(validated: sign + number)) }
        return .string(text)
    }

    private static func beginsNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: ".")
    }

    /// The decimal digits of `0x1f`, `0o17` and `017`; nil for everything else.
    private static func integer(_ text: Substring) -> String? {
        guard text.hasPrefix("0"), text.utf8.count > 1 else { return nil }
        let (digits, radix) =
            switch text.dropFirst().first {
            case "x": (text.dropFirst(2), 16)
            case "o": (text.dropFirst(2), 8)
            default: (text.dropFirst(), 8)
            }
        // The initialiser would take another sign.
        guard digits.utf8.first.map(isAlphanumeric) == true else { return nil }
        return UInt64(digits, radix: radix).map { "\($0)" }
    }

    /// As JSON writes what YAML lets one abbreviate: `1.`, `.5`, `08.5`.
    private static func decimal(_ text: Substring) -> String? {
        guard let match = text.wholeMatch(of: /([0-9]*)(?:\.([0-9]*))?([eE][-+]?[0-9]+)?/),
            !match.1.isEmpty || match.2?.isEmpty == false
        else { return nil }
        let whole = match.1.drop { $0 == "0" }
        var number = whole.isEmpty ? "0" : String(whole)
        if let fraction = match.2, !fraction.isEmpty { number += ".\(fraction)" }
        return number + (match.3 ?? "")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
    }
}
