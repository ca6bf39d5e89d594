// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// What a measurement on two controlled sites found out.
protocol SiteResults: KeptResults {
    /// Nothing yet.
    init(_ origin: Origin)
}

/// What every measurement on two controlled sites takes.
struct SiteOptions: ParsableArguments {
    @Option(help: "Objects of each kind that the controller looks at at once.") var workers = 10
    @OptionGroup var place: Workplace

    /// Measures on two sites, the first of which is paired with the second; writes and prints the results.
    func measure<Found: SiteResults>(
        _ body: (_ source: ControlledSite, _ destination: ControlledSite, inout Found) async throws
            -> Void
    ) async throws {
        let origin = try self.place.open()
        defer { Cleanup.shared.run() }
        let source = try await ControlledSite("a", workers: self.workers)
        let destination = try await ControlledSite("b", workers: self.workers)
        var found = Found(origin)
        try await source.pair(with: destination)
        try await body(source, destination, &found)
        try await source.stop()
        try await destination.stop()
        try found.keep(in: self.place.results)
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
