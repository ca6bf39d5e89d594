// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Foundation
import Receiver
import TestSupport
import Testing
import VolumeStore
import WireProtocol

@testable import Sender

/// A destination that answers, and at which nothing happens (P6, P10).
@Suite(.timeLimit(.minutes(10))) struct EndToEndStallTests {
    @Test(arguments: [
        (CrashPoint.stagedBytesSynced, "waited for credit for"),
        (.rootProven, "does not end the commit"),
    ])
    func aDestinationThatHangsEndsTheRunWithTheWaitInItsReason(
        at place: CrashPoint,
        reason: String
    ) throws {
        let gate = DispatchSemaphore(value: 0)
        let isStuck = DispatchSemaphore(value: 0)
        let world = try World(
            options: ReplicaOptions { point in
                guard point == place else { return }
                isStuck.signal()
                gate.wait()
                gate.signal()
            },
            limits: ReceiverLimits(creditWindow: Limits.minimumCreditWindow)
        )
        defer { gate.signal() }
        var generator = world.generator
        let volume = try world.volume(size: 8 << 20)
        try volume.write(noise(8 << 20, using: &generator), at: 0)
        var environment = world.environment
        environment.stallLimit = .seconds(2)
        let run = Replication(
            world.request(volume),
            threads: world.threads,
            environment: environment,
            observer: SilentObserver()
        )
        let error = try #require(throws: ReplicationError.self) { try run.run() }
        run.tidy()
        #expect(isStuck.wait(timeout: .now()) == .success, "nothing held the destination up")
        #expect(error.code == .destinationFailed && error.isRetryable, "\(error)")
        #expect(error.description.contains(reason), "\(error)")
        // Once the destination gets on, so does the next run.
        gate.signal()
        _ = try world.run(volume)
        #expect(try world.shows(volume), "seed \(world.seed)")
    }

    private func ack(_ durable: Int) -> Ack {
        Ack(
            stream: StreamIndex(0),
            received: ByteCount(1 << 20),
            applied: ByteCount(1 << 20),
            durable: ByteCount(durable),
            creditLimit: ByteCount(1 << 20)
        )
    }

    private func time(_ seconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: seconds * 1_000_000_000)
    }

    @Test func aLinkOrADiskWithAnyProgressIsNeverAStall() {
        var watch = StallWatch(limit: .seconds(60))
        // A byte on the wire, or a byte durable, once in 59 seconds for days.
        for step in 0..<10_000 {
            let reading = StallWatch.Reading(
                acks: [self.ack(step / 2)],
                wire: ByteCount((step + 1) / 2)
            )
            for second in [UInt64(0), 30, 59] {
                let now = self.time(UInt64(step) * 59 + second)
                #expect(watch.look(at: now, isWaiting: true, reading) == nil)
            }
        }
    }

    @Test func nothingThatMovesForTheWholeLimitIsAStall() {
        var watch = StallWatch(limit: .seconds(60))
        let still = StallWatch.Reading(acks: [self.ack(7), nil], wire: ByteCount(9))
        #expect(watch.look(at: self.time(0), isWaiting: true, still) == nil)
        #expect(watch.look(at: self.time(59), isWaiting: true, still) == nil)
        #expect(watch.look(at: self.time(61), isWaiting: true, still) == .seconds(61))
    }

    @Test func whereNoDataThreadWaitsForTheDestinationTheTimeIsOurs() {
        var watch = StallWatch(limit: .seconds(60))
        let still = StallWatch.Reading(acks: [], wire: .zero)
        #expect(watch.look(at: self.time(0), isWaiting: true, still) == nil)
        #expect(watch.look(at: self.time(59), isWaiting: false, still) == nil)
        #expect(watch.look(at: self.time(1000), isWaiting: true, still) == nil)
        #expect(watch.look(at: self.time(1059), isWaiting: true, still) == nil)
        #expect(watch.look(at: self.time(1060), isWaiting: true, still) == .seconds(60))
    }
}
