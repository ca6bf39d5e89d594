// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing

/// What is left of a pair that was deleted while its volumes were being sent.
@Suite(.serialized) struct PairDeletionTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    @Test func noBaseIsKeptForAPairThatIsGone() async throws {
        let (source, destination) = try await TestAgent.paired(in: self.scratch.path)
        let image = try self.scratch.random("image", bytes: 16 << 20, seed: 5)
        let volume = try await source.createVolume("db", from: image)
        try await source.beginReplicating("db", "--limit", "1MiB/s", "--codec", "none")
        _ = try await source.log.first(reason: "TransferStarted")
        #expect(try await source.godwit("pair", "delete", "remote", "--yes").status == 0)
        let pairs = "\(source.pool)/volumes/\(volume.id)/pairs"
        let left = try? FileManager.default.contentsOfDirectory(atPath: pairs)
        #expect(left == [])
        _ = destination
    }
}
