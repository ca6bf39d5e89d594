// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct SwiftTextTests {
    @Test(arguments: [
        ("a // try! b", "a          "),
        ("a /* x /* y */ z */ b", "a " + String(repeating: " ", count: 17) + " b"),
        (#"f("{ try! }")"#, #"f("        ")"#),
        (#"f("a\(g("}"))b")"#, ##"f("  (g(" ")) ")"##),
        (##"f(#"a"{"#)"##, ##"f( "   " )"##),
        ("f(\"\"\"\n {\n \"\"\")", "f(\"\"\"\n  \n \"\"\")"),
        (#"f("\\")"#, #"f("  ")"#),
    ])
    func commentsAndStringsAreBlanked(source: String, code: String) {
        #expect(SwiftText.code(of: source) == code)
    }
}
