// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import TestSupport
import Testing

@Suite struct TextMapTests {
    /// Pairs that Unicode calls equivalent.
    static let equivalents = [
        ("\u{e9}", "e\u{301}"), ("\u{212b}", "\u{c5}"), ("\u{212a}", "K"), ("\u{37e}", ";"),
        ("a\u{323}\u{307}", "a\u{307}\u{323}"), ("\u{ac00}", "\u{1100}\u{1161}"),
        ("a long text before the caf\u{e9}", "a long text before the cafe\u{301}"),
    ]

    @Test(arguments: TextMapTests.equivalents)
    func whatUnicodeCallsEquivalentIsNotTheSame(one: String, other: String) throws {
        #expect(one == other, "else this test shows nothing")
        #expect(JSON.string(one) != JSON.string(other))
        #expect(JSON.string(one) == JSON.string(one))
        let text = "{\"\(one)\":1,\"\(other)\":2}"
        let read = try JSON(parsing: text)
        #expect(read[one] == 1 && read[other] == 2)
        #expect(Array(read.compact.utf8).count == Array(text.utf8).count)
        #expect(try JSON(parsing: read.compact) == read)
        #expect(JSON.object([one: 1]) != JSON.object([other: 1]))
        #expect(Set([JSON.string(one), JSON.string(other)]).count == 2)
    }

    @Test(arguments: TextMapTests.equivalents)
    func aPatchTellsThemApart(one: String, other: String) throws {
        let old: JSON = ["text": .string(one), "keys": .object([one: 1])]
        let new: JSON = ["text": .string(other), "keys": .object([other: 1])]
        let patch = try #require(old.mergePatch(to: new))
        #expect(old.merged(with: patch).bytes == new.bytes)
    }

    @Test func aKeyThatComesTwiceIsStillRefused() {
        #expect(throws: JSONError.self) { try JSON(parsing: "{\"\u{e9}\":1,\"\u{e9}\":2}") }
        #expect(throws: JSONError.self) { try JSON(parsing: "{\"e\u{301}\":1,\"e\\u0301\":2}") }
    }

    /// Texts out of marks that Unicode composes, orders and folds: bytes alone tell them apart.
    @Test func textsAreTheSameWhenTheirBytesAre() {
        let seed = TestSeed()
        var generator = seed.generator
        let marks: [Unicode.Scalar] = [
            "a", "e", "K", ";", "\u{301}", "\u{323}", "\u{307}", "\u{e9}", "\u{212a}", "\u{37e}",
            "\u{1100}", "\u{1161}", "\u{ac00}", "\u{1f426}",
        ]
        let texts = (0..<400)
            .map { _ in
                var text = ""
                for _ in 0..<Int.random(in: 0...4, using: &generator) {
                    text.unicodeScalars.append(marks.randomElement(using: &generator) ?? "a")
                }
                return text
            }
        var map = TextMap<Int>()
        var expected: [[UInt8]: Int] = [:]
        for (number, text) in texts.enumerated() {
            map[text] = number
            expected[Array(text.utf8)] = number
        }
        #expect(map.count == expected.count, "\(seed)")
        for (text, number) in map { #expect(expected[Array(text.utf8)] == number, "\(seed)") }
        let keys = map.sortedByKey.map { Array($0.key.utf8) }
        #expect(zip(keys, keys.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
        for (one, other) in zip(texts, texts.shuffled(using: &generator)) {
            let areSame = Array(one.utf8) == Array(other.utf8)
            #expect((JSON.string(one) == JSON.string(other)) == areSame, "\(seed)")
        }
    }

    @Test func entriesAreSetChangedAndRemoved() {
        var map: TextMap<Int> = ["a": 1, "b": 2, "c": 3]
        #expect(map.updateValue(4, forKey: "a") == 1)
        #expect(map.removeValue(forKey: "b") == 2)
        map["c"] = nil
        map["d"] = 5
        #expect(map == ["a": 4, "d": 5])
        #expect(map.dictionary == ["a": 4, "d": 5])
        #expect(map.mapValues { $0 + 1 } == ["a": 5, "d": 6])
        #expect(map.compactMapValues { $0 == 5 ? "five" : nil } == ["d": "five"])
        #expect(map.filter { $0.key == "a" } == ["a": 4])
        #expect(map.merging(["a": 1, "e": 6], +) == ["a": 5, "d": 5, "e": 6])
        #expect(map.keys.sorted() == ["a", "d"] && map.values.sorted() == [4, 5])
        #expect(TextMap([("a", 1), ("a", 2)]) { max($0, $1) } == ["a": 2])
        #expect(map.indices.map { map[$0].value }.sorted() == [4, 5])
        #expect(TextMap<Int>().isEmpty && TextMap<Int>().first == nil)
    }
}
