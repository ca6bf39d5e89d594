// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// Trust between real agents: who is let in, who is not, and for how long.
@Suite(.serialized) struct PairProcessTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    @Test func aWrongTokenIsRefusedAndThenLimited() async throws {
        let (source, destination) = try await TestAgent.two(in: self.scratch.path)
        let wrong = String(repeating: "ab", count: 64)
        for _ in 0..<5 {
            let result = try await source.tryPairing(port: destination.apiPort, token: wrong)
            #expect(result.status == 11)
            #expect(result.errors.contains("GW2002"))
        }
        let limited = try await source.tryPairing(port: destination.apiPort, token: wrong)
        #expect(limited.status == 11 && limited.errors.contains("GW2003"))
        #expect(try await source.value([PairInfo].self, "pair", "list").isEmpty)
        #expect(try await destination.value([PairInfo].self, "pair", "list").isEmpty)
    }

    @Test func anotherAgentWithTheRightTokensPlaceIsFoundOut() async throws {
        // The person means the destination, but somebody in the middle answers, with a CA of his
        // own: he does not know the token.
        let (source, destination) = try await TestAgent.two(in: self.scratch.path)
        let middle = try await TestAgent("m", in: self.scratch.path)
        let result = try await source.tryPairing(
            port: middle.apiPort,
            token: try await destination.token()
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
        let (source, destination) = try await TestAgent.two(in: self.scratch.path)
        let old = try await destination.token()
        #expect(try await destination.godwit("cluster", "token", "reset", "--yes").status == 0)
        #expect(try await destination.token() != old)
        let result = try await source.tryPairing(port: destination.apiPort, token: old)
        #expect(result.status == 11)
    }

    @Test func aPairSeesOnlyItsOwnVolumesAndARevokedOneNothing() async throws {
        let (source, destination) = try await TestAgent.two(in: self.scratch.path)
        let other = try await TestAgent("o", in: self.scratch.path)
        try await source.pair(with: destination)
        try await other.pair(with: destination)
        let image = try self.scratch.random("image", bytes: 200_000, seed: 2)
        for (agent, name) in [(source, "mine"), (other, "theirs")] {
            try await agent.createVolume(name, from: image)
            try await agent.replicate(name)
        }
        let client = try PeerClient(try PoolFiles(of: source).outgoing(), at: destination)
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
        var renewed = first
        while renewed.certificateExpires == first.certificateExpires {
            // Before the look: what is renewed after it comes with a line after this place.
            let place = source.log.all.count
            renewed = try await source.value(PairInfo.self, "pair", "show", "remote")
            guard renewed.certificateExpires == first.certificateExpires else { break }
            _ = try await source.log.first(from: place, reason: "CertificateRenewed")
        }
        let (before, after) = (
            try #require(first.certificateExpires), try #require(renewed.certificateExpires)
        )
        #expect(after > before)
    }

    @Test func pairingAgainUnderTheSameNameRenewsTheTrust() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        try await source.createVolume("db", size: "1MiB")
        try await source.replicate("db")
        let pairs = try await destination.value([PairInfo].self, "pair", "list")
        #expect(pairs.first?.certificateExpires != nil)
        _ = try await destination.godwit("pair", "delete", pairs[0].name, "--yes")
        #expect(try await source.godwit("replicate", "db", "--to", "remote").status == 11)
        try await source.pair(with: destination)
        let next = try await source.replicate("db")
        #expect(next.mode == .none)
        let other = try await TestAgent("o", in: self.scratch.path)
        let taken = try await source.tryPairing(port: other.apiPort, token: try await other.token())
        #expect(taken.status == 5, "\(taken.errors)")
    }
}
