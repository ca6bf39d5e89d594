// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct ShapeTests {
    private static let fileLines = 400
    private static let functionLines = 70
    private static let scriptLines = 40
    private static let fileBytes = 256 * 1024

    @Test func filesAreShort() {
        let findings = Repository.shared.allSwift.compactMap { file -> Finding? in
            let count = file.lines.count - 1
            return count <= Self.fileLines
                ? nil
                : Finding(
                    path: file.path,
                    line: count,
                    rule: "file length",
                    advice: "at most \(Self.fileLines) lines; which part wants its own file?"
                )
        }
        #expect(report(findings) == "")
    }

    @Test func functionsAreShort() {
        var findings: [Finding] = []
        for file in Repository.shared.allSwift {
            for function in functions(in: file.code) where function.count > Self.functionLines {
                findings.append(
                    Finding(
                        path: file.path,
                        line: function.line,
                        rule: "function length",
                        advice: "\(function.count) lines, at most \(Self.functionLines)"
                    )
                )
            }
        }
        #expect(report(findings) == "")
    }

    @Test func functionsAreFoundWithTheirLength() {
        let source = """
            struct A {
                func one() { let x = "}" }
                init(a: Int,
                    b: Int)
                {
                    if a > b {
                    }
                }
                func only()
            }
            """
        let found = functions(
            in: SwiftText.code(of: source).split(separator: "\n", omittingEmptySubsequences: false)
        )
        #expect(found.map(\.line) == [2, 3])
        #expect(found.map(\.count) == [1, 6])
    }

    @Test func everySwiftFileStartsWithItsLicence() {
        let mark = "// SPDX-License-Identifier: Apache-2.0"
        let findings = Repository.shared.allSwift.compactMap { file -> Finding? in
            // The manifest's first line belongs to the tools version.
            let line =
                file.path == "Package.swift" ? file.lines.dropFirst().first : file.lines.first
            return line == Substring(mark)
                ? nil : Finding(path: file.path, line: 1, rule: "licence", advice: "add \(mark)")
        }
        #expect(report(findings) == "")
    }

    @Test func scriptsAreShortAndStopAtTheFirstError() {
        let scripts = Repository.shared.files.filter {
            $0.path.hasSuffix(".sh") || $0.lines.first?.hasSuffix("bash") == true
        }
        #expect(!scripts.isEmpty)
        var findings: [Finding] = []
        for script in scripts {
            if script.lines.count - 1 > Self.scriptLines {
                findings.append(
                    Finding(
                        path: script.path,
                        line: script.lines.count - 1,
                        rule: "script length",
                        advice: "at most \(Self.scriptLines) lines: longer logic is Swift"
                    )
                )
            }
            if !script.lines.contains("set -euo pipefail") {
                findings.append(
                    Finding(
                        path: script.path,
                        line: 1,
                        rule: "script errors",
                        advice: "start with: set -euo pipefail"
                    )
                )
            }
        }
        #expect(report(findings) == "")
    }

    @Test func noFileIsLargeOutsideOfVectors() {
        let findings = Repository.shared.files
            .filter {
                $0.size > Self.fileBytes && !$0.path.contains("/Vectors/")
            }
            .map {
                Finding(
                    path: $0.path,
                    line: 1,
                    rule: "file size",
                    advice: "\($0.size) bytes, at most \(Self.fileBytes): make it in the test"
                )
            }
        #expect(report(findings) == "")
    }

    @Test func foldersSayWhatTheyHold() {
        let refused: Set<Substring> = ["Utils", "Helpers", "Misc", "Common", "New", "Old"]
        let findings = Repository.shared.files
            .filter { file in
                file.path.split(separator: "/").dropLast().contains { refused.contains($0) }
            }
            .map {
                Finding(path: $0.path, line: 1, rule: "folder", advice: "name what it holds")
            }
        #expect(report(findings) == "")
    }
}

/// The functions and initialisers of code: first line, and lines up to the closing brace.
func functions(in code: [Substring]) -> [(line: Int, count: Int)] {
    var found: [(line: Int, count: Int)] = []
    var open: [(line: Int, depth: Int)] = []
    var waiting: Int?
    var depth = 0
    for (index, line) in code.enumerated() where !line.isEmpty {
        if startsFunction(line) { waiting = index + 1 }
        for character in line.utf8 {
            if character == UInt8(ascii: "{") {
                if let start = waiting { open.append((start, depth)) }
                waiting = nil
                depth += 1
            } else if character == UInt8(ascii: "}") {
                depth -= 1
                if let last = open.last, last.depth == depth {
                    found.append((last.line, index + 2 - last.line))
                    open.removeLast()
                    waiting = nil
                }
                // A requirement without a body ends with the protocol.
                waiting = nil
            }
        }
    }
    return found.sorted { $0.line < $1.line }
}

/// Whether a declaration with a body of its own begins on this line.
private func startsFunction(_ line: Substring) -> Bool {
    for word in line.split(separator: " ") {
        if word == "func" || word == "deinit" { return true }
        for name in ["init(", "init?(", "init<", "subscript(", "subscript<"]
        where word.hasPrefix(name) {
            return true
        }
        if word.contains("(") || word.contains("=") { return false }
    }
    return false
}
