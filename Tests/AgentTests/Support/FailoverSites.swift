// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// Two agents that a volume goes to and fro between.
struct FailoverSites {
    let first: TestAgent
    let second: TestAgent
    /// What both have after the last run: the volume's bytes.
    private(set) var common: Data

    static let volumeBytes = 8 << 20

    /// The volume was sent twice from the first to the second.
    init(in directory: String) async throws {
        (self.first, self.second) = try await TestAgent.paired(in: directory)
        let image = "\(directory)/image"
        var generator = SeededGenerator(seed: 41)
        try Data(noise(Self.volumeBytes, using: &generator)).write(to: URL(fileURLWithPath: image))
        try await self.first.createVolume("db", from: image)
        try await self.first.replicate("db")
        try await self.first.writeLive([(3, 11)])
        try await self.first.replicate("db")
        self.common = try await self.first.liveData()
    }

    /// What is common from now on.
    mutating func note(_ common: Data) { self.common = common }

    func end() async {
        for agent in [self.first, self.second] {
            agent.process.signal(SIGKILL)
            _ = try? await agent.process.result()
        }
    }
}

extension TestAgent {
    /// The volume, as its agent tells it.
    func volume(_ name: String = "db") async throws -> VolumeInfo {
        try await self.get(AgentRoute.volume(name))
    }

    func liveData(_ name: String = "db") async throws -> Data {
        let path = try #require(try await self.volume(name).path)
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    /// Writes whole granules, each filled with one byte, as an application does.
    func writeLive(_ granules: [(place: Int, byte: UInt8)], to name: String = "db") async throws {
        let path = try #require(try await self.volume(name).path)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        for (place, byte) in granules {
            try file.seek(toOffset: UInt64(place * Granules.bytes))
            try file.write(contentsOf: Data(repeating: byte, count: Granules.bytes))
        }
        try file.synchronize()
        try file.close()
    }

    /// Runs a command that is refused with this error.
    func refused(_ id: String, _ arguments: String...) async throws {
        let result = try await Command.run("godwit", ["--agent", self.pool] + arguments)
        #expect(result.status != 0)
        #expect(result.errors.contains(id), "\(arguments): \(result.errors)")
        #expect(result.errors.contains("\n  try    "), "\(arguments): \(result.errors)")
    }

    /// Runs a command that succeeds.
    func expect(_ arguments: String...) async throws {
        let result = try await Command.run("godwit", ["--agent", self.pool] + arguments)
        try #require(result.status == 0, "\(arguments): \(result.errors)")
    }

    /// A transfer when it has come to its end.
    func end(of transfer: String) async throws -> TransferInfo {
        while true {
            let path = AgentRoute.transfer(transfer, waitingMilliseconds: 1000)
            let info: TransferInfo = try await self.get(path)
            if info.state.isFinal { return info }
        }
    }

    /// Both agents read every byte of the newest generation again, and find the same root.
    func expectEqual(against pair: String = "remote") async throws {
        let proof = try await self.value(
            VolumeVerifyResult.self,
            "volume",
            "verify",
            "db",
            "--against",
            pair
        )
        #expect(proof.equal)
        #expect(proof.remote?.computedRoot != nil)
        #expect(proof.remote?.computedRoot == proof.local.recordedRoot)
    }

    /// The bytes of what a replica shows.
    func shownData(in directory: String) async throws -> Data {
        let path = "\(directory)/shown-\(UUID().uuidString.prefix(8))"
        try await self.expect("volume", "export", "db", "--to", path)
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }
}
