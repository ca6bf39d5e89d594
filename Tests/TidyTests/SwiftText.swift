// SPDX-License-Identifier: Apache-2.0

/// Swift source with comments and the contents of string literals blanked out.
///
/// Enough of a lexer for rules that count braces and look for calls: it knows nested comments,
/// raw and multi-line strings, and interpolations. It does not know regular expression literals.
struct SwiftText {
    private let source: [UInt8]
    private var place = 0
    private var result: [UInt8] = []

    /// The code of `text`, of the same length and with the same line breaks.
    static func code(of text: String) -> String {
        var lexer = SwiftText(source: Array(text.utf8))
        lexer.code(until: nil)
        return String(decoding: lexer.result, as: UTF8.self)
    }

    private init(source: [UInt8]) {
        self.source = source
        self.result.reserveCapacity(source.count)
    }

    private mutating func code(until end: UInt8?) {
        var depth = 0
        while self.place < self.source.count {
            let byte = self.source[self.place]
            let next = self.byte(at: self.place + 1)
            if byte == UInt8(ascii: "/"), next == byte {
                while self.place < self.source.count, self.source[self.place] != 10 { self.blank() }
            } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
                self.comment()
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#"), self.string() {
                continue
            } else {
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") {
                    if depth == 0, end == byte { return }
                    depth -= 1
                }
                self.keep()
            }
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if self.starts(with: "/*") {
                depth += 1
                self.blank(2)
            } else if self.starts(with: "*/") {
                depth -= 1
                self.blank(2)
            } else {
                self.blank()
            }
        } while depth > 0 && self.place < self.source.count
    }

    /// Blanks a string literal that starts here; false where none does.
    private mutating func string() -> Bool {
        var hashes = 0
        while self.byte(at: self.place + hashes) == UInt8(ascii: "#") { hashes += 1 }
        guard self.byte(at: self.place + hashes) == UInt8(ascii: "\"") else { return false }
        let mark = Array(repeating: UInt8(ascii: "#"), count: hashes)
        self.blank(hashes)
        let quotes: [UInt8] =
            self.starts(with: "\"\"\"")
            ? Array("\"\"\"".utf8) : Array("\"".utf8)
        self.keep(quotes.count)
        while self.place < self.source.count, !self.starts(with: quotes + mark) {
            if self.starts(with: [UInt8(ascii: "\\")] + mark) {
                self.blank(1 + hashes)
                if self.byte(at: self.place) == UInt8(ascii: "(") {
                    self.keep()
                    self.code(until: UInt8(ascii: ")"))
                    self.keep()
                } else {
                    self.blank()
                }
            } else {
                self.blank()
            }
        }
        self.keep(quotes.count)
        self.blank(hashes)
        return true
    }

    private func byte(at index: Int) -> UInt8? {
        index < self.source.count ? self.source[index] : nil
    }

    private func starts(with text: String) -> Bool { self.starts(with: Array(text.utf8)) }

    private func starts(with bytes: [UInt8]) -> Bool {
        self.source[self.place...].starts(with: bytes)
    }

    private mutating func keep(_ count: Int = 1) {
        for _ in 0..<count where self.place < self.source.count {
            self.result.append(self.source[self.place])
            self.place += 1
        }
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where self.place < self.source.count {
            let byte = self.source[self.place]
            self.result.append(byte == 10 ? byte : 32)
            self.place += 1
        }
    }
}
