// SPDX-License-Identifier: Apache-2.0

import Yams

/// Byte order marks (U+FEFF) inside of a text.
///
/// The library drops one at the begin of a value. Those that are written as an escape are put back;
/// others, which nobody can see, are refused.
struct YAMLMarks {
    private let lines: [Substring.UnicodeScalarView]

    init(_ text: String) {
        // Bytes, not characters: a combining accent behind the escape would be one with its last one.
        let hasEscape = text.utf8.contains(UInt8(ascii: "\\"))
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
