// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Sender
import TestSupport
import Testing
import WireProtocol

@Suite struct FairBucketTests {
    private static let rate = ByteRate(bytesPerSecond: 10 << 20)
    private static let mebibyte = ByteCount.mebibytes(1)

    private func bucket(_ rate: ByteRate? = Self.rate) -> FairBucket {
        FairBucket(TokenBucket(rate: rate, burst: Self.mebibyte, now: self.time(0)))
    }

    private func time(_ milliseconds: Int) -> MonotonicTime {
        MonotonicTime(nanoseconds: UInt64(milliseconds) * 1_000_000)
    }

    /// One of those who share, with as many requests in the line as it has threads.
    private struct Sharer {
        let flow: FairBucket.Flow
        let sizes: ClosedRange<Int>
        var open: [(ticket: FairBucket.Ticket, bytes: Int)] = []
        var passed = 0

        /// Asks for all of its requests, and makes a new one for each that has passed.
        mutating func work(
            _ bucket: inout FairBucket,
            now: MonotonicTime,
            using generator: inout SeededGenerator
        ) {
            for (index, request) in self.open.enumerated()
            where bucket.poll(request.ticket, now: now) == .zero {
                self.passed += request.bytes
                self.open[index] = self.request(&bucket, using: &generator)
            }
        }

        func request(
            _ bucket: inout FairBucket,
            using generator: inout SeededGenerator
        ) -> (ticket: FairBucket.Ticket, bytes: Int) {
            let bytes = Int.random(in: self.sizes, using: &generator)
            return (bucket.enter(self.flow, ByteCount(bytes)), bytes)
        }
    }

    /// Chunks are larger than what a step brings, so that each has something in the line always.
    private func sharers(
        _ threads: [Int],
        _ bucket: inout FairBucket,
        using generator: inout SeededGenerator
    ) -> [Sharer] {
        threads.map { count in
            let largest = Int.random(in: 65_536...1 << 20, using: &generator)
            var sharer = Sharer(flow: bucket.join(), sizes: 20_000...largest)
            for _ in 0..<count {
                sharer.open.append(sharer.request(&bucket, using: &generator))
            }
            return sharer
        }
    }

    @Test func whoAlwaysWantsMoreGetsTheSameWhateverItsChunksAndThreads() {
        let seed = TestSeed()
        var generator = seed.generator
        var bucket = self.bucket()
        var sharers = self.sharers([1, 2, 3, 16, 1, 1, 5, 3], &bucket, using: &generator)
        for step in 0..<60_000 {
            for index in sharers.indices {
                sharers[index].work(&bucket, now: self.time(step), using: &generator)
            }
        }
        let passed = sharers.map(\.passed)
        let least = passed.min() ?? 0
        let most = passed.max() ?? 0
        // No more apart than a chunk of each.
        #expect(most - least <= 2 << 20, "\(passed), \(seed)")
        let all = passed.reduce(0, +)
        let asked = Double(60 * Self.rate.bytesPerSecond)
        #expect(abs(Double(all) / asked - 1) <= 0.03, "\(all), \(seed)")
    }

    @Test func whoWasQuietDoesNotCatchUp() {
        let seed = TestSeed()
        var generator = seed.generator
        var bucket = self.bucket()
        var first = self.sharers([2], &bucket, using: &generator)
        for step in 0..<10_000 {
            first[0].work(&bucket, now: self.time(step), using: &generator)
        }
        let before = first[0].passed
        var second = self.sharers([2], &bucket, using: &generator)
        for step in 10_000..<20_000 {
            first[0].work(&bucket, now: self.time(step), using: &generator)
            second[0].work(&bucket, now: self.time(step), using: &generator)
        }
        let (one, other) = (first[0].passed - before, second[0].passed)
        #expect(abs(one - other) <= 2 << 20, "\(one), \(other), \(seed)")
    }

    @Test func aThreadThatIsLateHoldsNobodyBack() {
        var bucket = self.bucket()
        let (late, other) = (bucket.join(), bucket.join())
        let first = bucket.enter(late, Self.mebibyte)
        let second = bucket.enter(other, Self.mebibyte)
        let third = bucket.enter(late, Self.mebibyte)
        #expect(bucket.poll(second, now: self.time(0)) > .zero)
        #expect(bucket.poll(second, now: self.time(101)) == .zero)
        #expect(bucket.poll(first, now: self.time(101)) == .zero)
        #expect(bucket.waiting == 1)
        #expect(bucket.poll(third, now: self.time(202)) == .zero)
    }

    @Test func theWaitIsTheTimeOfAllThatIsAhead() {
        var bucket = self.bucket()
        let flow = bucket.join()
        let tickets = (0..<4).map { _ in bucket.enter(flow, Self.mebibyte) }
        #expect(bucket.poll(tickets[0], now: self.time(0)) == .zero)
        // The first was the burst; two more are ahead of the last.
        let wait = bucket.poll(tickets[3], now: self.time(0))
        #expect(wait >= .milliseconds(200) && wait < .milliseconds(201))
    }

    @Test func aRequestThatWasTakenBackTakesNothing() {
        var bucket = self.bucket()
        let (one, other) = (bucket.join(), bucket.join())
        let first = bucket.enter(one, Self.mebibyte)
        let large = bucket.enter(one, .gibibytes(1))
        let last = bucket.enter(other, Self.mebibyte)
        #expect(bucket.poll(first, now: self.time(0)) == .zero)
        bucket.withdraw(large)
        bucket.leave(one)
        #expect(bucket.poll(last, now: self.time(1)) == .zero)
        #expect(bucket.waiting == 0)
    }

    @Test func withoutALimitWhoWaitsPasses() {
        var bucket = self.bucket(ByteRate(bytesPerSecond: 1))
        let flow = bucket.join()
        let tickets = (0..<3).map { _ in bucket.enter(flow, Self.mebibyte) }
        #expect(bucket.poll(tickets[2], now: self.time(0)) > .seconds(1000))
        bucket.change(to: nil, now: self.time(1))
        for ticket in tickets { #expect(bucket.poll(ticket, now: self.time(1)) == .zero) }
    }

    @Test func aFastLimitAllowsAsMuchAtOnceAsItsGraceBrings() {
        let fast = ByteRate(bytesPerSecond: 1 << 30)
        var bucket = TokenBucket(
            rate: fast,
            burst: Self.mebibyte,
            grace: .milliseconds(20),
            now: self.time(0)
        )
        // Four late wake-ups of 20 ms in a second: nothing of it is lost.
        var passed = 0
        for step in stride(from: 0, through: 1000, by: 20) {
            while bucket.take(Self.mebibyte, now: self.time(step)) == .zero { passed += 1 }
        }
        #expect(abs(passed - 1024) <= 31, "\(passed) MiB")
    }
}
