// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Locks

/// A program that is run once for what it prints; no shell takes part.
///
/// By the calls of the system, on a thread of its own. Foundation's class gives the pipes of each
/// program that is started at the same time to all of them, and an end of output that never comes.
package struct ChildProcess: Sendable {
    /// What a program printed, and how it ended.
    package struct Output: Sendable {
        /// The exit status, or 128 and the signal that ended it, as shells tell it.
        package var status: Int32 = 0
        /// What it wrote to its standard output.
        package var output: [UInt8] = []
        /// What it wrote to its standard error.
        package var errors: [UInt8] = []
    }

    /// What becomes of a program that prints more than it may.
    package enum Excess: Sendable {
        /// It is killed.
        case isRefused
        /// Of each output the end is kept. Nothing that it started outlives it.
        case isDropped
    }

    /// Why nothing came of a program.
    package enum Failure: Error {
        case cannotStart(String)
        case printsTooMuch(Int)
    }

    let executable: String
    let arguments: [String]
    let variables: [String: String]
    /// Bytes that it may print.
    let limit: Int
    let excess: Excess

    /// A program that is not started yet.
    ///
    /// - Parameters:
    ///   - executable: its path.
    ///   - arguments: what it gets.
    ///   - variables: all that it knows of its surroundings.
    ///   - limit: bytes that it may print.
    ///   - excess: what becomes of more.
    package init(
        executable: String,
        arguments: [String],
        variables: [String: String],
        limit: Int,
        excess: Excess = .isRefused
    ) {
        self.executable = executable
        self.arguments = arguments
        self.variables = variables
        self.limit = limit
        self.excess = excess
    }

    /// Runs the program to its end.
    ///
    /// When the task is cancelled, the program is killed with all that it has started.
    ///
    /// - Throws: ``Failure``, `CancellationError`.
    package func run() async throws -> Output {
        let life = ChildLife()
        let output = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread {
                    continuation.resume(with: Result { try self.runBlocking(life) })
                }
            }
        } onCancel: {
            life.kill()
        }
        try Task.checkCancellation()
        return output
    }

    private func runBlocking(_ life: ChildLife) throws -> Output {
        let (child, output, errors) = try Self.starting.withLock { _ in
            let (output, errors) = (try PipeEnds(), try PipeEnds())
            return (try self.spawn(output.write, errors.write), output, errors)
        }
        life.begin(child)
        output.closeWrite()
        errors.closeWrite()
        var printed = Output()
        let isTooMuch = !self.gather(&printed, output.read, errors.read)
        if isTooMuch { life.kill() }
        printed.status = life.end(child, withGroup: self.excess == .isDropped)
        if isTooMuch { throw Failure.printsTooMuch(self.limit) }
        return printed
    }

    /// Held from making the pipes until the program has them, so that no other one gets them.
    private static let starting = Locked(false)

    /// Reads both pipes to their ends; false where more comes than the limit allows.
    private func gather(_ printed: inout Output, _ output: Int32, _ errors: Int32) -> Bool {
        var waits = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while waits.contains(where: { $0.fd >= 0 }) {
            guard poll(&waits, nfds_t(waits.count), -1) >= 0 || errno == EINTR else { return true }
            for index in waits.indices where waits[index].fd >= 0 && waits[index].revents != 0 {
                let count = read(waits[index].fd, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                // A negative number is no longer waited for.
                if count <= 0 { waits[index].fd = -1 }
                let bytes = chunk.prefix(max(count, 0))
                if index == 0 { printed.output += bytes } else { printed.errors += bytes }
            }
            guard self.hasRoom(for: &printed) else { return false }
        }
        return true
    }

    /// False where it has printed too much.
    private func hasRoom(for printed: inout Output) -> Bool {
        switch self.excess {
        case .isRefused: return printed.output.count + printed.errors.count <= self.limit
        case .isDropped:
            printed.output.removeFirst(max(printed.output.count - self.limit, 0))
            printed.errors.removeFirst(max(printed.errors.count - self.limit, 0))
            return true
        }
    }

    private func spawn(_ output: Int32, _ errors: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        // A server's sockets must not live on in a child that outlives this process.
        // The C library lets one be closed that is not open.
        for descriptor in Int32(3)..<1024 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that what it starts can be killed with it.
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // Servers ignore this one, and a program would inherit that.
        var ours = none
        sigaddset(&ours, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &ours)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let variables = self.variables.map { "\($0.key)=\($0.value)" }
        var child: pid_t = 0
        let result = withCStrings([self.executable] + self.arguments) { arguments in
            withCStrings(variables) { variables in
                posix_spawn(&child, self.executable, &actions, &attributes, arguments, variables)
            }
        }
        guard result == 0 else { throw Failure.cannotStart(String(cString: strerror(result))) }
        return child
    }
}

/// The two ends of a pipe, which no other program that is started gets; closed with their owner.
private final class PipeEnds {
    let read: Int32
    private(set) var write: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw ChildProcess.Failure.cannotStart(String(cString: strerror(errno)))
        }
        (self.read, self.write) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    func closeWrite() {
        if self.write >= 0 { close(self.write) }
        self.write = -1
    }

    deinit {
        self.closeWrite()
        close(self.read)
    }
}

/// From the start of a program to its end: while its number is its own it can be killed.
private final class ChildLife: Sendable {
    private enum State {
        case before
        case runs(pid_t)
        case over
    }

    private let state = Locked(State.before)

    func begin(_ child: pid_t) {
        let isOver = self.state.withLock { state in
            if case .over = state { return true }
            state = .runs(child)
            return false
        }
        // Cancelled before it had a number.
        if isOver { Glibc.kill(-child, SIGKILL) }
    }

    func kill() {
        self.state.withLock { state in
            // Under the lock: else the number could be another's by then.
            if case .runs(let child) = state { Glibc.kill(-child, SIGKILL) }
            state = .over
        }
    }

    /// Waits for the end, and gives the number back.
    func end(_ child: pid_t, withGroup: Bool) -> Int32 {
        var information = siginfo_t()
        while waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        // Until it is reaped no other group can have its number.
        if withGroup { Glibc.kill(-child, SIGKILL) }
        self.state.withLock { $0 = .over }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}

/// Lends texts as the array that programs are started with.
private func withCStrings<Result>(
    _ texts: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("an array ends with nil") }
        return body(base)
    }
}
