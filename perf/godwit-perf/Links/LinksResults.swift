// SPDX-License-Identifier: Apache-2.0

/// What `godwit-perf links` found out; what its JSON file holds.
struct LinksResults: KeptResults {
    static let name: String? = "links"

    /// One codec on one link.
    struct CodecSeries: Codable, Sampled {
        var codec: String
        var samples: [Sample] = []
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

    var isIdentical: Bool { self.links.flatMap(\.series).allSatisfy(\.isIdentical) }
}

extension LinksResults {
    /// A table for all links, and what the choice is worth on each.
    var text: String {
        var table = Table(
            ["link", "codec"] + CodecSeries.figureTitles + ["same"],
            leftColumns: 2
        )
        for link in self.links {
            let size = "\(link.shape.name), \(link.sizeBytes >> 20) MiB"
            for (index, series) in link.series.sorted(by: { $0.wall < $1.wall }).enumerated() {
                let title = index == 0 ? size : ""
                table.add([title, series.codec] + series.figures + [series.identicalText])
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
