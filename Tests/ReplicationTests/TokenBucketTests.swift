// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import Sender
import Testing
import WireProtocol

@Suite struct TokenBucketTests {
    static let rate = ByteRate(bytesPerSecond: 1_000_000)

    private func time(_ milliseconds: Int) -> MonotonicTime {
        MonotonicTime(nanoseconds: UInt64(milliseconds) * 1_000_000)
    }

    @Test func aFullBucketLetsItsBurstPassAtOnce() {
        var bucket = TokenBucket(rate: Self.rate, burst: .kibibytes(64), now: self.time(0))
        #expect(bucket.take(.kibibytes(64), now: self.time(0)) == .zero)
        #expect(bucket.take(ByteCount(1), now: self.time(0)) > .zero)
    }

    @Test func theWaitIsTheTimeInWhichTheDebtIsPaid() {
        var bucket = TokenBucket(rate: Self.rate, burst: ByteCount(1000), now: self.time(0))
        // 500,000 bytes out of a bucket of 1,000 leave a debt of 499,000: 499 ms at this rate.
        #expect(bucket.take(ByteCount(500_000), now: self.time(0)) == .zero)
        let wait = bucket.take(ByteCount(1), now: self.time(0))
        #expect(wait >= .milliseconds(499) && wait < .milliseconds(500))
        #expect(bucket.take(ByteCount(1), now: self.time(498)) > .zero)
        #expect(bucket.take(ByteCount(1), now: self.time(500)) == .zero)
    }

    @Test func aWaiterThatComesBackInTimePasses() {
        var bucket = TokenBucket(
            rate: ByteRate(bytesPerSecond: 333_333),
            burst: .kibibytes(4),
            now: self.time(0)
        )
        var now = UInt64(0)
        for _ in 0..<1000 {
            let wait = bucket.take(ByteCount(4097), now: MonotonicTime(nanoseconds: now))
            guard wait > .zero else { continue }
            now += UInt64(wait / .nanoseconds(1)) + 1
            #expect(bucket.take(ByteCount(4097), now: MonotonicTime(nanoseconds: now)) == .zero)
        }
    }

    @Test(arguments: [1, 4096, 65_536, 1_048_576])
    func onAverageTheRatePassesWhateverTheSizes(size: Int) {
        let burst = ByteCount.kibibytes(64)
        let rate = ByteRate(bytesPerSecond: size * 50)
        var bucket = TokenBucket(rate: rate, burst: burst, now: self.time(0))
        var passed = 0
        var now = UInt64(0)
        while now < 100_000_000_000 {
            let wait = bucket.take(ByteCount(size), now: MonotonicTime(nanoseconds: now))
            if wait == .zero {
                passed += size
            } else {
                now += UInt64(wait / .nanoseconds(1)) + 1
            }
        }
        let allowed = 100 * rate.bytesPerSecond + burst.bytes
        #expect(passed <= allowed + 2 * size)
        #expect(passed >= 99 * rate.bytesPerSecond)
    }

    @Test func quietTimeFillsTheBucketToItsBurstAndNoFurther() {
        var bucket = TokenBucket(rate: Self.rate, burst: ByteCount(10_000), now: self.time(0))
        #expect(bucket.take(ByteCount(10_000), now: self.time(0)) == .zero)
        #expect(bucket.take(ByteCount(10_000), now: self.time(3_600_000)) == .zero)
        #expect(bucket.take(ByteCount(1), now: self.time(3_600_000)) > .zero)
    }

    @Test func anotherRateCountsFromNowOnAndKeepsTheDebt() {
        var bucket = TokenBucket(rate: Self.rate, burst: ByteCount(1), now: self.time(0))
        #expect(bucket.take(ByteCount(10_000_001), now: self.time(0)) == .zero)
        bucket.change(to: ByteRate(bytesPerSecond: 100_000_000), now: self.time(0))
        let wait = bucket.take(ByteCount(1), now: self.time(0))
        #expect(wait >= .milliseconds(100) && wait < .milliseconds(101))
        bucket.change(to: ByteRate(bytesPerSecond: 1000), now: self.time(50))
        let longer = bucket.take(ByteCount(1), now: self.time(50))
        #expect(longer >= .seconds(5000) && longer < .seconds(5001))
    }

