// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Glibc
import Receiver
import TestSupport
import Testing
import VolumeStore
import WireProtocol

/// Bounds of a receiver that come into play when somebody else is in the way (P6).
@Suite(.timeLimit(.minutes(10))) struct ReceiverLimitTests {
    let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    /// Incrementals change bytes in place, so that a reader is in the way of a commit.
    private func world(_ limits: ReceiverLimits) throws -> ReceiverWorld {
        try ReceiverWorld(
            pool: self.directory.path,
            limits: limits,
            options: ReplicaOptions(reflink: .never)
        )
    }

    private func limits(readerWait: Duration) -> ReceiverLimits {
        ReceiverLimits(flushInterval: .milliseconds(20), readerWait: readerWait)
    }

    /// A session in which everything of an incremental but the proof is done.
    private func beginIncremental(
        _ volume: inout ScriptedVolume,
        _ world: ReceiverWorld
    ) throws -> (session: ScriptedSession, totals: StreamTotals) {
        let session = try ScriptedSession(world, volume.offer(.incremental))
        let lane = try session.join()
        var totals = StreamTotals()
        if session.durable.isEmpty {
            try lane.chunk(Array(volume.bytes[4096..<8192]), at: 4096)
            totals = StreamTotals(dataFrames: 1, rawBytes: ByteCount(4096))
        }
        try lane.send(.end(totals))
        return (session, totals)
    }

    private func twoGenerations(_ world: ReceiverWorld, seed: UInt64) throws -> ScriptedVolume {
        var volume = ScriptedVolume(seed: seed)
        volume.advance(size: 100_000)
        try volume.send(to: world)
        var bytes = volume.bytes
        bytes[5000] ^= 1
        volume.advance(to: bytes)
        return volume
    }

    @Test func aCommitThatReadersKeepWaitingIsPutOffAndTheNextSessionFinishesIt() throws {
        let world = try self.world(self.limits(readerWait: .zero))
        var volume = try self.twoGenerations(world, seed: 60)
        let replica = try #require(world.store.volume(volume.volume))
        do {
            let reader = try replica.openVisible()
            let (session, totals) = try self.beginIncremental(&volume, world)
            try session.commit(volume.root(), totals)
            let report = try session.control.report()
            #expect(report.code == .busy && report.isRetryable, "\(report)")
            #expect(replica.visible?.number == GenerationNumber(1))
            #expect(reader.generation.number == GenerationNumber(1))
        }
        #expect(try world.visibleBytes(volume.volume) == volume.base)
        let (session, totals) = try self.beginIncremental(&volume, world)
        #expect(session.accept.isResumed)
        try session.commit(volume.root(), totals)
        _ = try session.committed()
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
    }

    @Test func aCommitWaitsForReadersAsLongAsItMay() throws {
        let world = try self.world(self.limits(readerWait: .seconds(3600)))
        var volume = try self.twoGenerations(world, seed: 61)
        let replica = try #require(world.store.volume(volume.volume))
        var reader: ReplicaReader? = try replica.openVisible()
        let (session, totals) = try self.beginIncremental(&volume, world)
        try session.commit(volume.root(), totals)
        while world.service.transfers.first?.state != .proving { sched_yield() }
        #expect(reader?.generation.number == GenerationNumber(1))
        reader = nil
        #expect(try session.committed().number == GenerationNumber(2))
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
    }

    @Test func aPairHasNoMoreVolumesThanItMayAndOthersHaveTheirOwn() throws {
        let world = try self.world(ReceiverLimits(volumesPerPair: 1))
        var first = ScriptedVolume(seed: 62, name: "first")
        first.advance(size: 1000)
        try first.send(to: world)
        var second = ScriptedVolume(seed: 63, name: "second")
        second.advance(size: 1000)
        let refusal = #expect(throws: Refusal.self) {
            _ = try ScriptedSession(world, second.offer())
        }
        #expect(refusal?.code == .noSpace)
        #expect(refusal?.text.contains("delete some") == true)
        #expect(world.store.volumes().map(\.name) == ["first"])
        // What is there goes on, and another pair is not counted with this one.
        first.advance(size: 2000)
        try first.send(to: world)
        var foreign = ScriptedVolume(seed: 64, name: "second")
        foreign.advance(size: 1000)
        let session = try ScriptedSession(
            world,
            foreign.offer(),
            as: ReceiverWorld.stranger
        )
        session.control.close()
        try world.store.delete(first.volume)
        try second.send(to: world)
    }
}
