// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Identity
import TestSupport
import Testing

/// Groups of several source agents, and what a pair may do to another pair's.
@Suite(.serialized, .timeLimit(.minutes(10))) struct GroupPairTests {
    private let scratch: Scratch
    private let sources: [TestAgent]
    private let destination: TestAgent
    private static let id = GroupStage.identity(0xABC)

    init() async throws {
        self.scratch = try Scratch()
        self.destination = try await TestAgent("d", in: self.scratch.path)
        var sources: [TestAgent] = []
        for name in ["s", "o"] {
            let source = try await TestAgent(name, in: self.scratch.path)
            try await source.pair(with: self.destination)
            let image = try self.scratch.random(name + ".img", bytes: 300_000, seed: 4)
            try await source.createVolume("of-\(name)", from: image)
            sources.append(source)
        }
        self.sources = sources
    }

    private func begin(_ index: Int) async throws -> GroupInfo {
        let request = GroupRequest(
            id: Self.id,
            pair: "remote",
            members: [
                GroupRequest.Member(
                    volume: index == 0 ? "of-s" : "of-o",
                    transfer: GroupStage.identity(0x100 + index)
                )
            ]
        )
        return try await GroupStage.ask(self.sources[index]) { agent throws(APIError) in
            try await agent.beginGroup(request)
        }
    }

    private func prepared(_ index: Int) async throws -> GroupInfo {
        var info = try await self.group(index)
        for _ in 0..<100 where info.state == .copying { info = try await self.group(index) }
        return info
    }

    private func group(_ index: Int) async throws(APIError) -> GroupInfo {
        try await GroupStage.ask(self.sources[index]) { agent throws(APIError) in
            try await agent.group(Self.id, waitingMilliseconds: 1000)
        }
    }

    private func shown() async throws -> [String?] {
        let list: ItemList<VolumeInfo> = try await self.destination.get(AgentRoute.volumes)
        return ["of-s", "of-o"]
            .map { name in
                list.items.first { $0.name == name }?.generation?.snapshot
            }
    }

    private func release() async throws(APIError) -> [HoldInfo] {
        try await GroupStage.ask(self.destination) { agent throws(APIError) in
            try await agent.releaseHold(Self.id)
        }
    }

    /// One group with a part at each of two source agents: each is committed by who coordinates them.
    @Test func twoSourcesHaveOneGroup() async throws {
        for index in 0...1 { _ = try await self.begin(index) }
        let parts = [try await self.prepared(0), try await self.prepared(1)]
        #expect(parts.map(\.state) == [.prepared, .prepared])
        #expect(try await self.shown() == [nil, nil])
        for (index, source) in self.sources.enumerated() {
            let info = try await GroupStage.ask(source) { agent throws(APIError) in
                try await agent.commitGroup(Self.id)
            }
            #expect(info.state == .committed)
            #expect(try await self.shown()[index] == parts[index].members[0].snapshot)
        }
    }

    /// For a failover, the destination shows all parts or none.
    @Test func aReleaseAtTheDestinationIsOfAllParts() async throws {
        _ = try await self.begin(0)
        #expect(try await self.prepared(0).state == .prepared)
        // The other part is known here and nothing of it has come.
        let other = try PeerClient(
            try PoolFiles(of: self.sources[1]).outgoing(),
            at: self.destination
        )
        let member = PeerGroupRequest.Member(
            volume: GroupStage.identity(1),
            snapshot: GroupStage.identity(2)
        )
        _ = try await other.register(Self.id, PeerGroupRequest(members: [member]))
        let error = await #expect(throws: APIError.self) { try await self.release() }
        #expect(error?.id == .groupNotPrepared)
        #expect(try await self.shown() == [nil, nil])
        _ = try await other.drop(Self.id)
        await other.close()
        let refused = await #expect(throws: APIError.self) { try await self.release() }
        #expect(refused?.id == .groupEnded)
        #expect(try await self.shown() == [nil, nil])
    }

    /// A pair cannot see, commit or drop what another pair has registered (P8).
    @Test func aGroupOfAnotherPairIsNotThere() async throws {
        _ = try await self.begin(0)
        let group = try await self.prepared(0)
        let volume = group.members[0].volumeID
        let thief = try PeerClient(
            try PoolFiles(of: self.sources[1]).outgoing(),
            at: self.destination
        )
        for question in [PeerClient.hold, PeerClient.commit, PeerClient.drop] {
            let error = await #expect(throws: APIError.self) {
                try await question(thief)(Self.id)
            }
            #expect(error?.id == .groupNotFound)
        }
        let member = PeerGroupRequest.Member(
            volume: volume,
            snapshot: group.members[0].snapshot
        )
        let error = await #expect(throws: APIError.self) {
            try await thief.register(Self.id, PeerGroupRequest(members: [member]))
        }
        #expect(error?.id == .volumeNotFound)
        await thief.close()
        let info = try await GroupStage.ask(self.sources[0]) { agent throws(APIError) in
            try await agent.commitGroup(Self.id)
        }
        #expect(info.state == .committed)
        #expect(try await self.shown() == [group.members[0].snapshot, nil])
    }
}
