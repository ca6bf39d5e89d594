// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Glibc

/// An ext4 image with a real PostgreSQL data directory, before and after a run of pgbench.
struct PostgreSQLImage {
    let path: String
    let difference: Difference

    /// Why it cannot be made here; nil when it can.
    static var obstacle: String? {
        if getuid() != 0 { return "needs root to mount an image" }
        if self.folder == nil { return "PostgreSQL's server is not installed" }
        if program("runuser") == nil { return "runuser is not installed" }
        return nil
    }

    private static let folder: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted().last.map { "\(root)/\($0)/bin" }
    }()

    /// Makes both states; the image is left in the one before pgbench.
    static func make(size: ByteCount) throws -> Self {
        let image = Scratch.path("postgresql.img")
        let after = Scratch.path("postgresql.after.img")
        let file = try RawFile(image, writable: true, create: true)
        try file.resize(to: size)
        try run(["mkfs.ext4", "-q", "-F", "-m", "0", image])
        // One unit of pgbench's scale is about 15 MiB; 40 % of the image leaves room for the log.
        let scale = max(1, size.bytes / 5 * 2 / (15 << 20))
        let mount = try Scratch.makeFolder("postgresql")
        try self.withServer(image, at: mount, create: true) { server in
            try server.run("pgbench", ["-q", "-i", "-s", String(scale), "postgres"])
        }
        try run(["cp", "--sparse=always", image, after])
        try self.withServer(after, at: mount, create: false) { server in
            try server.run(
                "pgbench",
                ["-c", "4", "-j", "1", "-t", String(scale * 500), "postgres"]
            )
        }
        let extents = try compare(image, after)
        let before = Scratch.path("postgresql.before")
        let kept = try RawFile(before, writable: true, create: true)
        try kept.resize(to: size)
        try copy(extents, from: try RawFile(image), to: kept)
        return Self(
            path: image,
            difference: Difference(extents: extents, before: before, after: after)
        )
    }

    /// A server that runs on a mounted image.
    private struct Server {
        let folder: String
        let socket: String

        func run(_ name: String, _ arguments: [String]) throws {
            try godwit_perf.run(
                ["runuser", "-u", "postgres", "--", "\(self.folder)/\(name)"]
                    + ["-h", self.socket] + arguments
            )
        }
    }

    private static func withServer(
        _ image: String,
        at mount: String,
        create: Bool,
        _ body: (Server) throws -> Void
    ) throws {
        guard let folder = self.folder else { throw HarnessError("no PostgreSQL") }
        try run(["mount", "-o", "loop", image, mount])
        Cleanup.shared.mounted(mount)
        let data = "\(mount)/data"
        // A socket's path has at most 107 bytes, so it cannot lie in the work folder; -t: in TMPDIR.
        let socket = try run(["mktemp", "-d", "-t", "godwit-perf-XXXXXX"])
            .trimmingCharacters(in: .newlines)
        defer { try? FileManager.default.removeItem(atPath: socket) }
        try run(["chown", "postgres", socket])
        let asPostgres = ["runuser", "-u", "postgres", "--"]
        if create {
            try run(["install", "-d", "-o", "postgres", "-m", "0700", data])
            try run(asPostgres + ["\(folder)/initdb", "-D", data, "--no-sync"])
        }
        let options = "-k \(socket) -c listen_addresses= -c fsync=off -c full_page_writes=on"
        let control = asPostgres + ["\(folder)/pg_ctl", "-D", data, "-w", "-s"]
        try run(control + ["-l", "\(socket)/log", "-o", options, "start"])
        do {
            try body(Server(folder: folder, socket: socket))
        } catch {
            _ = try? run(control + ["-m", "immediate", "stop"])
            throw error
        }
        try run(control + ["-m", "fast", "stop"])
        try run(["umount", mount])
        Cleanup.shared.unmounted(mount)
    }
}
