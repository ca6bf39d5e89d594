// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A PostgreSQL server whose data lie in a file system that a test has mounted.
///
/// It never runs as root; where the test does, it runs as the user that the package made.
struct LiveDatabase {
    /// Where the newest installed server's programs are.
    static let programs: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
            .map { "\(root)/\($0)/bin" }
            .last { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }
    }()

    static let reason: Comment = "needs root, loop devices, mkfs.xfs and the package postgresql"
    static let isAvailable =
        LoopFileSystem.isAvailable([.xfs, .ext4])
        && (programs != nil || ProcessInfo.processInfo.environment["CI"] == "true")

    /// The data directory is `root`/data.
    let root: String
    let sockets: String
    private let programs: String

    init(root: String, sockets: String) throws {
        self.root = root
        self.sockets = sockets
        self.programs = try #require(Self.programs, "PostgreSQL's server is not installed")
        try FileManager.default.createDirectory(
            atPath: sockets,
            withIntermediateDirectories: true
        )
        try Shell.run("chown", "postgres", root, sockets)
    }

    /// What a client needs to find the server.
    var variables: [String: String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return ["PGHOST": self.sockets, "PGUSER": "postgres", "PATH": "\(self.programs):\(path)"]
    }

    private func asUser(_ program: String, _ arguments: [String]) -> [String] {
        ["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
            + ["\(self.programs)/\(program)"] + arguments
    }

    /// Makes an empty database.
    func initialise() throws {
        try Shell.run(
            ["setpriv"]
                + self.asUser(
                    "initdb",
                    ["-D", "\(self.root)/data", "-A", "trust", "--locale=C"]
                        + ["--wal-segsize=1"]
                )
        )
    }

    /// A server that takes connections, and logs every statement.
    func start() async throws -> Program {
        let server = try Program(
            "/usr/bin/setpriv",
            self.asUser(
                "postgres",
                ["-D", "\(self.root)/data", "-k", self.sockets, "-c", "listen_addresses="]
                    + ["-c", "log_statement=ddl", "-c", "max_wal_size=32MB"]
                    + ["-c", "log_min_duration_statement=0"]
            )
        )
        _ = try await server.said("database system is ready to accept connections")
        return server
    }

    /// Writers that do not end by themselves.
    func load() throws -> Program {
        let line = ["-h", self.sockets, "-c", "2", "-T", "600", "-P", "1", "postgres"]
        return try Program("/usr/bin/setpriv", self.asUser("pgbench", line))
    }

    /// Runs a client program; what it has printed.
    @discardableResult
    func client(_ program: String, _ arguments: String...) throws -> String {
        try Shell.run(
            ["setpriv"] + self.asUser(program, ["-h", self.sockets] + arguments)
        )
    }

    func query(_ text: String) throws -> String {
        try self.client("psql", "-X", "-q", "-A", "-t", "-c", text, "postgres")
    }
}
