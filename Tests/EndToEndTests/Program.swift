// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import ObjectModel
import TestSupport

/// One of the built executables in a process of its own, and what it has logged.
///
/// `@unchecked`: after the start only the identifier and signals are used.
final class Program: @unchecked Sendable {
    struct Ended: Error, CustomStringConvertible { let description: String }

    private struct Waiter {
        let number: Int
        let text: String
        let found: CheckedContinuation<String?, Never>
    }

    private struct State {
        var lines: [String] = []
        var rest = ""
        var isOver = false
        var waiting: [Waiter] = []
        var waiterCount = 0
    }

    private let process = ChildProgram()
    private let state = Locked(State())

    /// Where the executables were built: beside the test bundle.
    static let directory: String = {
        let variables = ProcessInfo.processInfo.environment
        if let given = variables["GODWIT_BIN"] { return given }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: own ?? "").deletingLastPathComponent().path
    }()

    /// Starts a built executable, or a program of the system by its path.
    ///
    /// - Parameters:
    ///   - name: of the executable, or a path.
    ///   - arguments: what it gets.
    ///   - variables: of its environment, besides those of this process.
    /// - Throws: where it cannot be started.
    init(
        _ name: String,
        _ arguments: [String],
        _ variables: [String: String] = [:]
    ) throws {
        let pipe = Pipe()
        self.process.executableURL = URL(
            fileURLWithPath: name.hasPrefix("/") ? name : "\(Self.directory)/\(name)"
        )
        self.process.arguments = arguments
        self.process.environment = ProcessInfo.processInfo.environment
            .merging(variables) { $1 }
        self.process.standardInput = FileHandle.nullDevice
        self.process.standardOutput = FileHandle.nullDevice
        self.process.standardError = pipe
        try self.process.run()
        // A thread that reads, for a readability handler that ends by itself crashes in libdispatch
        // now and then.
        let reading = pipe.fileHandleForReading
        Thread.detachNewThread { [weak self] in
            while case let data = reading.availableData, !data.isEmpty {
                self?.heard(String(decoding: data, as: UTF8.self))
            }
            self?.heard(nil)
        }
    }

    deinit { self.signal(SIGKILL) }

    private func heard(_ text: String?) {
        let served = self.state.withLock { state in
            if let text { state.rest += text } else { state.isOver = true }
            var parts = state.rest.split(separator: "\n", omittingEmptySubsequences: false)
            state.rest = String(parts.popLast() ?? "")
            state.lines += parts.map(String.init)
            let (lines, isOver) = (state.lines, state.isOver)
            var served: [(CheckedContinuation<String?, Never>, String?)] = []
            state.waiting.removeAll { waiter in
                let line = lines.first { $0.contains(waiter.text) }
                guard line != nil || isOver else { return false }
                served.append((waiter.found, line))
                return true
            }
            return served
        }
        for (waiter, line) in served { waiter.resume(returning: line) }
    }

    /// The first line of its log with this text, as JSON; waits for it.
    ///
    /// - Throws: ``Ended`` with its log, where it ends without such a line or the test's time is over.
    func logged(_ text: String) async throws -> JSON { try JSON(parsing: await self.said(text)) }

    /// The first line of what it says with this text; waits for it.
    ///
    /// - Throws: ``Ended`` as ``logged(_:)``.
    func said(_ text: String) async throws -> String {
        let number = self.state.withLock { state in
            state.waiterCount += 1
            return state.waiterCount
        }
        let line = await withTaskCancellationHandler {
            await self.line(with: text, number)
        } onCancel: {
            self.abandon(number)
        }
        guard let line else { throw Ended(description: "no '\(text)' in:\n\(self.log)") }
        return line
    }

    private func line(with text: String, _ number: Int) async -> String? {
        await withCheckedContinuation { continuation in
            let known = self.state.withLock { state -> String?? in
                if let line = state.lines.first(where: { $0.contains(text) }) { return line }
                if state.isOver { return .some(nil) }
                state.waiting.append(Waiter(number: number, text: text, found: continuation))
                return nil
            }
            if let known { continuation.resume(returning: known) }
            // Cancelled before it waited, when there was nobody to let go.
            if known == nil, Task.isCancelled { self.abandon(number) }
        }
    }

    /// Lets one go that waits for a line.
    private func abandon(_ number: Int) {
        let waiter = self.state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
        }
        waiter?.found.resume(returning: nil)
    }

    /// All that it has logged.
    var log: String { self.state.withLock { $0.lines.joined(separator: "\n") } }

    var runs: Bool { self.process.isRunning }

    func signal(_ number: Int32) {
        if self.runs { kill(self.process.processIdentifier, number) }
    }

    /// Ends it at once, wherever it is, and waits until it is gone.
    func kill9() {
        self.signal(SIGKILL)
        self.process.waitUntilExit()
    }

    /// Waits until it has ended.
    func waitUntilExit() { self.process.waitUntilExit() }

    /// Asks it to end; its exit code.
    func stop() -> Int32 {
        self.signal(SIGTERM)
        self.process.waitUntilExit()
        return self.process.terminationStatus
    }
}

extension Program {
    /// What a program that has ended left.
    struct Result: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs a program to its end, with its output in files, so that no pipe can fill up.
    static func run(_ name: String, _ arguments: [String], in scratch: String) throws -> Result {
        let base = "\(scratch)/run-\(UUID().uuidString.prefix(8))"
        for suffix in ["out", "err"] {
            _ = FileManager.default.createFile(atPath: "\(base).\(suffix)", contents: nil)
        }
        let process = ChildProgram()
        process.executableURL = URL(fileURLWithPath: "\(Self.directory)/\(name)")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: "\(base).out")
        process.standardError = FileHandle(forWritingAtPath: "\(base).err")
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            output: try String(contentsOfFile: "\(base).out", encoding: .utf8),
            errors: try String(contentsOfFile: "\(base).err", encoding: .utf8)
        )
    }
}

/// A directory that goes away with the test.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        // Short: a socket's path has 107 bytes.
        self.path = "/tmp/gwc-\(UUID().uuidString.prefix(12))"
        try FileManager.default.createDirectory(
            atPath: self.path,
            withIntermediateDirectories: true
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}
