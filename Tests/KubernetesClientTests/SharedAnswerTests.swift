// SPDX-License-Identifier: Apache-2.0

import Locks
import Testing

@testable import KubernetesClient

/// Many who ask the same get few answers, and none that is too old.
@Suite(.timeLimit(.minutes(10))) struct SharedAnswerTests {
    private let seconds = Locked(0)
    private let sent = Locked(0)
    private let door = Latch()
    private let inside = Latch()

    private func shared(keptFor: Duration) -> SharedAnswer<Int> {
        let start = ContinuousClock.now
        let seconds = self.seconds
        return SharedAnswer(keptFor: keptFor) { start + .seconds(seconds.withLock { $0 }) }
    }

    private func ask(_ shared: SharedAnswer<Int>, isNew: Bool = false) async throws -> Int {
        let sent = self.sent
        return try await shared.value(isNew: isNew) { () throws(ClusterError) in
            sent.withLock { count in
                count += 1
                return count
            }
        }
    }

    /// Asks, and gets its answer when the door opens.
    private func askAtTheDoor(
        _ shared: SharedAnswer<Int>,
        _ end: Result<Int, ClusterError>
    ) async throws -> Int {
        let (door, inside) = (self.door, self.inside)
        return try await shared.value { () throws(ClusterError) in
            inside.open()
            do { try await door.wait() } catch { throw ClusterError(.cancelled, "cancelled") }
            return try end.get()
        }
    }

    private func standInLine(_ count: Int, _ shared: SharedAnswer<Int>) async {
        while shared.waiting < count { await Task.yield() }
    }

    @Test func whoComesWhileOneIsAskedSharesTheNextOne() async throws {
        let shared = self.shared(keptFor: .zero)
        async let first = self.askAtTheDoor(shared, .success(100))
        try await self.inside.wait()
        async let second = self.ask(shared)
        async let third = self.ask(shared)
        async let fourth = self.ask(shared)
        await self.standInLine(4, shared)
        self.door.open()
        #expect(try await first == 100)
        #expect(try await [second, third, fourth] == [1, 1, 1])
        #expect(try await self.ask(shared) == 2, "nothing is kept for who comes later")
    }

    @Test func anAnswerIsKeptAsLongAsItMayBeOld() async throws {
        let shared = self.shared(keptFor: .seconds(60))
        #expect(try await self.ask(shared) == 1)
        self.seconds.withLock { $0 = 60 }
        #expect(try await self.ask(shared) == 1)
        #expect(try await self.ask(shared, isNew: true) == 2)
        self.seconds.withLock { $0 = 121 }
        #expect(try await self.ask(shared) == 3)
    }

    @Test func aFailureIsSharedByThoseWhoWaitAndKeptForNobody() async throws {
        let shared = self.shared(keptFor: .seconds(60))
        let sent = self.sent
        @Sendable func failing() async -> ClusterError.Reason? {
            do throws(ClusterError) {
                _ = try await shared.value { () throws(ClusterError) in
                    sent.withLock { $0 += 1 }
                    throw ClusterError(.timeout, "no answer")
                }
                return nil
            } catch { return error.reason }
        }
        async let first = try? self.askAtTheDoor(shared, .failure(ClusterError(.timeout, "no")))
        try await self.inside.wait()
        async let second = failing()
        async let third = failing()
        await self.standInLine(3, shared)
        self.door.open()
        #expect(await first == nil)
        #expect(await [second, third] == [.timeout, .timeout])
        #expect(self.sent.withLock { $0 } == 1)
        #expect(try await self.ask(shared) == 2)
    }

    @Test func oneWhoIsCancelledLeavesTheOthersTheirAnswer() async throws {
        let shared = self.shared(keptFor: .zero)
        let first = Task { try await self.askAtTheDoor(shared, .success(100)) }
        try await self.inside.wait()
        async let second = self.ask(shared)
        await self.standInLine(2, shared)
        first.cancel()
        await #expect(throws: ClusterError.self) { try await first.value }
        #expect(try await second == 1)
    }
}
