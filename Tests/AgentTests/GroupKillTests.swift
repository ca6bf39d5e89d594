// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Locks
import TestSupport
import Testing

/// Kills either agent at random instants between the freeze of a group and its last switch.
///
/// Before the release was asked for, no volume at the destination shows anything new; after it was
/// acknowledged, all do; whatever was killed in between, they agree once the agent answers again, and
/// asking again finishes it. GODWIT_KILLS says how often, GODWIT_SEED repeats a run.
@Suite(.serialized) struct GroupKillTests {
    private let kills = Int(ProcessInfo.processInfo.environment["GODWIT_KILLS"] ?? "") ?? 6

    /// Sparse copies at the source, redo journals at the destination.
    @Test(.timeLimit(.minutes(60)))
    func theVolumesOfAGroupAgreeWhoeverDies() async throws {
        let scratch = try Scratch()
        try await self.loop(in: scratch.path, on: "a plain directory", TestSeed())
    }

    /// Clones on both sides, switches by renaming.
    @Test(
        .timeLimit(.minutes(60)),
        .enabled(if: LoopFileSystem.isAvailable([.xfs]), LoopFileSystem.reason)
    )
    func theVolumesOfAGroupAgreeWhoeverDiesOnXFS() async throws {
        let seed = TestSeed()
        try await LoopFileSystem.xfs.mounted(mebibytes: 640) { directory in
            try await self.loop(in: directory, on: "XFS", seed)
        }
    }

    private func loop(in directory: String, on ground: String, _ seed: TestSeed) async throws {
        var loop = try await GroupKillLoop(in: directory, on: ground, seed)
        do {
            for _ in 0..<self.kills { try await loop.round() }
            print(loop.text)
        } catch {
            print(loop.text)
            await loop.stage.end()
            throw error
        }
        await loop.stage.end()
    }
}

/// Groups one after the other, in each of which one agent dies.
private struct GroupKillLoop {
    let stage: GroupStage
    private let place: String
    private var generator: SeededGenerator
    private var number = 0
    /// What happens in each pool while a group goes through undisturbed.
    private var atSource = KillInstant.Moment()
    private var atDestination = KillInstant.Moment()
    private var tally: [String] = []

    init(in directory: String, on ground: String, _ seed: TestSeed) async throws {
        self.stage = try await GroupStage(in: directory)
        self.place = "\(ground), \(seed)"
        self.generator = seed.generator
        try await self.undisturbed()
        let counters = try [self.stage.source, self.stage.destination]
            .map { try KillInstant(in: $0.pool) }
        for counter in counters { counter.arm(self.stage.source.process) { _ in false } }
        try await self.undisturbed()
        (self.atSource, self.atDestination) = (counters[0].end().moment, counters[1].end().moment)
    }

    var text: String {
        "GroupKillTests on \(self.place): \(self.tally.count) kills: "
            + self.tally.joined(separator: ", ")
    }

    private mutating func undisturbed() async throws {
        self.number += 1
        try self.stage.write(self.number)
        let begun = try await self.stage.begin(self.number)
        try #require(try await self.stage.prepared(self.number).state == .prepared)
        try #require(try await self.stage.commit(self.number).state == .committed)
        _ = try await self.stage.ended(begun)
        try await self.stage.expectShown(self.number)
    }

    /// One group, in which one side is killed.
    mutating func round() async throws {
        self.number += 1
        let (number, stage) = (self.number, self.stage)
        let place = "round \(number), \(self.place)"
        try stage.write(number)
        let isSource = Bool.random(using: &self.generator)
        let victim = isSource ? stage.source : stage.destination
        let instant = try KillInstant(in: victim.pool)
        let isNow = try self.anyInstant(ofSource: isSource)
        let isDead = Locked(false)
        instant.arm(victim.process) { moment in
            guard isNow(moment) else { return false }
            isDead.withLock { $0 = true }
            return true
        }
        let reached = await self.drive(number) { isDead.withLock { $0 } }
        // An instant that did not come: at the end, with everything acknowledged.
        victim.process.signal(SIGKILL)
        _ = try await victim.process.result()
        let killedAt = instant.end().killedAt ?? "the end"
        self.tally.append("\(isSource ? "s" : "d"):\(killedAt) \(reached)")
        if !isSource {
            // Until the destination was looked at: nothing new may be asked of it.
            stage.source.process.signal(SIGSTOP)
            try await stage.destination.restart()
        }
        try await self.look(number, reached, "\(place), \(reached) at \(killedAt)")
        if isSource {
            try await stage.source.restart()
        } else {
            stage.source.process.signal(SIGCONT)
        }
        try await self.finish(number, place)
    }

    /// By turns among all events and among the names of files, so that short steps are not missed.
    private mutating func anyInstant(
        ofSource isSource: Bool
    ) throws -> @Sendable (KillInstant.Moment) -> Bool {
        let whole = isSource ? self.atSource : self.atDestination
        if Bool.random(using: &self.generator) {
            let instant = Int.random(in: 0...whole.events, using: &self.generator)
            return { $0.events >= instant }
        }
        let names = whole.byName.sorted { $0.key < $1.key }
        let (name, count) = try #require(names.randomElement(using: &self.generator))
        let instant = Int.random(in: 1...count, using: &self.generator)
        return { $0.byName[name] == instant }
    }

    /// How far a group got before an agent died.
    private enum Reached: String {
        case notAsked = "before the release"
        case asked = "release asked for"
        case acknowledged = "release acknowledged"
    }

    private struct Dead: Error {}

    private func drive(_ number: Int, until isDead: @Sendable () -> Bool) async -> Reached {
        var reached = Reached.notAsked
        do {
            _ = try await self.stage.begin(number)
            // Who waits for a dead destination only makes its source give up.
            let group = try await self.stage.prepared(number) { if isDead() { throw Dead() } }
            guard group.state == .prepared, !isDead() else { return reached }
            reached = .asked
            let info = try await self.stage.commit(number)
            if info.state == .committed { reached = .acknowledged }
        } catch {
            // One of the agents is gone: that is what this is about.
        }
        return reached
    }

    /// What the destination shows, whoever died.
    private func look(_ number: Int, _ reached: Reached, _ comment: String) async throws {
        // A release that is under way here, while its source is dead, comes to its end.
        for _ in 0..<200 where try await self.stage.hold(number)?.state == .releasing {}
        let shown = try await self.stage.shownRounds(upTo: number)
        #expect(Set(shown).count == 1, "\(comment): the volumes show \(shown)")
        switch reached {
        case .notAsked: #expect(shown.first == number - 1, "\(comment)")
        case .asked: #expect([number - 1, number].contains(shown.first), "\(comment)")
        case .acknowledged: #expect(shown.first == number, "\(comment)")
        }
    }

    /// Asked again under the same identity, everything comes to its end.
    private func finish(_ number: Int, _ place: String) async throws {
        let begun = try await self.stage.begin(number)
        let group = try await self.stage.prepared(number)
        try #require(
            group.state == .prepared || group.state == .committed,
            "\(place): \(group)"
        )
        try #require(try await self.stage.commit(number).state == .committed, "\(place)")
        try await self.stage.expectShown(number, "\(place)")
        let ends = try await self.stage.ended(begun)
        #expect(ends.allSatisfy { $0 == .succeeded }, "\(place): \(ends)")
    }
}
