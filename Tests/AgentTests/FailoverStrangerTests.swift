// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// Who may have a source become a replica: the pair that it was sent to, when it is fenced (P4, P8).
@Suite(.serialized) struct FailoverStrangerTests {
    private let scratch: Scratch
    private let source: TestAgent
    private let owner: TestAgent
    private let stranger: TestAgent
    private let volume: VolumeInfo

    /// A fenced volume that was sent to one agent; both that one and a stranger are paired back.
    init() async throws {
        self.scratch = try Scratch()
        self.source = try await TestAgent("s", in: self.scratch.path)
        self.owner = try await TestAgent("o", in: self.scratch.path)
        self.stranger = try await TestAgent("t", in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 1_000_000, seed: 8)
        try await self.source.pair(with: self.owner)
        try await self.source.createVolume("db", from: image)
        try await self.source.replicate("db")
        for agent in [self.owner, self.stranger] { try await agent.pair(with: self.source) }
        try await self.source.expect("volume", "fence", "db")
        self.volume = try await self.source.volume()
    }

    /// What the agent of a promoted volume would ask, with some of it changed.
    private func request(
        lineage: String? = nil,
        number: UInt64? = nil,
        key: String? = nil,
        root: String? = nil
    ) throws -> TakeOverRequest {
        let generation = try #require(self.volume.generation)
        let path = "\(self.source.pool)/volumes/\(self.volume.id)/volume.json"
        let record = try String(contentsOfFile: path, encoding: .utf8)
        let known = try #require(record.firstMatch(of: /"lineageKey" : "([0-9a-f]{64})"/))
        return TakeOverRequest(
            forkedFrom: lineage ?? self.volume.lineage,
            generation: number ?? generation.number,
            snapshot: generation.snapshot,
            sizeBytes: generation.sizeBytes,
            forkedRoot: try #require(generation.rootDigest),
            lineage: String(repeating: "ab", count: 16),
            root: root ?? String(repeating: "cd", count: 32),
            key: key ?? String(known.1)
        )
    }

    private func ask(
        _ agent: TestAgent,
        _ request: TakeOverRequest,
        of volume: String? = nil
    ) async throws -> TakeOverAnswer {
        let client = try PeerClient(try PoolFiles(of: agent).outgoing(), at: self.source)
        return try await client.once { client throws(APIError) in
            try await client.post(PeerRoute.takeOver(volume: volume ?? self.volume.id), request)
        }
    }

    private func expectRefused(_ id: ErrorID, _ request: TakeOverRequest) async throws {
        let error = await #expect(throws: APIError.self) { try await self.ask(self.owner, request) }
        #expect(error?.id == id, "\(String(describing: error))")
    }

    @Test func aStrangerLearnsNothingAndChangesNothing() async throws {
        #expect(try await self.ask(self.stranger, self.request()) == TakeOverAnswer(.absent))
        let unknown = String(repeating: "0", count: 32)
        let other = try await self.ask(self.stranger, self.request(), of: unknown)
        #expect(other == TakeOverAnswer(.absent))
        #expect(try await self.source.volume() == self.volume)
    }

    @Test func thePairItselfIsRefusedWhereTheHistoryIsAnother() async throws {
        try await self.expectRefused(.lineageForked, self.request(lineage: "ef".repeated(16)))
        try await self.expectRefused(.lineageForked, self.request(number: 7))
        try await self.expectRefused(.invalidRequest, self.request(key: "00"))
        try await self.expectRefused(.invalidRequest, self.request(lineage: "ab".repeated(16)))
        // Another key: it never had a replica of this.
        let keyless = try await self.ask(self.owner, self.request(key: "12".repeated(32)))
        #expect(keyless == TakeOverAnswer(.absent))
        // A root that its own digests do not have.
        try await self.expectRefused(.storeFailed, self.request())
        #expect(try await self.source.volume() == self.volume)
    }
}

extension String {
    fileprivate func repeated(_ count: Int) -> String { String(repeating: self, count: count) }
}
