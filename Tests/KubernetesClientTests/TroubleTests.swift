// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import NIOHTTP1
import ObjectModel
import TestSupport
import Testing

@testable import KubernetesClient

/// What happens when a server, a line or a caller fails.
@Suite struct TroubleTests {
    private let key = ObjectKey("shop", "a")

    /// Answers in turn, the last one for ever.
    private static func inTurn(_ replies: [FakeServer.Reply]) -> FakeServer.Handler {
        let left = Locked(replies)
        return { _ in
            left.withLock { left in left.count > 1 ? left.removeFirst() : left[0] }
        }
    }

    @Test func readsAreAskedForAgainWhenTheServerStumbles() async throws {
        let replies: [FakeServer.Reply] = [
            .hangUp, .failure(503, "ServiceUnavailable"), .ok(TestKind.configMap("a")),
        ]
        try await FakeServer.run(Self.inTurn(replies)) { server in
            let client = try server.client()
            #expect(try await client.get(TestKind.configMap, self.key).name == "a")
            #expect(server.requests.count == 3)
        }
    }

    @Test func aWriteThatMayBeDoneIsNotSentAgain() async throws {
        try await FakeServer.run { _ in
            .hangUp
        } during: { server in
            let client = try server.client()
            let error = await #expect(throws: ClusterError.self) {
                try await client.create(TestKind.configMap, KubeObject(TestKind.configMap("a")))
            }
            #expect(error?.reason == .connectionLost)
            #expect(error?.mayBeDone == true)
            #expect(server.requests.count == 1)
        }
    }

    @Test func aServerThatAsksForPatienceGetsIt() async throws {
        let waits = Locked([Duration]())
        var environment = testEnvironment()
        environment.wait = { duration in waits.withLock { $0.append(duration) } }
        let replies: [FakeServer.Reply] = [
            .failure(429, "TooManyRequests", headers: ["Retry-After": "7"]),
            .ok(TestKind.configMap("a")),
        ]
        let given = environment
        try await FakeServer.run(Self.inTurn(replies)) { server in
            let client = try server.client(environment: given)
            try await client.create(TestKind.configMap, KubeObject(TestKind.configMap("a")))
            #expect(waits.withLock { $0 } == [.seconds(7)])
        }
    }

    @Test func nobodyThereIsToldAfterSomeAttempts() async throws {
        let (descriptor, port) = try Loopback.listen(backlog: 1)
        close(descriptor)
        let waits = Locked(0)
        var environment = testEnvironment()
        environment.wait = { _ in waits.withLock { $0 += 1 } }
        let client = try KubernetesClient(
            ClusterConnection(server: "http://127.0.0.1:\(port)"),
            environment: environment
        )
        let error = await #expect(throws: ClusterError.self) { try await client.version() }
        #expect(error?.reason == .unreachable)
        #expect(error?.isRetryable == true)
        #expect(error?.description.contains("127.0.0.1:\(port)") == true, "\(error as Any)")
        #expect(waits.withLock { $0 } == 3)
    }

    @Test func aServerThatSaysNothingIsGivenUp() async throws {
        try await FakeServer.run { _ in
            .silence
        } during: { server in
            var limits = ClientLimits()
            limits.requestTimeout = .milliseconds(200)
            let client = try server.client(limits: limits)
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .timeout)
            #expect(error?.mayBeDone == true)
        }
    }

    @Test func anAnswerThatIsTooLargeIsNotReadToItsEnd() async throws {
        let text = "\"\(String(repeating: "x", count: 3000))\""
        try await FakeServer.run { _ in
            .text(200, text)
        } during: { server in
            var limits = ClientLimits()
            limits.answerBytes = 2000
            let client = try server.client(limits: limits)
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .tooLarge)
        }
    }

    @Test func anAnswerThatIsNoJSONSaysWhere() async throws {
        try await FakeServer.run { _ in
            .text(200, "<html>")
        } during: { server in
            let client = try server.client()
            let error = await #expect(throws: ClusterError.self) {
                try await client.get(TestKind.configMap, self.key)
            }
            #expect(error?.reason == .badAnswer)
            #expect(error?.message.contains("/namespaces/shop/configmaps/a") == true)
        }
    }

    @Test func cancellingATaskEndsItsRequest() async throws {
        let (arrived, arrival) = AsyncStream<Void>.makeStream()
        try await FakeServer.run { _ in
            arrival.yield()
            return .silence
        } during: { server in
            let client = try server.client()
            let task = Task { try await client.get(TestKind.configMap, self.key) }
            for await _ in arrived { break }
            task.cancel()
            let error = await #expect(throws: ClusterError.self) { try await task.value }
            #expect(error?.reason == .cancelled)
            // The server sees the connection end, which is what ends its work.
            for await _ in server.endedConnections { break }
        }
    }

    @Test func aClientThatWasShutDownAsksNobody() async throws {
        try await FakeServer.run { _ in
            .ok([:])
        } during: { server in
            let client = try server.client()
            _ = try await client.version()
            await client.shutdown()
            let error = await #expect(throws: ClusterError.self) { try await client.version() }
            #expect(error?.reason == .cancelled)
            #expect(server.requests.count == 1)
        }
    }

    @Test func noMoreThanTheBoundAreUnderWay() async throws {
        let now = Locked((count: 0, most: 0))
        try await FakeServer.run { _ in
            now.withLock { now in
                now.count += 1
                now.most = max(now.most, now.count)
            }
            await Task.yield()
            now.withLock { $0.count -= 1 }
            return .ok([:])
        } during: { server in
            var limits = ClientLimits()
            limits.requests = 3
            let client = try server.client(limits: limits)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        _ = try await client.get(
                            TestKind.configMap,
                            ObjectKey("shop", "a\(number)")
                        )
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.requests.count == 40)
            #expect(now.withLock { $0.most } <= 3)
        }
    }

    @Test func whoIsCancelledInTheLineLeavesIt() async throws {
        let gate = RequestGate(1)
        let (entered, entry) = AsyncStream<Void>.makeStream()
        let (opened, opening) = AsyncStream<Void>.makeStream()
        let first = Task {
            try await gate.pass {
                entry.yield()
                for await _ in opened { break }
            }
        }
        for await _ in entered { break }
        let second = Task { try await gate.pass {} }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        opening.yield()
        try await first.value
        try await gate.pass {}
    }
}
