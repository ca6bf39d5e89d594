// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import Locks
import ObjectModel
import TestSupport
import Testing

/// Somebody at a shell beside one side: types what the documents show, under the names that they use.
struct Person: Sendable {
    /// Where files are saved.
    let directory: String
    private let environment: [String: String]

    /// Somebody at `site`, whose kubeconfig has `namespace` as the current one.
    init(at site: Site, in namespace: String, scratch: String) throws {
        self.directory = "\(scratch)/person-\(UUID().uuidString.prefix(8))"
        let programs = "\(self.directory)/bin"
        let manager = FileManager.default
        try manager.createDirectory(atPath: programs, withIntermediateDirectories: true)
        for name in ["godwit", "storkctl", "pxctl"] {
            try manager.createSymbolicLink(
                atPath: "\(programs)/\(name)",
                withDestinationPath: "\(Program.directory)/godwit"
            )
        }
        let kubeconfig = "\(self.directory)/kubeconfig"
        let file = try Self.kubeconfig(of: site, namespace)
        try Data(file.pretty.utf8).write(to: URL(fileURLWithPath: kubeconfig))
        // Where the servers are real, their own kubectl comes first.
        let servers = ProcessInfo.processInfo.environment["GODWIT_TEST_CLUSTERS"]
        let path = [programs] + (servers.map { ["\($0)/bin"] } ?? []) + ["/usr/bin", "/bin"]
        self.environment = [
            "PATH": path.joined(separator: ":"), "HOME": self.directory, "TZ": "UTC",
            "KUBECONFIG": kubeconfig, "GODWIT_AGENT": "\(site.directory)/pool",
        ]
    }

    /// As `kubectl config set-context --current --namespace` leaves it.
    private static func kubeconfig(of site: Site, _ namespace: String) throws -> JSON {
        let path = site.adminKubeconfig
        var file = try JSON(yaml: String(contentsOfFile: path, encoding: .utf8))
        let contexts = (file["contexts"]?.array ?? [])
            .map { context -> JSON in
                var context = context
                context.set(.string(namespace), at: "context", "namespace")
                return context
            }
        file.set(.array(contexts), at: "contexts")
        return file
    }

    /// Runs a line to its end, whatever comes of it; on request as where no agent runs on the machine.
    @discardableResult
    func types(_ words: [String], withoutAgent: Bool = false) async throws -> Program.Result {
        let base = "\(self.directory)/run-\(UUID().uuidString.prefix(8))"
        for suffix in ["out", "err"] {
            _ = FileManager.default.createFile(atPath: "\(base).\(suffix)", contents: nil)
        }
        let process = self.process(words, withoutAgent)
        process.standardOutput = FileHandle(forWritingAtPath: "\(base).out")
        process.standardError = FileHandle(forWritingAtPath: "\(base).err")
        let (ended, signal) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = { process in
            signal.yield(process.terminationStatus)
            signal.finish()
        }
        try process.run()
        let status = await ended.first { _ in true }
        return Program.Result(
            status: status ?? -1,
            output: try String(contentsOfFile: "\(base).out", encoding: .utf8),
            errors: try String(contentsOfFile: "\(base).err", encoding: .utf8)
        )
    }

    /// The same for a line that has to succeed.
    @discardableResult
    func succeeds(_ words: [String], withoutAgent: Bool = false) async throws -> Program.Result {
        let result = try await self.types(words, withoutAgent: withoutAgent)
        try #require(
            result.status == 0,
            "\(words.joined(separator: " ")): \(result.errors)\(result.output)"
        )
        return result
    }

    /// The same for a line in one text.
    @discardableResult
    func succeeds(_ line: String) async throws -> Program.Result {
        try await self.succeeds(line.split(separator: " ").map(String.init))
    }

    /// Writes a file, with the folder that its name may have.
    func save(_ text: String, as name: String) throws {
        let file = URL(fileURLWithPath: "\(self.directory)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: file)
    }

    /// Removes it again.
    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(self.directory)/\(name)")
    }

    /// Begins a line that goes on printing.
    func watches(_ line: String) throws -> PrintedRows {
        try PrintedRows(self.process(line.split(separator: " ").map(String.init), false))
    }

    private func process(_ words: [String], _ withoutAgent: Bool) -> ChildProgram {
        let process = ChildProgram()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.currentDirectoryURL = URL(fileURLWithPath: self.directory)
        process.environment = self.environment
        if withoutAgent { process.environment?["GODWIT_AGENT"] = "\(self.directory)/no-agent" }
        process.standardInput = FileHandle.nullDevice
        return process
    }
}

/// A command that goes on printing a table, and the rows that it prints.
///
/// `@unchecked`: after the start only the identifier and signals are used.
final class PrintedRows: @unchecked Sendable {
    private let process: ChildProgram
    private let lines: AsyncStream<String>

    fileprivate init(_ process: ChildProgram) throws {
        self.process = process
        let pipe = Pipe()
        let (lines, signal) = AsyncStream<String>.makeStream()
        self.lines = lines
        let rest = Locked("")
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        pipe.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            guard !data.isEmpty else {
                handle.readabilityHandler = nil
                signal.finish()
                return
            }
            let whole = rest.withLock { rest in
                rest += String(decoding: data, as: UTF8.self)
                var parts = rest.split(separator: "\n", omittingEmptySubsequences: false)
                rest = String(parts.popLast() ?? "")
                return parts.map(String.init)
            }
            for line in whole { signal.yield(line) }
        }
        try process.run()
    }

    deinit { if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) } }

    /// The rows up to the first one that is so; waits for it.
    func rows(upTo isSo: ([String]) -> Bool) async -> [[String]] {
        var rows: [[String]] = []
        for await line in self.lines {
            rows.append(Table.cells(line))
            if isSo(rows[rows.count - 1]) { break }
        }
        return rows
    }
}

/// Tables as people read them.
enum Table {
    static func cells(_ line: some StringProtocol) -> [String] {
        String(line).split(separator: /\s{2,}/).map(String.init)
    }

    static func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").map { Self.cells($0) }
    }
}
