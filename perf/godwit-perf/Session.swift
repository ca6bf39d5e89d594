// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// What can be chosen on the command line.
enum Case: String, CaseIterable {
    /// A full copy of the mixed volume.
    case full
    /// Nothing has changed since the last run.
    case unchanged
    /// A full copy that was killed half-way and is started again.
    case resume
    /// 1 % of the mixed volume changed, in runs of half a MiB.
    case clustered
    /// 1 % of the mixed volume changed, in single granules.
    case scattered
    /// 10 % of it changed, in single granules.
    case scattered10
    /// 1 MiB of it changed, in one place.
    case tiny
    /// Ten leaves changed in each of many small volumes, and as many bytes in one large one.
    case small
    /// Full copy of a real database, and what pgbench changed in it.
    case postgresql
    /// Random bytes from memory to memory: the transport alone.
    case transport
}

/// One run of the harness: the same volumes for every peer, in an order that is interleaved.
final class Session {
    private(set) var results: Results
    private let size: ByteCount
    private let smallVolumes: Int
    let peers: [any Peer]
    let certificates: Certificates
    private var order: Generator

    init(
        _ origin: Origin,
        size: ByteCount,
        smallVolumes: Int,
        repeats: Int,
        seed: UInt64,
        peers: [any Peer],
        certificates: Certificates
    ) {
        self.size = size
        self.smallVolumes = smallVolumes
        self.certificates = certificates
        self.order = Generator(seed: seed)
        self.results = Results(
            date: origin.date,
            machine: origin.machine,
            sizeBytes: size.bytes,
            repeats: repeats,
            seed: seed
        )
        self.peers = peers.filter { $0.obstacle == nil }
        for peer in peers {
            if let obstacle = peer.obstacle {
                self.results.skipped.append("\(peer.name): \(obstacle)")
            }
        }
        if !Namespace.isOwn {
            self.results.skipped.append(
                "a network namespace: bytes on the wire include whatever else uses loopback"
            )
        }
    }

    func run(_ cases: [Case]) throws {
        if cases.contains(.transport) { try self.runTransport() }
        if cases.contains(where: { ![.postgresql, .transport, .small].contains($0) }) {
            try self.runMixed(cases)
        }
        if cases.contains(.small) {
            try self.runSmall(SmallVolumes(count: self.smallVolumes, seed: self.results.seed))
        }
        guard cases.contains(.postgresql) else { return }
        if let obstacle = PostgreSQLImage.obstacle {
            self.results.skipped.append("postgresql: \(obstacle)")
        } else {
            try self.runPostgreSQL()
        }
    }

    /// One connection, and as many as a volume has.
    private func runTransport() throws {
        let source = Source(name: "memory", path: "/dev/zero", size: self.size)
        let programs = RawTransport.Program.allCases.filter { program in
            self.peers.contains { $0.name == program.rawValue }
        }
        for (streams, pattern) in [(1, "1 stream"), (3, "3 streams")] {
            let ends = try programs.map {
                try RawTransport($0, streams: streams, self.certificates)
            }
            for end in ends { try end.open(source) }
            try self.measure(.transport, pattern, source, ends, changed: self.size.bytes, nil)
        }
    }

    private func runMixed(_ cases: [Case]) throws {
        say("making the mixed volume, \(self.size.bytes >> 20) MiB")
        let volume = MixedVolume(size: self.size, seed: self.results.seed)
        let source = Source(name: "mixed", path: Scratch.path("mixed.img"), size: volume.size)
        try volume.write(to: source.path)
        say("measuring the roofline")
        try Machine.touchMemory(for: self.size)
        let roofline = try StageMeter(path: source.path).measure()
        self.results.roofline = roofline
        try self.withPeers(self.peers, source) { peers in
            let whole = roofline.bound(read: roofline.allocatedBytes, moved: roofline.nonzeroBytes)
            if cases.contains(.full) {
                try self.measure(.full, nil, source, peers, changed: roofline.nonzeroBytes, whole)
            }
            if cases.contains(.resume) { try self.measureResume(source, peers) }
            let patterns = ChangePattern.allCases
                .filter { pattern in
                    cases.contains { $0.rawValue == pattern.rawValue }
                }
            if !patterns.isEmpty || cases.contains(.unchanged) {
                try self.fill(source, peers)
            }
            for pattern in patterns {
                let difference = try volume.difference(pattern, of: source.path)
                let changed = difference.byteCount.bytes
                try self.measureChanges(
                    pattern.rawValue,
                    difference,
                    source,
                    peers,
                    bound: roofline.bound(read: changed, moved: changed)
                )
            }
            if cases.contains(.unchanged) {
                try self.measure(.unchanged, nil, source, peers, changed: 0, nil)
            }
        }
        unlink(source.path)
    }

    private func runPostgreSQL() throws {
        say("making the PostgreSQL image, running pgbench")
        let image = try PostgreSQLImage.make(size: self.size)
        let source = Source(name: "postgresql", path: image.path, size: self.size)
        let roofline = try StageMeter(path: image.path).measure()
        if self.results.roofline == nil { self.results.roofline = roofline }
        try self.withPeers(self.peers, source) { peers in
            let whole = roofline.bound(read: roofline.allocatedBytes, moved: roofline.nonzeroBytes)
            try self.measure(.full, nil, source, peers, changed: roofline.nonzeroBytes, whole)
            try self.fill(source, peers)
            let changed = image.difference.byteCount.bytes
            try self.measureChanges(
                "pgbench",
                image.difference,
                source,
                peers,
                bound: roofline.bound(read: changed, moved: changed)
            )
        }
        unlink(image.path)
    }

