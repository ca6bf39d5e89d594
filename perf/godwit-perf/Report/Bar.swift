// SPDX-License-Identifier: Apache-2.0

/// One thing that has to hold, and what a run says about it.
struct Bar: Equatable {
    /// Which side of the bar is the good one.
    enum Direction {
        case atLeast
        case atMost
    }

    /// The number of the requirement in perf/README.md.
    let line: Int
    /// The case, our row, and what it is held against.
    let about: String
    /// Nil where no row of the run can be compared.
    let measured: Double?
    let asked: Double
    let direction: Direction
    let unit: String

    var holds: Bool? {
        self.measured.map { measured in
            switch self.direction {
            case .atLeast: measured >= self.asked
            case .atMost: measured <= self.asked
            }
        }
    }

    var text: String {
        let bound =
            switch self.direction {
            case .atLeast: "asked \(fixed(self.asked, 2))"
            case .atMost: "asked at most \(fixed(self.asked, 2))"
            }
        let figure = self.measured.map { "\(fixed($0, 2)) \(self.unit)" } ?? "not comparable"
        let verdict = self.holds.map { $0 ? ": holds" : ": MISSES" } ?? ""
        return "line \(self.line): \(self.about): \(figure), \(bound)\(verdict)"
    }
}

extension Results {
    /// What is asked of Godwit, for the cases and peers that ran.
    var bars: [Bar] {
        self.fullBars + self.incrementalBars + self.processorBars + self.memoryBars
            + self.transportBars + self.smallBars
    }

    private func series(
        _ volume: String,
        _ scenario: Scenario,
        _ pattern: String?,
        _ peer: String
    ) -> Series? {
        self.series.first {
            $0.volume == volume && $0.scenario == scenario && $0.pattern == pattern
                && $0.peer == peer
        }
    }

    /// The fastest of the programs that one would use instead, in the case of a series.
    private func fastestPeer(beside ours: Series) -> Series? {
        self.series.filter { $0.title == ours.title && $0.isPeer }.min { $0.wall < $1.wall }
    }

    /// How many times as fast `ours` is as `other`, where both ran.
    private func speed(
        _ line: Int,
        _ ours: Series?,
        _ other: Series?,
        _ note: String = "",
        atLeast asked: Double
    ) -> Bar? {
        guard let ours, let other else { return nil }
        return Bar(
            line: line,
            about: "\(ours.title), \(ours.peer) as fast as \(other.peer)\(note)",
            measured: other.wall / ours.wall,
            asked: asked,
            direction: .atLeast,
            unit: "x"
        )
    }

    private var fullBars: [Bar] {
        ["mixed", "postgresql"]
            .flatMap { volume in
                let ours = self.series(volume, .full, nil, "godwit")
                let beside = { self.series(volume, .full, nil, $0) }
                let fastest = ours.flatMap { self.fastestPeer(beside: $0) }
                return [
                    self.speed(1, ours, fastest, ", the fastest peer", atLeast: 2),
                    self.speed(1, ours, beside("rsync"), atLeast: 3.5),
                    self.speed(1, ours, beside("c-minimal"), atLeast: 0.85),
                ]
                .compactMap(\.self)
            }
    }

    private var incrementalBars: [Bar] {
        let small = ["clustered", "scattered"]
            .flatMap { pattern in
                let row = { self.series("mixed", .incremental, pattern, $0) }
                let cloned = ["godwit-reflink", "godwit-btrfs"]
                    .flatMap { name in
                        [
                            self.speed(2, row(name), row("btrfs-send"), atLeast: 5),
                            self.speed(2, row(name), row("rsync"), atLeast: 40),
                        ]
                    }
                return cloned + [self.speed(2, row("godwit"), row("rsync"), atLeast: 6)]
            }
        let large = [("mixed", "scattered10"), ("postgresql", "pgbench")]
            .flatMap { volume, pattern in
                ["godwit-reflink", "godwit-btrfs"]
                    .flatMap { name in
                        let ours = self.series(volume, .incremental, pattern, name)
                        let fastest = ours.flatMap { self.fastestPeer(beside: $0) }
                        return [
                            self.speed(2, ours, fastest, ", the fastest peer", atLeast: 3),
                            ours?.shippedBar,
                        ]
                    }
            }
        return (small + large).compactMap(\.self)
    }

    /// Both ends' processor seconds against the lowest of the peers, those that compress apart.
    private var processorBars: [Bar] {
        let titles = self.series.filter { [.full, .incremental].contains($0.scenario) }
            .map(\.title)
        return titles.enumerated().filter { titles.firstIndex(of: $1) == $0 }
            .flatMap { _, title in
                [false, true].compactMap { self.processorBar(title, compressed: $0) }
            }
    }

