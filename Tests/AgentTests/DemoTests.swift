// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The demonstration is what most people run first: it has to work as it is told.
@Suite struct DemoTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    // Without --ci: how much was durable when a side is killed is left to chance, and all of it may
    // travel again (P5). Whether it does is tested where it can be waited for.
    @Test(.timeLimit(.minutes(20)))
    func theDemonstrationShowsItsTableAndThatBothCopiesAreEqual() async throws {
        let directory = "\(self.scratch.path)/demo"
        let result = try await Command.run("godwit", ["demo", "--dir", directory])
        try #require(result.status == 0, "\(result.output)\n\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.contains("byte for byte the same"))
        #expect(lines.contains("(e2fsck finds the copy clean)"))
        #expect(lines.contains { $0.contains("disk") && $0.hasSuffix("equal") }, "\(result.output)")
        let table = lines.drop { !$0.hasPrefix("WHAT ") }
        #expect(table.first?.contains("ON THE WIRE") == true)
        let rows = table.dropFirst().prefix(4)
        let wanted = [
            ("full", "full"), ("1 % changed", "incremental"), ("receiver killed", "incremental"),
            ("sender killed", "incremental"),
        ]
        #expect(rows.count == wanted.count)
        for (row, (title, mode)) in zip(rows, wanted) {
            #expect(row.hasPrefix(title) && row.contains(" \(mode) "), "\(row)")
        }
        let schedule = lines.first { $0.hasPrefix("shop-dr ") && $0.contains(" west ") }
        #expect(schedule?.contains("  30m  ") == true, "\(result.output)")
        // Nothing is left running.
        for pool in ["source", "destination"] {
            let asked = try await Command.run(
                "godwit",
                ["--agent", "\(directory)/\(pool)", "events"]
            )
            #expect(asked.status == 10, "\(asked.errors)")
        }
        print(table.prefix(5).joined(separator: "\n"))
    }
}
