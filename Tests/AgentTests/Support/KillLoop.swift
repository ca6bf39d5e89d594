// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import TestSupport
import Testing

/// A source and a destination, one of which dies in each transfer between them.
struct KillLoop {
    static let volumeBytes = 32 << 20
    static let changedBytes = 28 << 20
    static let streams = 1
    /// What may travel again of what was durable (P5).
    static let bound = Self.streams * 16 << 20

    private let directory: String
    private let place: String
    private let source: TestAgent
    private let destination: TestAgent
    private let live: String
    /// The log of what is durable in the stage at the destination.
    private let durableLog: String
    private let noise: Data
    private var generator: SeededGenerator
    /// What the volume holds at the source.
    private var image: Data
    /// What happens in each pool while a transfer goes through undisturbed.
    private var atSource = KillInstant.Moment()
    private var atDestination = KillInstant.Moment()
    private(set) var tally: KillTally

    init(in directory: String, on ground: String, _ seed: TestSeed) async throws {
        self.directory = directory
        self.place = "\(ground), \(seed)"
        self.tally = KillTally(title: self.place)
        self.generator = seed.generator
        self.noise = Data(TestSupport.noise(8 << 20, using: &self.generator))
        (self.source, self.destination) = try await TestAgent.paired(in: directory)
        let created = try await self.source.createVolume("db", size: "\(Self.volumeBytes >> 20)MiB")
        self.live = try #require(created.path)
        self.durableLog = "\(self.destination.pool)/volumes/\(created.id)/stage/durable.log"
        self.image = Data(count: Self.volumeBytes)
        try self.change()
        _ = try await self.ended(try await self.replicate(), since: 0)
        try await self.measure()
    }

    /// Ends both agents, so that the place where their pools lie can go.
    func end() async {
        for agent in [self.source, self.destination] { try? await agent.kill() }
    }

    // MARK: One round

