// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ControlPlane

@Suite struct WorkQueueTests {
    private func at(_ seconds: Int) -> Duration { .seconds(seconds) }

    @Test func aKeyThatIsAskedForTwiceIsLookedAtOnce() {
        var queue = WorkQueue<String>()
        queue.add("a", now: self.at(0))
        queue.add("a", now: self.at(1))
        #expect(queue.next(now: self.at(1)) == "a")
        #expect(queue.next(now: self.at(1)) == nil)
        queue.finish("a", .settled, now: self.at(2))
        #expect(queue.next(now: self.at(99)) == nil)
        #expect(queue.count == 0)
    }

    @Test func whatChangesDuringTheWorkIsLookedAtAgainAndByNobodyElseBefore() {
        var queue = WorkQueue<String>()
        queue.add("a", now: self.at(0))
        #expect(queue.next(now: self.at(0)) == "a")
        queue.add("a", now: self.at(1))
        #expect(queue.next(now: self.at(1)) == nil)
        queue.finish("a", .settled, now: self.at(2))
        #expect(queue.next(now: self.at(2)) == "a")
    }

    @Test func workThatGoesOnIsLookedAtAgainWhenItSays() {
        var queue = WorkQueue<String>()
        queue.add("a", now: self.at(0))
        _ = queue.next(now: self.at(0))
        queue.finish("a", .again(after: .seconds(10)), now: self.at(0))
        #expect(queue.nextDue == self.at(10))
        #expect(queue.next(now: self.at(9)) == nil)
        #expect(queue.next(now: self.at(10)) == "a")
    }

    @Test func failuresWaitTwiceAsLongEachTimeUpToTheBound() {
        var queue = WorkQueue<String>()
        var now = self.at(0)
        var waits: [Duration] = []
        queue.add("a", now: now)
        for _ in 0..<9 {
            #expect(queue.next(now: now) == "a")
            queue.finish("a", .failed, now: now)
            let due = queue.nextDue ?? now
            waits.append(due - now)
            now = due
        }
        #expect(waits.map(\.components.seconds) == [2, 4, 8, 16, 32, 64, 120, 120, 120])
        #expect(queue.next(now: now) == "a")
        queue.finish("a", .settled, now: now)
        queue.add("a", now: now)
        _ = queue.next(now: now)
        queue.finish("a", .failed, now: now)
        #expect(queue.nextDue == now + .seconds(2), "a success forgets the failures before it")
    }

    @Test func aChangeAfterAFailureIsLookedAtSoonButNotAtOnce() {
        var queue = WorkQueue<String>()
        queue.add("a", now: self.at(0))
        for now in [0, 2, 6, 14] {
            #expect(queue.next(now: self.at(now)) == "a")
            if now == 14 { queue.add("a", now: self.at(14)) }
            queue.finish("a", .failed, now: self.at(now))
        }
        #expect(queue.nextDue == self.at(16))
    }

    @Test func oneThatWasOvertakenIsLookedAtSoonAndNotInALoop() {
        var queue = WorkQueue<String>()
        var now = self.at(0)
        var waits: [Duration] = []
        queue.add("a", now: now)
        for _ in 0..<8 {
            #expect(queue.next(now: now) == "a")
            queue.add("a", now: now)
            queue.finish("a", .overtaken, now: now)
            let due = queue.nextDue ?? now
            waits.append(due - now)
            now = due
        }
        #expect(waits == [50, 100, 200, 400, 800, 1_600, 2_000, 2_000].map { .milliseconds($0) })
    }

    @Test func noMoreKeysAreWorkedOnThanThereAreWorkers() {
        var queue = WorkQueue<Int>(workers: 3)
        for key in 0..<5 { queue.add(key, now: self.at(0)) }
        #expect((0..<4).map { _ in queue.next(now: self.at(0)) } == [0, 1, 2, nil])
        #expect(queue.nextDue == nil, "nothing is due for nobody")
        queue.finish(1, .settled, now: self.at(0))
        #expect(queue.next(now: self.at(0)) == 3)
    }

    @Test func anEarlierWishComesBeforeALaterOne() {
        var queue = WorkQueue<String>()
        queue.add("a", now: self.at(0), after: .seconds(60))
        queue.add("a", now: self.at(1))
        #expect(queue.next(now: self.at(1)) == "a")
        queue.finish("a", .settled, now: self.at(1))
        #expect(queue.next(now: self.at(60)) == nil, "the later place in the line is void")
    }

    /// Against a plain list of what is due, for thousands of random steps.
    @Test(arguments: [1, 2, 3] as [UInt64]) func itKeepsEveryKeyWhateverHappens(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = WorkQueue<Int>(workers: 4)
        var wanted: Set<Int> = []
        var running: Set<Int> = []
        var now = self.at(0)
        for _ in 0..<5000 {
            now += .milliseconds(Int.random(in: 0...200, using: &generator))
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                let key = Int.random(in: 0..<20, using: &generator)
                queue.add(key, now: now)
                wanted.insert(key)
            case 1:
                guard let key = queue.next(now: now) else { continue }
                #expect(running.insert(key).inserted, "seed \(seed): two workers on one key")
                #expect(wanted.remove(key) != nil, "seed \(seed): nobody asked for \(key)")
            case _:
                guard let key = running.randomElement(using: &generator) else { continue }
                running.remove(key)
                queue.finish(key, .settled, now: now)
            }
            #expect(running.count <= 4)
        }
        for key in running { queue.finish(key, .settled, now: now) }
        while let key = queue.next(now: now + .seconds(1000)) {
            #expect(wanted.remove(key) != nil, "seed \(seed)")
            queue.finish(key, .settled, now: now)
        }
        #expect(wanted.isEmpty, "seed \(seed): lost \(wanted)")
        #expect(queue.count == 0)
    }
}
