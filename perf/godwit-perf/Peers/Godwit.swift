// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// Two agents and the command that a user would type: the time includes starting that command.
final class Godwit: Peer {
    /// Where the pools lie.
    enum Place {
        /// In the work folder; the source is attached where it is, and declared frozen.
        case workFolder
        /// On a file system with reflink; the source lies there too and is frozen by a clone.
        case reflink(FileSystem)
    }

    /// The file systems that can clone a file.
    enum FileSystem: String {
        case xfs
        case btrfs
    }

    let scenarios: Set<Scenario> = [.full, .incremental, .unchanged, .resume]
    private let place: Place
    private let sendSide = Side("send")
    private let receiveSide = Side("receive")
    private var fileSystems: [LoopFileSystem] = []
    private var agents: (sender: GodwitAgent, receiver: GodwitAgent)?
    private var source: Source?
    private var path = ""
    private var volume: String?
    private var count = 0

    init(_ place: Place) { self.place = place }

    var name: String {
        switch self.place {
        case .workFolder: "godwit"
        case .reflink(.xfs): "godwit-reflink"
        case .reflink(.btrfs): "godwit-btrfs"
        }
    }

    var summary: String {
        switch self.place {
        case .workFolder: "godwit replicate; pools in the work folder, source attached, frozen"
        case .reflink(let kind):
            "godwit replicate; pools on loop-mounted \(kind.rawValue), source frozen by a clone"
        }
    }

    var obstacle: String? {
        for name in ["godwit", "godwit-agent"]
        where access("\(GodwitAgent.folder)/\(name)", X_OK) != 0 {
            return "\(GodwitAgent.folder)/\(name) is not built"
        }
        switch self.place {
        case .workFolder: return nil
        case .reflink(let kind): return LoopFileSystem.obstacle(kind.rawValue)
        }
    }

    func open(_ source: Source) throws {
        self.source = source
        self.path = source.path
        var pools = ["\(self.name)-send", "\(self.name)-receive"].map { Scratch.path($0) }
        switch self.place {
        case .workFolder: break
        case .reflink(let kind):
            let size = ByteCount(source.size.bytes * 3 + (1 << 30))
            self.fileSystems = try ["send", "receive"]
                .map {
                    try LoopFileSystem(kind.rawValue, name: $0, size: size)
                }
            pools = self.fileSystems.map { "\($0.mount)/pool" }
            self.path = "\(self.fileSystems[0].mount)/volume.img"
            try run(["cp", "--sparse=always", source.path, self.path])
            try self.fileSystems[0].sync()
        }
        let sender = try GodwitAgent(pool: pools[0], side: self.sendSide)
        let receiver = try GodwitAgent(pool: pools[1], side: self.receiveSide)
        self.agents = (sender, receiver)
        try sender.start()
        try receiver.start()
        let said = try receiver.run(["cluster", "token", "show"])
        guard let token = said.split(whereSeparator: \.isWhitespace).last, token.count == 128 else {
            throw HarnessError("no token in: \(said)")
        }
        try sender.run(
            [
                "pair", "create", "perf", "--ip", "127.0.0.1", "--port", String(receiver.apiPort),
                "--token", "-", "--mode", "DisasterRecovery",
            ],
            input: "\(token)\n"
        )
    }

    func follow(_ difference: Difference, to state: VolumeState) throws {
        guard let fileSystem = self.fileSystems.first else { return }
        try difference.apply(state, to: self.path)
        try fileSystem.sync()
    }

    /// A new volume, so that the destination has nothing of it.
    func clear() throws {
        guard let agents = self.agents else { return }
        if let volume = self.volume {
            try agents.sender.run(["volume", "delete", volume, "--yes"])
            try agents.receiver.run(["volume", "delete", volume, "--yes"])
        }
        self.count += 1
        let volume = "volume-\(self.count)"
        var create = ["volume", "create", volume, "--attach", self.path]
        switch self.place {
        case .workFolder: create.append("--frozen")
        case .reflink: break
        }
        try agents.sender.run(create)
        self.volume = volume
    }

    func transfer(_ scenario: Scenario) throws -> Sample {
        guard let agents = self.agents, let volume = self.volume else {
            throw HarnessError("\(self.name) has no volume")
        }
        if !self.fileSystems.isEmpty { try RawFile.warm(self.path) }
        let report = Scratch.path("\(self.name).json")
        unlink(report)
        var sample = try Meter(sender: self.sendSide, receiver: self.receiveSide)
            .measure {
                // It returns when the generation is committed, which is after fsync.
                try self.replicate(agents.sender, volume, report: report).wait()
            }
        sample.reported = try self.report(in: report)
        return sample
    }

    private func replicate(
        _ agent: GodwitAgent,
        _ volume: String,
        report: String
    ) throws -> ChildProcess {
        var launch = Launch(
            agent.command(["replicate", volume, "--to", "perf", "-o", "json"]),
            errors: Scratch.path("\(self.name)-command.log")
        )
        launch.output = report
        return try self.sendSide.start(launch)
    }

    /// The numbers that the command printed; an error in them is thrown.
    private func report(in path: String) throws -> [String: String] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let parsed = try? JSONSerialization.jsonObject(with: data)
        let list = (parsed as? [String: Any])?["items"] ?? parsed
        let object = (list as? [Any])?.last ?? list
        guard let fields = object as? [String: Any], fields["wireBytes"] != nil else {
            let text = String(decoding: data.suffix(500), as: UTF8.self)
            throw HarnessError("no report in: \(text)\n\(self.agents?.sender.lastWords ?? "")")
        }
        if let error = fields["error"], !(error is NSNull) {
            throw HarnessError("replicate failed: \(error)")
        }
        return fields.mapValues { "\($0)" }
    }

    func interrupt(afterLoopbackBytes count: Int) throws {
        guard let agents = self.agents, let volume = self.volume else { return }
        let limit = Machine.loopbackBytes() + count
        let client = try self.replicate(
            agents.sender,
            volume,
            report: Scratch.path("\(self.name)-interrupted.json")
        )
        try Machine.waitForLoopback(limit, or: client)
        // Both, and the command with them: a receiver alone would be waited for.
        try agents.receiver.kill()
        try agents.sender.kill()
        client.signal(SIGKILL)
        try client.wait()
        try agents.receiver.start()
        try agents.sender.start()
    }

    func isIdentical() throws -> Bool {
        guard let agents = self.agents, let volume = self.volume else { return false }
        let copy = "\(agents.receiver.pool).copy"
        defer { unlink(copy) }
        try agents.receiver.run(["volume", "export", volume, "--to", copy])
        let same = try RawFile.same(self.path, copy)
        try RawFile.syncAndEvict(copy)
        return same
    }

    func close() throws {
        try self.agents?.sender.stop()
        try self.agents?.receiver.stop()
        self.agents = nil
        self.volume = nil
        for fileSystem in self.fileSystems { try fileSystem.unmount() }
        self.fileSystems = []
        for side in ["send", "receive"] {
            try? FileManager.default.removeItem(atPath: Scratch.path("\(self.name)-\(side)"))
        }
    }
}
