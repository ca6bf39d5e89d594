// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// What a finished command left.
struct CommandResult: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// The JSON that standard output holds.
    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: Data(self.output.utf8))
    }
}

/// The built executables and a way to run them.
enum Command {
    /// Where `godwit` and `godwit-agent` were built: beside the test bundle.
    static let directory: String = {
        ProcessInfo.processInfo.environment["GODWIT_BIN"] ?? Self.bundle
    }()

    /// Whether other executables are run than those beside the bundle: `make test-costs` gives those
    /// of a release build.
    static let isOptimised = Self.directory != Self.bundle

    /// Where the test bundle is.
    static let bundle: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()

    /// Runs a command to its end; reads its output through files, so that no pipe can fill up.
    static func run(
        _ name: String,
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:],
        in directory: String? = nil
    ) async throws -> CommandResult {
        let started = try Self.start(
            name,
            arguments,
            input: input,
            environment: environment,
            in: directory
        )
        return try await started.result()
    }

    static func start(
        _ name: String,
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:],
        in directory: String? = nil
    ) throws -> RunningCommand {
        let base = NSTemporaryDirectory() + "godwit-test-\(UUID().uuidString)"
        let process = ChildProgram()
        process.executableURL = URL(
            fileURLWithPath: name.hasPrefix("/") ? name : "\(Self.directory)/\(name)"
        )
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        var variables = ProcessInfo.processInfo.environment
        variables["GODWIT_AGENT"] = nil
        for (key, value) in environment { variables[key] = value }
        process.environment = variables
        for suffix in ["out", "err"] {
            _ = FileManager.default.createFile(atPath: "\(base).\(suffix)", contents: nil)
        }
        try Data(input.utf8).write(to: URL(fileURLWithPath: "\(base).in"))
        let input = FileHandle(forReadingAtPath: "\(base).in")
        let output = FileHandle(forWritingAtPath: "\(base).out")
        let errors = FileHandle(forWritingAtPath: "\(base).err")
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        // The child has its own by then.
        defer { for handle in [input, output, errors] { try? handle?.close() } }
        return try RunningCommand(process, base: base)
    }
}

/// A command that may still run.
final class RunningCommand: @unchecked Sendable {
    // Only `terminate`-like calls and the identifier are used after the start.
    private let process: ChildProgram
    private let base: String
    private let ended: AsyncStream<Int32>
    private let log: CommandLog

    init(_ process: ChildProgram, base: String) throws {
        self.process = process
        self.base = base
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.ended = stream
        let log = try CommandLog("\(base).err")
        self.log = log
        process.terminationHandler = { process in
            log.finish()
            let byExit = process.terminationReason == .exit
            continuation.yield(byExit ? process.terminationStatus : 128 + process.terminationStatus)
            continuation.finish()
        }
        try process.run()
    }

    /// The lines of its standard error as they come.
    var lines: Arrivals<LogLine> { self.log.lines }
    var identifier: Int32 { self.process.processIdentifier }
    var isRunning: Bool { self.process.isRunning }

    var errors: String {
        (try? String(contentsOfFile: "\(self.base).err", encoding: .utf8)) ?? ""
    }

    /// Does nothing once it has ended: the number may be another process's by then.
    func signal(_ number: Int32) {
        if self.process.isRunning { kill(self.process.processIdentifier, number) }
    }

    /// Waits for the end; call once.
    ///
    /// Where the test is cancelled meanwhile, as when it takes too long, the command is killed.
    func result() async throws -> CommandResult {
        let status = await withTaskCancellationHandler {
            await self.ended.first { _ in true } ?? -1
        } onCancel: {
            self.signal(SIGKILL)
        }
        let output = try String(contentsOfFile: "\(self.base).out", encoding: .utf8)
        return CommandResult(status: status, output: output, errors: self.errors)
    }

    deinit {
        for suffix in ["in", "out", "err"] {
            try? FileManager.default.removeItem(atPath: "\(self.base).\(suffix)")
        }
    }
}
