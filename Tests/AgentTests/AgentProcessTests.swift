// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// Real agents and the real command, each in a process of its own.
@Suite(.serialized) struct AgentProcessTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    private func same(_ left: String, _ right: String) async throws -> Bool {
        try await Command.run("/usr/bin/cmp", [left, right]).status == 0
    }

    @Test func aVolumeIsReplicatedIncrementedVerifiedAndExported() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 5_000_001, seed: 1)
        let volume = try await source.createVolume("db", from: image)
        let full = try await source.replicate("db")
        #expect(full.mode == .full && full.error == nil)
        #expect(full.volumeBytes == 5_000_001)
        let live = try #require(volume.path)
        let handle = try #require(FileHandle(forWritingAtPath: live))
        try handle.seek(toOffset: 1_000_000)
        try handle.write(contentsOf: Data(repeating: 7, count: 100))
        try handle.close()
        let next = try await source.replicate("db")
        #expect(next.mode == .incremental)
        #expect(next.baseGeneration == full.targetGeneration)
        #expect(next.changedBytes <= 8192 && next.wireBytes < 300_000)
        let none = try await source.replicate("db")
        #expect(none.mode == .none && none.wireBytes < 65_536)
        let proof = try await source.value(
            VolumeVerifyResult.self,
            "volume",
            "verify",
            "db",
            "--against",
            "remote"
        )
        #expect(proof.equal && proof.remote?.computedRoot == none.rootDigest)
        let copy = "\(self.scratch.path)/copy"
        _ = try await destination.value(
            VolumeExportResult.self,
            "volume",
            "export",
            "db",
            "--to",
            copy
        )
        #expect(try await self.same(live, copy))
        #expect(try await destination.godwit("volume", "export", "db", "--to", copy).status == 5)
        let events = try await source.value([EventInfo].self, "events")
        #expect(events.contains { $0.reason == "TransferSucceeded" })
    }

    @Test func theSocketAndThePoolAreTheUsersAlone() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return try #require((attributes[.posixPermissions] as? NSNumber)?.intValue)
        }
        #expect(try mode("\(agent.pool)/agent.sock") == 0o600)
        #expect(try mode(agent.pool) == 0o700)
        for file in ["authority", "token", "secret"] {
            #expect(try mode("\(agent.pool)/identity/\(file).json") == 0o600)
        }
        #expect(try mode("\(agent.pool)/catalogue.sqlite") == 0o600)
    }

    @Test func aStopDrainsAndExitsWithZero() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        let result = try await agent.stop()
        #expect(result.status == 0)
        #expect(!FileManager.default.fileExists(atPath: "\(agent.pool)/agent.sock"))
        for line in result.errors.split(separator: "\n") {
            _ = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        }
    }

    @Test func aHangupReadsTheLimitsAgainAndKeepsThemWhenTheyAreWrong() async throws {
        let file = try self.scratch.file("a.yaml", "limits:\n  transfers: 1\n")
        let agent = try await TestAgent("s", in: self.scratch.path, extra: ["--config", file])
        for (limits, reason) in [
            ("transfers: 3", "ConfigurationReloaded"), ("transferz: 3", "ConfigurationRefused"),
        ] {
            _ = try self.scratch.file("a.yaml", "limits:\n  \(limits)\n")
            agent.process.signal(SIGHUP)
            _ = try await agent.log.first(reason: reason)
            let events = try await agent.value([EventInfo].self, "events")
            #expect(events.contains { $0.reason == reason })
        }
        #expect(try await agent.stop().status == 0)
    }

    @Test func aSnapshotKeepsItsContentsWhileTheVolumeGoesOn() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 300_000, seed: 6)
        let volume = try await agent.createVolume("db", from: image)
        let frozen = try await agent.value(VolumeInfo.self, "volume", "snapshot", "db")
        let number = try #require(frozen.generation?.number)
        let live = try #require(volume.path)
        let handle = try #require(FileHandle(forWritingAtPath: live))
        try handle.write(contentsOf: Data(repeating: 1, count: 5000))
        try handle.close()
        let (old, new) = ("\(self.scratch.path)/old", "\(self.scratch.path)/new")
        _ = try await agent.value(
            VolumeExportResult.self,
            "volume",
            "export",
            "db",
            "--generation",
            "\(number)",
            "--to",
            old
        )
        _ = try await agent.value(VolumeExportResult.self, "volume", "export", "db", "--to", new)
        #expect(try await self.same(old, image))
        #expect(try await !self.same(new, image))
        #expect(
            try await agent.godwit("volume", "export", "db", "--generation", "99", "--to", "/x")
                .status == 4
        )
    }

    @Test func olderTLSIsRefusedOn9001() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        func connect(_ version: String) async throws -> CommandResult {
            try await Command.run(
                "/usr/bin/env",
                ["openssl", "s_client", "-connect", "127.0.0.1:\(agent.apiPort)", version]
            )
        }
        let old = try await connect("-tls1_2")
        guard old.status != 127 else { return }
        #expect(old.status != 0)
        #expect(try await connect("-tls1_3").status == 0)
    }

    @Test func progressOnATerminalStaysOnOneLineWithoutControlSequences() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 4 << 20, seed: 7)
        try await source.createVolume("db", from: image)
        let line = "\(Command.directory)/godwit --agent \(source.pool) replicate db --to remote"
        let result = try await Command.run(
            "/usr/bin/env",
            ["script", "-qec", "\(line) --limit 4MiB/s", "/dev/null"]
        )
        guard result.status != 127 else { return }
        #expect(result.status == 0, "\(result.output)")
        #expect(!result.output.contains("\u{1b}"))
        #expect(result.output.contains("%") && result.output.contains("saved:"))
        #expect(result.output.contains("equal"))
        _ = destination
    }

    @Test func healthIsToldToAnybody() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        for path in ["livez", "readyz"] {
            let result = try await Command.run(
                "/usr/bin/env",
                ["curl", "-sk", "https://127.0.0.1:\(agent.apiPort)/\(path)"]
            )
            if result.status == 127 { return }
            #expect(result.output == "ok\n")
        }
    }
}
