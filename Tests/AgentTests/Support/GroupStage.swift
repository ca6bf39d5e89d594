// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// Two real agents, and an application that writes the same number to several volumes.
struct GroupStage {
    static let volumeBytes = 768 << 10

    let directory: String
    let source: TestAgent
    let destination: TestAgent
    let names: [String]
    let live: [String]

    init(
        in directory: String,
        volumes: Int = 3,
        extra: [String] = []
    ) async throws {
        self.directory = directory
        self.source = try await TestAgent("s", in: directory, extra: extra)
        self.destination = try await TestAgent("d", in: directory)
        try await self.source.pair(with: self.destination)
        let names = (0..<volumes).map { "db-\($0)" }
        var live: [String] = []
        for name in names {
            let size = "\(Self.volumeBytes >> 10)KiB"
            live.append(try #require(try await self.source.createVolume(name, size: size).path))
        }
        self.names = names
        self.live = live
    }

    /// Ends both agents, so that the place where their pools lie can go.
    func end() async {
        for agent in [self.source, self.destination] { try? await agent.kill() }
    }

    // MARK: The application

    /// What a volume holds after a round: its number all over the place, and where it is written.
    static func image(_ round: Int) -> Data {
        var image = Data(count: Self.volumeBytes)
        guard round > 0 else { return image }
        for place in stride(from: 0, to: Self.volumeBytes, by: 12 << 10) {
            let text = Data("round \(round) at \(place)\n".utf8)
            image.replaceSubrange(place..<place + text.count, with: text)
        }
        return image
    }

    /// Writes one number to all volumes, one after the other.
    func write(_ round: Int) throws {
        for path in self.live {
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.write(contentsOf: Self.image(round))
            try handle.close()
        }
    }

    // MARK: Groups

    static func identity(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    func request(_ number: Int, of names: [String]? = nil) -> GroupRequest {
        GroupRequest(
            id: Self.identity(number),
            pair: "remote",
            members: (names ?? self.names).enumerated()
                .map { index, name in
                    GroupRequest.Member(
                        volume: name,
                        transfer: Self.identity(number << 16 + index + 1)
                    )
                }
        )
    }

    /// Asks an agent.
    static func ask<Answer: Sendable>(
        _ agent: TestAgent,
        _ question: (AgentClient) async throws(APIError) -> Answer
    ) async throws(APIError) -> Answer {
        try await AgentClient(at: agent.pool).once(question)
    }

    func begin(_ number: Int, of names: [String]? = nil) async throws(APIError) -> GroupInfo {
        let request = self.request(number, of: names)
        return try await Self.ask(self.source) { agent throws(APIError) in
            try await agent.beginGroup(request)
        }
    }

    /// The group once all of it is prepared; `look` is called each time before it is looked again.
    func prepared(
        _ number: Int,
        _ look: () async throws -> Void = {}
    ) async throws -> GroupInfo {
        var last: GroupInfo?
        for _ in 0..<150 {
            try await look()
            let info = try await Self.ask(self.source) { agent throws(APIError) in
                try await agent.group(Self.identity(number), waitingMilliseconds: 1000)
            }
            if info.state != .copying { return info }
            last = info
        }
        throw Stuck(description: "the group is not prepared: \(String(describing: last))")
    }

    struct Stuck: Error, CustomStringConvertible { let description: String }

    func commit(_ number: Int) async throws(APIError) -> GroupInfo {
        try await Self.ask(self.source) { agent throws(APIError) in
            try await agent.commitGroup(Self.identity(number))
        }
    }

    func cancel(_ number: Int) async throws(APIError) -> GroupInfo {
        try await Self.ask(self.source) { agent throws(APIError) in
            try await agent.cancelGroup(Self.identity(number))
        }
    }

    /// Waits until the transfers of a group have ended, and says how.
    func ended(_ info: GroupInfo) async throws -> [TransferState] {
        var states: [TransferState] = []
        for member in info.members {
            var state = TransferState.queued
            for _ in 0..<150 where !state.isFinal {
                let transfer: TransferInfo = try await self.source.get(
                    AgentRoute.transfer(member.transfer, waitingMilliseconds: 1000)
                )
                state = transfer.state
            }
            states.append(state)
        }
        return states
    }

    /// What the transfers of a group tell includes what was shipped before the release.
    func expectShipped(_ info: GroupInfo, isFirst: Bool) async throws {
        for member in info.members {
            let transfer: TransferInfo = try await self.source.get(
                AgentRoute.transfer(member.transfer)
            )
            let report = try #require(transfer.report)
            #expect(report.mode == (isFirst ? .full : .incremental))
            // One place of every 12 KiB was written anew.
            #expect(report.changedBytes >= UInt64(Self.volumeBytes / 3), "\(report)")
            #expect(report.wireBytes > 4 << 10 && report.resumedBytes == 0, "\(report)")
        }
    }

    func hold(_ number: Int) async throws(APIError) -> HoldInfo? {
        let holds = try await Self.ask(self.destination) { agent throws(APIError) in
            try await agent.holds()
        }
        return holds.first { $0.id == Self.identity(number) }
    }

    // MARK: The destination

    /// The snapshots that the destination shows, one for each volume; nil for none.
    func shownSnapshots() async throws -> [String?] {
        let list: ItemList<VolumeInfo> = try await self.destination.get(AgentRoute.volumes)
        return self.names.map { name in
            list.items.first { $0.name == name }?.generation?.snapshot
        }
    }

    /// The round that each volume shows, byte for byte; 0 for a volume that shows nothing.
    func shownRounds(upTo newest: Int) async throws -> [Int?] {
        var rounds: [Int?] = []
        for (name, snapshot) in zip(self.names, try await self.shownSnapshots()) {
            guard snapshot != nil else {
                rounds.append(0)
                continue
            }
            let copy = "\(self.directory)/copy"
            try? FileManager.default.removeItem(atPath: copy)
            let _: VolumeExportResult = try await self.destination.post(
                AgentRoute.volume(name, "export"),
                VolumeExportRequest(generation: nil, to: copy)
            )
            let bytes = try Data(contentsOf: URL(fileURLWithPath: copy))
            rounds.append((max(0, newest - 2)...newest).first { Self.image($0) == bytes })
        }
        return rounds
    }

    /// The first bytes of what each volume shows.
    func shownHeads(of count: Int) async throws -> [String] {
        var heads: [String] = []
        for name in self.names {
            let copy = "\(self.directory)/copy"
            try? FileManager.default.removeItem(atPath: copy)
            let _: VolumeExportResult = try await self.destination.post(
                AgentRoute.volume(name, "export"),
                VolumeExportRequest(generation: nil, to: copy)
            )
            heads.append(try Self.head(of: copy, count))
        }
        return heads
    }

    /// The first bytes of what the application has written.
    func liveHeads(of count: Int) throws -> [String] {
        try self.live.map { try Self.head(of: $0, count) }
    }

    private static func head(of path: String, _ count: Int) throws -> String {
        let handle = try #require(FileHandle(forReadingAtPath: path))
        defer { try? handle.close() }
        return String(decoding: try handle.read(upToCount: count) ?? Data(), as: UTF8.self)
    }

    func expectShown(_ round: Int, _ comment: Comment = "") async throws {
        let shown = try await self.shownRounds(upTo: round)
        #expect(shown == self.names.map { _ in round }, comment)
    }
}
