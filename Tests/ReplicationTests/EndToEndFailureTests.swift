// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import Foundation
import Locks
import Receiver
import SecureTransport
import Sender
import Synchronization
import TestSupport
import Testing
import VolumeStore

/// What breaks, what is refused, and what becomes of it.
@Suite(.serialized) struct EndToEndFailureTests {
    // MARK: Broken connections

    @Test(arguments: [1, 3])
    func aBrokenTransferGoesOnWhereItStoppedInTheSameRun(streams: Int) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 160 << 20)
        try volume.write(noise(160 << 20, using: &generator), at: 0)
        let breaker = try Breaker(to: world.service.port, cutsAfter: [70 << 20, 60 << 20])
        world.route(through: breaker.port)
        let account = DurableAccount(of: volume, in: world)
        let result = try world.run(volume, observer: account) { $0.streams = streams }
        #expect(breaker.breaks == 2 && result.progress.attempt == 3)
        account.expectResumption(of: 160 << 20, result, streams: streams)
        #expect(try world.shows(volume))
        breaker.close()
    }

    @Test(arguments: [1, 3]) func aBrokenIncrementalGoesOnToo(streams: Int) throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 128 << 20)
        try volume.write(noise(128 << 20, using: &generator), at: 0)
        _ = try world.run(volume)
        try volume.write(noise(100 << 20, using: &generator), at: 3 << 20)
        let breaker = try Breaker(to: world.service.port, cutsAfter: [60 << 20])
        world.route(through: breaker.port)
        let account = DurableAccount(of: volume, in: world)
        let result = try world.run(volume, observer: account) { $0.streams = streams }
        #expect(breaker.breaks == 1)
        #expect(result.mode == .incremental && result.progress.attempt == 2)
        account.expectResumption(of: 100 << 20, result, streams: streams)
        #expect(try world.shows(volume))
        breaker.close()
    }

    @Test func anAttemptAfterABreakGoesToTheDestinationAsItIsKnownThen() throws {
        // As after a renewal: the certificate that the run began with may have ended meanwhile.
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 96 << 20)
        try volume.write(noise(96 << 20, using: &generator), at: 0)
        let breaker = try Breaker(to: world.service.port, cutsAfter: [60 << 20])
        defer { breaker.close() }
        let asked = Atomic(0)
        let direct = world.request(volume).destination
        let result = try world.run(volume) { request in
            request.destination = Destination(
                host: direct.host,
                port: breaker.port,
                client: direct.client,
                pair: direct.pair,
                present: {
                    asked.add(1, ordering: .relaxed)
                    return direct
                }
            )
        }
        #expect(breaker.breaks == 1 && result.progress.attempt == 2)
        #expect(asked.load(ordering: .relaxed) == 1)
        #expect(try world.shows(volume))
    }

    @Test func aCancelledRunIsFinishedByTheNextWithItsOwnSnapshotAndThenCaughtUp() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 96 << 20)
        try volume.write(noise(96 << 20, using: &generator), at: 0)
        try world.breakAndCancel(volume, after: 64 << 20)
        let pending = try #require(try volume.pair(World.destination).pending)
        // Another process would come here with nothing but the files.
        try volume.write(noise(4096, using: &generator), at: 0)
        let later = RecordedEvents()
        let result = try world.run(volume, observer: later)
        #expect(later.all.contains(.frozen(pending.number, isResumed: true)))
        #expect(later.all.contains(.committed(pending.number)))
        #expect(result.target.number > pending.number)
        #expect(result.outcome == .full && result.progress.resumedBytes >= .zero)
        #expect(try world.shows(volume), "seed \(world.seed)")
        let record = try volume.pair(World.destination)
        #expect(record.pending == nil && record.committed == result.target)
        #expect(record.successfulRuns == 1)
        #expect(record.runs.map(\.outcome) == ["committed", "cancelled"])
    }

    @Test func aLostAcknowledgementIsMadeUpFor() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 4 << 20)
        try volume.write(noise(4 << 20, using: &generator), at: 0)
        let first = try world.run(volume)
        try volume.write(noise(4096, using: &generator), at: 0)
        let second = try world.killedAfterCommit(of: volume, recordsDigests: true)
        // Not where the destination shows something else under the number.
        let snapshot = try #require(try volume.snapshots().last)
        try self.record(first.target.root, of: snapshot, second)
        let error = try #require(throws: ReplicationError.self) { try world.run(volume) }
        #expect(error.code == .proofFailed)
        #expect(try volume.pair(World.destination).committed == first.target)
        try self.record(second.root, of: snapshot, second)
        let events = RecordedEvents()
        let third = try world.run(volume, observer: events)
        #expect(events.all.contains(.frozen(second.number, isResumed: true)))
        #expect(third.target == second)
        #expect(third.progress.changedBytes == .zero)
        #expect(try volume.pair(World.destination).committed == second)
        try volume.write(noise(4096, using: &generator), at: 0)
        #expect(try world.run(volume).mode == .incremental)
        #expect(try world.shows(volume))
    }

    /// Records another root for a snapshot, with the digests that are there.
    private func record(
        _ root: RootDigest,
        of snapshot: SourceSnapshot,
        _ generation: Generation
    ) throws {
        try snapshot.clearWorkingDigests()
        try FileManager.default.copyItem(
            atPath: snapshot.digestsPath,
            toPath: snapshot.workingDigestsPath
        )
        try snapshot.record(
            Generation(
                volume: generation.volume,
                lineage: generation.lineage,
                number: generation.number,
                snapshot: generation.snapshot,
                size: generation.size,
                root: root
            ),
            .ph128
        )
    }

    @Test func aStageOfAnotherSenderIsNotBelievedAndBegunAnew() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 96 << 20)
        try volume.write(noise(96 << 20, using: &generator), at: 0)
        try world.breakAndCancel(volume, after: 64 << 20)
        let events = RecordedEvents()
        let result = try world.run(volume, observer: events) { request in
            request.identity = SenderIdentity(
                cluster: World.source,
                software: "test",
                poolSecret: [UInt8](repeating: 43, count: 32)
            )
        }
        #expect(result.progress.attempt == 2)
        #expect(result.progress.resumedBytes == .zero)
        #expect(try world.shows(volume))
    }

    @Test func aDrainingDestinationIsLeftAloneAndTheSnapshotIsKept() throws {
        let world = try World(limits: ReceiverLimits(retryAfterSeconds: 0))
        var generator = world.generator
        let volume = try world.volume(size: 64 << 20)
        try volume.write(noise(64 << 20, using: &generator), at: 0)
        let drains = Locked<[Joined]>([])
        let events = RecordedEvents { event in
            guard case .started = event,
                let thread = try? Joined({ world.service.drain(within: .seconds(20)) })
            else { return }
            drains.withLock { $0.append(thread) }
        }
        let error = try #require(throws: ReplicationError.self) {
            // Slow enough that the drain comes in the middle.
            try world.run(volume, observer: events) { request in
                request.limit.change(to: ByteRate(bytesPerSecond: 40 << 20))
            }
        }
        #expect(error.code == .unreachable && error.isRetryable, "\(error)")
        #expect(try volume.pair(World.destination).pending != nil)
        #expect(world.replicas.volume(volume.id)?.visible == nil)
        for thread in drains.withLock({ $0 }) { thread.join() }
    }

    @Test func aFileThatWasDeclaredFrozenAndIsWrittenIsNotCommitted() throws {
        let world = try World()
        var generator = world.generator
        let place = try TemporaryDirectory()
        let path = "\(place.path)/disk"
        _ = try BlockFile.create(path, size: .mebibytes(8))
        let volume = try world.sources.attach(
            VolumeName("disk"),
            path,
            isFrozen: true,
            using: &generator
        )
        try volume.write(noise(8 << 20, using: &generator), at: 0)
        let events = RecordedEvents { event in
            if case .started = event { try? volume.write([1], at: 100) }
        }
        let error = try #require(throws: ReplicationError.self) {
            try world.run(volume, observer: events)
        }
        #expect(error.code == .sourceChanged)
        #expect(error.remedy.contains("Stop the writer"))
        #expect(try world.replica(of: volume).visible == nil)
        _ = try world.run(volume)
        #expect(try world.shows(volume))
    }

    // MARK: Bases

    @Test func whereTheBaseIsGoneTheRunFallsBackToAFullCopyAndSaysWhy() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 4 << 20)
        try volume.write(noise(4 << 20, using: &generator), at: 0)
        _ = try world.run(volume)
        try world.replicas.delete(volume.id)
        let events = RecordedEvents()
        let result = try world.run(volume, observer: events)
        #expect(result.mode == .fullCopy && result.fullReason == .baseRefused)
        #expect(
            events.all.contains { event in
                if case .fallenBack(.baseRefused, _) = event { true } else { false }
            }
        )
        #expect(try world.shows(volume))
    }

    @Test func whereTheDigestsOfTheBaseAreLostTheRunVerifies() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 4 << 20)
        try volume.write(noise(4 << 20, using: &generator), at: 0)
        let first = try world.run(volume)
        let base = try #require(
            try volume.reopen(first.target.number, first.target.snapshot)
        )
        try base.forgetDigests()
        volume.release(base)
        try volume.write(noise(4096, using: &generator), at: 65_536)
        let result = try world.run(volume)
        #expect(result.mode == .fullVerify && result.fullReason == .baseDigestsLost)
        #expect(result.progress.changedBytes == .kibibytes(4))
        #expect(try world.shows(volume))
    }

    @Test func aBaseThatDriftedUnderAnIncrementalIsVerifiedInTheSameRun() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 4 << 20)
        try volume.write(noise(4 << 20, using: &generator), at: 0)
        _ = try world.run(volume)
        let image = try #require(try visibleImage(of: world.replica(of: volume)))
        var buffer = ChunkBuffer(capacity: .kibibytes(4))
        buffer.copy(noise(4096, using: &generator), at: 0)
        try BlockFile.open(image, writable: true)
            .write(buffer, 0..<4096, at: ByteOffset(1 << 20))
        // The drifted granule itself is written: its old share is not what the digests say.
        try volume.write(noise(4096, using: &generator), at: 1 << 20)
        let result = try world.run(volume)
        #expect(try world.shows(volume), "seed \(world.seed)")
        #expect(result.mode == .fullVerify && result.fullReason == .proofFailed)
    }

    // MARK: Refusals

    @Test func whereNobodyAnswersTheRunSaysSoAfterSomeAttempts() throws {
        let world = try World()
        let volume = try world.volume(size: 4096)
        world.route(through: 1)
        let events = RecordedEvents()
        let error = try #require(throws: ReplicationError.self) {
            try world.run(volume, observer: events)
        }
        #expect(error.code == .unreachable && error.isRetryable)
        #expect(error.message.contains("data"))
        #expect(!error.remedy.isEmpty)
        #expect(events.retries.count == 4)
        #expect(try volume.pair(World.destination).runs.first?.outcome == "unreachable")
    }

    @Test func anotherServerThanThePairsIsNotTrusted() throws {
        let world = try World()
        let volume = try world.volume(size: 4096)
        let other = ClusterID(halves: Halves(high: 9, low: 9))
        let client = try World.client(expecting: other)
        let error = try #require(throws: ReplicationError.self) {
            try world.run(volume) { request in
                request.destination = Destination(
                    host: "127.0.0.1",
                    port: world.service.port,
                    client: client,
                    pair: other
                )
            }
        }
        #expect(error.code == .notAuthorised && !error.isRetryable)
        #expect(world.replicas.volume(volume.id) == nil)
    }

    @Test func theBandwidthLimitHolds() throws {
        let world = try World()
        var generator = world.generator
        let volume = try world.volume(size: 8 << 20)
        try volume.write(noise(8 << 20, using: &generator), at: 0)
        let result = try world.run(volume) { request in
            request.limit.change(to: ByteRate(bytesPerSecond: 8 << 20))
        }
        // A chunk for each thread may go beyond the second that the rest takes.
        #expect(result.seconds > 0.5, "\(result.seconds)")
        #expect(try world.shows(volume))
    }

    @Test func aVolumeIsSentToAPairOnceAtATime() throws {
        let world = try World()
        let volume = try world.volume(size: 4096)
        #expect(volume.beginRun(to: World.destination))
        let error = try #require(throws: ReplicationError.self) { try world.run(volume) }
        #expect(error.code == .alreadyRunning)
        volume.endRun(to: World.destination)
        _ = try world.run(volume)
    }

    @Test func severalVolumesGoAtOnceAndThoseBeyondTheThreadsWaitInLine() throws {
        let world = try World()
        var generator = world.generator
        var volumes: [SourceVolume] = []
        for number in 0..<5 {
            let volume = try world.volume("v\(number)", size: 6 << 20)
            try volume.write(noise(6 << 20, using: &generator), at: 0)
            volumes.append(volume)
        }
        let outcomes = Locked<[String: String]>([:])
        let events = RecordedEvents()
        let threads = try volumes.map { volume in
            try Joined {
                let outcome: String
                do {
                    outcome = "\(try world.run(volume, observer: events) { $0.streams = 8 }.mode)"
                } catch {
                    outcome = "\(error)"
                }
                outcomes.withLock { $0[volume.name] = outcome }
            }
        }
        for thread in threads { thread.join() }
        #expect(outcomes.withLock { $0.values.allSatisfy { $0 == "fullCopy" } })
        #expect(events.all.contains(.queued))
        for volume in volumes { #expect(try world.shows(volume)) }
    }
}
