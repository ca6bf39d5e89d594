// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One `godwit-agent` process with its pool, and the `godwit` commands that it is given.
final class GodwitAgent {
    let pool: String
    let side: Side
    private let dataPort: Int
    let apiPort: Int
    /// Where it listens.
    let address: String
    /// What starts it in a network namespace of its own; empty for ours.
    private let entrance: [String]
    private var process: ChildProcess?

    init(
        pool: String,
        side: Side,
        address: String = "127.0.0.1",
        entrance: [String] = []
    ) throws {
        self.pool = pool
        self.side = side
        self.address = address
        self.entrance = entrance
        self.dataPort = try Scratch.freePort()
        self.apiPort = try Scratch.freePort()
    }

    /// The folder of our executables: the one that this program lies in.
    static let folder: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return own.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) } ?? "."
    }()

    func start() throws {
        let before = self.readyCount
        self.process = try self.side.start(
            Launch(
                self.entrance + [
                    "\(Self.folder)/godwit-agent", "run", "--pool", self.pool,
                    "--data", "\(self.address):\(self.dataPort)",
                    "--api", "\(self.address):\(self.apiPort)",
                ],
                errors: self.log
            )
        )
        // Its own word, and not the kernel's table of sockets: a log of a former start has one already.
        for _ in 0..<6000 {
            if self.readyCount > before { return }
            usleep(5000)
        }
        throw HarnessError("no agent is ready after 30 s; it said: \(self.lastWords)")
    }

    private var readyCount: Int {
        let text = (try? String(contentsOfFile: self.log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").count { $0.contains("\"agent ready\"") }
    }

    func stop() throws {
        try self.process?.stop()
        self.process = nil
    }

    /// Ends it without a warning, as a power failure would.
    func kill() throws {
        self.process?.signal(SIGKILL)
        try self.process?.wait()
        self.process = nil
    }

    /// The arguments of a `godwit` command for this agent.
    func command(_ arguments: [String]) -> [String] {
        ["\(Self.folder)/godwit", "--agent", self.pool] + arguments
    }

    @discardableResult
    func run(_ arguments: [String], input: String? = nil) throws -> String {
        do { return try godwit_perf.run(self.command(arguments), input: input) } catch {
            throw HarnessError("\(error.description)\nthe agent said: \(self.lastWords)")
        }
    }

    var lastWords: String {
        (try? String(contentsOfFile: self.log, encoding: .utf8)).map { String($0.suffix(1500)) }
            ?? ""
    }

    private var log: String { self.pool + ".log" }
}