    /// Opens peers for a source, and closes them whatever happens.
    func withPeers(
        _ peers: [any Peer],
        _ source: Source,
        _ body: ([any Peer]) throws -> Void
    ) throws {
        var open: [any Peer] = []
        defer { for peer in open { try? peer.close() } }
        for peer in peers {
            open.append(peer)
            try peer.open(source)
        }
        try body(open)
    }

    /// Gives every peer that can use one a base at the destination, not measured.
    func fill(_ source: Source, _ peers: [any Peer]) throws {
        say("\(source.name): filling the destinations")
        for peer in peers where peer.scenarios.contains(.incremental) {
            try peer.clear()
            _ = try peer.transfer(.full)
        }
    }

    /// Every peer goes back and forth between the two states: each step changes as much.
    func measureChanges(
        _ pattern: String?,
        _ difference: any Change,
        _ source: Source,
        _ peers: [any Peer],
        bound: Double?
    ) throws {
        var state = VolumeState.before
        let step = {
            state = state.other
            try difference.apply(state, to: source.path)
            for peer in peers where peer.scenarios.contains(.incremental) {
                try peer.follow(difference, to: state)
            }
        }
        try self.measure(
            .incremental,
            pattern,
            source,
            peers,
            changed: difference.byteCount.bytes,
            bound,
            beforeEach: step
        )
        // The next pattern starts from the state before.
        if state == .after {
            try step()
            for peer in peers where peer.scenarios.contains(.incremental) {
                _ = try peer.transfer(.incremental)
            }
        }
    }

    func measure(
        _ scenario: Scenario,
        _ pattern: String?,
        _ source: Source,
        _ peers: [any Peer],
        changed: Int,
        _ bound: Double?,
        beforeEach: () throws -> Void = {}
    ) throws {
        var series: [String: Series] = [:]
        for repetition in 1...self.results.repeats {
            try beforeEach()
            for peer in self.shuffled(peers) where peer.scenarios.contains(scenario) {
                if scenario == .full { try peer.clear() }
                let sample = try self.sample(peer, scenario, source)
                var one =
                    series[peer.name]
                    ?? Series(
                        volume: source.name,
                        scenario: scenario,
                        pattern: pattern,
                        peer: peer.name,
                        summary: peer.summary,
                        changedBytes: changed,
                        boundSeconds: bound,
                        sizeBytes: source.size.bytes,
                        volumeCount: max(1, source.names.count)
                    )
                one.samples.append(sample)
                series[peer.name] = one
                self.report(one, sample, repetition)
            }
        }
        self.results.series += series.values.sorted { $0.peer < $1.peer }
    }

    /// Kills a full transfer when half of its bytes have travelled and measures the next start.
    private func measureResume(_ source: Source, _ peers: [any Peer]) throws {
        for peer in peers {
            guard peer.scenarios.contains(.resume) else {
                self.results.skipped.append("\(peer.name): no resume")
                continue
            }
            let usual = self.results.series.first {
                $0.peer == peer.name && $0.scenario == .full && $0.volume == source.name
            }
            var series = Series(
                volume: source.name,
                scenario: .resume,
                pattern: nil,
                peer: peer.name,
                summary: peer.summary,
                changedBytes: self.results.roofline?.nonzeroBytes ?? 0
            )
            for repetition in 1...self.results.repeats {
                try peer.clear()
                let whole: Double
                if let usual {
                    whole = usual.median { Double($0.loopbackBytes) }
                } else {
                    whole = Double(try self.sample(peer, .full, source).loopbackBytes)
                    try peer.clear()
                }
                try peer.interrupt(afterLoopbackBytes: Int(whole / 2))
                let sample = try self.sample(peer, .resume, source)
                series.samples.append(sample)
                self.report(series, sample, repetition)
            }
            self.results.series.append(series)
        }
    }

    /// One transfer, with memory touched and the source in the page cache before it.
    private func sample(
        _ peer: any Peer,
        _ scenario: Scenario,
        _ source: Source
    ) throws -> Sample {
        if scenario != .transport {
            if scenario != .resume { try Machine.touchMemory(for: source.dataSize) }
            for file in source.files(at: source.path) { try RawFile.warm(file) }
        }
        var sample = try peer.transfer(scenario)
        sample.identical = try peer.isIdentical()
        return sample
    }

    private func shuffled(_ peers: [any Peer]) -> [any Peer] {
        var peers = peers
        self.order.shuffle(&peers)
        return peers
    }

    private func report(_ series: Series, _ sample: Sample, _ repetition: Int) {
        say(
            "\(series.title) \(repetition)/\(self.results.repeats) \(series.peer):"
                + " \(fixed(sample.wallSeconds, 3)) s, \(fixed(sample.processorSeconds, 2)) cpu s,"
                + " \(fixed(Double(sample.wireBytes) / 1e6, 1)) MB"
                + (sample.identical ? "" : ", DIFFERS")
        )
    }
}

/// Progress goes to standard error; results to standard output.
func say(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}
