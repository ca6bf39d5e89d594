// SPDX-License-Identifier: Apache-2.0

import Testing

/// A text that code may not hold, where, and what to write instead.
struct Ban: Sendable {
    let name: String
    /// What a file must mention before its lines are looked at.
    let mark: String
    let pattern: @Sendable (Substring) -> Bool
    let scope: Scope
    let advice: String

    /// Which files a ban is for.
    enum Scope {
        case everywhere
        case sources
        case levels(ClosedRange<Int>)
        case tests

        func covers(_ file: SourceFile) -> Bool {
            switch self {
            case .everywhere: true
            case .sources: file.path.hasPrefix("Sources/")
            case .levels(let levels):
                file.module.flatMap { Levels.ofThisPackage.level[$0] }.map(levels.contains) ?? false
            case .tests: file.path.hasPrefix("Tests/")
            }
        }
    }

    static let all: [Self] = [
        Self(
            name: "try!",
            mark: "try!",
            pattern: { $0.contains("try!") },
            scope: .everywhere,
            advice: "a typed throw, or try? with a reason"
        ),
        Self(
            name: "as!",
            mark: "as!",
            pattern: { $0.contains(" as! ") },
            scope: .everywhere,
            advice: "as? and what to do when it is not"
        ),
        Self(
            name: "fatalError",
            mark: "fatalError",
            pattern: { $0.contains("fatalError(") },
            scope: .everywhere,
            advice: "preconditionFailure with the promise's number or both values"
        ),
        Self(
            name: "print",
            mark: "print(",
            pattern: { $0.contains(/(^|[^.\w])(debugPrint|print)\(/) },
            scope: .levels(1...5),
            advice: "the logger"
        ),
        Self(
            name: "Task",
            mark: "Task",
            pattern: { $0.contains(/\bTask(\.detached)?\s*(\([^)]*\)\s*)?\{/) },
            scope: .sources,
            advice: "a task group that owns it"
        ),
        Self(
            name: "clock",
            mark: "",
            pattern: {
                $0.contains(/\bDate\(\)|\b\w*Clock(\(\))?\.now\b|clock_gettime|\btime\(nil/)
            },
            scope: .levels(1...2),
            advice: "time arrives as an argument"
        ),
        Self(
            name: "randomness",
            mark: "andom",
            pattern: { $0.contains(/\.random\(in:[^,]*\)|SystemRandomNumberGenerator\(\)/) },
            scope: .levels(1...2),
            advice: "a generator arrives as an argument"
        ),
        Self(
            name: "concurrency",
            mark: "a",
            pattern: { $0.contains(/\b(async|await)\b/) },
            scope: .levels(1...2),
            advice: "an event in, an action out: the shell waits"
        ),
        Self(
            name: "lock",
            mark: "",
            pattern: isRefusedLock,
            scope: .everywhere,
            advice: "Locked, which the thread sanitizer understands (docs/decisions/0007)"
        ),
        Self(
            name: "unbounded",
            mark: ".unbounded",
            pattern: { $0.contains(".unbounded") },
            scope: .sources,
            advice: "a capacity from the module's limits"
        ),
        Self(
            name: "Data",
            mark: "Data(",
            pattern: { $0.contains(/\bData\(/) },
            scope: .levels(1...2),
            advice: "[UInt8] or ChunkBuffer"
        ),
        Self(
            name: "export",
            mark: "@_exported",
            pattern: { $0.contains("@_exported") },
            scope: .everywhere,
            advice: "each file imports what it uses"
        ),
        Self(
            name: "sleep",
            mark: "sleep",
            // Simple boundaries: else `clock.sleep` is one word, as in a language.
            pattern: {
                let call = /\b(Task|Thread)\.sleep\b|\b(u|nano)?sleep\(/
                return $0.contains(call.wordBoundaryKind(.simple))
            },
            scope: .tests,
            advice: "a simulated clock, or wait for the event itself"
        ),
    ]
}

/// Whether a line uses another lock than ours.
///
/// As strings, not as a pattern: strings are blanked, so this file does not find itself.
private func isRefusedLock(_ line: Substring) -> Bool {
    ["Mutex", "NSLock", "NSRecursiveLock", "NIOLock"].contains { line.contains($0) }
}

@Suite struct BanTests {
    @Test(arguments: Ban.all.map(\.name))
    func codeDoesWithout(name: String) throws {
        let ban = try #require(Ban.all.first { $0.name == name })
        var findings: [Finding] = []
        for file in Repository.shared.allSwift where ban.scope.covers(file) {
            guard file.mentions(ban.mark) else { continue }
            for (index, line) in file.code.enumerated() where ban.pattern(line) {
                findings.append(
                    Finding(path: file.path, line: index + 1, rule: name, advice: ban.advice)
                )
            }
        }
        #expect(report(findings) == "")
    }

    @Test func otherLocksAreFoundAndOursAndAtomicsAreNot() {
        for line in [
            "let a = Mutex(1)", "import struct Synchronization.Mutex", "NIOLockedValueBox(1)",
        ] {
            #expect(isRefusedLock(line[...]))
        }
        for line in ["let a = Locked(1)", "import Synchronization", "let a = Atomic(1)"] {
            #expect(!isRefusedLock(line[...]))
        }
    }

    @Test func commentsLeaveNothingForLater() {
        // In two parts, so that this file does not find itself.
        let marks = ["FIX" + "ME", "XX" + "X"]
        let later = "TO" + "DO"
        var findings: [Finding] = []
        for file in Repository.shared.allSwift {
            for (index, line) in file.lines.enumerated() {
                guard line.contains("//") else { continue }
                let unfinished =
                    marks.contains { line.contains("// \($0)") || line.contains("//\($0)") }
                    || line.contains("// \(later)") && !line.contains(/#[0-9]+/)
                guard unfinished else { continue }
                findings.append(
                    Finding(
                        path: file.path,
                        line: index + 1,
                        rule: "unfinished",
                        advice: "do it, or name the issue: \(later) (#12)"
                    )
                )
            }
        }
        #expect(report(findings) == "")
    }

    @Test func switchesOverOurCasesListThem() {
        var findings: [Finding] = []
        for file in Repository.shared.swift(under: "Sources") where file.mentions("default:") {
            for line in hiddenCases(in: file.code) {
                findings.append(
                    Finding(
                        path: file.path,
                        line: line,
                        rule: "default",
                        advice: "list the cases, so that a new one is found by the compiler"
                    )
                )
            }
        }
        #expect(report(findings) == "")
    }

    @Test func aDefaultBesideCasesIsFoundAndOneBesideValuesIsNot() {
        #expect(hiddenCases(in: ["switch a {", "case .x: 1", "default: 2", "}"]) == [1])
        #expect(hiddenCases(in: ["switch a {", "case 1: 1", "default: 2", "}"]) == [])
        #expect(
            hiddenCases(in: [
                "switch a {", "case let .x:", "switch b {", "case 1: 1", "default: 2", "}", "}",
            ]) == []
        )
    }
}

/// Whether a pattern names a case as we spell them; constants of C begin with a capital letter.
private func namesOurCase(_ pattern: Substring) -> Bool {
    pattern.hasPrefix(".") && pattern.dropFirst().first?.isLowercase == true
}

/// The lines of switches that have both a `case .name` and a `default`.
func hiddenCases(in code: [Substring]) -> [Int] {
    struct Switch {
        let line: Int
        let depth: Int
        var namesCases = false
        var hasDefault = false
    }
    var found: [Int] = []
    var open: [Switch] = []
    var depth = 0
    var waiting: Int?
    for (index, line) in code.enumerated() where !line.isEmpty {
        let words = line.split(separator: " ", maxSplits: 3)
        if line.contains("switch "), words.contains("switch") { waiting = index + 1 }
        if words.first == "case", !open.isEmpty,
            words.dropFirst().first(where: { $0 != "let" }).map(namesOurCase) == true
        {
            open[open.count - 1].namesCases = true
        }
        if words.first?.hasPrefix("default:") == true, !open.isEmpty {
            open[open.count - 1].hasDefault = true
        }
        for character in line.utf8 {
            if character == UInt8(ascii: "{") {
                if let start = waiting { open.append(Switch(line: start, depth: depth)) }
                waiting = nil
                depth += 1
            } else if character == UInt8(ascii: "}") {
                depth -= 1
                guard let last = open.last, last.depth == depth else { continue }
                if last.namesCases, last.hasDefault { found.append(last.line) }
                open.removeLast()
            }
        }
    }
    return found.sorted()
}
