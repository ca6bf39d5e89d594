// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@Suite struct SchemaTests {
    @Test func absentFieldsGetTheirDefaultsWhereTheirObjectIs() {
        let schema = Schema.object(
            "",
            [
                "inner": .object("", ["a": .flag("", default: true), "b": .string("")]),
                "other": .object("", ["a": .flag("", default: true)])
                    .with { $0.defaultValue = [:] },
                "list": .list("", of: .object("", ["n": .string("", default: "x")])),
                "map": .map("", of: .object("", ["n": .string("", default: "y")])),
            ]
        )
        #expect(schema.defaulted([:]) == ["other": ["a": true]])
        #expect(
            schema.defaulted([
                "inner": ["b": "c"], "list": [[:], ["n": "z"]], "map": ["k": [:]], "other": [:],
            ]) == [
                "inner": ["a": true, "b": "c"], "other": ["a": true],
                "list": [["n": "x"], ["n": "z"]], "map": ["k": ["n": "y"]],
            ]
        )
    }

    @Test func nullThatMayNotBeCountsAsAbsent() throws {
        let schema = Schema.object(
            "",
            ["a": .flag("", default: true), "b": .string(""), "c": .time(""), "m": .map("")]
        )
        let value = try JSON(parsing: #"{"a":null,"b":null,"c":null,"m":{"k":null,"l":"x"}}"#)
        let expected = try JSON(parsing: #"{"a":true,"c":null,"m":{"l":"x"}}"#)
        #expect(schema.defaulted(value) == expected)
        #expect(schema.validate(expected) == [])
    }

    @Test func unknownFieldsAreRemovedAndNamedWithWhatWasMeant() throws {
        let kind = try #require(StorkKinds["Migration"])
        let object = KubeObject(
            try JSON(
                yaml: """
                    apiVersion: stork.libopenstorage.org/v1alpha1
                    kind: Migration
                    metadata: {name: a, unknownHere: kept}
                    spec: {clusterpair: p, clusterPair: q, includeVolume: false, x: 1}
                    extra: 1
                    """
            )
        )
        let unknown = kind.unknownFields(in: object)
        #expect(
            unknown.map(\.description) == [
                "unknown field \"extra\"",
                "unknown field \"spec.clusterpair\"; did you mean \"clusterPair\"?",
                "unknown field \"spec.includeVolume\"; did you mean \"includeVolumes\"?",
                "unknown field \"spec.x\"",
            ]
        )
        let admitted = kind.admitted(object)
        #expect(admitted["extra"] == nil && admitted["spec", "x"] == nil)
        #expect(admitted["metadata", "unknownHere"] == "kept")
        #expect(admitted["spec", "clusterPair"] == "q")
    }

    @Test(arguments: [
        (#"{"type":"string"}"#, "1", "must be of type string, not integer: put it in quotes"),
        (#"{"type":"string"}"#, "null", "must be of type string, not null"),
        (#"{"type":"integer"}"#, "1.5", "must be of type integer, not number"),
        (#"{"type":"integer","format":"int32"}"#, "2147483648", "should fit int32"),
        (#"{"type":"integer","minimum":1}"#, "0", "greater than or equal to 1"),
        (#"{"type":"integer","maximum":1,"exclusiveMaximum":true}"#, "1", "less than 1"),
        (#"{"type":"number","minimum":0.5}"#, "0.25", "greater than or equal to 0.5"),
        (#"{"type":"integer","multipleOf":5}"#, "7", "multiple of 5"),
        (#"{"type":"string","minLength":1}"#, "\"\"", "must not be empty"),
        (#"{"type":"string","maxLength":2}"#, "\"abc\"", "more than 2 characters"),
        (#"{"type":"string","pattern":"^a+$"}"#, "\"ab\"", "should match '^a+$'"),
        (#"{"type":"string","format":"date-time"}"#, "\"today\"", "such as 2018"),
        (#"{"enum":["Ready","Failed"]}"#, "\"Redy\"", "did you mean \"Ready\"?"),
        (#"{"type":"object","required":["a"]}"#, "{}", "a: Required value"),
        (#"{"type":"object","minProperties":1}"#, "{}", "at least 1 property"),
        (#"{"type":"object","maxProperties":0}"#, "{\"a\":1}", "at most 0 properties"),
        (#"{"type":"array","minItems":1}"#, "[]", "at least 1 element"),
        (#"{"type":"array","maxItems":1}"#, "[1,2]", "at most 1 items"),
        (#"{"type":"array","items":{"type":"string"}}"#, "[\"a\",2]", "[1]: Invalid value: 2"),
        (
            #"{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}"#,
            "[\"a\",\"a\"]", "[1]: Duplicate value: \"a\""
        ),
        (
            #"{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["t"],"#
                + #""items":{"type":"object","properties":{"t":{"type":"string"}}}}"#,
            #"[{"t":"a","v":1},{"t":"a"}]"#, "Duplicate value: {\"t\":\"a\"}"
        ),
        (#"{"x-kubernetes-int-or-string":true}"#, "true", "integer or string, not boolean"),
        (#"{"type":"object","additionalProperties":{"type":"string"}}"#, "{\"k\":1}", "k: Invalid"),
        (#"{"anyOf":[{"minimum":5},{"maximum":1}],"type":"integer"}"#, "3", "(anyOf)"),
        (#"{"oneOf":[{"minimum":1},{"minimum":2}],"type":"integer"}"#, "3", "(oneOf)"),
        (#"{"allOf":[{"minimum":5}],"type":"integer"}"#, "3", "greater than or equal to 5"),
        (#"{"not":{"enum":[3]},"type":"integer"}"#, "3", "(not)"),
    ])
    func whatIsWrongIsToldOnceWithItsPlace(schema: String, value: String, words: String) throws {
        let schema = Schema(try JSON(parsing: schema))
        let errors = schema.validate(try JSON(parsing: value))
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.description.contains(words) == true, "\(errors)")
    }

    @Test(arguments: [
        (#"{"type":"integer"}"#, "123456789012345678901234567890"),
        (#"{"type":"number"}"#, "1.5"), (#"{"type":"string","nullable":true}"#, "null"),
        (#"{"x-kubernetes-int-or-string":true}"#, "9001"),
        (#"{"x-kubernetes-int-or-string":true}"#, "\"9001\""),
        (#"{"type":"object","x-kubernetes-preserve-unknown-fields":true}"#, "{\"a\":[1]}"),
        (#"{"type":"string","maxLength":2}"#, "\"\u{1f426}\u{e9}\""),
        (#"{"anyOf":[{"type":"integer"},{"type":"string"}]}"#, "\"a\""),
        (#"{"type":"string","format":"date-time"}"#, "\"2018-10-26T20:04:19Z\""),
    ])
    func whatIsRightIsAccepted(schema: String, value: String) throws {
        let schema = Schema(try JSON(parsing: schema))
        let value = try JSON(parsing: value)
        #expect(schema.validate(value) == [])
        #expect(schema.pruned(value) == value)
    }

    @Test func errorsAreAtMostFifty() {
        let schema = Schema.list("", of: .string(""))
        let value = JSON.array(Array(repeating: 1, count: 200))
        #expect(schema.validate(value).count == Schema.errorLimit)
    }

    @Test func aLongValueIsCutInItsError() {
        let long = String(repeating: "x", count: 5000)
        let errors = Schema.word("", ["a"]).validate(.string(long))
        #expect(errors.first?.description.count ?? 0 < 300)
    }

    @Test(arguments: StorkKinds.all.map(\.resource.kind))
    func aSchemaThatIsReadAgainIsTheSame(kind: String) throws {
        let json = try #require(StorkKinds[kind]).openAPISchema()
        #expect(Schema(json).json == json)
        let with: JSON = ["type": "string", "title": "kept", "example": 1, "x-own": ["a": [1]]]
        #expect(Schema(with).json == with)
    }
}
