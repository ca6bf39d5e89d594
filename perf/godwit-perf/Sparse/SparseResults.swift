// SPDX-License-Identifier: Apache-2.0

/// What `godwit-perf sparse` found out; what its JSON file holds.
struct SparseResults: KeptResults {
    static let name: String? = "sparse"

    /// What lies between the two frozen states.
    enum Kind: String, Codable, CaseIterable {
        /// A full copy of a volume without a byte.
        case empty
        /// The leaves had nothing before.
        case written
        /// The leaves were there, and nothing else.
        case rewritten
    }

    struct Row: Codable, Sampled {
        var sizeBytes: Int
        var leaves: Int
        var kind: Kind
        var samples: [Sample] = []
    }

    /// Grows when a field changes its meaning.
    var format = 1
    var date: String
    var machine: Machine.Description
    var seed: UInt64
    var rows: [Row] = []

    var svg: String? { self.plot.svg }
    var isIdentical: Bool { self.rows.allSatisfy(\.isIdentical) }
}

extension SparseResults.Row {
    /// Peak resident bytes of one side's agent above what it had before the run.
    func growth(_ side: String) -> Double {
        self.median { sample in
            let key = "\(side) godwit-agent"
            guard let peak = sample.residentBytes[key], let idle = sample.idleBytes?[key] else {
                return .nan
            }
            return Double(peak - idle)
        }
    }

    /// Bytes on the wire that are no payload; with the headers of TCP.
    var metadata: Double {
        self.median { Double($0.wireBytes) - (Double($0.reported["changedBytes"] ?? "") ?? .nan) }
    }

    var metadataPerLeaf: Double { self.leaves == 0 ? .nan : self.metadata / Double(self.leaves) }
}

extension SparseResults {
    var text: String {
        var table = Table(
            ["volume", "change", "leaves"] + Row.figureTitles
                + ["us/leaf", "+RSS MB s/r", "meta B/leaf", "source", "proven"],
            leftColumns: 2
        )
        for row in self.rows {
            let growth = ["send", "receive"].map { fixed(row.growth($0) / 1e6, 0) }
            let rest = [
                row.leaves == 0 ? "-" : fixed(row.wall * 1e6 / Double(row.leaves), 1),
                growth.joined(separator: "/"), fixed(row.metadataPerLeaf, 1),
                row.samples.last?.reported["changeSource"] ?? "-", row.identicalText,
            ]
            table.add(
                ["\(row.sizeBytes >> 40) TiB", row.kind.rawValue, "\(row.leaves)"] + row.figures
                    + rest
            )
        }
        return table.text
    }

    /// Four panels over the number of changed leaves.
    private var plot: LogPlot {
        let groups = Set(self.rows.filter { $0.leaves > 0 }.map(\.group)).sorted()
        func panel(_ title: String, _ value: (Row) -> Double) -> LogPlot.Panel {
            LogPlot.Panel(
                title: title,
                series: groups.map { group in
                    LogPlot.Series(
                        name: group,
                        points: self.rows.filter { $0.leaves > 0 && $0.group == group }
                            .map { (Double($0.leaves), value($0)) }
                    )
                }
            )
        }
        return LogPlot(
            head: "\(self.machine.cores) cores \(self.machine.processor), "
                + "\(self.date.prefix(10)), \(self.machine.commit)",
            horizontal: "changed leaves of 64 KiB",
            panels: [
                panel("seconds", \.wall),
                panel("peak resident above idle, source, MB") { $0.growth("send") / 1e6 },
                panel("peak resident above idle, destination, MB") { $0.growth("receive") / 1e6 },
                panel("metadata on the wire, bytes a leaf", \.metadataPerLeaf),
            ]
        )
    }
}

extension SparseResults.Row {
    fileprivate var group: String { "\(self.sizeBytes >> 40) TiB, \(self.kind.rawValue)" }
}
