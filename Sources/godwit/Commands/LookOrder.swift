// SPDX-License-Identifier: Apache-2.0

/// Which of many transfers are asked after in one look.
///
/// The first that have not ended, as they were begun first and end first; and some of the others in turn,
/// so that none is out of sight for long. What is found ended does not count: however many have ended
/// since the last look, one look finds them, at a question for each. Asking after all in each look took
/// more of the agent's time than their copies when there were hundreds.
struct LookOrder {
    /// So many that go on are asked after at the front, and as many in turn.
    static let each = 8

    private var turn = 0

    /// Asks after some of those that have not ended.
    ///
    /// - Parameters:
    ///   - open: those that have not, oldest first.
    ///   - ask: asks after one; whether it goes on.
    /// - Throws: what `ask` throws; the others are not asked after then.
    mutating func look<Failure: Error>(
        at open: [Int],
        _ ask: (Int) async throws(Failure) -> Bool
    ) async throws(Failure) {
        var others = open[...]
        var found = 0
        while found < Self.each, let index = others.popFirst() {
            if try await ask(index) { found += 1 }
        }
        found = 0
        for _ in 0..<others.count where found < Self.each {
            self.turn += 1
            if try await ask(others[others.startIndex + self.turn % others.count]) { found += 1 }
        }
    }
}
