// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// The value as YAML, in the form that `kubectl` prints: sorted keys, two spaces, lists at the
    /// column of their key, texts with lines as blocks.
    ///
    /// Every text that any version of YAML would read as something else is quoted. Long lines stay
    /// one line. Ends with a line break.
    public var yaml: String {
        var writer = YAMLWriter()
        return writer.text(of: self)
    }
}

/// Writes YAML that versions 1.1 and 1.2 read alike.
struct YAMLWriter {
    private var out = ""

    mutating func text(of value: JSON) -> String {
        self.write(value, indent: 0, isInList: false)
        return self.out + "\n"
    }

    /// Writes a value at the current place; what needs lines of its own goes on at `indent`.
    private mutating func write(_ value: JSON, indent: Int, isInList: Bool) {
        switch value {
        case .null: self.out += "null"
        case .bool(let value): self.out += value ? "true" : "false"
        case .number(let number): self.out += number.text
        case .string(let text): self.write(text, indent: indent)
        case .array(let values):
            guard !values.isEmpty else {
                self.out += "[]"
                return
            }
            for (index, value) in values.enumerated() {
                if index > 0 || !isInList { self.line(indent) }
                self.out += "- "
                self.write(value, indent: indent + 2, isInList: true)
            }
        case .object(let fields):
            guard !fields.isEmpty else {
                self.out += "{}"
                return
            }
            for (index, field) in fields.sortedByKey.enumerated() {
                if index > 0 || !isInList { self.line(indent) }
                self.write(field.value, of: field.key, indent: indent)
            }
        }
    }

    private mutating func write(_ value: JSON, of key: String, indent: Int) {
        let name = YAMLText.inline(key)
        // A reader gives up looking for the ':' of a key after 1,024 characters.
        if name.unicodeScalars.count > 128 {
            self.out += "? \(name)"
            self.line(indent)
        } else {
            self.out += name
        }
        self.out += ":"
        switch value {
        case .array(let values) where !values.isEmpty:
            self.write(value, indent: indent, isInList: false)
        case .object(let fields) where !fields.isEmpty:
            self.write(value, indent: indent + 2, isInList: false)
        case .null, .bool, .number, .string, .array, .object:
            self.out += " "
            self.write(value, indent: indent + 2, isInList: false)
        }
    }

    private mutating func write(_ text: String, indent: Int) {
        guard text.unicodeScalars.contains("\n"), YAMLText.isBlock(text) else {
            self.out += YAMLText.inline(text)
            return
        }
        self.out += "|"
        let scalars = text.unicodeScalars
        // Without it the first line would tell the indentation.
        if scalars.first == " " || scalars.first == "\n" { self.out += "2" }
        let breaks = scalars.reversed().prefix { $0 == "\n" }.count
        if breaks != 1 { self.out += breaks == 0 ? "-" : "+" }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for line in breaks == 0 ? lines[...] : lines.dropLast() {
            self.out += "\n"
            if !line.isEmpty { self.out += String(repeating: " ", count: max(indent, 2)) + line }
        }
    }

    private mutating func line(_ indent: Int) {
        guard !self.out.isEmpty else { return }
        self.out += "\n" + String(repeating: " ", count: indent)
    }
}

/// How a text is written so that every reader reads it as that text.
enum YAMLText {
    /// The text on one line: as it is, in single quotes, or in double quotes with escapes.
    static func inline(_ text: String) -> String {
        if !text.unicodeScalars.allSatisfy(Self.isPlain) || Self.isRead(text) {
            return Self.escaped(text)
        }
        return Self.isMarked(text) ? Self.quoted(text) : text
    }

    /// Whether a text with line breaks can be a block: nothing to escape, no line that ends with
    /// a space.
    static func isBlock(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0 == "\n" || Self.isPlain($0) }
            && !zip(text.utf8, text.utf8.dropFirst()).contains { $0 == (0x20, 0x0a) }
            && text.unicodeScalars.last != " "
            && text.unicodeScalars.contains { $0 != "\n" }
    }

    /// Whether a character may stand as it is: printable, and no line break for any reader.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7e, 0xa0...0x2027, 0x202a...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd,
            0x10000...0x10ffff:
            true
        default: false
        }
    }

    /// Whether characters of the text have a meaning in YAML.
    private static func isMarked(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        guard let first = scalars.first, let last = scalars.last else { return true }
        if first == " " || last == " " || last == ":" { return true }
        if "#,[]{}&*!|>'\"%@`".unicodeScalars.contains(first) { return true }
        if "-?:".unicodeScalars.contains(first), scalars.count == 1 || scalars[1] == " " {
            return true
        }
        let bytes = Array(text.utf8)
        return bytes.starts(with: "---".utf8) || bytes.starts(with: "...".utf8)
            || zip(bytes, bytes.dropFirst())
                .contains { pair in
                    pair == (UInt8(ascii: ":"), 0x20) || pair == (0x20, UInt8(ascii: "#"))
                }
    }

    /// In single quotes, each of which inside is doubled.
    ///
    /// Scalar by scalar: a quote with an accent behind it is another character, but the same mark.
    private static func quoted(_ text: String) -> String {
        var quoted = "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" { quoted += "'" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "'"
    }

    /// Whether a reader would take the text, unquoted, for something else than a text.
    private static func isRead(_ text: String) -> Bool {
        if text.isEmpty || Self.words.contains(text.lowercased()) { return true }
        guard let first = text.utf8.first,
            (0x30...0x39).contains(first) || "+-.".utf8.contains(first)
        else { return false }
        guard case .string? = YAMLCore.value(ofPlain: text) else { return true }
        // What version 1.1 knows besides: `1_000`, `0b11`, `22:13`, dates.
        return text.wholeMatch(of: /[-+]?0[xXbBoO][0-9a-fA-F_]+/) != nil
            || text.wholeMatch(of: /[-+]?[0-9_]*\.?[0-9_]*([eE][-+]?[0-9_]+)?/) != nil
                && text.contains(where: \.isNumber)
            || text.wholeMatch(of: /[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?/) != nil
            || text.wholeMatch(of: /[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?/) != nil
    }

    private static let words: Set<String> = [
        "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=",
    ]

    private static func escaped(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            case _ where Self.isPlain(scalar): out.unicodeScalars.append(scalar)
            default: out += Self.escape(scalar)
            }
        }
        return out + "\""
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        let (mark, width) = scalar.value < 0x100 ? ("x", 2) : ("u", 4)
        return "\\\(mark)" + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
