// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// A real agent in a process of its own, on ports that stay over restarts.
final class TestAgent {
    let pool: String
    private(set) var process: RunningCommand
    private(set) var version: VersionInfo
    private let extra: [String]
    private let environment: [String: String]

    init(
        _ name: String,
        in directory: String,
        extra: [String] = [],
        environment: [String: String] = [:],
        data: String = "127.0.0.1:0",
        api: String = "127.0.0.1:0"
    ) async throws {
        self.pool = "\(directory)/\(name)"
        self.extra = extra
        self.environment = environment
        self.process = try Self.launch(self.pool, data, api, extra, environment)
        do {
            self.version = try await Self.ready(self.pool, self.process)
        } catch {
            // Nobody will own it: there is no deinit of what never was.
            self.process.signal(SIGKILL)
            throw error
        }
    }

    deinit { self.process.signal(SIGKILL) }

    private static func launch(
        _ pool: String,
        _ data: String,
        _ api: String,
        _ extra: [String],
        _ environment: [String: String]
    ) throws -> RunningCommand {
        try Command.start(
            "godwit-agent",
            ["run", "--pool", pool, "--data", data, "--api", api] + extra,
            environment: environment
        )
    }

    private static func ready(_ pool: String, _ process: RunningCommand) async throws -> VersionInfo
    {
        _ = try await process.lines.first { $0.facts["message"] == "agent ready" }
        return try await Self.asking(pool) { agent throws(APIError) in
            try await agent.get(AgentRoute.version)
        }
    }

    /// Asks the agent of a pool without a process of its own for it.
    private static func asking<Answer: Sendable>(
        _ pool: String,
        _ question: (AgentClient) async throws(APIError) -> Answer
    ) async throws(APIError) -> Answer {
        try await AgentClient(at: pool).once(question)
    }

    func get<Answer: Decodable & Sendable>(_ path: String) async throws(APIError) -> Answer {
        try await Self.asking(self.pool) { agent throws(APIError) in try await agent.get(path) }
    }

    func post<Answer: Decodable & Sendable>(
        _ path: String,
        _ body: some Encodable & Sendable
    ) async throws(APIError) -> Answer {
        try await Self.asking(self.pool) { agent throws(APIError) in
            try await agent.post(path, body, timeout: .seconds(120))
        }
    }

    /// What its present process has logged.
    var log: Arrivals<LogLine> { self.process.lines }

    var apiPort: Int { Int(self.version.api?.split(separator: ":").last ?? "") ?? 0 }
    var dataPort: Int { Int(self.version.data?.split(separator: ":").last ?? "") ?? 0 }

    /// Bytes of `VmRSS` (now) or `VmHWM` (the most so far) of its present process.
    func memory(_ field: String) throws -> Int {
        let status = try String(
            contentsOfFile: "/proc/\(self.process.identifier)/status",
            encoding: .utf8
        )
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(field):") })
        let number = try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) })
        return number << 10
    }

    func kill() async throws {
        self.process.signal(SIGKILL)
        _ = try await self.process.result()
    }

    func stop() async throws -> CommandResult {
        self.process.signal(SIGTERM)
        return try await self.process.result()
    }

    func restart() async throws {
        self.process = try Self.launch(
            self.pool,
            self.version.data ?? "",
            self.version.api ?? "",
            self.extra,
            self.environment
        )
        self.version = try await Self.ready(self.pool, self.process)
    }

    /// Runs a command of the CLI against this agent.
    @discardableResult
    func godwit(_ arguments: String..., input: String = "") async throws -> CommandResult {
        try await Command.run("godwit", ["--agent", self.pool] + arguments, input: input)
    }

    /// The same, expecting that it works; what it printed as JSON.
    func value<Value: Decodable>(
        _ type: Value.Type = Value.self,
        _ arguments: String...
    ) async throws -> Value {
        try await self.value(type, arguments)
    }

    private func value<Value: Decodable>(
        _ type: Value.Type,
        _ arguments: [String]
    ) async throws -> Value {
        let result = try await Command.run(
            "godwit",
            ["--agent", self.pool] + arguments + ["-o", "json"]
        )
        try #require(result.status == 0, "\(arguments): \(result.errors)")
        return try result.json(type)
    }

    // MARK: What most tests begin with

    /// A source and a destination that do not know each other yet.
    static func two(
        in directory: String
    ) async throws -> (source: TestAgent, destination: TestAgent) {
        let source = try await TestAgent("s", in: directory)
        return (source, try await TestAgent("d", in: directory))
    }

    /// A source and a destination that are paired.
    static func paired(
        in directory: String
    ) async throws -> (source: TestAgent, destination: TestAgent) {
        let (source, destination) = try await Self.two(in: directory)
        try await source.pair(with: destination)
        return (source, destination)
    }

    func token() async throws -> String {
        try await self.value(TokenInfo.self, "cluster", "token", "show").token
    }

    /// Pairs this agent, the source, with a destination.
    func pair(with destination: TestAgent, name: String = "remote") async throws {
        let result = try await self.tryPairing(
            port: destination.apiPort,
            token: try await destination.token(),
            name: name
        )
        try #require(result.status == 0, "\(result.errors)")
    }

    /// Asks whoever listens on a port to pair; a token may be wrong.
    func tryPairing(
        port: Int,
        token: String,
        name: String = "remote"
    ) async throws -> CommandResult {
        try await self.godwit(
            "pair",
            "create",
            name,
            "--ip",
            "127.0.0.1",
            "--port",
            "\(port)",
            "--token",
            "-",
            input: token
        )
    }

    /// Makes a volume with what a file holds.
    @discardableResult
    func createVolume(_ name: String, from image: String) async throws -> VolumeInfo {
        try await self.value(VolumeInfo.self, "volume", "create", name, "--from", image)
    }

    /// Makes a volume of zeros.
    @discardableResult
    func createVolume(_ name: String, size: String) async throws -> VolumeInfo {
        try await self.value(VolumeInfo.self, "volume", "create", name, "--size", size)
    }

    /// Sends a volume to the destination that `pair(with:)` names, until it is there.
    @discardableResult
    func replicate(_ volume: String) async throws -> TransferReport {
        let reports = try await self.value(
            [TransferReport].self,
            "replicate",
            volume,
            "--to",
            "remote"
        )
        try #require(reports.count == 1)
        return reports[0]
    }

    /// Begins to send a volume there, and does not wait for it.
    @discardableResult
    func beginReplicating(_ volume: String, _ options: String...) async throws -> TransferInfo {
        let accepted = try await self.value(
            [TransferInfo].self,
            ["replicate", volume, "--to", "remote", "--detach"] + options
        )
        try #require(accepted.count == 1)
        return accepted[0]
    }
}

/// A directory that goes away with the test.
final class Scratch {
    let path: String

    init() throws {
        // Short: a socket's path has 107 bytes.
        self.path = "/tmp/gwt-\(UUID().uuidString.prefix(12))"
        try FileManager.default.createDirectory(
            atPath: self.path,
            withIntermediateDirectories: true
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func file(_ name: String, _ text: String) throws -> String {
        let path = "\(self.path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// A file of pseudo-random bytes, the same for the same seed.
    func random(_ name: String, bytes: Int, seed: UInt64) throws -> String {
        let path = "\(self.path)/\(name)"
        var generator = SeededGenerator(seed: seed)
        try Data(noise(bytes, using: &generator)).write(to: URL(fileURLWithPath: path))
        return path
    }
}
