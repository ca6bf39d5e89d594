// SPDX-License-Identifier: Apache-2.0

/// What changed between two results, with the spread that a change must exceed to mean something.
struct Comparison {
    let old: Results
    let new: Results

    var text: String {
        var table = Table(
            [
                "case", "peer", "old s", "spread", "new s", "spread", "change", "cpu", "wire",
                "says",
            ],
            leftColumns: 2
        )
        for after in self.new.series {
            let before = self.old.series.first {
                $0.title == after.title && $0.peer == after.peer
            }
            guard let before else { continue }
            let change = after.wall / before.wall - 1
            let apart = after.fastest > before.slowest || after.slowest < before.fastest
            table.add([
                after.title, after.peer, fixed(before.wall, 3), before.spread,
                fixed(after.wall, 3), after.spread, self.percent(change),
                self.percent(
                    after.median(\.processorSeconds) / before.median(\.processorSeconds) - 1
                ),
                self.percent(after.wire / before.wire - 1),
                !apart ? "within the spread" : change < 0 ? "faster" : "SLOWER",
            ])
        }
        var text = table.text
        if self.old.machine.fingerprint != self.new.machine.fingerprint {
            text = "The machines differ: compare only ratios between peers.\n" + text
        }
        if self.old.sizeBytes != self.new.sizeBytes {
            text =
                "The sizes differ: \(self.old.sizeBytes) and \(self.new.sizeBytes) bytes.\n" + text
        }
        return text
    }

    private func percent(_ change: Double) -> String {
        change.isNaN || change.isInfinite
            ? "-" : (change >= 0 ? "+" : "") + fixed(change * 100, 1) + " %"
    }
}
