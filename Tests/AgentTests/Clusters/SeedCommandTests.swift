// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import ObjectModel
import TestSupport
import Testing

@testable import godwit

/// What the documents that this is built from show, taken out of their files.
enum Seeds {
    /// The document that has all of it.
    static func text() throws -> String {
        let found = try SeedDocuments.texts().first { $0.name.hasPrefix("003") }
        return try #require(found).text
    }

    /// The command lines that begin with a program, each once; places to fill in have their words.
    static func commands(of program: String) throws -> [[String]] {
        var found: [[String]] = []
        for line in try Self.text().split(separator: "\n") {
            var words = line.split(separator: " ").map(String.init)
            if words.first == "$" { words.removeFirst() }
            guard words.first == program, words.count > 1 else { continue }
            words = words.map { $0.filter { !"<>".contains($0) } }
            if !found.contains(words) { found.append(words) }
        }
        return found
    }

    /// The rows of the first table whose head begins with these words.
    static func table(_ head: [String]) throws -> [[String]] {
        let lines = try Self.text().split(separator: "\n", omittingEmptySubsequences: false)
        let rows = lines.map { $0.split(separator: /\s{2,}/).map(String.init) }
        let start = try #require(rows.firstIndex { $0.starts(with: head) })
        return Array(rows[start...].prefix { !$0.isEmpty && $0 != ["```"] })
    }
}

@Suite(.enabled(if: SeedDocuments.areThere, "the seed documents are not beside this checkout"))
struct SeedCommandTests {
    @Test func everyCommandLineOfTheDocumentsParses() async throws {
        let commands =
            try Seeds.commands(of: "storkctl") + Seeds.commands(of: "pxctl")
        #expect(commands.count >= 6, "\(commands)")
        for words in commands {
            let arguments = Arguments.prepared(Array(words.dropFirst()))
            if let program = Program(rawValue: words[0]) { try program.check(arguments) }
            #expect(Arguments.unknownSubcommand(arguments, of: Godwit.self) == nil, "\(words)")
            do { _ = try await Godwit.asyncParseAsRoot(arguments) } catch {
                Issue.record("\(words.joined(separator: " ")): \(Godwit.message(for: error))")
            }
        }
    }

    @Test func theMigrationOfTheDocumentsMovesAndStartsEverything() async throws {
        let words = try #require(
            try Seeds.commands(of: "storkctl").first { $0.contains("create") }
        )
        let arguments = Arguments.prepared(Array(words.dropFirst()))
        let create = try #require(
            try await Godwit.asyncParseAsRoot(arguments) as? CreateMigration
        )
        #expect(create.names == ["mysqlmigration"] && create.moved.clusterPair == "remotecluster")
        #expect(create.moved.namespaces == ["migrationnamespace"])
        #expect(create.options.namespace == "migrationnamespace")
        #expect(create.includeResources && create.startApplications)
    }

    @Test func ourTablesBeginWithTheColumnsOfTheDocuments() throws {
        func titles<Noun: ClusterNoun>(_ noun: Noun.Type) -> [String] {
            Noun.columns.filter { !$0.isWide }.map(\.title)
        }
        let pairs = try Seeds.table(["NAME", "STORAGE-STATUS"])
        #expect(titles(ClusterPairNoun.self) == pairs[0])
        let migrations = try Seeds.table(["NAME", "CLUSTERPAIR"])
        #expect(titles(MigrationNoun.self).starts(with: migrations[0]))
        let policies = try Seeds.table(["NAME", "INTERVAL-MINUTES"])
        #expect(titles(SchedulePolicyNoun.self) == policies[0])
    }

    @Test func ourTablesHaveTheValuesOfTheDocuments() throws {
        let row = try #require(try Seeds.table(["NAME", "STORAGE-STATUS"]).last)
        let pair = KubeObject(
            ClusterPairNoun.resource.groupVersionKind,
            ObjectKey("migrationnamespace", "remotecluster"),
            ["status": ["storageStatus": "Ready", "schedulerStatus": "Ready"]]
        )
        .created("2018-10-26T03:11:00Z")
        var text = ObjectText<ClusterPairNoun>(format: .table)
        let shown = text.list([pair], now: .now).split(separator: "\n").last ?? ""
        #expect(shown.split(separator: /\s{2,}/).map(String.init) == row)
        let policyRow = try #require(try Seeds.table(["NAME", "INTERVAL-MINUTES"]).last)
        let policy = KubeObject([
            "metadata": ["name": "testpolicy"],
            "policy": [
                "interval": ["intervalMinutes": 1], "daily": ["time": "10:14PM"],
                "weekly": ["day": "Thursday", "time": "10:13PM"],
                "monthly": ["date": 14, "time": "8:05PM"],
            ],
        ])
        var table = ObjectText<SchedulePolicyNoun>(format: .table)
        let policyShown = table.list([policy], now: .now).split(separator: "\n").last ?? ""
        #expect(policyShown.split(separator: /\s{2,}/).map(String.init) == policyRow)
    }
}
