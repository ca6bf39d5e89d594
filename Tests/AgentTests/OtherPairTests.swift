// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Identity
import TestSupport
import Testing

/// A pair cannot list, read or write another pair's volumes, however much it knows of them (P8).
@Suite(.serialized) struct OtherPairTests {
    private let scratch: Scratch
    private let owner: TestAgent
    private let thief: TestAgent
    private let destination: TestAgent
    private let volume: VolumeInfo

    /// Bytes that take some time at 100 KiB/s, since they do not get smaller.
    private static let noise: Data = {
        var generator = SeededGenerator(seed: 9)
        return Data(TestSupport.noise(900_000, using: &generator))
    }()

    /// The owner's volume is at the destination; the thief has another one there.
    init() async throws {
        self.scratch = try Scratch()
        self.owner = try await TestAgent("s", in: self.scratch.path)
        self.thief = try await TestAgent("o", in: self.scratch.path)
        self.destination = try await TestAgent("d", in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 1_000_000, seed: 8)
        for (agent, name) in [(self.owner, "mine"), (self.thief, "theirs")] {
            try await agent.pair(with: self.destination)
            try await agent.createVolume(name, from: image)
            try await agent.replicate(name)
        }
        self.volume = try await self.owner.value(VolumeInfo.self, "volume", "show", "mine")
    }

    @Test func theAPIListsAndProvesOnlyWhatIsThePairsOwn() async throws {
        let client = try PeerClient(try PoolFiles(of: self.thief).outgoing(), at: self.destination)
        let seen: ItemList<PeerVolume> = try await client.get(PeerRoute.volumes)
        #expect(seen.items.map(\.name) == ["theirs"])
        let unknown = String(repeating: "0", count: 32)
        for (id, number) in [(self.volume.id, 1), (self.volume.id, 99), (unknown, 1)] {
            do {
                let _: GenerationProof = try await client.post(
                    PeerRoute.proof(volume: id, generation: UInt64(number)),
                    [String: String]()
                )
                Issue.record("volume \(id) was read")
            } catch {
                // The same for one that is there and one that is not: no knowledge of it leaks.
                #expect(error.id == .volumeNotFound)
                #expect(error.message == "There is no volume \(id).")
            }
        }
        await client.close()
    }

    /// The thief has a copy of everything that the owner has of the volume: its identity, history,
    /// digest key, bytes, and what the destination is known to show.
    private func steal() async throws {
        _ = try await self.thief.stop()
        try await Tool.run(
            "cp",
            "-a",
            "\(self.owner.pool)/volumes/\(self.volume.id)",
            "\(self.thief.pool)/volumes/\(self.volume.id)"
        )
        try await self.thief.restart()
        let stolen = try await self.thief.value(VolumeInfo.self, "volume", "show", "mine")
        #expect(stolen.id == self.volume.id && stolen.lineage == self.volume.lineage)
        let handle = try #require(FileHandle(forWritingAtPath: stolen.path ?? ""))
        try handle.write(contentsOf: Data(repeating: 0x66, count: 100_000))
        try handle.close()
    }

    @Test func anOfferOfAnotherPairsVolumeIsRefusedAndChangesNothing() async throws {
        let before = try await self.destination.value(VolumeInfo.self, "volume", "show", "mine")
        try await self.steal()
        for options in [[], ["--full", "copy"], ["--full", "verify"], ["--allow-shrink"]] {
            let refused = try await Command.run(
                "godwit",
                ["--agent", self.thief.pool, "replicate", "mine", "--to", "remote"] + options
            )
            #expect(refused.status == 11, "\(options): \(refused.errors)")
            #expect(refused.errors.contains("GW2004"))
            #expect(refused.errors.contains("the volume belongs to another pair"))
            let after = try await self.destination.value(VolumeInfo.self, "volume", "show", "mine")
            #expect(after == before, "\(options)")
        }
        let copy = "\(self.scratch.path)/copy"
        let exported = try await self.destination.godwit("volume", "export", "mine", "--to", copy)
        #expect(exported.status == 0, "\(exported.errors)")
        try await Tool.run("cmp", try #require(self.volume.path), copy)
        // Both go on with what is their own, and the owner's next one is still an incremental.
        let handle = try #require(FileHandle(forWritingAtPath: self.volume.path ?? ""))
        try handle.write(contentsOf: Data(repeating: 0x77, count: 5_000))
        try handle.close()
        let next = try await self.owner.replicate("mine")
        #expect(next.mode == .incremental && next.baseGeneration == 1)
        #expect(try await self.thief.godwit("replicate", "theirs", "--to", "remote").status == 0)
    }

    @Test func neitherDoesAnOfferDuringTheOwnersTransferDisturbIt() async throws {
        try await self.steal()
        let handle = try #require(FileHandle(forWritingAtPath: self.volume.path ?? ""))
        try handle.write(contentsOf: Self.noise)
        try handle.close()
        let running = try await self.owner.beginReplicating("mine", "--limit", "100KiB/s")
        try await eventually("the destination takes the owner's transfer") {
            let events = try await self.destination.value([EventInfo].self, "events")
            return events.contains { $0.reason == "ReceivingStarted" && $0.message.contains(" 2") }
        }
        let refused = try await self.thief.godwit("replicate", "mine", "--to", "remote")
        #expect(refused.status == 11, "\(refused.errors)")
        _ = try await self.owner.godwit("transfer", "limit", running.id, "none")
        let ended = try await self.owner.godwit("transfer", "show", running.id, "--follow")
        #expect(ended.status == 0, "\(ended.errors)")
        let attempts = try await self.owner.value(
            TransferInfo.self,
            "transfer",
            "show",
            running.id
        )
        #expect(attempts.attempt == 1)
    }
}
