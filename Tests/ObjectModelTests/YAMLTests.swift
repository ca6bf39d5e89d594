// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import TestSupport
import Testing

@Suite struct YAMLTests {
    @Test(arguments: [
        "22:13", "no", "on", "yes", "Off", "y", "2019-02-14", "2018-10-26T20:04:19Z", "10:14PM",
        "1.2.3", "1_000", "0b11", "0xg", "<a>", "-", "--1", "1e", ".", "e5", "0o8", "12x", "+-1",
    ])
    func valuesThatOlderReadersTakeForSomethingElseStayTexts(text: String) throws {
        // In a list, where a lone '-' needs its quotes.
        guard text != "-" else { return #expect(try JSON(yaml: "a: '-'")["a"] == "-") }
        #expect(try JSON(yaml: "a: \(text)") == ["a": .string(text)])
    }

    @Test(
        arguments: [
            ("1.0", "1.0"), ("1e400", "1e400"), ("-0", "-0"), ("18446744073709551616", nil),
            ("+12", "12"), ("0644", "420"), ("0o644", "420"), ("0x1F", "31"), ("1.", "1"),
            (".5", "0.5"), ("-.5e3", "-0.5e3"), ("089", "89"), ("00", "0"),
        ] as [(String, String?)]
    )
    func numbersKeepTheirTextOrGetTheOneThatJSONHas(text: String, expected: String?) throws {
        #expect(try JSON(yaml: "a: \(text)")["a"]?.compact == expected ?? text)
    }

    @Test func wordsOfTheCoreSchemaAreValuesAndQuotedOnesAreTexts() throws {
        let read = try JSON(
            yaml: """
                a: true
                b: False
                c: ~
                d: null
                e:
                f: "true"
                g: 'null'
                h: !!str 12
                i: !!int "12"
                j: |
                  1
                1: one
                """
        )
        var expected: JSON = [
            "a": true, "b": false, "f": "true", "g": "null", "h": "12", "i": 12, "j": "1\n",
            "1": "one",
        ]
        for key in ["c", "d", "e"] { expected.set(.null, at: key) }
        #expect(read == expected)
    }

    @Test func severalDocumentsAreReadAndEmptyOnesLeftOut() throws {
        let read = try JSON.documents(yaml: "---\n# nothing\n---\na: 1\n---\n---\nb: 2\n...\n")
        #expect(read.map(\.json) == [["a": 1], ["b": 2]])
        #expect(read.map(\.line) == [4, 7])
        #expect(try JSON.documents(yaml: "").isEmpty)
        #expect(try JSON(yaml: "{\"a\": [1, \"b\"]}") == ["a": [1, "b"]])
    }

    @Test func anchorsAndMergesAreReplaced() throws {
        let read = try JSON(
            yaml: """
                base: &base {a: 1, b: 2}
                list: [*base, 3]
                own:
                  <<: *base
                  b: 3
                """
        )
        #expect(read["list"] == [["a": 1, "b": 2], 3])
        #expect(read["own"] == ["a": 1, "b": 3])
    }

    @Test(arguments: [
        ("a: 1\n\tb: 2", 2, 1, "spaces, not tabs"), ("a: b: c", 1, 5, "in quotes"),
        ("a: 1\na: 2", 1, 1, "keep one"), ("a: 1\n\"a\": 2", 1, 1, "keep one"),
        ("a:\n  b: 1\n c: 2", 3, 2, "same column"), ("a: *b", 1, 4, "anchor"),
        ("a: .inf", 1, 4, "in quotes if a text"), ("a: !secret b", 1, 4, "leave it out"),
        ("[a]: b", 1, 1, "write a text"), ("a: \"b", 1, 6, "close the quotes"),
        ("<<: 3", 1, 5, "mappings only"), ("a: @b", 1, 4, "in quotes"), ("", 1, 1, "fields"),
        ("a: 1\n---\nb: 2", 3, 1, "only one"),
        ("spec:\n   config:\n      a: {}\n    options:\n       b: \"\"", 4, 5, "same column"),
    ])
    func whatIsNoYAMLIsRefusedWithItsPlaceAndWhatToDo(
        text: String,
        line: Int,
        column: Int,
        advice: String
    ) throws {
        let error = try #require(throws: YAMLError.self) { try JSON(yaml: text) }
        #expect(error.line == line && error.column == column, "\(error)")
        #expect(error.advice.contains(advice), "\(error)")
    }

    @Test func aFewLinesOfAliasesCannotFillTheMemory() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...20 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let error = try #require(throws: YAMLError.self) { try JSON(yaml: text) }
        #expect(error.reason.contains("1000000 values"))
        // The same as a key, which the library would compare for ever.
        for key in [
            "*a20 : 1", "? *a20\n: 1", "b: {*a20}", "b: {c, [*a20, 1]: 2}", "b: {?*a20 :1}",
        ] {
            let error = try #require(throws: YAMLError.self) { try JSON(yaml: text + key) }
            #expect(error.advice.contains("write the key as a text"), "\(key): \(error)")
        }
    }

