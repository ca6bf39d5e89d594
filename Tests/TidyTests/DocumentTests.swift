// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct DocumentTests {
    private let repository = Repository.shared

    @Test func linksLeadToFilesThatExist() {
        var findings: [Finding] = []
        for document in self.repository.documents {
            for (index, line) in document.lines.enumerated() where line.contains("](") {
                for match in line.matches(of: /\]\(([^)\s]+)\)/) where !match.1.contains("://") {
                    if self.leadsSomewhere(String(match.1), from: document) { continue }
                    findings.append(
                        Finding(
                            path: document.path,
                            line: index + 1,
                            rule: "link",
                            advice: "\(match.1) does not exist"
                        )
                    )
                }
            }
        }
        #expect(report(findings) == "")
    }

    @Test func pathsThatAreMentionedExist() {
        var findings: [Finding] = []
        for file in self.repository.documents + self.repository.allSwift
        where !file.path.hasPrefix("Tests/TidyTests/") {
            for (index, line) in file.lines.enumerated() where line.contains("/") {
                for path in mentionedPaths(in: line) where !self.known(path) {
                    findings.append(
                        Finding(
                            path: file.path,
                            line: index + 1,
                            rule: "path",
                            advice: "\(path) does not exist"
                        )
                    )
                }
            }
        }
        #expect(report(findings) == "")
    }

    @Test func mentionedPathsAreFound() {
        #expect(
            mentionedPaths(in: "see docs/wire-format.md §3, `Sources/A/B.swift` and perf/x/*.json")
                == ["docs/wire-format.md", "Sources/A/B.swift"]
        )
        #expect(mentionedPaths(in: "// (docs/decisions/0002).") == ["docs/decisions/0002"])
        #expect(mentionedPaths(in: "let x = \"https://a.example/docs/b.md\"") == [])
    }

    @Test func everyPromiseThatIsCitedIsDefined() throws {
        let invariants = try #require(
            self.repository.files.first { $0.path == "docs/invariants.md" }
        )
        let defined = Set(
            invariants.text.matches(of: /\*\*(P[0-9]+)\s/).map { String($0.1) }
        )
        #expect(defined == Set((1...10).map { "P\($0)" }))
        var findings: [Finding] = []
        for file in self.repository.documents + self.repository.allSwift {
            for (index, line) in file.lines.enumerated() where line.contains("P") {
                for match in line.matches(of: /\b(P[0-9]{1,2})\b/)
                where !defined.contains(String(match.1)) {
                    findings.append(
                        Finding(
                            path: file.path,
                            line: index + 1,
                            rule: "promise",
                            advice: "\(match.1) is not in docs/invariants.md"
                        )
                    )
                }
            }
        }
        #expect(report(findings) == "")
    }

    @Test func everyPromiseIsAssertedAndTested() {
        for number in 1...10 {
            for folder in ["Sources", "Tests"] {
                let citing = self.repository.swift(under: folder)
                    .filter { !$0.path.hasPrefix("Tests/TidyTests/") && $0.mentions("P\(number)") }
                    .filter { file in
                        file.lines.contains { line in
                            line.split { !$0.isLetter && !$0.isNumber }
                                .contains { $0 == "P\(number)" }
                        }
                    }
                #expect(!citing.isEmpty, "P\(number) is nowhere in \(folder)")
            }
        }
    }

    @Test func testsThatAreNamedExist() {
        let tests = self.repository.swift(under: "Tests")
        for document in self.repository.documents {
            for match in document.text.matches(of: /`([a-z][A-Za-z0-9]{12,})\(\)`/) {
                let exists = tests.contains { $0.mentions("func \(match.1)(") }
                #expect(exists, "\(document.path): there is no test \(match.1)")
            }
        }
    }

    @Test func decisionsHaveEveryPart() {
        let records = self.repository.documents.filter { $0.path.hasPrefix("docs/decisions/") }
        #expect(records.count > 1)
        for record in records {
            for part in ["Status:", "Question", "Decision", "Why", "Rejected", "Consequences"] {
                let has = record.mentions(part)
                #expect(has, "\(record.path) has no \(part)")
            }
        }
    }

    @Test func noFileNamesTheMachineItWasWrittenOn() {
        // In two parts, so that this file does not find itself.
        let refused = ["/" + "work/", "/" + "farm/", "/tmp/" + "gw-", "/tmp/" + "plan"]
        var findings: [Finding] = []
        for file in self.repository.files {
            for path in refused where file.mentions(path) {
                for (index, line) in file.lines.enumerated() where line.contains(path) {
                    findings.append(
                        Finding(
                            path: file.path,
                            line: index + 1,
                            rule: "workplace",
                            advice: "\(path) exists on one machine only"
                        )
                    )
                }
            }
        }
        #expect(report(findings) == "")
    }

    /// Whether a link's file exists, and in a document the heading behind the "#".
    private func leadsSomewhere(_ link: String, from document: SourceFile) -> Bool {
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].isEmpty ? document.path : resolve(String(parts[0]), from: document.path)
        guard parts.count == 2 else { return self.repository.exists(path) }
        let target = self.repository.documents.first { $0.path == path }
        return target.map { anchors(of: $0).contains(String(parts[1])) } ?? false
    }

    @Test func anchorsAreMadeOfHeadings() {
        #expect(anchor(of: "## 3.1 The header: 32 bytes") == "31-the-header-32-bytes")
    }

    /// A record of a decision may be cited by its number alone.
    private func known(_ path: String) -> Bool {
        self.repository.exists(path)
            || path.hasPrefix("docs/decisions/")
                && self.repository.documents.contains { $0.path.hasPrefix(path) }
    }
}

/// The anchors that a reader's browser finds in a document.
private func anchors(of document: SourceFile) -> Set<String> {
    Set(document.lines.filter { $0.hasPrefix("#") }.map { anchor(of: $0) })
}

/// A heading as the part of a link behind "#": lower case, hyphens for spaces, no punctuation.
func anchor(of heading: some StringProtocol) -> String {
    let title = heading.drop { $0 == "#" || $0 == " " }.lowercased()
    return String(
        title.compactMap { character -> Character? in
            if character == " " { return "-" }
            return character.isLetter || character.isNumber || "-_".contains(character)
                ? character : nil
        }
    )
}

/// A relative link, resolved against the document it is in.
private func resolve(_ target: String, from document: String) -> String {
    var parts = document.split(separator: "/").dropLast()
    for part in target.split(separator: "/") {
        if part == ".." {
            if !parts.isEmpty { parts.removeLast() }
        } else if part != "." {
            parts.append(part)
        }
    }
    return parts.joined(separator: "/")
}

/// Paths of this repository in a line of prose or code; patterns and placeholders are left out.
func mentionedPaths(in line: some StringProtocol) -> [String] {
    let folders = [
        "Sources/", "Tests/", "docs/", "perf/", "Tools/", "examples/", "deploy/", ".ci/",
    ]
    guard folders.contains(where: { line.contains($0) }) else { return [] }
    let pattern =
        /(?:^|[\s`("'])((?:Sources|Tests|docs|perf|Tools|examples|deploy|\.ci)\/[^\s`")',;]*)/
    return String(line).matches(of: pattern)
        .compactMap { match in
            var path = String(match.1)
            while let last = path.last, ".:/".contains(last) { path.removeLast() }
            let placeholder = path.contains { "*<>{}…$\\[|".contains($0) }
            return placeholder || path.hasPrefix("perf/results") ? nil : path
        }
}