    /// One transfer, in which one side is killed.
    mutating func round(_ number: Int) async throws {
        let base = self.image
        try self.change()
        let place = "round \(number), \(self.place)"
        let isSource = number < 2 ? number == 0 : Bool.random(using: &self.generator)
        let victim = isSource ? self.source : self.destination
        let began = self.source.log.all.count
        // The first rounds make sure that more is durable than may travel again.
        let (transfer, killedAt) =
            number < 2
            ? try await self.killWhenMuchIsDurable(victim)
            : try await self.killAtAnyInstant(victim)
        let staged = try await self.durableAfterDeath(ofSource: isSource)
        if !isSource { try await victim.restart() }
        let shown = try await self.shown()
        #expect(shown == base || shown == self.image, "\(place): neither base nor target is shown")
        if isSource {
            try await victim.restart()
        } else {
            self.source.process.signal(SIGCONT)
        }
        let since = isSource ? 0 : began
        let info = try await self.ended(transfer, since: since)
        try #require(info.state == .succeeded, "\(place): \(String(describing: info.error))")
        let after = try await self.shown()
        #expect(after == self.image, "\(place): the target is not shown")
        let changed = Granules(differing: base, self.image)
        // What is visible is durable, and its log may be gone.
        let durable = shown == base ? staged : changed
        let resent = self.resent(
            of: changed,
            durable,
            info,
            self.resumption(since: since, isSource)
        )
        #expect((0...Self.bound).contains(resent), "\(place): \(resent) durable bytes came again")
        let durableBytes = durable.intersection(changed).byteCount
        if number < 2 { #expect(durableBytes > Self.bound, "\(place): too little was durable") }
        self.tally.add(killedAt, isSource, shown == base, durable: durableBytes, resent: resent)
    }

    /// Kills when the destination's log names more than may travel again.
    private func killWhenMuchIsDurable(_ victim: TestAgent) async throws -> (String, String) {
        let log = self.durableLog
        return try await self.kill(victim, watching: self.destination, limit: 24 << 20) { moment in
            moment.path == log
                && Granules(durableIn: log, volumeBytes: Self.volumeBytes).byteCount > Self.bound
        }
    }

    private mutating func killAtAnyInstant(_ victim: TestAgent) async throws -> (String, String) {
        let whole = victim === self.source ? self.atSource : self.atDestination
        // By turns, so that neither long copies nor the short steps between them are missed.
        if Bool.random(using: &self.generator) {
            let instant = Int.random(in: 0...whole.events, using: &self.generator)
            return try await self.kill(victim, watching: victim) { $0.events >= instant }
        }
        let names = whole.byName.sorted { $0.key < $1.key }
        let (name, count) = try #require(names.randomElement(using: &self.generator))
        let instant = Int.random(in: 1...count, using: &self.generator)
        return try await self.kill(victim, watching: victim) { $0.byName[name] == instant }
    }

    /// Begins a transfer and kills an agent when something happens in a pool, or else at its end.
    private func kill(
        _ victim: TestAgent,
        watching watched: TestAgent,
        limit: UInt64? = nil,
        when isNow: @escaping @Sendable (KillInstant.Moment) -> Bool
    ) async throws -> (transfer: String, killedAt: String) {
        let instant = try KillInstant(in: watched.pool)
        let began = self.source.log.all.count
        let process = victim.process
        let transfer = try await self.replicate(limit: limit)
        instant.arm(process, when: isNow)
        self.source.log.call(
            from: began,
            { Self.isEnd($0, of: transfer) },
            { _ in process.signal(SIGKILL) }
        )
        _ = try await process.result()
        // Until the destination was looked at: nothing new may come meanwhile.
        if victim !== self.source { self.source.process.signal(SIGSTOP) }
        return (transfer, instant.end().killedAt ?? "the end")
    }

    // MARK: What became durable

    /// What the stage's log names when the killed process is dead and the session is over.
    private func durableAfterDeath(ofSource: Bool) async throws -> Granules {
        if ofSource {
            let begun = self.destination.log.all.filter { $0.reason == "ReceivingStarted" }
            for session in begun.compactMap(\.transfer) {
                _ = try await self.destination.log.first { line in
                    line.transfer == session
                        && ["ReceivingEnded", "GenerationVisible"].contains(line.reason)
                }
            }
        }
        return Granules(durableIn: self.durableLog, volumeBytes: Self.volumeBytes)
    }

    /// The first session that the destination accepted after the kill.
    private func resumption(since: Int, _ isSource: Bool) -> LogLine? {
        var lines = self.source.log.all.dropFirst(since)
        if !isSource { lines = lines.drop { $0.reason != "TransferRetrying" } }
        return lines.first { $0.reason == "TransferStarted" }
    }

    /// Bytes that were durable at the kill and were sent after it.
    private func resent(
        of changed: Granules,
        _ durable: Granules,
        _ info: TransferInfo,
        _ resumption: LogLine?
    ) -> Int {
        guard let resumption, let before = resumption.number("sentBytes"),
            let total = info.report?.changedBytes
        else { return 0 }
        return Int(total) - before - changed.subtracting(durable).byteCount
    }

    // MARK: Steps

    /// Sends once undisturbed and counts what happens in both pools.
    private mutating func measure() async throws {
        try self.change()
        let counters = try [self.source, self.destination].map { try KillInstant(in: $0.pool) }
        let began = self.source.log.all.count
        for counter in counters { counter.arm(self.source.process) { _ in false } }
        _ = try await self.ended(try await self.replicate(), since: began)
        (self.atSource, self.atDestination) = (counters[0].end().moment, counters[1].end().moment)
    }

    private func replicate(limit: UInt64? = nil) async throws -> String {
        let accepted: ItemList<TransferInfo> = try await self.source.post(
            AgentRoute.transfers,
            ReplicateRequest(
                volumes: ["db"],
                pair: "remote",
                limit: limit,
                codec: .none,
                streams: Self.streams
            )
        )
        return try #require(accepted.items.first?.id)
    }

    private static func isEnd(_ line: LogLine, of transfer: String) -> Bool {
        line.transfer == transfer
            && ["TransferSucceeded", "TransferFailed"].contains(line.reason)
    }

    private func ended(_ transfer: String, since: Int) async throws -> TransferInfo {
        let route = AgentRoute.transfer(transfer)
        let info: TransferInfo = try await self.source.get(route)
        if info.state.isFinal { return info }
        _ = try await self.source.log.first(from: since) { Self.isEnd($0, of: transfer) }
        return try await self.source.get(route)
    }

    private func shown() async throws -> Data {
        let copy = "\(self.directory)/copy"
        try? FileManager.default.removeItem(atPath: copy)
        let _: VolumeExportResult = try await self.destination.post(
            AgentRoute.volume("db", "export"),
            VolumeExportRequest(generation: nil, to: copy)
        )
        return try Data(contentsOf: URL(fileURLWithPath: copy))
    }

    /// Rewrites most of the volume, in pieces, and some bytes here and there.
    private mutating func change() throws {
        let handle = try #require(FileHandle(forWritingAtPath: self.live))
        defer { try? handle.close() }
        let start = Int.random(
            in: 0..<(Self.volumeBytes - Self.changedBytes),
            using: &self.generator
        )
        var pieces: [(place: Int, length: Int)] = []
        for place in stride(from: start, to: start + Self.changedBytes, by: 4 << 20) {
            pieces.append((place, 4 << 20))
        }
        for _ in 0..<20 {
            let length = Int.random(in: 1..<9000, using: &self.generator)
            let limit = Self.volumeBytes - length
            pieces.append((Int.random(in: 0..<limit, using: &self.generator), length))
        }
        for (place, length) in pieces {
            let from = Int.random(in: 0..<(self.noise.count - length), using: &self.generator)
            let bytes = self.noise[from..<from + length]
            self.image.replaceSubrange(place..<place + length, with: bytes)
            try handle.seek(toOffset: UInt64(place))
            try handle.write(contentsOf: bytes)
        }
    }
}

/// What a loop of kills came upon.
struct KillTally {
    let title: String
    private var kills = 0
    private var ofSource = 0
    private var showedBase = 0
    private var muchDurable = 0
    private var mostResent = 0
    private var resumed = 0
    private var places: [String: Int] = [:]

    init(title: String) { self.title = title }

    mutating func add(
        _ place: String,
        _ isSource: Bool,
        _ wasBase: Bool,
        durable: Int,
        resent: Int
    ) {
        self.kills += 1
        self.ofSource += isSource ? 1 : 0
        self.showedBase += wasBase ? 1 : 0
        self.resumed += durable > 0 ? 1 : 0
        self.muchDurable += durable > KillLoop.bound ? 1 : 0
        self.mostResent = max(self.mostResent, resent)
        self.places["\(isSource ? "s" : "d"):\(place)", default: 0] += 1
    }

    var text: String {
        let places = self.places.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.key) \($0.value)" }
        return """
            KillTests on \(self.title): \(self.kills) kills, \(self.ofSource) of the source; \
            \(self.showedBase) times the base was shown, \(self.kills - self.showedBase) times the \
            target; something was durable \(self.resumed) times, more than the bound \
            \(self.muchDurable) times; at most \(self.mostResent) durable bytes came again
              at \(places.joined(separator: ", "))
            """
    }
}