    private func processorBar(_ title: String, compressed: Bool) -> Bar? {
        let rows = self.series.filter { $0.title == title }
        let peers = rows.filter { $0.isPeer && $0.compresses == compressed }
        let ours = rows.filter(\.isOurs)
        guard !ours.isEmpty,
            let lowest = peers.min(by: { $0.processorPerGiB < $1.processorPerGiB })
        else { return nil }
        // Equal work: who sends more than a peer that compresses has compressed less.
        let equal = ours.filter { !compressed || $0.wire <= lowest.wire * 1.05 }
        let best = equal.min { $0.processorPerGiB < $1.processorPerGiB }
        let figure = { (one: Series) in "\(one.peer) \(fixed(one.processorPerGiB, 3))" }
        return Bar(
            line: 3,
            about:
                "\(title), cpu s per GiB of \(best.map(figure) ?? "no row of ours") over the lowest "
                + "\(compressed ? "that compresses" : "that does not compress"), \(figure(lowest))",
            measured: best.map { $0.processorPerGiB / lowest.processorPerGiB },
            asked: 1,
            direction: .atMost,
            unit: "x"
        )
    }

    /// The agents' peaks over the least that the same agent had before one of its transfers.
    private var memoryBars: [Bar] {
        let names = Set(self.series.filter { $0.isOurs }.map(\.peer)).sorted()
        return names.flatMap { name in
            ["send", "receive"].compactMap { self.memoryBar(name, "\($0) godwit-agent") }
        }
    }

    private func memoryBar(_ name: String, _ process: String) -> Bar? {
        let rows = self.series.filter { $0.peer == name }
        let idle = rows.flatMap(\.samples).compactMap { $0.idleBytes?[process] }.min()
        let peaks = rows.map { row in
            (row.title, row.samples.compactMap { $0.residentBytes[process] }.max() ?? 0)
        }
        guard let idle, let highest = peaks.max(by: { $0.1 < $1.1 }), highest.1 > 0 else {
            return nil
        }
        return Bar(
            line: 4,
            about: "\(name), \(process) above idle (\(idle >> 20) MiB) at most, in \(highest.0)",
            measured: Double(highest.1 - idle) / 1_048_576,
            asked: 64,
            direction: .atMost,
            unit: "MiB"
        )
    }

    private var transportBars: [Bar] {
        let rows = self.series.filter { $0.scenario == .transport && $0.peer == "godwit" }
        return rows.compactMap { ours in
            let bar = self.series(ours.volume, .transport, ours.pattern, "c-minimal")
            return self.speed(5, ours, bar, atLeast: 0.9)
        }
    }

    private var smallBars: [Bar] {
        ["godwit", "godwit-reflink"]
            .flatMap { name -> [Bar?] in
                let ours = self.series("small", .incremental, nil, name)
                let large = self.series("small one-large", .incremental, nil, name)
                let rsync = self.series("small", .incremental, nil, "rsync")
                return [
                    self.speed(6, ours, rsync, ", one run for each", atLeast: 20),
                    self.perByteBar(ours, large),
                ]
            }
            .compactMap(\.self)
    }

    private func perByteBar(_ many: Series?, _ one: Series?) -> Bar? {
        guard let many, let one, many.changedBytes > 0, one.changedBytes > 0 else { return nil }
        return Bar(
            line: 6,
            about: "\(many.title), \(many.peer), seconds per changed byte over one large volume's",
            measured: many.wall / Double(many.changedBytes)
                / (one.wall / Double(one.changedBytes)),
            asked: 2,
            direction: .atMost,
            unit: "x"
        )
    }
}

extension Series {
    var isOurs: Bool { self.peer.hasPrefix("godwit") }

    /// Whether it is a program that one would use instead, and does the work while it is measured.
    var isPeer: Bool {
        // One is a bar without a tool's duties, of the other the work of compressing was done before.
        !self.isOurs && !["c-minimal", "btrfs-send-zstd"].contains(self.peer)
    }

    var compresses: Bool { ["rsync-lz4", "lz4-pipe"].contains(self.peer) }

    /// Processor seconds of both ends over the size of the volume.
    var processorPerGiB: Double {
        let size = Double(self.sizeBytes ?? 0) / Double(1 << 30)
        return self.median(\.processorSeconds) / size
    }

    /// Bytes shipped as data before they were compressed, over the bytes of the granules that differ.
    fileprivate var shippedBar: Bar? {
        let shipped = self.samples.compactMap { $0.reported["changedBytes"].flatMap { Double($0) } }
        guard let most = shipped.max(), self.changedBytes > 0 else { return nil }
        return Bar(
            line: 2,
            about: "\(self.title), \(self.peer), bytes on the wire before compression over changed "
                + "granules, at most",
            measured: most / Double(self.changedBytes),
            asked: 1.1,
            direction: .atMost,
            unit: "x"
        )
    }
}
