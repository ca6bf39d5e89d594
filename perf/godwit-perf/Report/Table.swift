// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Columns of text, numbers to the right.
struct Table {
    private var rows: [[String]]
    private let leftColumns: Int

    init(_ header: [String], leftColumns: Int) {
        self.rows = [header]
        self.leftColumns = leftColumns
    }

    mutating func add(_ row: [String]) { self.rows.append(row) }

    var text: String {
        let columns = self.rows.map(\.count).max() ?? 0
        let widths = (0..<columns)
            .map { column in
                self.rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
            }
        return self.rows
            .map { row in
                let cells = row.enumerated()
                    .map { column, cell in
                        let pad = String(repeating: " ", count: widths[column] - cell.count)
                        return column < self.leftColumns ? cell + pad : pad + cell
                    }
                var line = cells.joined(separator: "  ")
                while line.last == " " { line.removeLast() }
                return line
            }
            .joined(separator: "\n")
    }
}

/// A number with a fixed count of digits after the point.
func fixed(_ number: Double, _ digits: Int) -> String {
    number.isNaN ? "-" : String(format: "%.\(digits)f", number)
}

extension Results {
    /// The table that is printed; what its columns mean is in perf/README.md.
    var table: String {
        var table = Table(
            ["case", "peer"] + Series.figureTitles
                + ["RSS MB s/r", "above idle", "GB/s", "of bound", "same"],
            leftColumns: 2
        )
        var last = ""
        for series in self.series.sorted(by: { ($0.title, $0.wall) < ($1.title, $1.wall) }) {
            let resident = series.bySide { $0.residentBytes }
            let aboveIdle = series.bySide { sample in
                sample.residentBytes.merging(sample.idleBytes ?? [:]) { max(0, $0 - $1) }
            }
            let size = Double(series.sizeBytes ?? self.sizeBytes)
            let title = series.title == last ? "" : series.title
            let rest = [
                resident, aboveIdle, fixed(size / series.wall / 1e9, 2),
                series.fraction.map { fixed($0, 2) } ?? "-", series.identicalText,
            ]
            table.add([title, series.peer] + series.figures + rest)
            last = series.title
        }
        return table.text
    }

    /// What a row with many volumes comes to for each, and how fast one large volume changes as much.
    var perVolume: String {
        self.series.filter { $0.volumeCount ?? 1 > 1 }
            .map { many in
                let each = many.wall / Double(many.volumeCount ?? 1) * 1000
                let line = "\(many.title): \(many.peer) \(fixed(each, 2)) ms a volume"
                guard many.changedBytes > 0 else { return line }
                let one = self.series.first {
                    $0.title == "small one-large incremental" && $0.peer == many.peer
                }
                let compared = one.map { ", of one large volume \(fixed($0.changedPerSecond, 1))" }
                return
                    "\(line), \(fixed(many.changedPerSecond, 1)) MB changed per s\(compared ?? "")"
            }
            .joined(separator: "\n")
    }

    /// What is asked and whether it holds, one line each.
    var verdicts: String { self.bars.map(\.text).joined(separator: "\n") }

    /// Each peer's time over Godwit's better one, case by case.
    var comparison: String {
        var lines: [String] = []
        for title in Set(self.series.map(\.title)).sorted() {
            let rows = self.series.filter { $0.title == title }
            let ours = rows.filter { $0.peer.hasPrefix("godwit") }.min { $0.wall < $1.wall }
            guard let ours else { continue }
            let others = rows.filter { !$0.peer.hasPrefix("godwit") }
                .map { series in
                    // What is near 1 is a bar to be reached: a tenth would hide the distance.
                    let ratio = series.wall / ours.wall
                    return "\(series.peer) \(fixed(ratio, ratio < 2 ? 2 : 1)) x"
                }
            guard !others.isEmpty else { continue }
            lines.append(
                "\(title): \(ours.peer) \(fixed(ours.wall, 3)) s; \(others.joined(separator: ", "))"
            )
        }
        return lines.joined(separator: "\n")
    }
}

extension Series {
    /// 10^6 bytes.
    fileprivate var changedPerSecond: Double { Double(self.changedBytes) / self.wall / 1e6 }

    /// The median of what the processes of the sender and of the receiver have, in 10^6 bytes.
    fileprivate func bySide(_ bytes: (Sample) -> [String: Int]) -> String {
        ["send", "receive"]
            .map { side in
                self.median { sample in
                    Double(
                        bytes(sample).filter { $0.key.hasPrefix("\(side) ") }.values.reduce(0, +)
                    )
                }
            }
            .map { fixed($0 / 1e6, 0) }.joined(separator: "/")
    }
}
