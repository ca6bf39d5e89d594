// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// What a measurement on two controlled sites found out; what its JSON file holds.
protocol SiteResults: Codable {
    /// Part of the file's name.
    static var name: String { get }
    var date: String { get }
    var machine: Machine.Description { get }
    /// What is printed; perf/README.md says what each figure means.
    var text: String { get }
    init(date: String, machine: Machine.Description)
}

extension SiteResults {
    /// Writes the JSON file beside earlier ones of the day, and returns where it is.
    func write(to folder: String) throws -> String {
        try Results.write(
            self,
            stem: "\(folder)/\(self.date.prefix(10))-\(Self.name)-\(self.machine.fingerprint)"
        )
    }
}

/// What every measurement on two controlled sites takes.
struct SiteOptions: ParsableArguments {
    @Option(help: "Objects of each kind that the controller looks at at once.") var workers = 10
    @Option(help: "The folder for pools and clusters.") var work = "perf/results/tmp"
    @Option(help: "The folder for the JSON file.") var results = "perf/results"

    /// Measures on two sites, the first of which is paired with the second; writes and prints the results.
    func measure<Found: SiteResults>(
        _ body: (_ source: ControlledSite, _ destination: ControlledSite, inout Found) async throws
            -> Void
    ) async throws {
        let work = URL(fileURLWithPath: self.work).standardizedFileURL.path
        try Scratch.create(in: work)
        Cleanup.shared.handleSignals()
        defer { Cleanup.shared.run() }
        let source = try await ControlledSite("a", workers: self.workers)
        let destination = try await ControlledSite("b", workers: self.workers)
        var found = Found(
            date: ISO8601DateFormatter().string(from: Date()),
            machine: Machine.describe(workFolder: work)
        )
        try await source.pair(with: destination)
        try await body(source, destination, &found)
        try await source.stop()
        try await destination.stop()
        let path = try found.write(to: self.results)
        print("\n\(found.text)\n\n\(path)")
    }
}

/// Megabytes without a fraction.
func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 0) }

/// What was asked, by cluster and verb.
func requestText(_ requests: [String: Double], digits: Int) -> String {
    let named = requests.filter { $0.value != 0 }.sorted { $0.key < $1.key }
    let texts = named.map { "\($0.key) \(fixed($0.value, digits))" }
    return texts.isEmpty ? "none" : texts.joined(separator: ", ")
}
