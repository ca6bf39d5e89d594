// SPDX-License-Identifier: Apache-2.0

import BlockDiff
import BlockTypes
import TestSupport
import Testing

@testable import Sender

/// An extent of leaves, and how many bytes its ends are inside of them.
private func kinded(_ start: Int, _ end: Int, _ kind: ExtentKind) -> KindedExtent {
    KindedExtent(Extent(ByteOffset(start), ByteOffset(end)), kind)
}

@Suite struct SenderLeafAlignerTests {
    private let leaf = 65_536

    private func aligned(_ extents: [KindedExtent], size: Int) -> [KindedExtent] {
        var aligner = LeafAligner(size: ByteCount(size))
        var result: [KindedExtent] = []
        for extent in extents {
            aligner.append(extent)
            while let next = aligner.next() { result.append(next) }
        }
        return result
    }

    @Test func dataIsRoundedOutAndZerosAreRoundedIn() {
        let size = 10 * self.leaf
        let found = self.aligned(
            [
                kinded(0, 4096, .data), kinded(4096, 5 * self.leaf + 100, .zero),
                kinded(5 * self.leaf + 100, size, .data),
            ],
            size: size
        )
        #expect(
            found == [
                kinded(0, self.leaf, .data), kinded(self.leaf, 5 * self.leaf, .zero),
                kinded(5 * self.leaf, 6 * self.leaf, .data),
                kinded(6 * self.leaf, size, .data),
            ]
        )
    }

    @Test func severalExtentsOfOneLeafAreReportedOnce() {
        let found = self.aligned(
            [kinded(0, 4096, .data), kinded(4096, 8192, .zero), kinded(8192, 12_288, .data)],
            size: 2 * self.leaf
        )
        #expect(found == [kinded(0, self.leaf, .data)])
    }

    @Test func theLastLeafMayBeShort() {
        let size = self.leaf + 1
        #expect(
            self.aligned([kinded(0, size, .zero)], size: size) == [kinded(0, size, .zero)]
        )
        #expect(
            self.aligned([kinded(self.leaf, size, .data)], size: size)
                == [kinded(self.leaf, size, .data)]
        )
    }

    @Test func everythingIsCoveredOnceWhateverTheMap() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let granules = Int.random(in: 1...200, using: &generator)
            let size = granules * 4096 - Int.random(in: 0..<4096, using: &generator)
            var extents: [KindedExtent] = []
            var place = 0
            var kind = ExtentKind.data
            while place < size {
                let end = min(size, place + 4096 * Int.random(in: 1...40, using: &generator))
                extents.append(kinded(place, end, kind))
                kind = kind == .data ? .zero : .data
                place = end
            }
            let found = self.aligned(extents, size: size)
            #expect(found.first?.extent.start == .zero)
            #expect(found.last?.extent.end.bytes == size)
            for (left, right) in zip(found, found.dropFirst()) {
                #expect(left.extent.end == right.extent.start)
            }
            let zeros = ExtentSet(found.filter { $0.kind == .zero }.map(\.extent))
            for data in extents where data.kind == .data {
                #expect(!zeros.overlaps(data.extent))
            }
        }
    }
}

@Suite struct SenderThreadBudgetTests {
    @Test func threadsAreTakenAndGivenBack() {
        let budget = ThreadBudget(threads: 5)
        #expect(budget.take(3, isCancelled: { false }, queued: {}) == 3)
        #expect(budget.free == 2)
        budget.release(3)
        #expect(budget.free == 5)
    }

    @Test func whoWantsMoreThanThereIsGetsAll() {
        let budget = ThreadBudget(threads: 2)
        #expect(budget.take(16, isCancelled: { false }, queued: {}) == 2)
    }

    @Test func theFirstInLineIsServedFirstAlsoWhenItWantsMore() throws {
        let budget = ThreadBudget(threads: 4)
        #expect(budget.take(3, isCancelled: { false }, queued: {}) == 3)
        let line = Line()
        let large = try Joined { line.take(4, "large", from: budget) }
        line.waitForQueued(1)
        let small = try Joined { line.take(1, "small", from: budget) }
        line.waitForQueued(2)
        // One thread is free, but it is not the small one's turn.
        #expect(budget.free == 1)
        budget.release(3)
        large.join()
        small.join()
        #expect(line.served == ["large", "small"])
        #expect(budget.free == 4)
    }

    @Test func aLargerBudgetServesWhoWaits() throws {
        let budget = ThreadBudget(threads: 2)
        #expect(budget.take(2, isCancelled: { false }, queued: {}) == 2)
        let line = Line()
        let waiter = try Joined { line.take(2, "waiter", from: budget) }
        line.waitForQueued(1)
        budget.resize(to: 4)
        waiter.join()
        #expect(line.served == ["waiter"])
        #expect(budget.threads == 4 && budget.free == 2)
    }

    @Test func aSmallerBudgetHoldsOnceThreadsWereGivenBack() throws {
        let budget = ThreadBudget(threads: 4)
        #expect(budget.take(4, isCancelled: { false }, queued: {}) == 4)
        let line = Line()
        let waiter = try Joined { line.take(4, "waiter", from: budget) }
        line.waitForQueued(1)
        budget.resize(to: 1)
        #expect(budget.free == 0)
        budget.release(4)
        // It wanted four, and gets what there is now.
        waiter.join()
        #expect(line.served == ["waiter"])
        #expect(budget.take(4, isCancelled: { false }, queued: {}) == 1)
    }

    @Test func aCancelledOneLeavesTheLine() throws {
        let budget = ThreadBudget(threads: 1)
        #expect(budget.take(1, isCancelled: { false }, queued: {}) == 1)
        let line = Line()
        let waiter = try Joined { line.take(1, "waiter", from: budget) }
        line.waitForQueued(1)
        line.cancel()
        budget.wake()
        waiter.join()
        #expect(line.served == ["waiter cancelled"])
        #expect(budget.waiting == 0)
    }
}

/// Who waits for threads, and in which order they were served.
private final class Line: Sendable {
    private struct State {
        var queued = 0
        var served: [String] = []
        var isCancelled = false
    }

    private let state = Monitor(State())

    var served: [String] { self.state.read { $0.served } }

    func take(_ count: Int, _ name: String, from budget: ThreadBudget) {
        let taken = budget.take(
            count,
            isCancelled: { self.state.read { $0.isCancelled } },
            queued: { self.state.update { $0.queued += 1 } }
        )
        self.state.update { $0.served.append(taken == nil ? "\(name) cancelled" : name) }
        if let taken { budget.release(taken) }
    }

    func waitForQueued(_ count: Int) {
        self.state.wait { state -> Void? in state.queued >= count ? () : nil }
    }

    func cancel() { self.state.update { $0.isCancelled = true } }
}
