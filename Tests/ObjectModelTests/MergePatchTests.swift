// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@Suite struct MergePatchTests {
    /// The examples of RFC 7396, appendix A.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
        (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
        (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"a":1,"e":null}"#),
        (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func aPatchIsMerged(original: String, patch: String, result: String) throws {
        let merged = try JSON(parsing: original).merged(with: JSON(parsing: patch))
        #expect(merged.compact == result)
    }

    @Test func theSmallestPatchMakesTheTarget() throws {
        let old = try JSON(parsing: #"{"a":1,"b":{"c":2,"d":3},"e":[1],"same":{"x":1.0}}"#)
        let new = try JSON(parsing: #"{"b":{"c":2,"d":4},"e":[1,2],"n":{},"same":{"x":1.0}}"#)
        let patch = try #require(old.mergePatch(to: new))
        #expect(patch.compact == #"{"a":null,"b":{"d":4},"e":[1,2],"n":{}}"#)
        #expect(old.merged(with: patch) == new)
        #expect(old.mergePatch(to: old) == nil)
    }
}
