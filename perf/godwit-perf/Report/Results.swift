// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation

/// Everything that one run of the harness found out; what the JSON file holds.
struct Results: Codable {
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
struct Series: Codable {
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

    func median(_ value: (Sample) -> Double) -> Double {
        let sorted = self.samples.map(value).sorted()
        guard !sorted.isEmpty else { return .nan }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2)
            ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    var wall: Double { self.median(\.wallSeconds) }
    var fastest: Double { self.samples.map(\.wallSeconds).min() ?? .nan }
    var slowest: Double { self.samples.map(\.wallSeconds).max() ?? .nan }

    /// The bound over the median: 1.00 is as fast as the machine allows.
    var fraction: Double? { self.boundSeconds.map { $0 / self.wall } }
}

extension Results {
    /// Writes the JSON file beside earlier ones of the day, and returns where it is.
    func write(to folder: String) throws -> String {
        try Self.write(
            self,
            stem: "\(folder)/\(self.date.prefix(10))-\(self.machine.fingerprint)"
        )
    }

    /// Writes a result of any kind under a name that no other one has.
    static func write(_ value: some Encodable, stem: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        var path = "\(stem).json"
        var number = 1
        while FileManager.default.fileExists(atPath: path) {
            number += 1
            path = "\(stem)-\(number).json"
        }
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try encoder.encode(value).write(to: URL(fileURLWithPath: path))
        return path
    }

    static func read(_ path: String) throws(HarnessError) -> Self {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
            throw .system("read", path)
        }
        do { return try JSONDecoder().decode(Self.self, from: data) } catch {
            throw HarnessError("\(path) is no result of this program: \(error)")
        }
    }
}
