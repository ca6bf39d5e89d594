// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Glibc
import Locks

/// A program in a process of its own, with the names of Foundation's class.
///
/// That class lists the descriptors of this process at each start, and reads past the end of the
/// list where there are more than some 1,300 of them (swift-corelibs-foundation, pull request
/// 5472): as many as suites in parallel have. It also gives each program the pipes of the others.
///
/// `@unchecked`: what is set is set before the start, by one thread.
package final class ChildProgram: @unchecked Sendable {
    package enum TerminationReason: Sendable { case exit, uncaughtSignal }

    package struct Failure: Error, CustomStringConvertible { package let description: String }

    package var executableURL: URL?
    package var arguments: [String] = []
    /// That of this process without it.
    package var environment: [String: String]?
    package var currentDirectoryURL: URL?
    /// A `FileHandle` or a `Pipe`; this process's own without it.
    package var standardInput: Any?
    package var standardOutput: Any?
    package var standardError: Any?
    /// Called once, on a thread of its own.
    package var terminationHandler: (@Sendable (ChildProgram) -> Void)?

    package private(set) var processIdentifier: pid_t = 0
    /// What `waitpid` told, as soon as it has ended.
    private let end = Locked<Int32?>(nil)
    private let ended = DispatchGroup()

    package init() {}

    package var isRunning: Bool { self.processIdentifier != 0 && self.end.withLock { $0 == nil } }

    package var terminationReason: TerminationReason {
        (self.end.withLock { $0 ?? 0 }) & 0x7f == 0 ? .exit : .uncaughtSignal
    }

    /// The exit status, or the signal that ended it.
    package var terminationStatus: Int32 {
        let end = self.end.withLock { $0 ?? 0 }
        return end & 0x7f == 0 ? (end >> 8) & 0xff : end & 0x7f
    }

    package func terminate() { if self.isRunning { kill(self.processIdentifier, SIGTERM) } }

    package func waitUntilExit() { self.ended.wait() }

    /// Starts it.
    ///
    /// - Throws: ``Failure``, with what the system says.
    package func run() throws {
        let result = try self.spawn()
        guard result == 0 else {
            throw Failure(description: "\(self.command): \(String(cString: strerror(result)))")
        }
        // The program has its own; without the last writer's end a reader would wait for ever.
        (self.standardInput as? Pipe)?.fileHandleForReading.closeFile()
        (self.standardOutput as? Pipe)?.fileHandleForWriting.closeFile()
        (self.standardError as? Pipe)?.fileHandleForWriting.closeFile()
        self.ended.enter()
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(self.processIdentifier, &status, 0) < 0, errno == EINTR {}
            self.end.withLock { $0 = status }
            self.ended.leave()
            self.terminationHandler?(self)
        }
    }

    /// More than a test process has open.
    private static let descriptorLimit: Int32 = 4_096

    /// What is started: the shell first, where it has to change the directory.
    private var command: [String] {
        let command = [self.executableURL?.path ?? ""] + self.arguments
        guard let directory = self.currentDirectoryURL?.path else { return command }
        return ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", directory] + command
    }

    private func spawn() throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let inputs = [
            (self.standardInput as? Pipe)?.fileHandleForReading ?? self.standardInput
                as? FileHandle,
            (self.standardOutput as? Pipe)?.fileHandleForWriting
                ?? self.standardOutput as? FileHandle,
            (self.standardError as? Pipe)?.fileHandleForWriting
                ?? self.standardError as? FileHandle,
        ]
        for (number, handle) in inputs.enumerated() {
            guard let handle else { continue }
            posix_spawn_file_actions_adddup2(&actions, handle.fileDescriptor, Int32(number))
        }
        // The C library lets one be closed that is not open.
        for descriptor in Int32(3)..<Self.descriptorLimit {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A child inherits the signals that a worker thread blocks, which are nearly all.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let variables = (self.environment ?? ProcessInfo.processInfo.environment)
            .map { "\($0.key)=\($0.value)" }
        let command = self.command
        return Self.withCStrings(command) { arguments in
            Self.withCStrings(variables) { variables in
                posix_spawn(
                    &self.processIdentifier,
                    command[0],
                    &actions,
                    &attributes,
                    arguments,
                    variables
                )
            }
        }
    }

    private static func withCStrings<Value>(
        _ texts: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
    ) -> Value {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
