// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "1.0", "1e400", "-12.50E+3", "1",
        "18446744073709551616",
        "1234567890123456789012345678901234567890", "\"\"", "\"a\\\"b\\\\c\\n\\u0001\"",
        "\"h\u{e9}\u{1f426}\u{2028}\u{0}\"".replacing("\u{0}", with: ""), "[]", "[1,[2,{}]]", "{}",
        "{\"\":null,\"a\":{},\"b\":[1.10,1.1]}",
    ])
    func whatIsReadIsWrittenWithTheSameNumbersTextsAndKeys(text: String) throws {
        #expect(try JSON(parsing: text).compact == text)
        #expect(try JSON(parsing: JSON(parsing: text).pretty).compact == text)
    }

    @Test func escapesAreReadAsTheCharactersThatTheyMean() throws {
        let text = #""\u0041\/\b\f\r\t\ud83d\udc26\ud83dx\udc26\ud83d\u0041""#
        let read = try JSON(parsing: text)
        #expect(read == .string("A/\u{8}\u{c}\r\t\u{1f426}\u{fffd}x\u{fffd}\u{fffd}A"))
    }

    @Test(arguments: [
        ("", 1, 1, "the text ends"), ("{\"a\":1,\n  \"a\":2}", 2, 3, "comes twice"),
        ("[1,]", 1, 4, "a value is expected"), ("[1 2]", 1, 4, "',' or ']'"),
        ("01", 1, 1, "01 is no number"),
        ("1.", 1, 1, "no number"), ("+1", 1, 1, "no number"), ("nul", 1, 1, "a value is expected"),
        ("{\"a\" 1}", 1, 6, "':'"), ("{a:1}", 1, 2, "a key"), ("\"\n\"", 1, 2, "control character"),
        ("\"abc", 1, 1, "no end"), ("\"\\x\"", 1, 2, "is no escape"),
        ("\"\\u12g4\"", 1, 4, "four hex"),
        ("1 1", 1, 3, "text after the value"), ("{\"a\":1", 1, 7, "',' or '}'"),
        ("\u{feff}1", 1, 1, "expected"),
    ])
    func whatIsNoJSONIsRefusedWithItsPlace(
        text: String,
        line: Int,
        column: Int,
        reason: String
    ) throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error.line == line && error.column == column, "\(error)")
        #expect(error.reason.contains(reason), "\(error)")
    }

    @Test func textThatIsNotUTF8IsRefused() throws {
        let error = try #require(throws: JSONError.self) {
            try JSON(parsing: [0x22, 0xff, 0x22])
        }
        #expect(error.reason.contains("UTF-8"))
    }

    @Test func levelsAreBounded() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        #expect(
            try JSON(parsing: nested(JSON.depthLimit)).compact.utf8.count == 2 * JSON.depthLimit
        )
        let error = try #require(throws: JSONError.self) {
            try JSON(parsing: nested(JSON.depthLimit + 1))
        }
        #expect(error.reason.contains("levels"))
    }

    @Test func whatYAMLDoesNotCallPrintableIsEscapedAndComesBack() throws {
        let text = "a\u{7f}\u{80}\u{85}\u{9f}\u{feff}\u{ffff}\u{1}é\u{a0}\u{2028}😀\""
        let written = JSON.string(text).compact
        #expect(
            written
                == #""a\u007f\u0080\u0085\u009f\ufeff\uffff\u0001é"# + "\u{a0}\u{2028}😀"
                + #"\"""#
        )
        #expect(try JSON(parsing: written) == .string(text))
        #expect(try JSON(yaml: written) == .string(text))
    }

    @Test func aPathIsReadSetAndRemoved() throws {
        var value = try JSON(parsing: #"{"a":{"b":1},"c":2}"#)
        #expect(value["a", "b"]?.int == 1)
        #expect(value["a", "x", "y"] == nil)
        value.set("new", at: "c", "d")
        value.set(nil, at: "a", "b")
        value.set(nil, at: "x", "y")
        #expect(value.compact == #"{"a":{},"c":{"d":"new"}}"#)
    }

    @Test func numbersAreEqualWhenTheirTextsAre() {
        #expect(JSON.number(JSONNumber(1)) == 1)
        #expect(JSONNumber(text: "1.0") != JSONNumber(text: "1"))
        #expect(JSONNumber(text: "1.0.0") == nil)
        #expect(JSONNumber(text: "9223372036854775808")?.int == nil)
    }
}
