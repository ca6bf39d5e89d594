// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import godwit_perf

@Suite struct BarTests {
    @Test func aFullCopyIsHeldAgainstTheFastestPeerRsyncAndTheMinimalProgram() {
        var results = Results.ofNothing
        results.add(.full, "godwit", seconds: [2.5, 2, 9])
        results.add(.full, "qemu-img", seconds: [5])
        results.add(.full, "rsync", seconds: [8])
        results.add(.full, "c-minimal", seconds: [2])
        #expect(
            results.lines(1) == [
                "line 1: mixed full, godwit as fast as qemu-img, the fastest peer: 2.00 x, asked 2.00: holds",
                "line 1: mixed full, godwit as fast as rsync: 3.20 x, asked 3.50: MISSES",
                "line 1: mixed full, godwit as fast as c-minimal: 0.80 x, asked 0.85: MISSES",
            ]
        )
    }

    @Test func theFastestPeerIsNeverOneThatCompressedBefore() {
        var results = Results.ofNothing
        results.add(.full, "godwit", seconds: [2])
        results.add(.full, "btrfs-send-zstd", seconds: [1])
        results.add(.full, "nbdcopy", seconds: [6])
        let bars = results.bars.filter { $0.line == 1 }
        #expect(bars.map(\.measured) == [3])
    }

    @Test func clonesAndStoredDigestsHaveBarsOfTheirOwnForOnePerCent() {
        var results = Results.ofNothing
        for (peer, seconds) in [
            ("godwit", 0.5), ("godwit-reflink", 0.1), ("godwit-btrfs", 0.2), ("rsync", 5),
            ("btrfs-send", 0.5),
        ] {
            results.add(.incremental, peer, pattern: "clustered", seconds: [seconds])
        }
        let bars = results.bars.filter { $0.line == 2 }
        #expect(bars.map(\.measured) == [5, 50, 2.5, 25, 10])
        #expect(bars.map(\.asked) == [5, 40, 5, 40, 6])
        #expect(bars.map(\.holds) == [true, true, false, false, true])
    }

    @Test func whatIsShippedIsHeldAgainstTheGranulesThatDiffer() {
        var results = Results.ofNothing
        results.add(.incremental, "godwit-reflink", pattern: "scattered10", seconds: [1, 1]) {
            index in
            ["changedBytes": index == 0 ? "1000" : "1150"]
        }
        results.add(.incremental, "rsync", pattern: "scattered10", seconds: [4])
        let bars = results.bars.filter { $0.line == 2 }
        #expect(bars.map(\.measured) == [4, 1.15])
        #expect(bars.map(\.holds) == [true, false])
    }

    @Test func peersThatCompressAreHeldAgainstWhoCompressesAsMuch() {
        var results = Results.ofNothing
        results.add(.full, "godwit", seconds: [1], processor: 2, wire: 3000)
        results.add(.full, "godwit-lz4", seconds: [1], processor: 3, wire: 2050)
        results.add(.full, "qemu-img", seconds: [4], processor: 4, wire: 3000)
        results.add(.full, "lz4-pipe", seconds: [4], processor: 6, wire: 2000)
        let bars = results.bars.filter { $0.line == 3 }
        #expect(bars.map(\.measured) == [0.5, 0.5])
        #expect(bars.last?.about.contains("godwit-lz4 3.000 over") == true)
    }

    @Test func withoutEqualWorkNothingIsCompared() {
        var results = Results.ofNothing
        results.add(.full, "godwit", seconds: [1], processor: 2, wire: 3000)
        results.add(.full, "lz4-pipe", seconds: [4], processor: 6, wire: 2000)
        let bars = results.bars.filter { $0.line == 3 }
        #expect(bars.map(\.measured) == [nil])
        #expect(bars.map(\.holds) == [nil])
        #expect(bars.first?.text.hasSuffix("not comparable, asked at most 1.00") == true)
    }

    @Test func anAgentsIdleMemoryIsTheLeastThatItHadBeforeARun() {
        var results = Results.ofNothing
        results.add(.full, "godwit", seconds: [1], idle: 20 << 20, peak: 60 << 20)
        results.add(.unchanged, "godwit", seconds: [1], idle: 50 << 20, peak: 90 << 20)
        let bars = results.bars.filter { $0.line == 4 }
        #expect(bars.map(\.measured) == [70])
        #expect(bars.map(\.holds) == [false])
        #expect(bars.first?.about.hasSuffix("(20 MiB) at most, in mixed unchanged") == true)
    }

    @Test func smallVolumesAreHeldAgainstRsyncAndAgainstOneLargeVolume() {
        var results = Results.ofNothing
        results.add(.incremental, "godwit", volume: "small", seconds: [3])
        results.add(.incremental, "rsync", volume: "small", seconds: [75])
        results.add(.incremental, "godwit", volume: "small one-large", seconds: [1])
        let bars = results.bars.filter { $0.line == 6 }
        #expect(bars.map(\.measured) == [25, 3])
        #expect(bars.map(\.holds) == [true, false])
    }

    @Test func casesThatDidNotRunHaveNoBar() {
        var results = Results.ofNothing
        results.add(.full, "rsync", seconds: [1])
        results.add(.incremental, "btrfs-send", pattern: "clustered", seconds: [1])
        #expect(results.bars == [])
    }
}

extension Results {
    static var ofNothing: Self {
        Self(
            date: "2026-11-22T00:00:00Z",
            machine: Machine.Description(
                fingerprint: "0",
                processor: "none",
                cores: 1,
                memoryBytes: 0,
                kernel: "none",
                fileSystem: "none",
                commit: "none",
                command: "none",
                ownNamespace: false,
                controlGroups: false
            ),
            sizeBytes: 1 << 30,
            repeats: 1,
            seed: 0
        )
    }

    fileprivate func lines(_ number: Int) -> [String] {
        self.bars.filter { $0.line == number }.map(\.text)
    }

    /// Adds a row with one sample for each of `seconds`.
    fileprivate mutating func add(
        _ scenario: Scenario,
        _ peer: String,
        pattern: String? = nil,
        volume: String = "mixed",
        seconds: [Double],
        processor: Double = 1,
        wire: Int = 1000,
        idle: Int? = nil,
        peak: Int = 0,
        reported: (Int) -> [String: String] = { _ in [:] }
    ) {
        var series = Series(
            volume: volume,
            scenario: scenario,
            pattern: pattern,
            peer: peer,
            summary: peer,
            changedBytes: 1000,
            sizeBytes: 1 << 30
        )
        series.samples = seconds.enumerated()
            .map { index, wall in
                Sample(
                    wallSeconds: wall,
                    sendSeconds: processor / 2,
                    receiveSeconds: processor / 2,
                    wireBytes: wire,
                    loopbackBytes: wire,
                    residentBytes: ["send godwit-agent": peak],
                    otherSeconds: 0,
                    identical: true,
                    idleBytes: idle.map { ["send godwit-agent": $0] },
                    reported: reported(index)
                )
            }
        self.series.append(series)
    }
}
