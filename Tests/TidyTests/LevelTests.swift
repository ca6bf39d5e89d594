// SPDX-License-Identifier: Apache-2.0

import Testing

/// The levels and exceptions, read out of the comment on top of `Package.swift`.
struct Levels {
    private(set) var level: [String: Int] = [:]
    private(set) var exceptions: Set<String> = []

    init(manifest: String) {
        var text = ""
        for line in manifest.split(separator: "\n") where line.hasPrefix("//") {
            let words = line.dropFirst(2).split(separator: " ")
            if words.first == "level", words.count > 2, let number = Int(words[1]) {
                // A note after the names is set apart by "(" or starts with "composition".
                let names = words.dropFirst(2)
                    .prefix {
                        !$0.hasPrefix("(") && $0 != "composition"
                    }
                for name in names { self.level[String(name)] = number }
            } else {
                text += words.joined(separator: " ") + " "
            }
        }
        for match in text.matches(of: /([A-Za-z0-9]+) → ([A-Za-z0-9]+)/) {
            self.exceptions.insert("\(match.1) → \(match.2)")
        }
    }

    static let ofThisPackage = Levels(
        manifest: Repository.shared.files.first { $0.path == "Package.swift" }?.text ?? ""
    )

    func allows(_ importer: String, _ imported: String) -> Bool {
        guard let upper = self.level[importer], let lower = self.level[imported] else {
            return false
        }
        return lower < upper || self.exceptions.contains("\(importer) → \(imported)")
    }
}

@Suite struct LevelTests {
    private let levels = Levels.ofThisPackage

    /// The modules that may import nothing but our own: no I/O, no clock, no randomness.
    private let pure: Set<String> = ["BlockTypes", "BlockDiff", "WireProtocol"]

    @Test func commentOfTheManifestNamesEveryModuleAndNoOther() {
        let folders = Set(
            Repository.shared.files.compactMap { file in
                file.path.hasPrefix("Sources/")
                    ? file.path.split(separator: "/").dropFirst().first.map(String.init) : nil
            }
        )
        #expect(folders.count > 10)
        #expect(Set(self.levels.level.keys) == folders)
    }

    @Test func importsGoToLowerLevelsOrAreNamedExceptions() {
        var findings: [Finding] = []
        for file in Repository.shared.swift(under: "Sources") {
            guard let module = file.module else { continue }
            for (line, imported) in imports(of: file) {
                if self.levels.level[imported] != nil {
                    if !self.levels.allows(module, imported) {
                        findings.append(
                            Finding(
                                path: file.path,
                                line: line,
                                rule: "level",
                                advice: "\(module) may not import \(imported): see Package.swift"
                            )
                        )
                    }
                } else if self.pure.contains(module) {
                    findings.append(
                        Finding(
                            path: file.path,
                            line: line,
                            rule: "pure",
                            advice: "\(module) imports only our own modules, not \(imported)"
                        )
                    )
                } else if imported.hasPrefix("Foundation"), self.levels.level[module] ?? 0 < 3 {
                    findings.append(
                        Finding(
                            path: file.path,
                            line: line,
                            rule: "foundation",
                            advice: "no Foundation below level 3: BlockTypes has what is needed"
                        )
                    )
                }
            }
        }
        #expect(report(findings) == "")
    }

    @Test func eachCModuleHasExactlyOneSwiftImporter() {
        var importers: [String: Set<String>] = [:]
        for file in Repository.shared.swift(under: "Sources") {
            for (_, imported) in imports(of: file) where self.levels.level[imported] == 0 {
                importers[imported, default: []].insert(file.module ?? file.path)
            }
        }
        for (module, level) in self.levels.level where level == 0 {
            let found = importers[module, default: []].sorted()
            #expect(found.count == 1, "\(module) is imported by \(found)")
        }
    }

    @Test func readerOfTheCommentFindsNamesNotesAndExceptions() {
        let levels = Levels(
            manifest: """
                //  level 2  Up   Side            composition only
                //  level 1  Down   (Later follows)
                // Named exceptions: Up → Side, and
                // Side → Up.
                """
        )
        #expect(levels.level == ["Up": 2, "Side": 2, "Down": 1])
        #expect(levels.allows("Up", "Down"))
        #expect(!levels.allows("Down", "Up"))
        #expect(levels.exceptions == ["Up → Side", "Side → Up"])
    }
}

/// The imports of a file with their line numbers.
func imports(of file: SourceFile) -> [(line: Int, module: String)] {
    var found: [(line: Int, module: String)] = []
    for (index, line) in file.code.enumerated() where !line.isEmpty && line.first != " " {
        let words = line.split(separator: " ")
        guard let place = words.firstIndex(of: "import"), place + 1 < words.count else { continue }
        let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias"]
        let name = kinds.contains(words[place + 1]) ? words.last : words[place + 1]
        if let module = name?.split(separator: ".").first {
            found.append((index + 1, String(module)))
        }
    }
    return found
}
