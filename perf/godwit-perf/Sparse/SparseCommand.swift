// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlockTypes

/// `godwit-perf sparse`: whether the cost of an incremental grows with what changed.
struct SparseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sparse",
        abstract: "Measures incrementals of a huge sparse volume by the number of changed leaves.",
        discussion: """
            Examples:
              godwit-perf sparse
              godwit-perf sparse --sizes 1TiB,16TiB --leaves 100 --repeats 1
            """
    )

    @Option(help: "Sizes of the volume, separated by commas, such as 1TiB.") var sizes = "16TiB"
    @Option(help: "Changed leaves of 64 KiB, separated by commas.") var leaves = "100,10000,1000000"
    @Option(help: "How often the same leaves are changed again.") var repeats = 3
    @OptionGroup var options: TransferOptions

    func validate() throws {
        _ = try Self.bytes(of: self.sizes)
        _ = try Self.counts(of: self.leaves)
        guard self.repeats > 0 else { throw ValidationError("--repeats must be 1 or more") }
    }

    func run() throws {
        try self.options.measure(unless: LoopFileSystem.obstacle("xfs")) { origin in
            let seed = self.options.seed
            var results = SparseResults(date: origin.date, machine: origin.machine, seed: seed)
            let measurement = try SparseMeasurement(seed: seed)
            for size in try Self.bytes(of: self.sizes) {
                for count in try Self.counts(of: self.leaves) {
                    results.rows += try measurement.measure(size, leaves: count, self.repeats)
                }
            }
            try measurement.close()
            return results
        }
    }

    private static func bytes(of text: String) throws -> [ByteCount] {
        try text.split(separator: ",")
            .map { word in
                guard word.hasSuffix("TiB"), let number = Int(word.dropLast(3)),
                    (1...1024).contains(number)
                else { throw ValidationError("'\(word)' is no size from 1TiB to 1024TiB") }
                return ByteCount(number << 40)
            }
    }

    private static func counts(of text: String) throws -> [Int] {
        try text.split(separator: ",")
            .map { word in
                guard let number = Int(word), (1...10_000_000).contains(number) else {
                    throw ValidationError("'\(word)' is no number of leaves from 1 to 10000000")
                }
                return number
            }
    }
}
