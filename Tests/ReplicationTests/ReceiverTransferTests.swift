// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import Foundation
import Locks
import Receiver
import SecureTransport
import TestSupport
import Testing
import VolumeStore
import WireProtocol

@Suite struct ReceiverTransferTests {
    let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    private func world(
        _ limits: ReceiverLimits = ReceiverLimits(flushInterval: .milliseconds(20)),
        options: ReplicaOptions = ReplicaOptions()
    ) throws -> ReceiverWorld {
        try ReceiverWorld(pool: self.directory.path, limits: limits, options: options)
    }

    @Test func aFullCopyInSeveralStreamsAndCodecsBecomesVisible() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 1)
        volume.advance(size: 400_001)
        for index in 200_704..<262_144 { volume.bytes[index] = 0 }
        let session = try ScriptedSession(world, volume.offer(streams: 2))
        #expect(session.accept.streams == 2)
        let first = try session.join(0)
        let second = try session.join(1)
        try first.chunk(Array(volume.bytes[0..<100_000 / 4096 * 4096]), at: 0, codec: .lz4)
        try second.chunk(Array(volume.bytes[262_144..<400_001]), at: 262_144)
        try first.chunk(Array(volume.bytes[98_304..<200_704]), at: 98_304, codec: .deflate)
        try second.send(.zero(ZeroExtent(Extent(ByteOffset(200_704), ByteOffset(262_144)))))
        let one = StreamTotals(dataFrames: 2, rawBytes: ByteCount(200_704))
        let two = StreamTotals(
            dataFrames: 1,
            zeroFrames: 1,
            rawBytes: ByteCount(137_857),
            zeroBytes: ByteCount(61_440)
        )
        try first.send(.end(one))
        try second.send(.end(two))
        try session.control.waitDurable(0, 200_704)
        try session.control.waitDurable(1, 137_857 + 4096)
        try session.commit(volume.root(), one + two)
        let stamp = try session.committed()
        #expect(stamp == volume.target.proven(volume.root()))
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
        for ack in session.control.acks {
            #expect(ack.durable <= ack.applied && ack.applied <= ack.received)
            #expect(ack.creditLimit == ack.durable + Limits.creditWindow)
        }
        session.control.close()
        #expect(world.service.drain(within: .seconds(20)))
        let status = try #require(world.events.finished.last)
        #expect(status.state == .committed)
        #expect(status.committed == stamp)
        #expect(status.durableBytes.bytes == 200_704 + 137_857 + 4096)
    }

    @Test(arguments: [ReflinkUse.automatic, .never])
    func anIncrementalAsksAndSendsWhatDiffers(_ reflink: ReflinkUse) throws {
        let world = try self.world(options: ReplicaOptions(reflink: reflink))
        var volume = ScriptedVolume(seed: 2)
        volume.advance(size: 300_000)
        try volume.send(to: world)
        var bytes = volume.bytes
        bytes[70_000] ^= 1
        bytes[299_999] ^= 1
        volume.advance(to: bytes)
        let session = try ScriptedSession(world, volume.offer(.incremental))
        let lane = try session.join()
        try lane.send(.leafQuery(LeafQuery(first: LeafIndex(0), count: 5)))
        guard case .leafDigests(let answer) = try lane.next() else { return }
        #expect(answer.digests == (0..<5).map { volume.digest(of: $0, in: volume.base) })
        let dirty = (0..<5).filter { answer.digests[$0] != volume.digest(of: $0, in: bytes) }
        #expect(dirty == [1, 4])
        try lane.send(.granuleQuery(GranuleQuery(dirty.map { LeafIndex($0) })))
        guard case .granuleDigests(let granules) = try lane.next() else { return }
        #expect(granules.leaves.map(\.leaf.index) == dirty)
        try lane.chunk(Array(bytes[69_632..<73_728]), at: 69_632)
        try lane.chunk(Array(bytes[299_008..<300_000]), at: 299_008)
        let totals = StreamTotals(dataFrames: 2, rawBytes: ByteCount(4096 + 992))
        try lane.send(.end(totals))
        try session.commit(volume.root(), totals)
        #expect(try session.committed().number == GenerationNumber(2))
        #expect(try world.visibleBytes(volume.volume) == bytes)
    }

    @Test func theWrongRootIsRefusedAndTheBaseStays() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 3)
        volume.advance(size: 100_000)
        try volume.send(to: world)
        let rightRoot = volume.root()
        volume.advance(to: volume.bytes.map { $0 ^ 1 })
        let session = try ScriptedSession(world, volume.offer())
        let totals = try session.fill(volume, session.join())
        try session.commit(rightRoot, totals)
        #expect(try session.control.report().code == .rootMismatch)
        #expect(try world.visibleBytes(volume.volume) == volume.base)
        // What was staged is of no use to anybody.
        let again = try ScriptedSession(world, volume.offer())
        #expect(!again.accept.isResumed)
    }

    @Test func aBrokenTransferGoesOnWithWhatIsDurable() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 4)
        volume.advance(size: 1_000_000)
        do {
            let session = try ScriptedSession(world, volume.offer())
            let lane = try session.join()
            for place in stride(from: 0, to: 524_288, by: 65_536) {
                try lane.chunk(Array(volume.bytes[place..<place + 65_536]), at: place)
            }
            try session.control.waitDurable(0, 524_288)
            session.control.close()
        }
        let session = try ScriptedSession(world, volume.offer())
        #expect(session.accept.isResumed)
        #expect(session.accept.ticket.bytes == [1, 2, 3])
        #expect(session.durable.extents == [Extent(.zero, ByteOffset(524_288))])
        let totals = try session.fill(volume, session.join(), from: 524_288)
        try session.commit(volume.root(), totals)
        _ = try session.committed()
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
    }

    @Test func aRestartedReceiverGoesOnFromItsDisk() throws {
        var volume = ScriptedVolume(seed: 5)
        volume.advance(size: 1_000_000)
        do {
            let world = try self.world()
            let session = try ScriptedSession(world, volume.offer())
            let lane = try session.join()
            try lane.chunk(Array(volume.bytes[65_536..<131_072]), at: 65_536)
            try session.control.waitDurable(0, 65_536)
            world.service.stop()
        }
        let world = try self.world()
        let session = try ScriptedSession(world, volume.offer())
        #expect(session.accept.isResumed)
        #expect(session.durable.extents == [Extent(ByteOffset(65_536), ByteOffset(131_072))])
        let lane = try session.join()
        try lane.chunk(Array(volume.bytes[0..<65_536]), at: 0)
        var totals = try session.fill(volume, lane, from: 131_072, ends: false)
        totals = totals + StreamTotals(dataFrames: 1, rawBytes: ByteCount(65_536))
        try lane.send(.end(totals))
        try session.commit(volume.root(), totals)
        _ = try session.committed()
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
    }

    @Test func aSenderThatComesAgainTakesItsOldSessionOver() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 6)
        volume.advance(size: 200_000)
        let old = try ScriptedSession(world, volume.offer())
        let lane = try old.join()
        try lane.chunk(Array(volume.bytes[0..<65_536]), at: 0)
        try old.control.waitDurable(0, 65_536)
        // The receiver does not know that the old connection is dead.
        let new = try ScriptedSession(world, volume.offer())
        #expect(try old.control.report().code == .duplicateTransfer)
        #expect(new.durable.byteCount.bytes == 65_536)
        let totals = try new.fill(volume, new.join(), from: 65_536)
        try new.commit(volume.root(), totals)
        _ = try new.committed()
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
    }

    @Test func anOfferWaitsWhileTheSessionBeforeItFinishes() throws {
        let isFirst = Locked(true)
        let isFinishing = DispatchSemaphore(value: 0)
        let mayEnd = DispatchSemaphore(value: 0)
        let options = ReplicaOptions(hook: { (point) throws(StoreError) in
            guard point == .oldGenerationsRemoved, isFirst.withLock({ $0 }) else { return }
            isFirst.withLock { $0 = false }
            isFinishing.signal()
            mayEnd.wait()
        })
        let world = try self.world(options: options)
        defer { mayEnd.signal() }
        var volume = ScriptedVolume(seed: 17)
        volume.advance(size: 100_000)
        let first = try ScriptedSession(world, volume.offer())
        let totals = try first.fill(volume, first.join())
        try first.commit(volume.root(), totals)
        try #require(isFinishing.wait(timeout: .now() + 60) == .success)
        volume.advance(size: 100_000)
        let next = try world.connect()
        try next.hello(.control)
        try next.send(.offer(volume.offer()))
        // A refusal would come between these, the sender would rest and try again.
        for nonce in 1...100 as ClosedRange<UInt64> {
            try next.send(.ping(nonce))
            try #require(try next.next() == .pong(nonce))
        }
        mayEnd.signal()
        let answer = try next.next()
        guard case .accept = answer else { throw Unexpected(frame: answer) }
        #expect(try first.committed().number == GenerationNumber(1))
    }

    @Test func whoMissedTheCommitHearsThatItIsDone() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 7)
        volume.advance(size: 100_000)
        try volume.send(to: world)
        let refusal = #expect(throws: Refusal.self) {
            _ = try ScriptedSession(world, volume.offer())
        }
        #expect(refusal?.code == .alreadyCommitted)
        #expect(refusal?.visible == volume.visible)
    }

    @Test func aCancelledTransferIsThrownAwayWhereThatWasAsked() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 8)
        volume.advance(size: 200_000)
        for discard in [false, true] {
            let session = try ScriptedSession(world, volume.offer())
            let lane = try session.join()
            if !session.accept.isResumed {
                try lane.chunk(Array(volume.bytes[0..<65_536]), at: 0)
                try session.control.waitDurable(0, 65_536)
            }
            try session.control.send(
                .abort(Abort(code: .cancelled, discard: discard, text: "enough"))
            )
            #expect(throws: TransportError.self) { _ = try session.control.next() }
            let again = try ScriptedSession(world, volume.offer())
            #expect(again.accept.isResumed == !discard)
            world.service.cancel(again.accept.transfer, discard: false)
            #expect(try again.control.report().code == .cancelled)
        }
    }

    @Test func drainingAsksToRestAndTakesNothingNew() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 9)
        volume.advance(size: 200_000)
        let session = try ScriptedSession(world, volume.offer())
        #expect(!world.service.drain(within: .milliseconds(1)))
        #expect(try session.control.next() == .drain)
        var other = ScriptedVolume(seed: 10, name: "other")
        other.advance(size: 1000)
        let refusal = #expect(throws: Refusal.self) {
            _ = try ScriptedSession(world, other.offer())
        }
        #expect(refusal?.code == .draining)
        session.control.close()
        #expect(world.service.drain(within: .seconds(20)))
    }

    @Test func driftIsFoundAndTold() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 11)
        volume.advance(size: 200_000)
        try volume.send(to: world)
        let replica = try #require(world.store.volume(volume.volume))
        let name = "\(replica.directory)/generations/1-\(volume.snapshot)/image"
        let image = try BlockFile.open(name, writable: true)
        var byte = ChunkBuffer(capacity: ByteCount(1))
        byte[0] = volume.bytes[5000] ^ 1
        try image.write(byte, 0..<1, at: ByteOffset(5000))
        volume.advance(to: volume.bytes)
        let session = try ScriptedSession(world, volume.offer(.fullVerify))
        let lane = try session.join()
        try lane.send(.leafQuery(LeafQuery(first: LeafIndex(0), count: 4)))
        guard case .leafDigests(let answer) = try lane.next() else { return }
        #expect(answer.digests[0] != volume.digest(of: 0, in: volume.bytes))
        try lane.chunk(Array(volume.bytes[4096..<8192]), at: 4096)
        let totals = StreamTotals(dataFrames: 1, rawBytes: ByteCount(4096))
        try lane.send(.end(totals))
        try session.commit(volume.root(), totals)
        _ = try session.committed()
        session.control.close()
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
        #expect(world.service.drain(within: .seconds(20)))
        #expect(world.events.drift == 1)
    }
}
