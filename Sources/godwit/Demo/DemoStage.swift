// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation

/// What the demonstration runs on: a directory, agents, clusters, and a shell that runs what is
/// shown.
final class DemoStage {
    let directory: String
    private let executables: String
    private var started: [String: Process] = [:]
    private var ports: [String: (data: Int, api: Int)] = [:]

    init(directory: String) throws(APIError) {
        self.directory = directory
        self.executables = try Self.executables()
        do {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
        } catch {
            throw APIError(
                .failedDemo,
                "The directory \(directory) cannot be made.",
                cause: error.localizedDescription,
                try: "give another one: --dir DIR"
            )
        }
    }

    /// Where this executable lies; agent and controller lie beside it.
    private static func executables() throws(APIError) -> String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let directory = URL(fileURLWithPath: own).deletingLastPathComponent().path
        for name in ["godwit-agent", "godwit-controller"]
        where !FileManager.default.isExecutableFile(atPath: "\(directory)/\(name)") {
            throw APIError(
                .failedDemo,
                "There is no \(name) beside \(own).",
                try: "build all of them: make build"
            )
        }
        return directory
    }

    // MARK: - Words

    func say(_ text: String) { Console.write(text + "\n", to: .standardOutput) }

    func headline(_ text: String) { self.say("\n== \(text)") }

    // MARK: - Commands

    /// Shows a command line and runs exactly it.
    func shell(_ line: String) throws(APIError) {
        try self.finish(try self.start(line), line)
    }

    /// Shows a command line and starts exactly it.
    func start(_ line: String) throws(APIError) -> Process {
        self.say("$ \(line)")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line]
        process.currentDirectoryURL = URL(fileURLWithPath: self.directory)
        var environment = ProcessInfo.processInfo.environment
        let path = environment["PATH"] ?? "/usr/bin:/bin"
        environment["PATH"] = "\(self.executables):\(path):/usr/sbin:/sbin"
        process.environment = environment
        do { try process.run() } catch {
            throw APIError(.failedDemo, "'\(line)' cannot be started.", cause: "\(error)")
        }
        return process
    }

    func finish(_ process: Process, _ line: String) throws(APIError) {
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw APIError(
                .failedDemo,
                "'\(line)' ended with \(process.terminationStatus).",
                try: "look at \(self.directory)/*.log; --keep leaves everything there"
            )
        }
    }

    // MARK: - Agents and clusters

    /// Starts an agent on ports that stay its own over restarts.
    func startAgent(_ name: String) async throws {
        let ports = try self.ports[name] ?? (try Self.freePort(), try Self.freePort())
        self.ports[name] = ports
        let process = try self.background(
            name,
            "godwit-agent run --pool \(name) --data 127.0.0.1:\(ports.data) --api "
                + "127.0.0.1:\(ports.api)"
        )
        try await self.wait(for: "\(name) agent", process, log: name) {
            let version: VersionInfo? = try? await self.ask(name, AgentRoute.version)
            return version?.api?.hasSuffix(":0") == false
        }
    }

    /// Starts a cluster, and its controllers, in one process.
    func startCluster(_ name: String, agent: String) async throws {
        let process = try self.background(
            name,
            "godwit-controller run --embedded \(name) --agent \(agent)"
        )
        // The last line of a start: objects are read, and what is asked for is seen at once.
        try await self.wait(for: "cluster \(name)", process, log: name) {
            self.log(of: name).contains("controllers ready")
        }
    }

    /// Shows a command line with what the shell would need, and starts it with its log in a file.
    private func background(_ name: String, _ line: String) throws -> Process {
        self.say("$ \(line) 2>>\(name).log &")
        let words = line.split(separator: " ").map(String.init)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(self.executables)/\(words[0])")
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: self.directory)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let log = "\(self.directory)/\(name).log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        if let handle = FileHandle(forWritingAtPath: log) {
            handle.seekToEndOfFile()
            process.standardError = handle
        }
        try process.run()
        self.started[name] = process
        return process
    }

    func apiPort(_ name: String) -> Int { self.ports[name]?.api ?? 0 }

    /// Ends an agent as a power cut would.
    func kill(_ name: String) {
        guard let process = self.started[name] else { return }
        self.say("$ kill -9 \(process.processIdentifier)    # the \(name) agent")
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Ends everything in order.
    func stopAll() {
        for process in self.started.values where process.isRunning { process.terminate() }
        for process in self.started.values { process.waitUntilExit() }
    }

    /// Of everything that was started, as `kill` takes them.
    var processIdentifiers: String {
        self.started.values.map { "\($0.processIdentifier)" }.sorted().joined(separator: " ")
    }

    /// Asks an agent something, as the commands do.
    func ask<Answer: Decodable & Sendable>(
        _ name: String,
        _ path: String
    ) async throws -> Answer {
        try await AgentClient(at: "\(self.directory)/\(name)")
            .once { client throws(APIError) in
                try await client.get(path, timeout: .seconds(10))
            }
    }

    /// Where applications write to a volume of an agent.
    func livePath(of volume: String, at agent: String = "source") async throws -> String {
        let info: VolumeInfo = try await self.ask(agent, AgentRoute.volume(volume))
        guard let path = info.path else {
            throw APIError(.failedDemo, "The volume \(volume) has no path.")
        }
        let prefix = self.directory + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    private func log(of name: String) -> String {
        (try? String(contentsOfFile: "\(self.directory)/\(name).log", encoding: .utf8)) ?? ""
    }

    private func wait(
        for what: String,
        _ process: Process,
        log: String,
        until isReady: () async -> Bool
    ) async throws {
        for _ in 0..<200 {
            if await isReady() { return }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw APIError(
            .failedDemo,
            "The \(what) did not start.",
            cause: self.log(of: log).split(separator: "\n").suffix(3).joined(separator: " "),
            try: "look at \(self.directory)/\(log).log"
        )
    }

    private static func freePort() throws(APIError) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else {
            throw APIError(.failedDemo, "There is no free port on 127.0.0.1.")
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