    @Test func withoutALimitEverythingPasses() {
        var bucket = TokenBucket(rate: nil, burst: ByteCount(1), now: self.time(0))
        for _ in 0..<100 { #expect(bucket.take(.tebibytes(1), now: self.time(0)) == .zero) }
        #expect(bucket.limit == nil)
    }

    @Test func aLimitThatIsTakenAwayForgivesTheDebt() {
        var bucket = TokenBucket(rate: Self.rate, burst: ByteCount(1000), now: self.time(0))
        #expect(bucket.take(.gibibytes(1), now: self.time(0)) == .zero)
        bucket.change(to: nil, now: self.time(1))
        #expect(bucket.take(.gibibytes(1), now: self.time(1)) == .zero)
        bucket.change(to: Self.rate, now: self.time(2))
        #expect(bucket.take(ByteCount(1000), now: self.time(2)) == .zero)
        #expect(bucket.take(ByteCount(1), now: self.time(2)) > .zero)
    }

    @Test func aClockThatStandsStillOrGoesBackEarnsNothing() {
        var bucket = TokenBucket(rate: Self.rate, burst: ByteCount(1000), now: self.time(10))
        #expect(bucket.take(ByteCount(1000), now: self.time(10)) == .zero)
        #expect(bucket.take(ByteCount(1), now: self.time(10)) > .zero)
        #expect(bucket.take(ByteCount(1), now: self.time(5)) > .zero)
    }
}

@Suite struct RateLimiterTests {
    /// A clock that moves only by the sleeps of those who wait.
    private final class SimulatedClock: Sendable {
        private let nanoseconds = Locked<UInt64>(0)
        private let naps = Locked<[Duration]>([])

        var now: MonotonicTime { MonotonicTime(nanoseconds: self.nanoseconds.withLock { $0 }) }
        var sleeps: [Duration] { self.naps.withLock { $0 } }

        func advance(by duration: Duration) {
            self.nanoseconds.withLock { $0 += UInt64(duration / .nanoseconds(1)) + 1 }
            self.naps.withLock { $0.append(duration) }
        }

        func limiter(_ limit: ByteRate?) -> RateLimiter {
            RateLimiter(limit: limit, now: { self.now }, sleep: { self.advance(by: $0) })
        }
    }

    @Test func aThreadIsHeldBackToTheLimit() {
        let clock = SimulatedClock()
        let limiter = clock.limiter(ByteRate(bytesPerSecond: 10 << 20))
        for _ in 0..<101 { #expect(limiter.pass(.mebibytes(1), isCancelled: { false })) }
        // The first MiB is the burst; a hundred more take ten seconds, of which the last is debt.
        #expect(clock.now >= MonotonicTime(nanoseconds: 9_890_000_000))
        #expect(clock.now <= MonotonicTime(nanoseconds: 10_010_000_000))
    }

    @Test func noNapIsLongerThanTheTimeInWhichAChangeMustShow() {
        let clock = SimulatedClock()
        let limiter = clock.limiter(ByteRate(bytesPerSecond: 1 << 19))
        for _ in 0..<3 { #expect(limiter.pass(.mebibytes(1), isCancelled: { false })) }
        #expect(!clock.sleeps.isEmpty)
        #expect(clock.sleeps.allSatisfy { $0 <= .milliseconds(100) })
    }

    @Test func aWaiterNoticesANewLimit() {
        let clock = SimulatedClock()
        let limiter = clock.limiter(ByteRate(bytesPerSecond: 1))
        #expect(limiter.pass(.mebibytes(2), isCancelled: { false }))
        var asked = 0
        let passed = limiter.pass(.mebibytes(1)) {
            asked += 1
            if asked == 3 { limiter.change(to: nil) }
            return false
        }
        #expect(passed)
        #expect(asked == 3)
        #expect(limiter.limit == nil)
        #expect(clock.now < MonotonicTime(nanoseconds: 1_000_000_000))
    }

    @Test func aCancelledWaiterDoesNotPass() {
        let clock = SimulatedClock()
        let limiter = clock.limiter(ByteRate(bytesPerSecond: 1))
        #expect(limiter.pass(.mebibytes(2), isCancelled: { false }))
        #expect(!limiter.pass(ByteCount(1), isCancelled: { true }))
        #expect(clock.sleeps.isEmpty)
    }

    @Test func withoutALimitNobodySleeps() {
        let clock = SimulatedClock()
        let limiter = clock.limiter(nil)
        for _ in 0..<1000 { #expect(limiter.pass(.mebibytes(1), isCancelled: { false })) }
        #expect(clock.sleeps.isEmpty)
        limiter.change(to: ByteRate(bytesPerSecond: 5))
        #expect(limiter.limit == ByteRate(bytesPerSecond: 5))
    }

    @Test func theThreadsTogetherKeepTheLimit() async {
        let clock = SimulatedClock()
        let limiter = clock.limiter(ByteRate(bytesPerSecond: 10 << 20))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<25 { _ = limiter.pass(.mebibytes(1), isCancelled: { false }) }
                }
            }
        }
        // Each sleep moves the one clock, so time may run ahead of the limit, never behind it.
        #expect(clock.now >= MonotonicTime(nanoseconds: 9_790_000_000))
    }

    @Test func aRateOfNothingIsOurOwnMistake() async {
        await #expect(processExitsWith: .failure) { _ = ByteRate(bytesPerSecond: 0) }
    }
}
