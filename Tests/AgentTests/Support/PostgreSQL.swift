// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A PostgreSQL server of a test's own: its data directory, and a socket that nobody else has.
///
/// It never runs as root; where the test does, it runs as the user that the package made.
struct PostgreSQL {
    /// Where the newest installed server's programs are.
    private static let programs: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
            .map { "\(root)/\($0)/bin" }
            .last { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }
    }()

    static let reason: Comment = "needs the package postgresql, mke2fs and debugfs"
    static let isAvailable = Tool.isCI || Self.programs != nil && Tool.areThere("mke2fs", "debugfs")

    /// The directory above the data directory `data`; becomes the root of the image.
    let root: String
    private let sockets: String
    private let programs: String

    private var data: String { "\(self.root)/data" }

    /// A server whose data lie in `root`/data; `sockets` is short, since a socket's path is.
    init(root: String, sockets: String) async throws {
        self.root = root
        self.sockets = sockets
        self.programs = try #require(Self.programs, "PostgreSQL's server is not installed")
        for directory in [root, sockets] {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
        }
        if geteuid() == 0 { try await Tool.run("chown", "postgres", root, sockets) }
    }

    /// Makes an empty cluster; small segments of the log keep the image small.
    func initialise() async throws {
        try await self.run(
            "initdb",
            ["-D", self.data, "--no-sync", "-A", "trust", "--locale=C", "-E", "UTF8"]
                + ["--wal-segsize=1"]
        )
    }

    /// Runs the server while `body` does; stopped in order, which ends with a checkpoint.
    ///
    /// Not through pg_ctl: what it leaves behind would hold the ends of this process's pipes.
    func serving(_ body: () async throws -> Void) async throws {
        let line = self.line(
            "postgres",
            ["-D", self.data, "-k", self.sockets, "-c", "listen_addresses=", "-c", "fsync=off"]
                + ["-c", "min_wal_size=2MB", "-c", "max_wal_size=32MB"]
        )
        let server = try Command.start("/usr/bin/env", line, in: self.sockets)
        do {
            try await eventually("the server takes connections") {
                try #require(server.isRunning, "\(server.errors)")
                return (try? await self.client("pg_isready", "-q")) != nil
            }
            try await body()
        } catch {
            server.signal(SIGQUIT)
            throw error
        }
        // A fast stop: sessions are ended, everything is written.
        server.signal(SIGINT)
        let stopped = try await server.result()
        try #require(stopped.status == 0, "\(stopped.errors)")
    }

    /// What the server answers, one row a line.
    @discardableResult
    func query(_ text: String) async throws -> String {
        try await self.client("psql", "-q", "-A", "-t", "-c", text, "postgres")
    }

    @discardableResult
    func client(_ program: String, _ arguments: String...) async throws -> String {
        try await self.run(program, ["-h", self.sockets] + arguments)
    }

    @discardableResult
    private func run(_ program: String, _ arguments: [String]) async throws -> String {
        try await Tool.run(self.line(program, arguments), in: self.sockets)
    }

    /// setpriv becomes the program, so that signals reach it.
    private func line(_ program: String, _ arguments: [String]) -> [String] {
        let user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
        return (geteuid() == 0 ? user : []) + ["\(self.programs)/\(program)"] + arguments
    }

    /// An ext4 file system with the stopped server's directory.
    ///
    /// Identity and hash seed are always the same, so that two images of one directory differ
    /// where its files do.
    func image(_ path: String, mebibytes: Int) async throws {
        let identity = "c0ffee00-0000-4000-8000-000000000001"
        try await Tool.run(
            ["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-U", identity]
                + ["-E", "hash_seed=\(identity)", "-d", self.root, path, "\(mebibytes)M"]
        )
    }
}
