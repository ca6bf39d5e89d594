// SPDX-License-Identifier: Apache-2.0

// In release builds the members of timeval come from there: the module that first saw their header.
import CoreFoundation
import Foundation
import Glibc

/// What to start, and where its descriptors lead.
struct Launch {
    var arguments: [String]
    /// A file; standard output is thrown away where nil.
    var output: String?
    /// A file for standard error; the harness's own where nil.
    var errors: String?
    /// Standard input comes from this file; nothing where nil.
    var input: String?
    /// Standard input stays open and empty: `openssl s_server` ends at its end of file.
    var keepsInputOpen = false
    var environment: [String: String] = [:]

    init(_ arguments: [String], errors: String? = nil) {
        self.arguments = arguments
        self.errors = errors
    }
}

/// One process that we started, in a process group of its own.
final class ChildProcess {
    let pid: pid_t
    let name: String
    private(set) var exitCode: Int32?
    /// User and system time of it and of the children that it waited for; known after the end.
    private(set) var processorSeconds = 0.0
    private var heldInput: Int32?

    init(_ launch: Launch) throws(HarnessError) {
        self.name = launch.arguments[0].split(separator: "/").last.map(String.init) ?? ""
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var pipeEnds: [Int32] = [-1, -1]
        if launch.keepsInputOpen {
            guard pipe(&pipeEnds) == 0 else { throw .system("pipe", self.name) }
            for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            posix_spawn_file_actions_adddup2(&actions, pipeEnds[0], 0)
            self.heldInput = pipeEnds[1]
        } else {
            posix_spawn_file_actions_addopen(
                &actions,
                0,
                launch.input ?? "/dev/null",
                O_RDONLY,
                0
            )
        }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 1, launch.output ?? "/dev/null", flags, 0o600)
        if let errors = launch.errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, flags, 0o600)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
        )
        posix_spawnattr_setpgroup(&attributes, 0)
        // We ignore these two (Cleanup waits for them); a child must not inherit that.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGINT)
        sigaddset(&defaults, SIGTERM)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        // The threads of Swift concurrency block nearly every signal. A child that inherited that
        // would hear neither SIGTERM nor the alarm that `openssl speed` waits for.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        posix_spawnattr_setsigmask(&attributes, &blocked)

        let environment = ProcessInfo.processInfo.environment
            .merging(launch.environment) { $1 }.map { "\($0)=\($1)" }
        var child: pid_t = 0
        let failure = withCStrings(launch.arguments) { arguments in
            withCStrings(environment) { variables in
                posix_spawnp(
                    &child,
                    launch.arguments[0],
                    &actions,
                    &attributes,
                    arguments,
                    variables
                )
            }
        }
        if pipeEnds[0] >= 0 { close(pipeEnds[0]) }
        guard failure == 0 else {
            throw HarnessError("cannot start \(self.name): \(String(cString: strerror(failure)))")
        }
        self.pid = child
        Cleanup.shared.started(child)
    }

    deinit { if let input = self.heldInput { close(input) } }

    /// Waits for the end; a process that a signal ended has 128 + the signal's number.
    @discardableResult
    func wait() throws(HarnessError) -> Int32 {
        if let exitCode = self.exitCode { return exitCode }
        var status: Int32 = 0
        var usage = rusage()
        while wait4(self.pid, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw .system("wait for", self.name) }
        }
        Cleanup.shared.ended(self.pid)
        self.processorSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        let signal = status & 0x7f
        let code = signal == 0 ? status >> 8 & 0xff : 128 + signal
        self.exitCode = code
        return code
    }

    /// Sends a signal to the process and its group, unless it is known to have ended.
    func signal(_ number: Int32) {
        if self.exitCode == nil { kill(-self.pid, number) }
    }

    /// Asks it to end, waits, and insists after 20 s.
    func stop() throws(HarnessError) {
        guard self.exitCode == nil else { return }
        self.signal(SIGTERM)
        let deadline = ContinuousClock.now + .seconds(20)
        while self.isRunning, ContinuousClock.now < deadline { usleep(5000) }
        if self.isRunning { self.signal(SIGKILL) }
        try self.wait()
    }

    /// Whether it has not ended yet; leaves the end for `wait`.
    var isRunning: Bool {
        guard self.exitCode == nil else { return false }
        var info = siginfo_t()
        let asked = waitid(P_PID, id_t(self.pid), &info, WEXITED | WNOHANG | WNOWAIT)
        return asked == 0 && info.si_signo == 0
    }
}

/// Runs a command to its end and returns what it printed.
@discardableResult
func run(_ arguments: [String], input: String? = nil) throws(HarnessError) -> String {
    let stem = "\(Scratch.folder)/command-\(UInt32.random(in: 0...UInt32.max))"
    var launch = Launch(arguments, errors: stem + ".err")
    launch.output = stem + ".out"
    if let input {
        launch.input = stem + ".in"
        guard FileManager.default.createFile(atPath: stem + ".in", contents: Data(input.utf8))
        else { throw .system("write", stem) }
    }
    defer { for end in [".in", ".out", ".err"] { unlink(stem + end) } }
    let code = try ChildProcess(launch).wait()
    let output = (try? String(contentsOfFile: stem + ".out", encoding: .utf8)) ?? ""
    guard code == 0 else {
        let errors = (try? String(contentsOfFile: stem + ".err", encoding: .utf8)) ?? ""
        throw HarnessError(
            "\(arguments.joined(separator: " ")) ended with \(code): \(output.suffix(300))"
                + "\(errors.suffix(700))"
        )
    }
    return output
}

/// The path of a program, or nil where it is not installed.
func program(_ name: String, also folders: [String] = []) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let places = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"] + folders
    return places.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}

private func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

/// Lends a null-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
