// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// A database that is replicated between real agents, and then runs from the copy.
@Suite(.serialized) struct PostgreSQLTests {
    private static let imageMebibytes = 160
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    @Test(
        .enabled(if: PostgreSQL.isAvailable, PostgreSQL.reason),
        .timeLimit(.minutes(20))
    )
    func aDatabaseRunsFromItsCopyAfterFullIncrementalAndResumedRuns() async throws {
        let place = self.scratch.path
        let database = try await PostgreSQL(root: "\(place)/r", sockets: "\(place)/q")
        try await database.initialise()
        try await database.serving {
            try await database.client("pgbench", "-q", "-i", "-s", "1", "postgres")
            try await database.query("create table kept (word text); insert into kept values ('a')")
        }
        let image = "\(place)/image"
        try await database.image(image, mebibytes: Self.imageMebibytes)
        let agents = try await Agents(in: place, image: image)

        let full = try await agents.replicate()
        #expect(full.mode == .full)
        try await agents.expectEqual(to: image)

        try await database.serving {
            try await database.client("pgbench", "-c", "2", "-t", "200", "postgres")
            try await database.query("insert into kept values ('b')")
        }
        try await database.image(image, mebibytes: Self.imageMebibytes)
        try agents.writeThrough(image)
        let incremental = try await agents.replicate()
        #expect(incremental.mode == .incremental)
        #expect(incremental.changedBytes < full.changedBytes)
        try await agents.expectEqual(to: image)

        var answer = ""
        try await database.serving {
            try await database.client("pgbench", "-q", "-i", "-s", "2", "postgres")
            try await database.client("pgbench", "-c", "2", "-t", "200", "postgres")
            try await database.query("insert into kept values ('c')")
            answer = try await database.query(Self.question)
        }
        try await database.image(image, mebibytes: Self.imageMebibytes)
        try agents.writeThrough(image)
        let resumed = try await agents.replicateWithADeathOfTheReceiver()
        #expect(resumed.mode == .incremental && resumed.resumedBytes > 0)
        try await agents.expectEqual(to: image)

        try await self.expectItRuns(try await agents.export("last"), answering: answer)
    }

    /// Every account, the whole history, and the table of this test.
    private static let question = """
        select (select sum(abalance) from pgbench_accounts), (select count(*) from \
        pgbench_history), (select sum(delta) from pgbench_history), \
        (select string_agg(word, '') from kept)
        """

    /// Starts a server on what lies in the copy; it answers as the original, and every page of
    /// every table and index passes PostgreSQL's own check.
    private func expectItRuns(_ copy: String, answering answer: String) async throws {
        try await Tool.run("e2fsck", "-fn", copy)
        let database = try await PostgreSQL(
            root: "\(self.scratch.path)/x",
            sockets: "\(self.scratch.path)/y"
        )
        // As root it gives each file its owner back.
        try await Tool.run("debugfs", "-R", "rdump /data \(database.root)", copy)
        try await database.serving {
            let words = try await database.query(Self.question)
            #expect(words == answer && words.contains("|abc"), "\(words) instead of \(answer)")
            try await database.client("pg_amcheck", "--install-missing", "--all")
        }
    }
}

/// Two paired agents, and the database's image as a volume of the first.
private struct Agents {
    let source: TestAgent
    let destination: TestAgent
    let live: String
    let directory: String

    init(in directory: String, image: String) async throws {
        // Its log says what is durable, so that it can be killed after that.
        let file = "\(directory)/debug.yaml"
        try Data("log:\n  level: debug\n".utf8).write(to: URL(fileURLWithPath: file))
        self.source = try await TestAgent("s", in: directory)
        self.destination = try await TestAgent("d", in: directory, extra: ["--config", file])
        self.directory = directory
        try await self.source.pair(with: self.destination)
        let volume = try await self.source.createVolume("pg", from: image)
        self.live = try #require(volume.path)
    }

    func replicate() async throws -> TransferReport {
        try await self.source.replicate("pg")
    }

    /// Kills the receiver once something is durable and much is not, and lets the transfer go on.
    func replicateWithADeathOfTheReceiver() async throws -> TransferReport {
        let before = self.destination.process.errors.count
        // Slow enough that a middle exists, whatever the machine: the changes take 5 s or more.
        let accepted = try await self.source.beginReplicating(
            "pg",
            "--codec",
            "none",
            "--limit",
            "4MiB/s"
        )
        try await eventually("a part is durable at the destination") {
            self.destination.process.errors.dropFirst(before)
                .split(separator: "\n")
                .contains { $0.contains("receiving") && $0.contains(/"durableBytes":"[1-9]/) }
        }
        try await self.destination.kill()
        try await self.destination.restart()
        _ = try await self.source.godwit("transfer", "limit", accepted.id, "none")
        let followed = try await self.source.godwit(
            "transfer",
            "show",
            accepted.id,
            "--follow"
        )
        try #require(followed.status == 0, "\(followed.errors)")
        let transfer = try await self.source.value(
            TransferInfo.self,
            "transfer",
            "show",
            accepted.id
        )
        return try #require(transfer.report)
    }

    /// Writes what changed into the volume, block by block, as a file system would.
    func writeThrough(_ image: String) throws {
        let new = try #require(FileHandle(forReadingAtPath: image))
        let old = try #require(FileHandle(forUpdatingAtPath: self.live))
        let block = 4096
        var place = 0
        while let wanted = try new.read(upToCount: 256 * block), !wanted.isEmpty {
            try old.seek(toOffset: UInt64(place))
            let there = try old.read(upToCount: wanted.count) ?? Data()
            for start in stride(from: 0, to: wanted.count, by: block) {
                let piece = wanted[start..<start + block]
                guard there[start..<start + block] != piece else { continue }
                try old.seek(toOffset: UInt64(place + start))
                try old.write(contentsOf: piece)
            }
            place += wanted.count
        }
        try old.synchronize()
    }

    func export(_ name: String) async throws -> String {
        let copy = "\(self.directory)/\(name)"
        let exported = try await self.destination.godwit("volume", "export", "pg", "--to", copy)
        try #require(exported.status == 0, "\(exported.errors)")
        return copy
    }

    /// The copy is the volume, and the volume is the image, byte for byte.
    func expectEqual(to image: String) async throws {
        let copy = try await self.export("copy-\(UUID().uuidString.prefix(4))")
        try await Tool.run("cmp", image, copy)
        try await Tool.run("cmp", self.live, copy)
        try FileManager.default.removeItem(atPath: copy)
    }
}
