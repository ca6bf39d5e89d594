// SPDX-License-Identifier: Apache-2.0

/// Everything that one run of the harness found out; what the JSON file holds.
struct Results: KeptResults {
    static let name: String? = nil

    /// Grows when a field changes its meaning.
    var format = 1
    var date: String
    var machine: Machine.Description
    var sizeBytes: Int
    var repeats: Int
    var seed: UInt64
    var roofline: Roofline?
    var series: [Series] = []
    /// What was left out, and why.
    var skipped: [String] = []
}

/// The samples of one peer in one case.
struct Series: Codable, Sampled {
    var volume: String
    var scenario: Scenario
    /// `clustered`, `scattered`, or what else tells two incrementals apart.
    var pattern: String?
    var peer: String
    var summary: String
    /// Bytes of the granules that differ; the whole data for a full copy.
    var changedBytes: Int
    var samples: [Sample] = []
    /// The lower bound from the roofline of the same run.
    var boundSeconds: Double?
    /// The size of the volumes; nil in results of earlier releases, where it is the run's.
    var sizeBytes: Int?
    /// How many they are; nil in results of earlier releases, where it is one.
    var volumeCount: Int?

    var title: String {
        [self.volume, self.scenario.rawValue, self.pattern].compactMap(\.self)
            .joined(separator: " ")
    }

    /// The bound over the median: 1.00 is as fast as the machine allows.
    var fraction: Double? { self.boundSeconds.map { $0 / self.wall } }
}

extension Results {
    var svg: String? { Plot(results: self).svg }
    var isIdentical: Bool { self.series.allSatisfy(\.isIdentical) }

    var text: String {
        let parts = [
            self.roofline?.text ?? "", self.table, self.comparison, self.perVolume, self.verdicts,
            self.skipped.map { "skipped: \($0)" }.joined(separator: "\n"),
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}
