// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import Sender
import TestSupport
import Testing
import VolumeStore
import WireProtocol

/// Whole transfers under bandwidth limits, in the time of a clock that only waiting moves.
@Suite(.serialized) struct FairnessTests {
    private static let mebibyte = 1 << 20

    @Test func eightVolumesShareTheLimitOfTheirPairWithinATenth() throws {
        let world = try World()
        var generator = world.generator
        let size = 24 * Self.mebibyte
        let volumes = try (0..<8)
            .map { number in
                let volume = try world.volume("v\(number)", size: size)
                try volume.write(noise(size, using: &generator), at: 0)
                return volume
            }
        let clock = LimitClock(threads: volumes.count)
        let rate = ByteRate(bytesPerSecond: 80 * Self.mebibyte)
        let shared = SharedLimit(limit: rate, now: clock.now)
        let runs = volumes.map { volume in
            var request = world.request(volume)
            request.streams = 1
            request.limit = clock.limiter(nil, sharing: shared)
            return Replication(
                request,
                threads: world.threads,
                environment: world.environment
            )
        }
        // What each had sent when the first one was at its end.
        let sent = Locked<[Int]?>(nil)
        let outcomes = Locked<[Result<ReplicationResult, any Error>]>([])
        let threads = try runs.map { run in
            try Joined {
                let outcome = Result { try run.run() }
                outcomes.withLock { $0.append(outcome) }
                sent.withLock { $0 = $0 ?? runs.map(\.progress.changedBytes.bytes) }
                clock.leave()
            }
        }
        for thread in threads { thread.join() }
        for run in runs { run.tidy() }
        for outcome in outcomes.withLock({ $0 }) { _ = try outcome.get() }
        for volume in volumes { #expect(try world.shows(volume), "\(world.seed)") }
        let each = try #require(sent.withLock { $0 })
        #expect(each.max() == size)
        #expect(each.allSatisfy { $0 * 10 >= size * 9 }, "\(each), \(world.seed)")
        let total = Double(volumes.count * size)
        let pace = total / clock.seconds / Double(rate.bytesPerSecond)
        #expect(abs(pace - 1) <= 0.03, "\(pace) of the limit, \(world.seed)")
    }

    @Test(arguments: [1, 20, 400])
    func aLimitHoldsWithinThreeHundredthsAndIsChangedWhileItRuns(mebibytes: Int) throws {
        let world = try World()
        var generator = world.generator
        let size = 128 * Self.mebibyte
        let volume = try world.volume(size: size)
        try volume.write(noise(size, using: &generator), at: 0)
        let clock = LimitClock(threads: 1)
        let rates = [mebibytes, 4 * mebibytes]
            .map { ByteRate(bytesPerSecond: $0 * Self.mebibyte) }
        let run = Locked<Replication?>(nil)
        /// The time and the bytes at which the limit was changed.
        let change = Locked<(seconds: Double, bytes: Int)?>(nil)
        let limiter = Locked<RateLimiter?>(nil)
        let changing = RateLimiter(
            limit: rates[0],
            now: { clock.now },
            sleep: { duration in
                let bytes = run.withLock { $0?.progress.changedBytes.bytes } ?? 0
                let isDue = change.withLock { change in
                    guard change == nil, bytes >= size / 2 else { return false }
                    change = (clock.seconds, bytes)
                    return true
                }
                if isDue { limiter.withLock { $0 }?.change(to: rates[1]) }
                clock.wait(duration)
            }
        )
        limiter.withLock { $0 = changing }
        defer { limiter.withLock { $0 = nil } }
        var request = world.request(volume)
        request.streams = 1
        request.limit = changing
        let replication = Replication(
            request,
            threads: world.threads,
            environment: world.environment
        )
        run.withLock { $0 = replication }
        let result = try replication.run()
        run.withLock { $0 = nil }
        replication.tidy()
        let (seconds, bytes) = try #require(change.withLock { $0 })
        let paces = [
            Double(bytes) / seconds / Double(rates[0].bytesPerSecond),
            Double(size - bytes) / (clock.seconds - seconds) / Double(rates[1].bytesPerSecond),
        ]
        #expect(result.progress.changedBytes.bytes == size)
        #expect(paces.allSatisfy { abs($0 - 1) <= 0.03 }, "\(paces), \(world.seed)")
    }
}
