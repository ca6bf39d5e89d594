// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// One installed `kubectl`.
struct Kubectl: Sendable, Hashable, CustomTestStringConvertible {
    let path: String
    /// Such as 32 of 1.32.
    let minor: Int

    var testDescription: String { "kubectl 1.\(self.minor)" }

    /// Each version that is installed: on the path, and beside what the path's links lead to.
    static let installed: [Self] = {
        let manager = FileManager.default
        var folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map(String.init)
        for folder in folders {
            let link = URL(fileURLWithPath: "\(folder)/kubectl").resolvingSymlinksInPath().path
            if manager.isExecutableFile(atPath: link) {
                folders.append(URL(fileURLWithPath: link).deletingLastPathComponent().path)
            }
        }
        var found: [Int: Self] = [:]
        for folder in folders {
            for name in (try? manager.contentsOfDirectory(atPath: folder)) ?? []
            where name.wholeMatch(of: /kubectl(\.[0-9.]+)?/) != nil {
                guard let kubectl = Self(path: "\(folder)/\(name)") else { continue }
                found[kubectl.minor] = found[kubectl.minor] ?? kubectl
            }
        }
        return found.values.sorted { $0.minor < $1.minor }
    }()

    /// For what needs many commands.
    static let oldestAndNewest = Set(
        [Self.installed.first, Self.installed.last].compactMap(\.self)
    )
    .sorted { $0.minor < $1.minor }

    /// The newest one, or one that fails where CI is set and there is none.
    static var newest: Self { Self.installed.last ?? Self(path: "/usr/bin/kubectl", minor: 0) }

    /// True where CI is set: there a missing kubectl is a failure, not a skipped test.
    static let isAvailable =
        !Self.installed.isEmpty || ProcessInfo.processInfo.environment["CI"] == "true"

    static let reason: Comment = "needs kubectl (Tools/setup.sh test installs one)"

    private init(path: String, minor: Int) {
        self.path = path
        self.minor = minor
    }

    private init?(path: String) {
        guard FileManager.default.isExecutableFile(atPath: path),
            let text = try? Shell.run(path, "version", "--client", "-o", "json"),
            let match = text.firstMatch(of: /"minor": *"([0-9]+)/),
            let minor = Int(match.1)
        else { return nil }
        self.init(path: path, minor: minor)
    }

    struct Output: Sendable {
        let code: Int32
        let text: String
        let errors: String

        /// The lines with single spaces, which tables pad.
        var lines: [String] {
            self.text.split(separator: "\n")
                .map {
                    $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
                }
        }
    }

    /// Runs a command to its end, whatever comes of it.
    func attempt(
        _ arguments: [String],
        as kubeconfig: String,
        input: String = ""
    ) async throws -> Output {
        try await onOwnThread {
            let process = self.process(arguments, as: kubeconfig)
            let (output, errors) = (Pipe(), Pipe())
            process.standardInput = try Self.file(input)
            process.standardOutput = output
            process.standardError = errors
            let complaint = Collector(errors)
            try process.run()
            let text = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return Output(
                code: process.terminationStatus,
                text: String(decoding: text, as: UTF8.self),
                errors: complaint.text
            )
        }
    }

    /// Runs a command that has to succeed.
    @discardableResult
    func run(
        _ arguments: String...,
        as kubeconfig: String,
        input: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Output {
        let output = try await self.attempt(arguments, as: kubeconfig, input: input)
        #expect(
            output.code == 0,
            "kubectl \(arguments.joined(separator: " ")): \(output.errors)\(output.text)",
            sourceLocation: sourceLocation
        )
        return output
    }

    /// Runs a command that has to fail, and gives what it said.
    func failure(
        _ arguments: String...,
        as kubeconfig: String,
        input: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let output = try await self.attempt(arguments, as: kubeconfig, input: input)
        #expect(output.code != 0, "\(output.text)", sourceLocation: sourceLocation)
        return output.errors
    }

    /// Runs a command that does not end by itself until it has written so many lines.
    func lines(
        _ count: Int,
        of arguments: String...,
        as kubeconfig: String,
        whileRunning body: @escaping @Sendable () async throws -> Void
    ) async throws -> [String] {
        let (started, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: [String].self) { group in
            group.addTask {
                try await onOwnThread {
                    defer { signal.finish() }
                    let process = self.process(arguments, as: kubeconfig)
                    let (output, errors) = (Pipe(), Pipe())
                    process.standardOutput = output
                    process.standardError = errors
                    try process.run()
                    var text = ""
                    while text.count(where: { $0 == "\n" }) < count {
                        let data = output.fileHandleForReading.availableData
                        if data.isEmpty { break }
                        text += String(decoding: data, as: UTF8.self)
                        signal.yield()
                    }
                    process.terminate()
                    process.waitUntilExit()
                    return text.split(separator: "\n").map(String.init)
                }
            }
            group.addTask {
                for await _ in started { break }
                try await body()
                return []
            }
            var lines: [String] = []
            for try await part in group { lines += part }
            return lines
        }
    }

    private func process(_ arguments: [String], as kubeconfig: String) -> ChildProgram {
        let process = ChildProgram()
        process.executableURL = URL(fileURLWithPath: self.path)
        process.arguments = arguments
        process.environment = [
            // Beside the cluster's directory: what kubectl keeps of a server belongs to this one.
            "KUBECONFIG": kubeconfig, "HOME": "\(kubeconfig)-home-\(self.minor)",
            "PATH": "/usr/bin:/bin",
        ]
        return process
    }

    /// Standard input: a file has no buffer that fills up.
    private static func file(_ text: String) throws -> FileHandle {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("godwit-\(UUID().uuidString)")
        try text.write(to: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: path) }
        return try FileHandle(forReadingFrom: path)
    }

    /// Reads a pipe to its end on a thread, so that its writer never waits.
    private final class Collector: @unchecked Sendable {
        // Written once before `done`, read only after it.
        private var data = Data()
        private let done = DispatchSemaphore(value: 0)

        init(_ pipe: Pipe) {
            Thread.detachNewThread {
                self.data = pipe.fileHandleForReading.readDataToEndOfFile()
                self.done.signal()
            }
        }

        /// Waits for the end.
        var text: String {
            self.done.wait()
            return String(decoding: self.data, as: UTF8.self)
        }
    }
}
