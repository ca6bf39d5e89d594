// SPDX-License-Identifier: Apache-2.0

/// A row of a result: repetitions of one thing, and what is told of them.
protocol Sampled {
    var samples: [Sample] { get }
}

extension Sampled {
    /// The figure in the middle; NaN where nothing ran.
    func median(_ value: (Sample) -> Double) -> Double {
        let sorted = self.samples.map(value).sorted()
        guard !sorted.isEmpty else { return .nan }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2)
            ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// The median, in seconds.
    var wall: Double { self.median(\.wallSeconds) }
    var fastest: Double { self.samples.map(\.wallSeconds).min() ?? .nan }
    var slowest: Double { self.samples.map(\.wallSeconds).max() ?? .nan }

    /// The median, in bytes.
    var wire: Double { self.median { Double($0.wireBytes) } }

    /// Whether the destination was found to have the source's bytes each time.
    var isIdentical: Bool { self.samples.allSatisfy(\.identical) }
}

// MARK: - Cells of tables

extension Sampled {
    /// What stands above ``figures``.
    static var figureTitles: [String] {
        ["n", "wall s", "spread", "send cpu", "recv cpu", "other", "wire MB"]
    }

    /// The figures that mean the same in each table, see perf/README.md.
    var figures: [String] {
        [
            "\(self.samples.count)", fixed(self.wall, 3), self.spread,
            fixed(self.median(\.sendSeconds), 2), fixed(self.median(\.receiveSeconds), 2),
            fixed(self.median(\.otherSeconds), 2), fixed(self.wire / 1e6, 2),
        ]
    }

    /// From the fastest to the slowest repetition, in seconds.
    var spread: String { "\(fixed(self.fastest, 2))-\(fixed(self.slowest, 2))" }

    var identicalText: String { self.isIdentical ? "yes" : "NO" }
}
