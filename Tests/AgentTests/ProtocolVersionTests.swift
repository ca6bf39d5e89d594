// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Testing
import WireProtocol

/// Agents of two protocol versions: minors work together, majors refuse each other.
@Suite(.serialized) struct ProtocolVersionTests {
    private static let now = WireVersion.current
    private static let nextMinor = WireVersion(major: Self.now.major, minor: Self.now.minor + 1)
    private static let nextMajor = WireVersion(major: Self.now.major + 1, minor: 0)

    enum Side: CaseIterable {
        case source
        case destination
    }

    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    /// A source with a volume, paired with a destination; one of them is of another release.
    private func agents(
        newer: Side,
        _ version: WireVersion
    ) async throws -> (source: TestAgent, destination: TestAgent) {
        let later = ["--announce-protocol", "\(version)"]
        let source = try await TestAgent(
            "s",
            in: self.scratch.path,
            extra: newer == .source ? later : []
        )
        let destination = try await TestAgent(
            "d",
            in: self.scratch.path,
            extra: newer == .destination ? later : []
        )
        #expect((newer == .source ? source : destination).version.protocolVersion == "\(version)")
        #expect(
            (newer == .source ? destination : source).version.protocolVersion == "\(Self.now)"
        )
        try await source.pair(with: destination)
        let image = try self.scratch.random("image", bytes: 3_000_000, seed: 6)
        try await source.createVolume("db", from: image)
        return (source, destination)
    }

    @Test(arguments: Side.allCases)
    func theNextMinorVersionWorksWithThisOne(newer: Side) async throws {
        let (source, destination) = try await self.agents(newer: newer, Self.nextMinor)
        let full = try await source.replicate("db")
        #expect(full.mode == .full && full.error == nil)
        let live = try #require(
            try await source.value(VolumeInfo.self, "volume", "show", "db").path
        )
        let handle = try #require(FileHandle(forWritingAtPath: live))
        try handle.seek(toOffset: 1_000_000)
        try handle.write(contentsOf: Data(repeating: 9, count: 70_000))
        try handle.close()
        let next = try await source.replicate("db")
        #expect(next.mode == .incremental && next.error == nil)
        let copy = "\(self.scratch.path)/copy"
        let exported = try await destination.godwit("volume", "export", "db", "--to", copy)
        #expect(exported.status == 0)
        try await Tool.run("cmp", live, copy)
    }

    @Test(arguments: Side.allCases)
    func theNextMajorVersionIsRefusedWithBothVersionsNamed(newer: Side) async throws {
        let (source, destination) = try await self.agents(newer: newer, Self.nextMajor)
        let refused = try await source.godwit("replicate", "db", "--to", "remote")
        #expect(refused.status == 1, "\(refused.errors)")
        // The destination is the one that sees both hellos, so the sentence is its own.
        let (here, there) =
            newer == .source ? (Self.now, Self.nextMajor) : (Self.nextMajor, Self.now)
        for part in [
            "GW3007", "the two sides speak different major versions",
            "the destination says: this side speaks protocol \(here), the peer \(there)",
            "upgrade the older one", "Upgrade the agent with the older protocol",
            "godwit --agent DIR version",
        ] { #expect(refused.errors.contains(part), "\(part) is missing in \(refused.errors)") }
        // It does not get better by waiting: one try, and it is told at once (P10).
        let transfer = try #require(
            try await source.value([TransferInfo].self, "transfer", "list").first
        )
        #expect(transfer.state == .failed && transfer.attempt == 1)
        let events = try await source.value([EventInfo].self, "events")
        let failed = try #require(events.first { $0.reason == "TransferFailed" })
        #expect(failed.message.contains("\(here)") && failed.message.contains("\(there)"))
        #expect(try await destination.value([VolumeInfo].self, "volume", "list").isEmpty)
        let json = try await source.godwit("replicate", "db", "--to", "remote", "-o", "json")
        let last = try #require(json.errors.split(separator: "\n").last)
        #expect(json.status == 1 && last.contains("exit_error") && last.contains("GW3007"))
        // Once both are of one release, the same command does it.
        let other = newer == .source ? source : destination
        _ = try await other.stop()
        let same = try await TestAgent(
            newer == .source ? "s" : "d",
            in: self.scratch.path,
            data: other.version.data ?? "",
            api: other.version.api ?? ""
        )
        let sender = newer == .source ? same : source
        #expect(try await sender.godwit("replicate", "db", "--to", "remote").status == 0)
        _ = (destination, same)
    }

    @Test func whatIsNoVersionIsNotAnnounced() async throws {
        for text in ["2", "1.x", ".", "1.0.0", "-1.0", "70000.0"] {
            let result = try await Command.run(
                "godwit-agent",
                ["run", "--pool", "\(self.scratch.path)/p", "--announce-protocol=\(text)"]
            )
            #expect(result.status == 78, "\(text): \(result.errors)")
        }
        let help = try await Command.run("godwit-agent", ["run", "--help"])
        #expect(!help.output.contains("announce"))
    }
}
