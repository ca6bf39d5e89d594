// SPDX-License-Identifier: Apache-2.0

import Yams

/// Keys that are collections, which no JSON has.
///
/// The library compares all keys of a mapping with each other. With aliases a key of a few bytes can
/// stand for more values than there is time to compare. A text with aliases is therefore read twice:
/// first with a plain character in place of each asterisk, which leaves its structure as it is.
enum YAMLKeys {
    /// - Throws: ``YAMLError`` for a text with aliases that has such a key.
    static func refuseCollections(in text: String) throws(YAMLError) {
        let bytes = Array(text.utf8)
        let anchors = Self.names(after: UInt8(ascii: "&"), in: bytes)
        // Scripts and globs have such characters too; an alias has its anchor.
        guard !anchors.isEmpty,
            !anchors.isDisjoint(with: Self.names(after: UInt8(ascii: "*"), in: bytes))
        else { return }
        let harmless = String(text.map { $0 == "*" ? Self.substitute : $0 })
        for root in try YAMLReader.roots(of: harmless) { try Self.check(root) }
    }

    /// Of the characters that nobody has given a meaning.
    private static let substitute: Character = "\u{e000}"
    /// What may stand directly before a value.
    private static let openers = Set(" \t\r\n,[{:-?".utf8)

    /// The names behind a mark that stands where a value may begin.
    private static func names(after mark: UInt8, in bytes: [UInt8]) -> Set<ArraySlice<UInt8>> {
        var names: Set<ArraySlice<UInt8>> = []
        for (index, byte) in bytes.enumerated() where byte == mark {
            guard index == 0 || Self.openers.contains(bytes[index - 1]) else { continue }
            let name = bytes[(index + 1)...].prefix(while: Self.isOfName)
            if !name.isEmpty { names.insert(name) }
        }
        return names
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func check(_ node: Node) throws(YAMLError) {
        switch node {
        case .scalar, .alias: return
        case .sequence(let elements):
            for element in elements { try Self.check(element) }
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard let scalar = key.scalar,
                    scalar.style != .plain || scalar.string.first != Self.substitute
                else {
                    throw YAMLError(
                        reason: "a key is an alias or a collection",
                        line: key.mark?.line ?? 1,
                        column: key.mark?.column ?? 1,
                        advice: "write the key as a text"
                    )
                }
                try Self.check(value)
            }
        }
    }
}

/// Byte order marks (U+FEFF) inside of a text.
///
/// The library drops one at the begin of a value. Those that are written as an escape are put back;
/// others, which nobody can see, are refused.
struct YAMLMarks {
    private let lines: [Substring.UnicodeScalarView]

    init(_ text: String) {
        let hasEscape = text.contains("\\uFEFF") || text.contains("\\ufeff")
        self.lines = hasEscape ? Self.lines(of: text).map(\.unicodeScalars) : []
    }

    /// - Throws: ``YAMLError`` where such a mark stands behind the text's begin.
    static func refuse(in text: String) throws(YAMLError) {
        guard text.unicodeScalars.dropFirst().contains("\u{feff}") else { return }
        for (index, line) in Self.lines(of: text).enumerated() {
            let scalars = line.unicodeScalars
            guard let place = scalars.firstIndex(of: "\u{feff}"),
                index > 0 || place > scalars.startIndex
            else { continue }
            throw YAMLError(
                reason: "a byte order mark stands inside of the text",
                line: index + 1,
                column: scalars.distance(from: scalars.startIndex, to: place) + 1,
                advice: "remove it, or write \\uFEFF in double quotes"
            )
        }
    }

    /// The text of a value or key, with the mark that it begins with.
    func text(of scalar: Node.Scalar) -> String {
        guard scalar.style == .doubleQuoted, let mark = scalar.mark,
            self.lines.indices.contains(mark.line - 1)
        else { return scalar.string }
        let source = String(self.lines[mark.line - 1].dropFirst(mark.column - 1).prefix(7))
        return source.lowercased() == "\"\\ufeff" ? "\u{feff}" + scalar.string : scalar.string
    }

    /// The lines as the library counts them: it also ends a line at the breaks that only YAML 1.1 has.
    static func lines(of text: String) -> [Substring] {
        var lines: [Substring] = []
        let scalars = text.unicodeScalars
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            let scalar = scalars[index]
            let next = scalars.index(after: index)
            let isHalf = scalar == "\r" && next < scalars.endIndex && scalars[next] == "\n"
            if !isHalf, "\n\r\u{85}\u{2028}\u{2029}".unicodeScalars.contains(scalar) {
                lines.append(text[start..<index])
                start = next
            }
            index = next
        }
        return lines + [text[start...]]
    }
}