    @Test func aChainOfAliasesCannotFillTheStack() throws {
        var text = "a: &a0 []\n"
        for level in 1...200 {
            let open = String(repeating: "[", count: 500)
            let close = String(repeating: "]", count: 500)
            text += "k\(level): &a\(level) \(open)*a\(level - 1)\(close)\n"
        }
        let error = try #require(throws: YAMLError.self) { try JSON(yaml: text) }
        #expect(error.reason.contains("levels and 201 anchors"))
    }

    @Test func noTextEndsTheProcess() {
        let seed = TestSeed()
        var generator = seed.generator
        let parts = [
            "a", "b", ":", ": ", " ", "\n", "\n  ", "- ", "-", "? ", "?", "[", "]", "{", "}", ",",
            "&a ", "*a", "!", "!!str ", "!!map ", "|", ">", "|2-", "'", "\"", "\\", "\\x",
            "\\uD800",
            "#", " #", "%", "%YAML 1.2\n", "%TAG ! x\n", "---", "---\n", "...\n", "@", "`", "\t",
            "\r",
            "<<: ", "~", "0x", "1", ".inf", "\u{85}", "\u{2028}", "\u{feff}", "\u{0}", "\u{e000}",
            "\u{1f426}", "\u{301}",
        ]
        var read = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...12, using: &generator)
            let text = (0..<count).map { _ in parts.randomElement(using: &generator) ?? "" }
                .joined()
            guard let documents = try? JSON.documents(yaml: text) else { continue }
            read += 1
            // What was read is written and read as the same.
            for document in documents {
                let again = try? JSON(yaml: document.json.yaml)
                guard again != document.json else { continue }
                Issue.record("\(seed): \(text.debugDescription) gave \(document.json.compact)")
                return
            }
        }
        #expect(read > 100)
    }

    @Test func levelsAndBytesAreBounded() throws {
        let deep = String(repeating: "[", count: 1200) + String(repeating: "]", count: 1200)
        #expect(throws: YAMLError.self) { try JSON(yaml: deep) }
        let large = "a: " + String(repeating: "x", count: YAMLLimits.textBytes)
        #expect(throws: YAMLError.self) { try JSON(yaml: large) }
        let one = String(repeating: "y", count: 1 << 20)
        let aliases = String(repeating: "- *a\n", count: 70)
        #expect(throws: YAMLError.self) { try JSON(yaml: "- &a \(one)\n\(aliases)") }
        #expect(try JSON(yaml: "a: \(one)")["a"] == .string(one))
    }

    @Test func byteOrderMarksAreKeptWhereTheyAreWrittenAndRefusedWhereNobodySeesThem() throws {
        #expect(try JSON(yaml: "\u{feff}a: \"\\uFEFFb\"") == ["a": "\u{feff}b"])
        #expect(try JSON(yaml: "\u{2028}\r\n\"\\ufeffa\": 1") == ["\u{feff}a": 1])
        let error = try #require(throws: YAMLError.self) { try JSON(yaml: "a: 1\nb: \u{feff}c") }
        #expect(error.line == 2 && error.column == 4)
    }

    @Test func jsonIsReadAsJSON() throws {
        let read = try JSON(yaml: #" {"a":"\ud83d\udc26","b":1.10}"#)
        #expect(read.compact == "{\"a\":\"\u{1f426}\",\"b\":1.10}")
        #expect(try JSON(yaml: "{a: \"b\", c: 22:13}") == ["a": "b", "c": "22:13"])
    }

    @Test func linesThatEndAsOnWindowsAreRead() throws {
        #expect(try JSON(yaml: "a: 1\r\nb: |\r\n  c\r\n") == ["a": 1, "b": "c\n"])
        let error = try #require(throws: YAMLError.self) { try JSON(yaml: "a: 1\r\n\tb: 2\r\n") }
        #expect(error.line == 2 && error.advice == "indent with spaces, not tabs")
    }

    @Test func scriptsWithAsterisksAndQuestionMarksAreRead() throws {
        let script = "cat *.conf & wait\n*) a ;;\n? really, [*a]: {*b}\n"
        let written: JSON = ["data": ["run": .string(script)]]
        let read = try JSON(yaml: written.yaml)
        #expect(read["data", "run"] == .string(script))
    }
}

