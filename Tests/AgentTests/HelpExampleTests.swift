// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Testing

@testable import godwit
@testable import godwit_agent

/// What the help and the documents show can be typed as it stands.
@Suite struct HelpExampleTests {
    /// A command with the words that lead to it, and its subcommands after it.
    private struct Documented {
        let path: [String]
        let type: any ParsableCommand.Type

        var isLeaf: Bool { self.type.configuration.subcommands.isEmpty }

        static func all(
            below type: any ParsableCommand.Type,
            path: [String]
        ) -> [Self] {
            [Self(path: path, type: type)]
                + type.configuration.subcommands.flatMap { inner in
                    Self.all(below: inner, path: path + [inner.configuration.commandName ?? ""])
                }
        }

        static let everything =
            Self.all(below: Godwit.self, path: ["godwit"])
            + Self.all(below: GodwitAgent.self, path: ["godwit-agent"])
    }

    /// The command lines in a text: those that begin with one of our programs.
    private static func examples(in text: String) -> [[String]] {
        text.split(separator: "\n")
            .compactMap { line -> [String]? in
                var words = line.split(separator: " ").map(String.init)
                while let first = words.first, ["Example:", "$"].contains(first) {
                    words.removeFirst()
                }
                guard let first = words.first, ["godwit", "godwit-agent"].contains(first) else {
                    return nil
                }
                return Array(words.prefix { !["|", ">", "#"].contains($0) })
            }
    }

    /// Parses a line as the programs do; the command that would run.
    private static func command(_ words: [String]) async throws -> any ParsableCommand {
        let arguments = Array(words.dropFirst())
        guard words[0] == "godwit" else { return try GodwitAgent.parseAsRoot(arguments) }
        let ordered = Arguments.prepared(arguments)
        if let wrong = Arguments.unknownSubcommand(ordered, of: Godwit.self) { throw wrong }
        return try await Godwit.asyncParseAsRoot(ordered)
    }

    private static func repositoryFile(_ path: String) throws -> String {
        let root = #filePath.replacing("Tests/AgentTests/HelpExampleTests.swift", with: "")
        return try String(contentsOfFile: root + path, encoding: .utf8)
    }

    @Test func everyCommandShowsAnExampleOfItselfThatParses() async throws {
        var leaves = 0
        for documented in Documented.everything where documented.isLeaf {
            leaves += 1
            let examples = Self.examples(in: documented.type.configuration.discussion)
            var own = 0
            for example in examples {
                let command = try await Self.command(example)
                if type(of: command) == documented.type { own += 1 }
            }
            #expect(own > 0, "\(documented.path.joined(separator: " ")) has no example of itself")
        }
        #expect(leaves > 20)
    }

    @Test func theExamplesOfTheOverviewsParse() async throws {
        for documented in Documented.everything where !documented.isLeaf {
            for example in Self.examples(in: documented.type.configuration.discussion) {
                _ = try await Self.command(example)
            }
        }
    }

    @Test(arguments: ["README.md", "docs/cli.md", "docs/agent.md", "examples/agent.yaml"])
    func theCommandLinesOfTheDocumentsParse(path: String) async throws {
        for example in Self.examples(in: try Self.repositoryFile(path)) {
            // What may be left out is in brackets, as in a synopsis.
            let words = example.map { $0.filter { !"[]".contains($0) } }
            do { _ = try await Self.command(words) } catch {
                Issue.record("\(path): \(example.joined(separator: " ")): \(error)")
            }
        }
    }

    @Test func theTableOfTheCommandLineNamesEveryCommandAndOnlyOptionsThatExist() throws {
        let document = try Self.repositoryFile("docs/cli.md")
        var options: Set<String> = ["--help"]
        for documented in Documented.everything {
            let help = Godwit.helpMessage(for: documented.type)
            for match in help.matches(of: /--[a-z][a-z-]*/) { options.insert(String(match.0)) }
            guard documented.isLeaf, documented.path[0] == "godwit" else { continue }
            let last = documented.path.last ?? ""
            #expect(document.contains(last), "docs/cli.md does not name \(documented.path)")
        }
        for match in document.matches(of: /--[a-z][a-z-]*/) {
            #expect(options.contains(String(match.0)), "docs/cli.md: there is no \(match.0)")
        }
    }

    @Test func everyOptionHasWordsOfHelp() throws {
        for documented in Documented.everything where documented.isLeaf {
            let help = Godwit.helpMessage(for: documented.type, columns: 400)
            let lines = help.split(separator: "\n")
            for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("  -") {
                // The words stand behind a short option, and below a long one.
                let isBelow = next.hasPrefix("          ")
                let parts = line.split(separator: "  ", omittingEmptySubsequences: true)
                #expect(parts.count >= 2 || isBelow, "\(documented.path): \(line)")
            }
        }
    }
}
