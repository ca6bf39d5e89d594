// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// Where the pools of two agents lie.
enum GodwitPlace {
    /// In the work folder; sources are attached where they are, and declared frozen.
    case workFolder
    /// On a file system with reflink; sources lie there too and are frozen by a clone.
    case reflink(FileSystem)

    /// The file systems that can clone a file.
    enum FileSystem: String {
        case xfs
        case btrfs
    }

    /// Why there is no such place here; nil when there is.
    var obstacle: String? {
        switch self {
        case .workFolder: nil
        case .reflink(let kind): LoopFileSystem.obstacle(kind.rawValue)
        }
    }
}

/// Two agents on sides of their own, the pair between them, and the file systems of their pools.
final class GodwitPair {
    let sender: GodwitAgent
    let receiver: GodwitAgent
    private let name: String
    private let fileSystems: [LoopFileSystem]

    /// Starts both and pairs them; `room` is the size of each file system, where there are some.
    ///
    /// With a link each agent is at one end of it, else both are on the loopback interface.
    init(
        _ name: String,
        _ place: GodwitPlace,
        room: ByteCount,
        over link: ShapedLink? = nil
    ) throws {
        self.name = name
        let ends = ["send", "receive"]
        switch place {
        case .workFolder: self.fileSystems = []
        case .reflink(let kind):
            self.fileSystems = try ends.map {
                try LoopFileSystem(kind.rawValue, name: "\(name)-\($0)", size: room)
            }
        }
        let pools =
            self.fileSystems.isEmpty
            ? ends.map { Scratch.path("\(name)-\($0)") }
            : self.fileSystems.map { "\($0.mount)/pool" }
        self.sender = try GodwitAgent(
            pool: pools[0],
            side: Side("send"),
            address: link == nil ? "127.0.0.1" : ShapedLink.near
        )
        self.receiver = try GodwitAgent(
            pool: pools[1],
            side: Side("receive"),
            address: link == nil ? "127.0.0.1" : ShapedLink.far,
            entrance: link?.entrance ?? []
        )
        try self.sender.start()
        try self.receiver.start()
        try self.pair()
    }

    private func pair() throws {
        let said = try self.receiver.run(["cluster", "token", "show"])
        guard let token = said.split(whereSeparator: \.isWhitespace).last, token.count == 128 else {
            throw HarnessError("no token in: \(said)")
        }
        try self.sender.run(
            [
                "pair", "create", "perf", "--ip", self.receiver.address, "--port",
                String(self.receiver.apiPort), "--token", "-", "--mode", "DisasterRecovery",
            ],
            input: "\(token)\n"
        )
    }

    /// Where sources have to lie to be frozen by a clone; nil where they may lie anywhere.
    var sourceFolder: String? { self.fileSystems.first?.mount }

    /// Makes durable what was written to the sources that lie here.
    func syncSources() throws { try self.fileSystems.first?.sync() }

    /// The meter of both sides.
    var meter: Meter { Meter(sender: self.sender.side, receiver: self.receiver.side) }

    private var commandLog: String { Scratch.path("\(self.name)-command.log") }

    /// Starts the command that a user would type; `report` is the file that it prints to.
    func replicate(_ volumes: [String], options: [String], report: String) throws -> ChildProcess {
        var launch = Launch(
            self.sender.command(
                ["replicate"] + volumes + ["--to", "perf", "-o", "json"] + options
            ),
            errors: self.commandLog
        )
        launch.output = report
        return try self.sender.side.start(launch)
    }

    /// What the command printed about each volume; an error in it is thrown.
    func reports(in path: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let parsed = try? JSONSerialization.jsonObject(with: data)
        let items = (parsed as? [String: Any])?["items"] as? [[String: Any]]
        let fields = items ?? parsed as? [[String: Any]] ?? [parsed as? [String: Any] ?? [:]]
        guard !fields.isEmpty,
            fields.allSatisfy({ $0["wireBytes"] != nil })
        else {
            let text = String(decoding: data.suffix(500), as: UTF8.self)
            let said = (try? String(contentsOfFile: self.commandLog, encoding: .utf8)) ?? ""
            throw HarnessError(
                "no report in: \(text)\n\(said.suffix(500))\n\(self.sender.lastWords)"
            )
        }
        for one in fields {
            if let error = one["error"], !(error is NSNull) {
                throw HarnessError("replicate failed: \(error)")
            }
        }
        return fields
    }

    /// The same as texts, of the only volume.
    func report(in path: String) throws -> [String: String] {
        try self.reports(in: path).first?.mapValues { "\($0)" } ?? [:]
    }

    /// The files of the generations that the receiver shows, by the names of the volumes.
    func images() throws -> [String: String] {
        let text = try self.receiver.run(["volume", "list", "-o", "json"])
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let items = (parsed as? [String: Any])?["items"] ?? parsed
        var images: [String: String] = [:]
        for volume in items as? [[String: Any]] ?? [] {
            guard let name = volume["name"] as? String, let id = volume["id"] as? String,
                let shown = volume["generation"] as? [String: Any],
                let number = shown["number"] as? Int, let snapshot = shown["snapshot"] as? String
            else { continue }
            images[name] =
                "\(self.receiver.pool)/volumes/\(id)/generations/\(number)-\(snapshot)/image"
        }
        return images
    }

    /// Ends both without a warning and starts them again.
    func crash(while command: ChildProcess) throws {
        // Both, and the command with them: a receiver alone would be waited for.
        try self.receiver.kill()
        try self.sender.kill()
        command.signal(SIGKILL)
        try command.wait()
        try self.receiver.start()
        try self.sender.start()
    }

    func close() throws {
        try self.sender.stop()
        try self.receiver.stop()
        for fileSystem in self.fileSystems { try fileSystem.unmount() }
        for side in ["send", "receive"] {
            try? FileManager.default.removeItem(atPath: Scratch.path("\(self.name)-\(side)"))
        }
    }
}
