// SPDX-License-Identifier: Apache-2.0

import ObjectModel
import Testing

@Suite struct LabelSelectorTests {
    private let labels = ["app": "shop", "tier": "db", "empty": ""]

    @Test(arguments: [
        ("", true), ("app=shop", true), ("app==shop,tier=db", true), ("app=shop,tier=web", false),
        ("app!=shop", false), ("other!=x", true), ("app in (blog, shop)", true),
        ("app in (blog)", false),
        ("app notin (blog,wiki), tier", true), ("!app", false), ("! other", true), ("empty=", true),
        ("other", false), ("other notin (x)", true),
    ])
    func theFormsOfAQueryAreRead(text: String, matches: Bool) throws {
        #expect(try LabelSelector(parsing: text).matches(self.labels) == matches)
    }

    @Test(arguments: ["=x", "a=b=c", "a in b", "a b", "(x)"])
    func whatIsNoSelectorIsNamed(text: String) throws {
        let error = try #require(throws: SelectorError.self) { try LabelSelector(parsing: text) }
        #expect(error.description.contains(text))
    }

    @Test func labelsOfAnObjectMustAllBeThere() {
        #expect(LabelSelector(labels: ["app": "shop", "tier": "db"]).matches(self.labels))
        #expect(!LabelSelector(labels: ["app": "shop", "x": "y"]).matches(self.labels))
        #expect(LabelSelector(labels: [:]).matches([:]))
    }
}
