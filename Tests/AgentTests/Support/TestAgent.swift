// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// A real agent in a process of its own, on ports that stay over restarts.
final class TestAgent {
    let pool: String
    private(set) var process: RunningCommand
    private(set) var version: VersionInfo
    private let extra: [String]

    init(
        _ name: String,
        in directory: String,
        extra: [String] = [],
        data: String = "127.0.0.1:0",
        api: String = "127.0.0.1:0"
    ) async throws {
        self.pool = "\(directory)/\(name)"
        self.extra = extra
        self.process = try Self.launch(self.pool, data, api, extra)
        self.version = try await Self.ready(self.pool, self.process)
    }

    deinit { self.process.signal(SIGKILL) }

    private static func launch(
        _ pool: String,
        _ data: String,
        _ api: String,
        _ extra: [String]
    ) throws -> RunningCommand {
        try Command.start(
            "godwit-agent",
            ["run", "--pool", pool, "--data", data, "--api", api] + extra
        )
    }

    private static func ready(_ pool: String, _ process: RunningCommand) async throws -> VersionInfo
    {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(60)
        while clock.now < end, process.isRunning {
            if FileManager.default.fileExists(atPath: "\(pool)/agent.sock"),
                let client = try? AgentClient(at: pool)
            {
                let version: VersionInfo? = try? await client.get(AgentRoute.version)
                await client.close()
                if let version, let api = version.api, !api.hasSuffix(":0") { return version }
            }
            try await clock.sleep(for: .milliseconds(20))
        }
        throw APIError(.agentUnreachable, "The agent did not start: \(process.errors)")
    }

    var apiPort: Int { Int(self.version.api?.split(separator: ":").last ?? "") ?? 0 }
    var dataPort: Int { Int(self.version.data?.split(separator: ":").last ?? "") ?? 0 }

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
            self.extra
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
        let result = try await Command.run(
            "godwit",
            ["--agent", self.pool] + arguments + ["-o", "json"]
        )
        try #require(result.status == 0, "\(arguments): \(result.errors)")
        return try result.json(type)
    }

    func token() async throws -> String {
        try await self.value(TokenInfo.self, "cluster", "token", "show").token
    }

    /// Pairs this agent, the source, with a destination.
    func pair(with destination: TestAgent, name: String = "remote") async throws {
        let token = try await destination.token()
        let result = try await self.godwit(
            "pair",
            "create",
            name,
            "--ip",
            "127.0.0.1",
            "--port",
            "\(destination.apiPort)",
            "--token",
            "-",
            input: token
        )
        try #require(result.status == 0, "\(result.errors)")
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
        try generator.data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// SplitMix64: small, good enough, the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func data(_ count: Int) -> Data {
        var words: [UInt64] = []
        words.reserveCapacity(count / 8 + 1)
        for _ in 0...count / 8 { words.append(self.next()) }
        return words.withUnsafeBytes { Data($0.prefix(count)) }
    }
}
