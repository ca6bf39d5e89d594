// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// Two agents and the command that a user would type: the time includes starting that command.
final class Godwit: Peer {
    /// What the command is told about compressing.
    enum Codec: String {
        /// Nothing: the agents choose.
        case auto
        case lz4
    }

    let scenarios: Set<Scenario>
    private let place: GodwitPlace
    private let codec: Codec
    private var pair: GodwitPair?
    private var source: Source?
    /// What is replicated: the source, or a copy of it beside the pool.
    private var path = ""
    private var volumes: [String] = []
    private var count = 0

    init(_ place: GodwitPlace, codec: Codec = .auto) {
        self.place = place
        self.codec = codec
        switch codec {
        case .auto: self.scenarios = [.full, .incremental, .unchanged, .resume]
        case .lz4: self.scenarios = [.full, .incremental]
        }
    }

    var name: String {
        let name =
            switch self.place {
            case .workFolder: "godwit"
            case .reflink(.xfs): "godwit-reflink"
            case .reflink(.btrfs): "godwit-btrfs"
            }
        return name + (self.codec == .auto ? "" : "-\(self.codec.rawValue)")
    }

    var summary: String {
        let command = (["godwit replicate"] + self.options).joined(separator: " ")
        return switch self.place {
        case .workFolder: "\(command); pools in the work folder, source attached, frozen"
        case .reflink(let kind):
            "\(command); pools on loop-mounted \(kind.rawValue), source frozen by a clone"
        }
    }

    private var options: [String] {
        switch self.codec {
        case .auto: []
        case .lz4: ["--codec", "lz4"]
        }
    }

    var obstacle: String? {
        for name in ["godwit", "godwit-agent"]
        where access("\(GodwitAgent.folder)/\(name)", X_OK) != 0 {
            return "\(GodwitAgent.folder)/\(name) is not built"
        }
        return self.place.obstacle
    }

    func open(_ source: Source) throws {
        self.source = source
        self.path = source.path
        let room = ByteCount(source.dataSize.bytes * 3 + (1 << 30))
        let pair = try GodwitPair(self.name, self.place, room: room)
        self.pair = pair
        guard let folder = pair.sourceFolder else { return }
        self.path = "\(folder)/source"
        try run(["cp", "-r", "--sparse=always", source.path, self.path])
        try pair.syncSources()
    }

    func follow(_ difference: any Change, to state: VolumeState) throws {
        guard let pair = self.pair, pair.sourceFolder != nil else { return }
        try difference.apply(state, to: self.path)
        try pair.syncSources()
    }

    /// New volumes, so that the destination has nothing of them.
    func clear() throws {
        guard let pair = self.pair, let source = self.source else { return }
        for volume in self.volumes {
            try pair.sender.run(["volume", "delete", volume, "--yes"])
            try pair.receiver.run(["volume", "delete", volume, "--yes"])
        }
        self.volumes = []
        self.count += 1
        for (index, file) in source.files(at: self.path).enumerated() {
            let volume = "volume-\(self.count)-\(index)"
            var create = ["volume", "create", volume, "--attach", file]
            if pair.sourceFolder == nil { create.append("--frozen") }
            try pair.sender.run(create)
            self.volumes.append(volume)
        }
    }

    func transfer(_ scenario: Scenario) throws -> Sample {
        let (pair, source) = try self.opened()
        if pair.sourceFolder != nil {
            for file in source.files(at: self.path) { try RawFile.warm(file) }
        }
        let report = Scratch.path("\(self.name).json")
        unlink(report)
        var sample = try pair.meter.measure {
            // It returns when the generations are committed, which is after fsync.
            try pair.replicate(self.volumes, options: self.options, report: report).wait()
        }
        let reports = try pair.reports(in: report)
        guard reports.count == self.volumes.count else {
            throw HarnessError("\(reports.count) reports of \(self.volumes.count) volumes")
        }
        sample.reported = Self.summary(of: reports)
        return sample
    }

    /// The one report whole; of several the sums that are looked at later.
    private static func summary(of reports: [[String: Any]]) -> [String: String] {
        if reports.count == 1 { return reports[0].mapValues { "\($0)" } }
        var sums = ["volumes": String(reports.count)]
        for key in ["changedBytes", "zeroBytes", "readBytes", "wireBytes"] {
            sums[key] = String(reports.reduce(0) { $0 + (($1[key] as? NSNumber)?.intValue ?? 0) })
        }
        return sums
    }

    private func opened() throws -> (GodwitPair, Source) {
        guard let pair = self.pair, let source = self.source, !self.volumes.isEmpty else {
            throw HarnessError("\(self.name) has no volume")
        }
        return (pair, source)
    }

    func interrupt(afterLoopbackBytes count: Int) throws {
        let (pair, _) = try self.opened()
        let limit = Machine.loopbackBytes() + count
        let report = Scratch.path("\(self.name)-interrupted.json")
        let client = try pair.replicate(self.volumes, options: self.options, report: report)
        try Machine.waitForLoopback(limit, or: client)
        try pair.crash(while: client)
    }

    func isIdentical() throws -> Bool {
        let (pair, source) = try self.opened()
        if self.volumes.count > 1 { return try self.replicasAreIdentical(pair, source) }
        let copy = "\(pair.receiver.pool).copy"
        defer { unlink(copy) }
        try pair.receiver.run(["volume", "export", self.volumes[0], "--to", copy])
        let same = try RawFile.same(self.path, copy)
        try RawFile.syncAndEvict(copy)
        return same
    }

    /// Where there are many, each is read where docs/state-files.md says that it lies.
    private func replicasAreIdentical(_ pair: GodwitPair, _ source: Source) throws -> Bool {
        let images = try pair.images()
        for (volume, file) in zip(self.volumes, source.files(at: self.path)) {
            guard let image = images[volume] else {
                throw HarnessError("the receiver shows no generation of \(volume)")
            }
            guard try RawFile.same(file, image) else { return false }
            try RawFile.syncAndEvict(image)
        }
        return true
    }

    func close() throws {
        try self.pair?.close()
        self.pair = nil
        self.volumes = []
    }
}
