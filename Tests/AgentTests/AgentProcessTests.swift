// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// Real agents and the real command, each in a process of its own.
@Suite(.serialized) struct AgentProcessTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    private func two() async throws -> (source: TestAgent, destination: TestAgent) {
        let source = try await TestAgent("s", in: self.scratch.path)
        let destination = try await TestAgent("d", in: self.scratch.path)
        return (source, destination)
    }

    private func same(_ left: String, _ right: String) async throws -> Bool {
        try await Command.run("/usr/bin/cmp", [left, right]).status == 0
    }

    @Test func aVolumeIsReplicatedIncrementedVerifiedAndExported() async throws {
        let (source, destination) = try await self.two()
        try await source.pair(with: destination)
        let image = try self.scratch.random("image", bytes: 5_000_001, seed: 1)
        let volume = try await source.value(
            VolumeInfo.self,
            "volume",
            "create",
            "db",
            "--from",
            image
        )
        let full = try await source.value(
            [TransferReport].self,
            "replicate",
            "db",
            "--to",
            "remote"
        )
        #expect(full.count == 1 && full[0].mode == .full && full[0].error == nil)
        #expect(full[0].volumeBytes == 5_000_001)
        let live = try #require(volume.path)
        let handle = try #require(FileHandle(forWritingAtPath: live))
        try handle.seek(toOffset: 1_000_000)
        try handle.write(contentsOf: Data(repeating: 7, count: 100))
        try handle.close()
        let next = try await source.value(
            [TransferReport].self,
            "replicate",
            "db",
            "--to",
            "remote"
        )
        #expect(next[0].mode == .incremental)
        #expect(next[0].baseGeneration == full[0].targetGeneration)
        #expect(next[0].changedBytes <= 8192 && next[0].wireBytes < 300_000)
        let none = try await source.value(
            [TransferReport].self,
            "replicate",
            "db",
            "--to",
            "remote"
        )
        #expect(none[0].mode == .none && none[0].wireBytes < 65_536)
        let proof = try await source.value(
            VolumeVerifyResult.self,
            "volume",
            "verify",
            "db",
            "--against",
            "remote"
        )
        #expect(proof.equal && proof.remote?.computedRoot == none[0].rootDigest)
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

    @Test func aWrongTokenIsRefusedAndThenLimited() async throws {
        let (source, destination) = try await self.two()
        let wrong = String(repeating: "ab", count: 64)
        for _ in 0..<5 {
            let result = try await source.godwit(
                "pair",
                "create",
                "remote",
                "--ip",
                "127.0.0.1",
                "--port",
                "\(destination.apiPort)",
                "--token",
                "-",
                input: wrong
            )
            #expect(result.status == 11)
            #expect(result.errors.contains("GW2002"))
        }
        let limited = try await source.godwit(
            "pair",
            "create",
            "remote",
            "--ip",
            "127.0.0.1",
            "--port",
            "\(destination.apiPort)",
            "--token",
            "-",
            input: wrong
        )
        #expect(limited.status == 11 && limited.errors.contains("GW2003"))
        #expect(try await source.value([PairInfo].self, "pair", "list").isEmpty)
        #expect(try await destination.value([PairInfo].self, "pair", "list").isEmpty)
    }

    @Test func anotherAgentWithTheRightTokensPlaceIsFoundOut() async throws {
        // The person means the destination, but somebody in the middle answers, with a CA of his
        // own: he does not know the token.
        let (source, destination) = try await self.two()
        let middle = try await TestAgent("m", in: self.scratch.path)
        let result = try await source.godwit(
            "pair",
            "create",
            "remote",
            "--ip",
            "127.0.0.1",
            "--port",
            "\(middle.apiPort)",
            "--token",
            "-",
            input: try await destination.token()
        )
        #expect(result.status == 11)
        // And one who shows the true CA has no key for it.
        let probe = try PeerClient(host: "127.0.0.1", port: destination.apiPort, trust: .nobody)
        let authority: PairingAuthority = try await probe.get(PeerRoute.authority)
        await probe.close()
        let pinned = try PeerClient(
            host: "127.0.0.1",
            port: middle.apiPort,
            trust: .authority(authority.authority)
        )
        do {
            let _: PairingAuthority = try await pinned.get(PeerRoute.authority)
            Issue.record("another CA was believed")
        } catch { #expect(error.id == .peerNotTrusted) }
        await pinned.close()
    }

    @Test func aResetTokenOpensNothingMore() async throws {
        let (source, destination) = try await self.two()
        let old = try await destination.token()
        #expect(try await destination.godwit("cluster", "token", "reset", "--yes").status == 0)
        #expect(try await destination.token() != old)
        let result = try await source.godwit(
            "pair",
            "create",
            "remote",
            "--ip",
            "127.0.0.1",
            "--port",
            "\(destination.apiPort)",
            "--token",
            "-",
            input: old
        )
        #expect(result.status == 11)
    }

    @Test func aPairSeesOnlyItsOwnVolumesAndARevokedOneNothing() async throws {
        let (source, destination) = try await self.two()
        let other = try await TestAgent("o", in: self.scratch.path)
        try await source.pair(with: destination)
        try await other.pair(with: destination)
        let image = try self.scratch.random("image", bytes: 200_000, seed: 2)
        for (agent, name) in [(source, "mine"), (other, "theirs")] {
            _ = try await agent.value(VolumeInfo.self, "volume", "create", name, "--from", image)
            _ = try await agent.value(
                [TransferReport].self,
                "replicate",
                name,
                "--to",
                "remote"
            )
        }
        let client = try Self.peer(of: source, at: destination)
        let seen: ItemList<PeerVolume> = try await client.get(PeerRoute.volumes)
        #expect(seen.items.map(\.name) == ["mine"])
        let theirs = try await other.value(VolumeInfo.self, "volume", "show", "theirs")
        do {
            let _: GenerationProof = try await client.post(
                PeerRoute.proof(volume: theirs.id, generation: 1),
                [String: String]()
            )
            Issue.record("another pair's volume was read")
        } catch { #expect(error.id == .volumeNotFound) }
        let nobody = try PeerClient(
            host: "127.0.0.1",
            port: destination.apiPort,
            trust: .nobody
        )
        do {
            let _: ItemList<PeerVolume> = try await nobody.get(PeerRoute.volumes)
            Issue.record("no certificate was needed")
        } catch { #expect(error.id == .peerNotTrusted) }
        await nobody.close()
        // Revoked: at once, on 9001 and on 9010, also over a connection that is open already.
        let pairs = try await destination.value([PairInfo].self, "pair", "list")
        let cluster = try #require(try await source.value(VersionInfo.self, "version").cluster)
        let mine = try #require(pairs.first { $0.cluster == cluster })
        #expect(try await destination.godwit("pair", "delete", mine.name, "--yes").status == 0)
        do {
            let _: ItemList<PeerVolume> = try await client.get(PeerRoute.volumes)
            Issue.record("a revoked pair was answered")
        } catch { #expect(error.id == .pairRevoked) }
        await client.close()
        let refused = try await source.godwit(
            "replicate",
            "mine",
            "--to",
            "remote",
            "--timeout",
            "60"
        )
        #expect(refused.status == 11, "\(refused.errors)")
        #expect(try await other.godwit("replicate", "theirs", "--to", "remote").status == 0)
    }

    /// The source's own client of the destination's port 9001, from its trust file.
    private static func peer(of source: TestAgent, at destination: TestAgent) throws -> PeerClient {
        struct Envelope: Decodable {
            struct Record: Decodable {
                let authority: String
                let certificate: String
                let privateKey: String
            }
            let record: Record
        }
        let directory = "\(source.pool)/identity/pairs"
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: directory)
                .first { $0.hasPrefix("outgoing-") }
        )
        let text = try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
        let body = text.split(separator: "\n").dropLast().joined(separator: "\n")
        let record = try JSONDecoder().decode(Envelope.self, from: Data(body.utf8)).record
        return try PeerClient(
            host: "127.0.0.1",
            port: destination.apiPort,
            trust: .mutual(
                authority: record.authority,
                certificate: record.certificate,
                privateKey: record.privateKey
            )
        )
    }

    @Test func certificatesAreRenewedAtTwoThirdsOfTheirLife() async throws {
        let file = try self.scratch.file("short.yaml", "certificates:\n  lifetime: 6s\n")
        let source = try await TestAgent("s", in: self.scratch.path, extra: ["--config", file])
        let destination = try await TestAgent(
            "d",
            in: self.scratch.path,
            extra: ["--config", file]
        )
        try await source.pair(with: destination)
        let first = try await source.value(PairInfo.self, "pair", "show", "remote")
        let clock = ContinuousClock()
        let end = clock.now + .seconds(60)
        var renewed = first
        while renewed.certificateExpires == first.certificateExpires, clock.now < end {
            try await clock.sleep(for: .milliseconds(100))
            renewed = try await source.value(PairInfo.self, "pair", "show", "remote")
        }
        let (before, after) = (
            try #require(first.certificateExpires), try #require(renewed.certificateExpires)
        )
        #expect(after > before)
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
        func reasons() async throws -> [String] {
            try await agent.value([EventInfo].self, "events").map(\.reason)
        }
        _ = try self.scratch.file("a.yaml", "limits:\n  transfers: 3\n")
        try await self.signalled(agent) { try await reasons().contains("ConfigurationReloaded") }
        _ = try self.scratch.file("a.yaml", "limits:\n  transferz: 3\n")
        try await self.signalled(agent) { try await reasons().contains("ConfigurationRefused") }
        #expect(try await agent.stop().status == 0)
    }

    private func signalled(_ agent: TestAgent, _ seen: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(30)
        agent.process.signal(SIGHUP)
        while try await !seen() {
            try #require(clock.now < end, "the signal had no effect")
            try await clock.sleep(for: .milliseconds(50))
        }
    }

    @Test func pairingAgainUnderTheSameNameRenewsTheTrust() async throws {
        let (source, destination) = try await self.two()
        try await source.pair(with: destination)
        _ = try await source.value(
            VolumeInfo.self,
            "volume",
            "create",
            "db",
            "--size",
            "1MiB"
        )
        _ = try await source.value([TransferReport].self, "replicate", "db", "--to", "remote")
        let pairs = try await destination.value([PairInfo].self, "pair", "list")
        #expect(pairs.first?.certificateExpires != nil)
        _ = try await destination.godwit("pair", "delete", pairs[0].name, "--yes")
        #expect(try await source.godwit("replicate", "db", "--to", "remote").status == 11)
        try await source.pair(with: destination)
        let next = try await source.value(
            [TransferReport].self,
            "replicate",
            "db",
            "--to",
            "remote"
        )
        #expect(next[0].mode == .none)
        let other = try await TestAgent("o", in: self.scratch.path)
        let taken = try await source.godwit(
            "pair",
            "create",
            "remote",
            "--ip",
            "127.0.0.1",
            "--port",
            "\(other.apiPort)",
            "--token",
            "-",
            input: try await other.token()
        )
        #expect(taken.status == 5, "\(taken.errors)")
    }

    @Test func aSnapshotKeepsItsContentsWhileTheVolumeGoesOn() async throws {
        let agent = try await TestAgent("s", in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 300_000, seed: 6)
        let volume = try await agent.value(
            VolumeInfo.self,
            "volume",
            "create",
            "db",
            "--from",
            image
        )
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
        let (source, destination) = try await self.two()
        try await source.pair(with: destination)
        let image = try self.scratch.random("image", bytes: 4 << 20, seed: 7)
        _ = try await source.value(VolumeInfo.self, "volume", "create", "db", "--from", image)
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
