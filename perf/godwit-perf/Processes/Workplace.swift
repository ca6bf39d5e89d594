// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// Where a measurement works and what it leaves behind.
struct Workplace: ParsableArguments {
    @Option(help: "The folder to work in; perf/README.md says what room it needs.")
    var work = "perf/results/tmp"
    @Option(help: "The folder for the JSON file, and for the plot where there is one.")
    var results = "perf/results"

    /// Makes the folder of ``Scratch``.
    ///
    /// What was made goes with `Cleanup.shared.run()`, which is for the caller to do, whatever happens;
    /// after a signal it is done.
    func open() throws -> Origin {
        let folder = URL(fileURLWithPath: self.work).standardizedFileURL.path
        try Scratch.create(in: folder)
        Cleanup.shared.handleSignals()
        return Origin(workFolder: folder)
    }
}

/// What every measurement of transfers takes.
struct TransferOptions: ParsableArguments {
    @OptionGroup var place: Workplace
    @Option(help: "The seed of what is written, and of the order.") var seed: UInt64 = 20_261_121
    @Flag(name: .customLong("in-namespace"), help: .hidden) var inNamespace = false

    /// Measures in a network namespace where there can be one; writes and prints the results.
    ///
    /// - Parameters:
    ///   - obstacle: why that cannot be done here; looked at inside of the namespace.
    ///   - body: finds the results out.
    /// - Throws: the obstacle, what `body` throws, and that a destination differs.
    func measure(
        unless obstacle: @autoclosure () -> String? = nil,
        _ body: (Origin) throws -> some KeptResults
    ) throws {
        if !self.inNamespace { Namespace.enter() }
        if let obstacle = obstacle() { throw HarnessError(obstacle) }
        let origin = try self.place.open()
        defer { Cleanup.shared.run() }
        try body(origin).keep(in: self.place.results)
    }
}