@Suite struct YAMLWriterTests {
    @Test func theFormIsThatOfKubectl() {
        let object: JSON = [
            "metadata": ["name": "a", "labels": [:], "annotations": ["b": "true", "a": "10"]],
            "spec": [
                "list": [["a": 1, "b": ["x"]], ["y", "-c"], [[]]], "none": [], "text": "a\nb\n",
                "time": "2018-10-26T20:04:19Z", "hash": "#a", "colon": "a: b", "tab": "a\tb",
                "base": "22:13", "no": "no", "command": "echo 'a'", "star": "*", "empty": "",
            ],
        ]
        #expect(
            object.yaml == """
                metadata:
                  annotations:
                    a: "10"
                    b: "true"
                  labels: {}
                  name: a
                spec:
                  base: "22:13"
                  colon: 'a: b'
                  command: echo 'a'
                  empty: ""
                  hash: '#a'
                  list:
                  - a: 1
                    b:
                    - x
                  - - "y"
                    - -c
                  - - []
                  "no": "no"
                  none: []
                  star: '*'
                  tab: "a\\tb"
                  text: |
                    a
                    b
                  time: "2018-10-26T20:04:19Z"

                """
        )
    }

    @Test(arguments: [
        "a\nb", "a\n\n", "\n a", " a\nb\n", "a \nb", "\n", "\n\n", "a\r\nb", "\u{85}a\u{2028}b",
        "\u{feff}x", "\u{feff}\u{301}", "\u{0}", "\u{7f}\u{1f426}", "- a", "a #b", "a# b", "?",
        "---", "...", "''",
        "%a",
        "`", "1e5", "0x1f", "+1", "-.inf", ".NaN", "=", "<<", "a:", "\tx\ny", "\u{fffe}", "#\n#",
        "&a *a : [*a]: ? {*a", "#'\u{301}", "a: \u{301}b", "a \u{301}#b", "a #\u{301}", "\u{301}",
        "{*a}\n&a\n? x", "a\n---\nb", "  \n  a",
    ])
    func everyTextComesBack(text: String) throws {
        let value: JSON = [
            "a": .string(text), "b": [.string(text), ["c": .string(text)]], "d": [[.string(text)]],
        ]
        #expect(try JSON(yaml: value.yaml) == value, "\(value.yaml)")
        let key = JSON.object([text: 1, "n": .object([text: [.string(text)]])])
        #expect(try JSON(yaml: key.yaml) == key, "\(key.yaml)")
        #expect(try JSON(yaml: JSON.string(text).yaml) == .string(text))
    }

    @Test func aKeyOfAnyLengthComesBack() throws {
        let value = JSON.object([String(repeating: "k", count: 3000): ["a": 1], "b": 2])
        #expect(try JSON(yaml: value.yaml) == value)
    }

    @Test func whatIsWrittenIsReadAsTheSameValue() throws {
        let seed = TestSeed()
        var generator = seed.generator
        for _ in 0..<3000 {
            let value = JSON.arbitrary(depth: 4, using: &generator)
            let text = value.yaml
            let read = try JSON(yaml: text)
            guard read == value else {
                Issue.record("\(seed): \(value.compact) became \(read.compact) through\n\(text)")
                return
            }
        }
    }
}

extension JSON {
    /// A value of few shapes and awkward texts.
    fileprivate static func arbitrary(
        depth: Int,
        using generator: inout some RandomNumberGenerator
    ) -> JSON {
        let count = Int.random(in: 0...3, using: &generator)
        switch Int.random(in: 0..<(depth == 0 ? 4 : 8), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2:
            let numbers = ["0", "-1", "1.0", "1e400", "12345678901234567890", "-0.0E-7"]
            return JSONNumber(text: numbers.randomElement(using: &generator) ?? "0")
                .map(JSON.number) ?? .null
        case 3, 4: return .string(.arbitrary(using: &generator))
        case 5:
            return .array(
                (0..<count).map { _ in .arbitrary(depth: depth - 1, using: &generator) }
            )
        default:
            var fields: JSONFields = [:]
            for _ in 0..<count {
                // The library takes two keys for one that differ in such a mark at their begin.
                let key = String.arbitrary(using: &generator).unicodeScalars
                    .drop { $0 == "\u{feff}" }
                fields[String(key)] = .arbitrary(depth: depth - 1, using: &generator)
            }
            return .object(fields)
        }
    }
}

extension String {
    fileprivate static func arbitrary(using generator: inout some RandomNumberGenerator) -> String {
        let parts = [
            "a", " ", "\n", ":", "#", "-", "'", "\"", "*", "&", "?", "{", "}", "[", "]", ",", "|",
            ">", "%", "@", "`", "!", "\t", "\r", "0", "1", ".", "e", "no", "~", "\\", "\u{85}",
            "\u{2028}", "\u{301}", "\u{feff}", "\u{1f426}", "\u{0}", "<<", "22:13", "=", "null",
            "x", "y",
        ]
        let count = Int.random(in: 0...6, using: &generator)
        return (0..<count).map { _ in parts.randomElement(using: &generator) ?? "" }.joined()
    }
}
