// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Codecs
import Foundation
import Receiver
import SecureTransport
import TestSupport
import Testing
import VolumeStore
import WireProtocol

@Suite struct ReceiverRefusalTests {
    let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    private func world(
        _ limits: ReceiverLimits = ReceiverLimits(flushInterval: .milliseconds(20))
    ) throws -> ReceiverWorld {
        try ReceiverWorld(pool: self.directory.path, limits: limits)
    }

    private func code(
        _ world: ReceiverWorld,
        _ offer: Offer,
        as cluster: ClusterID = ReceiverWorld.source
    ) -> (ProtocolCode, GenerationStamp?)? {
        do {
            let session = try ScriptedSession(world, offer, as: cluster)
            session.control.close()
            return nil
        } catch let refusal as Refusal {
            return (refusal.code, refusal.visible)
        } catch {
            Issue.record(error)
            return nil
        }
    }

    // MARK: Offers (P4)

    @Test func eachOfferThatDoesNotFitIsRefusedForItsReason() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 40)
        volume.advance(size: 200_000)
        let stamp = volume.target.proven(volume.root())
        #expect(self.code(world, try volume.offer(.incremental, base: stamp))?.0 == .needsFull)
        try volume.send(to: world)
        let first = volume.visible
        volume.advance(size: 210_000)
        try volume.send(to: world)

        var next = volume
        next.advance(size: 220_000)
        let wrongBase = self.code(world, try next.offer(.incremental, base: first))
        #expect(wrongBase?.0 == .wrongBase && wrongBase?.1 == volume.visible)

        var forged = volume
        forged.visible = volume.target.proven(next.root())
        forged.advance(size: 220_000)
        #expect(self.code(world, try forged.offer(.incremental))?.0 == .wrongBase)

        var replayed = volume
        replayed.number = 1
        #expect(self.code(world, try replayed.offer())?.0 == .staleGeneration)
        replayed.number = 2
        replayed.snapshot = .random(using: &replayed.generator)
        #expect(self.code(world, try replayed.offer())?.0 == .staleGeneration)

        var forked = next
        forked.lineage = .random(using: &forked.generator)
        #expect(self.code(world, try forked.offer())?.0 == .lineageFork)
        forked = next
        forked.key = .random(using: &forked.generator)
        #expect(self.code(world, try forked.offer())?.0 == .lineageFork)

        var shrunk = volume
        shrunk.advance(size: 100_000)
        #expect(self.code(world, try shrunk.offer())?.0 == .shrinkNotAllowed)
        #expect(self.code(world, try shrunk.offer(.incremental))?.0 == .shrinkNotAllowed)

        // A new volume under a name that is taken.
        var renamed = ScriptedVolume(seed: 41)
        renamed.advance(size: 1000)
        #expect(self.code(world, try renamed.offer())?.0 == .lineageFork)

        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
        #expect(world.store.volumes().count == 1)
        shrunk.bytes = Array(volume.bytes[0..<100_000])
        try shrunk.send(to: world)
        #expect(try world.visibleBytes(volume.volume) == shrunk.bytes)
    }

    @Test func theVolumeOfAnotherPairCannotBeTouched() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 42)
        volume.advance(size: 100_000)
        try volume.send(to: world)
        var next = volume
        next.advance(size: 100_000)
        for mode in [TransferMode.fullCopy, .incremental, .fullVerify] {
            let found = self.code(
                world,
                try next.offer(mode),
                as: ReceiverWorld.stranger
            )
            // Not even what it shows.
            #expect(found?.0 == .notAuthorised && found?.1 == nil)
        }
        #expect(world.store.volumes(ownedBy: ReceiverWorld.stranger).isEmpty)
        // Another pair may use the same name for its own volume.
        var own = ScriptedVolume(seed: 43)
        own.advance(size: 1000)
        let session = try ScriptedSession(
            world,
            own.offer(),
            as: ReceiverWorld.stranger
        )
        session.control.close()
    }

    @Test(arguments: ["commit.json", "volume.json"])
    func anOfferForADamagedReplicaIsToldSoAndNotToComeAgain(_ file: String) throws {
        var volume = ScriptedVolume(seed: 46)
        volume.advance(size: 100_000)
        try volume.send(to: try self.world())
        let directory = "\(self.directory.path)/volumes/\(volume.volume)"
        try PoolDirectory.remove("\(directory)/\(file)")
        let world = try self.world()
        volume.advance(size: 100_000)
        for mode in [TransferMode.fullCopy, .incremental] {
            let refusal = #expect(throws: Refusal.self) {
                _ = try ScriptedSession(world, volume.offer(mode))
            }
            #expect(refusal?.code == .storeFailed && refusal?.isRetryable == false)
            #expect(refusal?.text.contains("is damaged") == true)
        }
        if file == "commit.json" {
            // Whose it is can be read, so another pair does not hear of its state (P8).
            let other = self.code(world, try volume.offer(), as: ReceiverWorld.stranger)
            #expect(other?.0 == .notAuthorised)
        }
        // As the text says: once the directory is out of the way, all of it comes anew.
        try PoolDirectory.rename(directory, to: "\(self.directory.path)/aside")
        try volume.send(to: world)
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
    }

    @Test func moreTransfersThanPlacesAreToldToComeAgain() throws {
        let world = try self.world(ReceiverLimits(sessions: 1))
        var first = ScriptedVolume(seed: 44, name: "first")
        first.advance(size: 1000)
        var second = ScriptedVolume(seed: 45, name: "second")
        second.advance(size: 1000)
        let session = try ScriptedSession(world, first.offer())
        let refusal = #expect(throws: Refusal.self) {
            _ = try ScriptedSession(world, second.offer())
        }
        #expect(refusal?.code == .busy && refusal?.isRetryable == true)
        #expect(refusal?.retryAfterSeconds == 5)
        // Another target of the volume that is being sent waits too.
        first.advance(size: 2000)
        #expect(self.code(world, try first.offer())?.0 == .busy)
        session.control.close()
    }

    // MARK: Connections (P8)

    @Test func aPairThatWasRevokedGetsNoHello() throws {
        let world = try self.world()
        let lane = try world.connect(as: ReceiverWorld.unknown)
        #expect(try lane.report().code == .notAuthorised)
        #expect(world.events.refusedConnections == 1)
    }

    @Test func theHelloMustBeOfTheCertificatesCluster() throws {
        let world = try self.world()
        let lane = try world.connect(as: ReceiverWorld.source)
        let report = #expect(throws: Unexpected.self) {
            try lane.hello(.control, as: ReceiverWorld.stranger)
        }
        guard case .error(let refused)? = report?.frame else {
            Issue.record("no error came")
            return
        }
        #expect(refused.code == .notAuthorised)
    }

    @Test func aDataConnectionNeedsTheTokenOfItsOwnPairsTransfer() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 46)
        volume.advance(size: 100_000)
        let session = try ScriptedSession(world, volume.offer())
        let other = #expect(throws: ErrorReport.self) {
            _ = try session.join(as: ReceiverWorld.stranger)
        }
        #expect(other?.code == .notAuthorised)
        let guess = try world.connect()
        try guess.hello(.data)
        let token = try #require(JoinToken([UInt8](repeating: 0, count: 32)))
        try guess.send(
            .join(Join(transfer: session.accept.transfer, token: token, stream: StreamIndex(0)))
        )
        #expect(try guess.report().code == .notAuthorised)
        let unknown = try world.connect()
        try unknown.hello(.data)
        try unknown.send(
            .join(
                Join(
                    transfer: .random(using: &volume.generator),
                    token: session.accept.token,
                    stream: StreamIndex(0)
                )
            )
        )
        #expect(try unknown.report().code == .notAuthorised)
        // The session itself was not disturbed.
        let totals = try session.fill(volume, session.join())
        try session.commit(volume.root(), totals)
        _ = try session.committed()
    }

    @Test func connectionsBeyondTheLimitAreClosed() throws {
        let world = try self.world(ReceiverLimits(connections: 1))
        let lane = try world.connect()
        try lane.hello(.control)
        #expect(throws: TransportError.self) { _ = try world.connect() }
        lane.close()
    }

    // MARK: Misbehaviour (P7)

    @Test func aGranuleThatComesTwiceEndsItsSessionAlone() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 47)
        volume.advance(size: 200_000)
        var other = ScriptedVolume(seed: 48, name: "other")
        other.advance(size: 200_000)
        let good = try ScriptedSession(world, other.offer())
        let goodLane = try good.join()
        let session = try ScriptedSession(world, volume.offer())
        let lane = try session.join()
        try lane.chunk(Array(volume.bytes[0..<65_536]), at: 0)
        try lane.chunk(Array(volume.bytes[4096..<8192]), at: 4096)
        let report = try lane.report()
        #expect(report.code == .violation && report.offset == ByteOffset(4096))
        #expect(try session.control.report().code == .violation)
        let totals = try good.fill(other, goodLane)
        try good.commit(other.root(), totals)
        _ = try good.committed()
        #expect(try world.visibleBytes(other.volume) == other.bytes)
    }

    @Test func aChunkThatWasDamagedOnTheWayIsNeverStaged() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 49)
        volume.advance(size: 200_000)
        for codec in ChunkCodec.allCases {
            let session = try ScriptedSession(world, volume.offer())
            let lane = try session.join()
            try lane.chunk(
                Array(volume.bytes[0..<65_536]),
                at: 0,
                codec: codec,
                breaking: true
            )
            let report = try lane.report()
            #expect(report.code == .corruptData && report.isRetryable)
            #expect(try session.control.report().code == .corruptData)
            #expect(session.durable.isEmpty)
        }
    }

    @Test func whoSendsBeyondItsCreditIsCutOff() throws {
        let world = try self.world(
            ReceiverLimits(creditWindow: .mebibytes(1), flushInterval: .seconds(3600))
        )
        var volume = ScriptedVolume(seed: 50)
        volume.advance(size: 4 << 20)
        let session = try ScriptedSession(world, volume.offer())
        #expect(session.accept.creditWindow == .mebibytes(1))
        let lane = try session.join()
        let report = #expect(throws: (any Error).self) {
            for place in stride(from: 0, to: 4 << 20, by: 1 << 20) {
                // One frame that no flush can have made room for.
                try lane.chunk(Array(volume.bytes[place..<place + (1 << 20)]), at: place)
            }
            throw try lane.report()
        }
        if let report = report as? ErrorReport { #expect(report.code == .violation) }
    }

    @Test func framesThatAreNoneEndTheConnectionAlone() throws {
        let world = try self.world()
        let lane = try world.connect()
        try lane.frames.connection.write([UInt8](repeating: 0x41, count: 4096))
        try lane.frames.connection.flush()
        #expect(try lane.report().code == .violation)
        let data = try world.connect()
        try data.chunk([1, 2, 3, 4], at: 0)
        #expect(try data.report().code == .violation)
        let control = try world.connect()
        try control.hello(.control)
        try control.chunk([1, 2, 3, 4], at: 0)
        #expect(try control.report().code == .violation)
        var volume = ScriptedVolume(seed: 51)
        volume.advance(size: 100_000)
        try volume.send(to: world)
        #expect(try world.visibleBytes(volume.volume) == volume.bytes)
    }

    @Test func aNextMajorVersionIsRefusedWithBothNamed() throws {
        let world = try self.world()
        let lane = try world.connect()
        let later = WireVersion(major: WireVersion.current.major + 1, minor: 0)
        let error = #expect(throws: Unexpected.self) {
            try lane.hello(.control, version: later)
        }
        guard case .error(let report)? = error?.frame else {
            Issue.record("no error came")
            return
        }
        #expect(report.code == .versionMismatch)
        #expect(report.text.contains("1.0") && report.text.contains("2.0"))
    }

    @Test func stoppingEndsEverySessionAndThread() throws {
        let world = try self.world()
        var volume = ScriptedVolume(seed: 52)
        volume.advance(size: 200_000)
        let session = try ScriptedSession(world, volume.offer())
        let lane = try session.join()
        let idle = try world.connect()
        try idle.hello(.control)
        world.service.stop()
        #expect(throws: (any Error).self) {
            while true { _ = try session.control.next() }
        }
        #expect(throws: (any Error).self) { while true { _ = try lane.next() } }
        #expect(throws: (any Error).self) { while true { _ = try idle.next() } }
    }
}
