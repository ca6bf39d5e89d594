// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import godwit

@Suite struct LookOrderTests {
    /// Looks at transfers of which those in `ended` have ended.
    ///
    /// - Returns: those that were asked after, in this order.
    private func asked(
        _ order: inout LookOrder,
        _ open: [Int],
        ended: Set<Int> = []
    ) async -> [Int] {
        var asked: [Int] = []
        await order.look(at: open) { index in
            asked.append(index)
            return !ended.contains(index)
        }
        return asked
    }

    @Test(arguments: [0, 1, 8, 16])
    func fewAreAllAskedAfterOnce(count: Int) async {
        var order = LookOrder()
        for _ in 0..<3 {
            let asked = await self.asked(&order, Array(0..<count))
            #expect(asked.sorted() == Array(0..<count))
            #expect(asked.prefix(8) == Array(0..<count).prefix(8))
        }
    }

    @Test func ofManyTheFirstAreAskedAfterEachTimeAndTheOthersInTurn() async {
        var order = LookOrder()
        var seen: Set<Int> = []
        for _ in 0..<124 {
            let asked = await self.asked(&order, Array(0..<1000))
            #expect(asked.count == 16)
            #expect(asked.prefix(8) == [0, 1, 2, 3, 4, 5, 6, 7])
            seen.formUnion(asked)
        }
        #expect(seen.count == 1000)
    }

    @Test func allThatHaveEndedAreFoundInOneLook() async {
        var order = LookOrder()
        let all = Array(0..<1000)
        #expect(await self.asked(&order, all, ended: Set(all)) == all)
        let front = await self.asked(&order, all, ended: Set(0..<500))
        #expect(front.prefix(508) == Array(0..<508).prefix(508))
        // What ended out of turn is found while others go on.
        let asked = await self.asked(&order, all, ended: Set(8..<1000))
        #expect(asked.count == 1000)
    }

    @Test func anErrorEndsTheLook() async {
        struct Gone: Error {}
        var order = LookOrder()
        var asked = 0
        await #expect(throws: Gone.self) {
            try await order.look(at: [1, 2, 3]) { _ throws(Gone) in
                asked += 1
                throw Gone()
            }
        }
        #expect(asked == 1)
    }
}
