// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The system calls of a process while something happens in it, as strace counts them.
struct SystemCallCount {
    let calls: [String: Int]

    private static let strace = "/usr/bin/strace"
    static let reason: Comment = "needs strace, and root to look at another process"

    /// Whether strace is there and may look; true where CI is set.
    static var isAvailable: Bool {
        ProcessInfo.processInfo.environment["CI"] == "true"
            || geteuid() == 0 && FileManager.default.isExecutableFile(atPath: Self.strace)
    }

    /// Counts what several processes call until the body returns.
    static func of(
        _ processes: [Int32],
        in directory: String,
        _ body: () async throws -> Void
    ) async throws -> [Self] {
        var tracers: [(command: RunningCommand, file: String)] = []
        for process in processes {
            let file = "\(directory)/strace-\(process)"
            let command = try Command.start(
                Self.strace,
                ["-f", "-c", "-o", file, "-p", "\(process)"]
            )
            tracers.append((command, file))
            _ = try await command.lines.first { $0.text.contains("attached") }
        }
        try await body()
        var counts: [Self] = []
        for tracer in tracers {
            tracer.command.signal(SIGINT)
            _ = try await tracer.command.result()
            let table = try String(contentsOfFile: tracer.file, encoding: .utf8)
            counts.append(Self(table: table))
        }
        return counts
    }

    /// Reads strace's table: share, seconds, microseconds each, calls, errors where there are any, name.
    init(table: String) {
        var calls: [String: Int] = [:]
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 5, let name = words.last, name != "total",
                let number = Int(words[3])
            else { continue }
            calls[String(name)] = number
        }
        self.calls = calls
    }

    var total: Int { self.calls.values.reduce(0, +) }

    /// Without waiting: how often a thread has to wait is a matter of the machine's other work.
    var withoutWaits: Int {
        self.total
            - self.number(
                of: "futex",
                "poll",
                "epoll_wait",
                "epoll_pwait",
                "epoll_pwait2",
                "timerfd_settime",
                "clock_nanosleep",
                "nanosleep",
                "sched_yield",
                "restart_syscall"
            )
    }

    func number(of names: String...) -> Int { names.reduce(0) { $0 + self.calls[$1, default: 0] } }

    /// What makes data durable.
    var syncs: Int { self.number(of: "fsync", "fdatasync", "syncfs", "sync_file_range") }
}

extension SystemCallCount: CustomStringConvertible {
    var description: String {
        self.calls.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(14)
            .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
