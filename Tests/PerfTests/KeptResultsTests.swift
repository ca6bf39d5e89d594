// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import godwit_perf

@Suite struct KeptResultsTests {
    /// Those of the repository, which the documents quote.
    private static let kept: [String] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../perf/results").standardizedFileURL.path
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { "\(folder)/\($0)" }.sorted()
    }()

    @Test func someResultsAreKept() { #expect(!Self.kept.isEmpty) }

    @Test(arguments: Self.kept) func everyKeptResultCanStillBeRead(path: String) throws {
        let kinds: [any KeptResults.Type] = [
            ControllersResults.self, SchedulesResults.self, LinksResults.self, SparseResults.self,
        ]
        let kind: any KeptResults.Type =
            kinds.first { path.contains("-\($0.name ?? "")-") } ?? Results.self
        let results = try kind.read(path)
        #expect(!results.text.isEmpty && results.isIdentical)
    }

    @Test func aSecondResultOfADayGetsANumberAndBothAreReadAsTheyWere() throws {
        let directory = try TemporaryDirectory(inMemory: true)
        var links = LinksResults(
            date: "2026-11-22T10:00:00Z",
            machine: Results.ofNothing.machine,
            seed: 1,
            repeats: 2
        )
        let first = try links.write(to: "\(directory.path)/new")
        links.repeats = 3
        let second = try links.write(to: "\(directory.path)/new")
        let stem = "\(directory.path)/new/2026-11-22-links-\(links.machine.fingerprint)"
        #expect(first == "\(stem).json" && second == "\(stem)-2.json")
        #expect(try LinksResults.read(first).repeats == 2)
        #expect(try LinksResults.read(second).repeats == 3)
    }
}
