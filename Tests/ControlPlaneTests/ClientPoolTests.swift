// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Locks
import TestSupport
import Testing

@testable import ControlPlane

/// Clients are kept, replaced and closed.
@Suite struct ClientPoolTests {
    private struct Gone: Error {}

    private let made = Locked(0)
    private let closed = Locked<[Int]>([])
    private let pool: ClientPool<String, Int>

    init() {
        let closed = self.closed
        self.pool = ClientPool(idleLimit: 2) { client in closed.withLock { $0.append(client) } }
    }

    /// Asks with the client of a key; `fails` says which clients find nobody.
    private func ask(
        _ key: String,
        fails: @escaping @Sendable (Int) -> Bool = { _ in false }
    ) async throws(Gone) -> Int {
        let made = self.made
        return try await self.pool.with(
            key,
            make: { () throws(Gone) in
                made.withLock { count in
                    count += 1
                    return count
                }
            },
            isStale: { (_: Gone) in true },
            use: { client throws(Gone) in
                if fails(client) { throw Gone() }
                return client
            }
        )
    }

    @Test func aClientIsMadeOnceForEachKey() async throws {
        #expect(try await self.ask("a") == 1)
        #expect(try await self.ask("b") == 2)
        #expect(try await self.ask("a") == 1)
        #expect(self.closed.withLock { $0 } == [])
    }

    @Test func aKeptClientThatFindsNobodyIsReplacedAndTheQuestionAskedAgain() async throws {
        #expect(try await self.ask("a") == 1)
        #expect(try await self.ask("a") { $0 == 1 } == 2)
        #expect(self.closed.withLock { $0 } == [1])
        #expect(try await self.ask("a") == 2)
    }

    @Test func aNewClientThatFindsNobodyIsNotAskedTwice() async throws {
        await #expect(throws: Gone.self) { try await self.ask("a") { _ in true } }
        #expect(self.made.withLock { $0 } == 1)
        await #expect(throws: Gone.self) { try await self.ask("a") { _ in true } }
        #expect(self.made.withLock { $0 } == 2, "the kept one was replaced once")
    }

    @Test func theLongestUnusedIsClosedAndOneInUseIsNot() async throws {
        let pool = self.pool
        let last = try await pool.with(
            "held",
            make: { () throws(Gone) in 100 },
            use: { held throws(Gone) in
                for key in ["a", "b", "c", "d"] { _ = try await self.ask(key) }
                return held
            }
        )
        #expect(last == 100)
        #expect(self.closed.withLock { $0 } == [1, 2, 3], "a and b, and c when one more is idle")
        #expect(try await self.ask("d") == 4)
    }

    @Test func allAreClosedAtTheEnd() async throws {
        for key in ["a", "b"] { _ = try await self.ask(key) }
        await self.pool.shutdown()
        #expect(self.closed.withLock { $0.sorted() } == [1, 2])
        #expect(await self.pool.count == 0)
    }

    // MARK: Agents

    /// A certificate that is renewed makes the next question go over a new client.
    @Test func theStampOfCredentialsChangesWithTheirFiles() throws {
        let directory = try TemporaryDirectory(inMemory: true)
        let credentials = ControlCredentials(directory: directory.path)
        let missing = credentials.stamp
        for name in ["tls.crt", "tls.key", "ca.crt"] {
            try Data("1".utf8).write(to: URL(fileURLWithPath: "\(directory.path)/\(name)"))
        }
        let first = credentials.stamp
        #expect(first != missing && credentials.stamp == first)
        // As a renewal does it: another file takes the name.
        let next = "\(directory.path)/next"
        try Data("2".utf8).write(to: URL(fileURLWithPath: next))
        #expect(rename(next, "\(directory.path)/tls.crt") == 0)
        #expect(credentials.stamp != first)
        withExtendedLifetime(directory) {}
    }

    @Test func anAgentThatIsNotThereIsToldOfAndNoClientKept() async throws {
        let directory = try TemporaryDirectory(inMemory: true)
        let connections = AgentConnections()
        let agent = connections.local(directory.path)
        let error = await #expect(throws: APIError.self) { try await agent.pairs() }
        #expect(error?.id == .agentUnreachable)
        #expect(await connections.count == 0)
        await connections.close()
        withExtendedLifetime(directory) {}
    }
}
