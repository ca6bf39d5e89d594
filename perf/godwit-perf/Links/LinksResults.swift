// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What `godwit-perf links` found out; what its JSON file holds.
struct LinksResults: Codable {
    /// One codec on one link.
    struct CodecSeries: Codable {
        var codec: String
        var samples: [Sample] = []

        func median(_ value: (Sample) -> Double) -> Double {
            let sorted = self.samples.map(value).sorted()
            guard !sorted.isEmpty else { return .nan }
            let middle = sorted.count / 2
            return sorted.count.isMultiple(of: 2)
                ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        }

        var wall: Double { self.median(\.wallSeconds) }
    }

    /// One link with all codecs.
    struct Link: Codable {
        var shape: LinkShape
        var sizeBytes: Int
        var series: [CodecSeries] = []
    }

    /// Grows when a field changes its meaning.
    var format = 1
    var date: String
    var machine: Machine.Description
    var seed: UInt64
    var repeats: Int
    var links: [Link] = []

    init(date: String, machine: Machine.Description, seed: UInt64, repeats: Int) {
        self.date = date
        self.machine = machine
        self.seed = seed
        self.repeats = repeats
    }

    func write(to folder: String) throws -> String {
        let stem = "\(folder)/\(self.date.prefix(10))-links-\(self.machine.fingerprint)"
        return try Results.write(self, stem: stem)
    }
}

extension LinksResults {
    /// A table for all links, and what the choice is worth on each.
    var text: String {
        var table = Table(
            [
                "link", "codec", "n", "wall s", "spread", "send cpu", "recv cpu", "other",
                "wire MB", "same",
            ],
            leftColumns: 2
        )
        for link in self.links {
            let size = "\(link.shape.name), \(link.sizeBytes >> 20) MiB"
            for (index, series) in link.series.sorted(by: { $0.wall < $1.wall }).enumerated() {
                let walls = series.samples.map(\.wallSeconds)
                table.add([
                    index == 0 ? size : "", series.codec, "\(series.samples.count)",
                    fixed(series.wall, 2),
                    "\(fixed(walls.min() ?? .nan, 2))-\(fixed(walls.max() ?? .nan, 2))",
                    fixed(series.median(\.sendSeconds), 2),
                    fixed(series.median(\.receiveSeconds), 2),
                    fixed(series.median(\.otherSeconds), 2),
                    fixed(series.median { Double($0.wireBytes) } / 1e6, 1),
                    series.samples.allSatisfy(\.identical) ? "yes" : "NO",
                ])
            }
        }
        return ([table.text, ""] + self.links.compactMap(\.verdict)).joined(separator: "\n")
    }
}

extension LinksResults.Link {
    /// A link that any processor fills: there the best codec is the one that saves most.
    private static let slowBits = 1_000_000_000

    /// `auto` beside the fixed codecs; nil without it.
    var verdict: String? {
        guard let auto = self.series.first(where: { $0.codec == "auto" }) else { return nil }
        let fixedOnes = self.series.filter { $0.codec != "auto" }
        let cheap = fixedOnes.filter { ["none", "lz4"].contains($0.codec) }
        var parts: [String] = []
        if let best = cheap.min(by: { $0.wall < $1.wall }) {
            parts.append(self.ratio(auto, to: best, "the better of none and lz4", atMost: 1.05))
        }
        if let bits = self.shape.bitsPerSecond, bits <= Self.slowBits,
            let best = fixedOnes.min(by: { $0.wall < $1.wall })
        {
            parts.append(self.ratio(auto, to: best, "the best fixed codec", atMost: 1.1))
        }
        guard !parts.isEmpty else { return nil }
        return "\(self.shape.name): auto \(fixed(auto.wall, 2)) s; \(parts.joined(separator: "; "))"
    }

    private func ratio(
        _ auto: LinksResults.CodecSeries,
        to other: LinksResults.CodecSeries,
        _ what: String,
        atMost bound: Double
    ) -> String {
        let ratio = auto.wall / other.wall
        return "\(fixed(ratio, 2)) of \(what) (\(other.codec) \(fixed(other.wall, 2)) s)"
            + ", asked \(fixed(bound, 2)): \(ratio <= bound ? "holds" : "DOES NOT HOLD")"
    }
}
