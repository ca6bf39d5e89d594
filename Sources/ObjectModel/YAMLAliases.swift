// SPDX-License-Identifier: Apache-2.0

import Yams

/// What a text with aliases may not have, because the library would not live through it.
///
/// It compares all keys of a mapping with each other, and with aliases a key of a few bytes can stand for
/// more values than there is time to compare; it takes values apart by recursion, and a chain of aliases
/// makes them deeper than any stack. A text with aliases is therefore read twice: first with a plain
/// character in place of each asterisk, which leaves its structure as it is.
enum YAMLAliases {
    /// - Throws: ``YAMLError`` for a text with aliases and keys that are collections, which no JSON has,
    ///   or with more than ``YAMLLimits/aliasedLevels``.
    static func check(_ text: String) throws(YAMLError) {
        let bytes = Array(text.utf8)
        let anchors = Self.names(after: UInt8(ascii: "&"), in: bytes)
        // Scripts and globs have such characters too; an alias has its anchor.
        guard !anchors.isEmpty,
            !Set(anchors).isDisjoint(with: Self.names(after: UInt8(ascii: "*"), in: bytes))
        else { return }
        let harmless = String(text.map { $0 == "*" ? Self.substitute : $0 })
        var levels = 0
        for root in try YAMLReader.roots(of: harmless) {
            levels = max(levels, try Self.levels(root))
        }
        // No chain goes through an anchor twice.
        guard levels * (anchors.count + 1) <= YAMLLimits.aliasedLevels else {
            throw YAMLError(
                reason: "\(levels) levels and \(anchors.count) anchors are too many together",
                line: 1,
                column: 1,
                advice: "write out what the aliases stand for"
            )
        }
    }

    /// Of the characters that nobody has given a meaning.
    private static let substitute: Character = "\u{e000}"
    /// What may stand directly before a value.
    private static let openers = Set(" \t\r\n,[{:-?".utf8)

    /// The names behind a mark that stands where a value may begin.
    private static func names(after mark: UInt8, in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var names: [ArraySlice<UInt8>] = []
        for (index, byte) in bytes.enumerated() where byte == mark {
            guard index == 0 || Self.openers.contains(bytes[index - 1]) else { continue }
            let name = bytes[(index + 1)...].prefix(while: Self.isOfName)
            if !name.isEmpty { names.append(name) }
        }
        return names
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    /// How deep a value is, if all its keys are texts.
    private static func levels(_ node: Node) throws(YAMLError) -> Int {
        var below = 0
        switch node {
        case .scalar, .alias: break
        case .sequence(let elements):
            for element in elements { below = max(below, try Self.levels(element)) }
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
                below = max(below, try Self.levels(value))
            }
        }
        return below + 1
    }
}
