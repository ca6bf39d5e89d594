// SPDX-License-Identifier: Apache-2.0

import Glibc
import Locks
import ObjectModel
import TestSupport
import Testing

@testable import KubernetesClient

@Suite struct ReflectorCoreTests {
    private func core() -> ReflectorCore { ReflectorCore(RetryPolicy(ClientLimits())) }

    private static func object(_ name: String, _ version: String) -> KubeObject {
        KubeObject(TestKind.configMap(name, version: version))
    }

    private static func list(_ version: String, _ objects: [KubeObject]) -> ObjectList {
        let json: JSON = [
            "metadata": ["resourceVersion": .string(version)],
            "items": .array(objects.map(\.json)),
        ]
        return ObjectList(json, TestKind.configMap)
    }

    @Test func aListIsFollowedByAWatchFromThere() {
        var core = self.core()
        #expect(core.step == .list)
        let a = Self.object("a", "1")
        #expect(core.listed(Self.list("5", [a])) == [.added(a)])
        #expect(core.step == .watch(from: "5"))
    }

    @Test func eventsMoveTheVersionAndTellWhatIsNew() {
        var core = self.core()
        let (a1, a2, b) = (Self.object("a", "1"), Self.object("a", "6"), Self.object("b", "7"))
        _ = core.listed(Self.list("5", [a1]))
        #expect(core.received(.modified(a2)) == .modified(from: a1, to: a2))
        #expect(core.received(.modified(a2)) == nil)
        #expect(core.received(.added(b)) == .added(b))
        #expect(core.received(.deleted(Self.object("a", "8"))) == .deleted(Self.object("a", "8")))
        #expect(core.received(.deleted(Self.object("a", "8"))) == nil)
        #expect(core.received(.bookmark(resourceVersion: "9")) == nil)
        #expect(core.step == .watch(from: "9"))
        #expect(core.objects.keys.map(\.name) == ["b"])
    }

    @Test func anotherListTellsTheDifferenceOnly() {
        var core = self.core()
        let (a, b, c) = (Self.object("a", "1"), Self.object("b", "2"), Self.object("c", "3"))
        _ = core.listed(Self.list("5", [a, b, c]))
        let newer = Self.object("b", "8")
        let d = Self.object("d", "9")
        #expect(
            core.listed(Self.list("9", [a, newer, d]))
                == [.modified(from: b, to: newer), .added(d), .deleted(c)]
        )
    }

    @Test func whatTheServerHasForgottenIsListedAgain() {
        for reason in [ClusterError.Reason.gone, .badRequest, .tooLarge] {
            var core = self.core()
            _ = core.listed(Self.list("5", []))
            _ = core.failed(ClusterError(reason, ""), after: .seconds(9), jitter: 0)
            #expect(core.step == .list)
        }
    }

    @Test func aVersionThatIsNewerThanTheServersIsListedAgain() {
        var core = self.core()
        _ = core.listed(Self.list("5", []))
        let error = ClusterError(
            .timeout,
            "",
            causes: [.init(reason: "ResourceVersionTooLarge", message: "")]
        )
        _ = core.failed(error, after: .zero, jitter: 0)
        #expect(core.step == .list)
    }

    @Test(arguments: [
        ClusterError.Reason.connectionLost, .unreachable, .timeout, .serviceUnavailable,
        .forbidden, .unauthorized, .tooManyRequests, .internalError,
    ])
    func otherTroubleIsWatchedOnFromTheSameVersion(reason: ClusterError.Reason) {
        var core = self.core()
        _ = core.listed(Self.list("5", []))
        _ = core.failed(ClusterError(reason, ""), after: .zero, jitter: 0)
        #expect(core.step == .watch(from: "5"))
        #expect(core.lists == 1)
    }

    @Test func pausesGrowUntilAWatchLives() {
        var core = self.core()
        let error = ClusterError(.unreachable, "")
        #expect(core.failed(error, after: .zero, jitter: 0) == .milliseconds(200))
        #expect(core.failed(error, after: .zero, jitter: 0) == .milliseconds(400))
        _ = core.listed(Self.list("5", []))
        #expect(core.failed(error, after: .zero, jitter: 0) == .milliseconds(800))
        #expect(core.ended(after: .milliseconds(5), jitter: 0) == .milliseconds(1600))
        #expect(core.ended(after: .seconds(290), jitter: 0) == .zero)
        #expect(core.failed(error, after: .seconds(20), jitter: 0) == .milliseconds(200))
    }

    /// Whatever the order of events and relists, the copy is what the server has.
    @Test func theCopyIsTheSameByAnyWay() {
        let seed = TestSeed()
        var generator = seed.generator
        for _ in 0..<50 {
            var core = self.core()
            var server: [String: KubeObject] = [:]
            var told: [ObjectKey: KubeObject] = [:]
            _ = core.listed(Self.list("0", []))
            for version in 1..<60 {
                let name = "n\(Int.random(in: 0..<6, using: &generator))"
                let object = Self.object(name, "\(version)")
                var event = WatchEvent.added(object)
                if server[name] != nil {
                    event = Bool.random(using: &generator) ? .modified(object) : .deleted(object)
                }
                server[name] = if case .deleted = event { nil } else { object }
                var changes: [ObjectChange] = []
                if Int.random(in: 0..<5, using: &generator) == 0 {
                    changes = core.listed(Self.list("\(version)", Array(server.values)))
                } else {
                    changes = [core.received(event)].compactMap { $0 }
                }
                for change in changes {
                    switch change {
                    case .added(let object), .modified(_, let object): told[object.key] = object
                    case .deleted(let object): told[object.key] = nil
                    }
                }
            }
            let expected = Dictionary(uniqueKeysWithValues: server.values.map { ($0.key, $0) })
            #expect(core.objects == expected, "\(seed)")
            #expect(told == expected, "\(seed)")
        }
    }
}

/// The reflector against a server that stumbles.
@Suite(.timeLimit(.minutes(10))) struct ReflectorTests {
    /// A server with one list and watches that each do what the test says.
    private final class Script: Sendable {
        private let state: Locked<(watches: [FakeServer.Reply], lists: [[JSON]])>
        let versions = Locked([String?]())

        init(lists: [[JSON]], watches: [FakeServer.Reply]) {
            self.state = Locked((watches, lists))
        }

        func reply(_ request: FakeServer.Request) -> FakeServer.Reply {
            guard request.parameter("watch") != nil else {
                let items = self.state.withLock { state in
                    state.lists.count > 1 ? state.lists.removeFirst() : state.lists[0]
                }
                return .ok(["metadata": ["resourceVersion": "10"], "items": .array(items)])
            }
            self.versions.withLock { $0.append(request.parameter("resourceVersion")) }
            return self.state.withLock { state in
                state.watches.isEmpty ? .silence : state.watches.removeFirst()
            }
        }
    }

    /// Runs a reflector until it has told so many changes.
    private static func changes(
        _ count: Int,
        _ script: Script
    ) async throws -> (told: [String], lists: Int, left: [String]) {
        try await FakeServer.run {
            script.reply($0)
        } during: { server in
            let client = try server.client()
            let (changes, told) = AsyncStream<String>.makeStream()
            let reflector = Reflector(client, TestKind.configMap) { change in
                switch change {
                case .added(let object): told.yield("+\(object.name)\(object.resourceVersion)")
                case .modified(_, let object):
                    told.yield("~\(object.name)\(object.resourceVersion)")
                case .deleted(let object): told.yield("-\(object.name)")
                }
            }
            let run = Task { await reflector.run() }
            var seen: [String] = []
            for await change in changes {
                seen.append(change)
                if seen.count == count { break }
            }
            try await reflector.waitUntilSynced()
            run.cancel()
            await run.value
            return (seen, reflector.listCount, reflector.objects.map(\.name).sorted())
        }
    }

    private static func events(_ lines: [[UInt8]], breaks: Bool = false) -> FakeServer.Reply {
        .stream(WatchTests.whole(lines), breaks: breaks)
    }

    @Test func streamsThatEndOrBreakAreGoneOnWithAndNothingIsListedAgain() async throws {
        let script = Script(
            lists: [[TestKind.configMap("a")]],
            watches: [
                Self.events([WatchTests.line("ADDED", TestKind.configMap("b", version: "11"))]),
                .hangUp,
                Self.events(
                    [WatchTests.line("MODIFIED", TestKind.configMap("b", version: "12"))],
                    breaks: true
                ),
                .failure(503, "ServiceUnavailable"),
                Self.events([WatchTests.line("DELETED", TestKind.configMap("a", version: "13"))]),
            ]
        )
        let result = try await Self.changes(4, script)
        #expect(result.told == ["+a1", "+b11", "~b12", "-a"])
        #expect(result.lists == 1)
        #expect(result.left == ["b"])
        #expect(script.versions.withLock { $0.prefix(5) } == ["10", "11", "11", "12", "12"])
    }

    @Test func aVersionThatIsGoneIsListedAnewAndComparedWithTheCopy() async throws {
        let status: JSON = ["kind": "Status", "code": 410, "reason": "Expired", "message": "old"]
        let script = Script(
            lists: [
                [TestKind.configMap("a"), TestKind.configMap("b")],
                [TestKind.configMap("b", version: "8"), TestKind.configMap("c")],
            ],
            watches: [Self.events([WatchTests.line("ERROR", status)])]
        )
        let result = try await Self.changes(5, script)
        #expect(result.told == ["+a1", "+b1", "~b8", "+c1", "-a"])
        #expect(result.lists == 2)
        #expect(result.left == ["b", "c"])
    }

    @Test func aServerThatComesBackIsFound() async throws {
        let (descriptor, port) = try Loopback.listen(backlog: 1)
        close(descriptor)
        let (troubles, trouble) = AsyncStream<ClusterError.Reason>.makeStream()
        let client = try KubernetesClient(
            ClusterConnection(server: "http://127.0.0.1:\(port)"),
            environment: testEnvironment()
        )
        let reflector = Reflector(
            client,
            TestKind.configMap,
            onTrouble: { trouble.yield($0.reason) }
        )
        let run = Task { await reflector.run() }
        for await reason in troubles {
            #expect(reason == .unreachable)
            break
        }
        #expect(!reflector.isSynced)
        let script = Script(lists: [[TestKind.configMap("a")]], watches: [])
        try await FakeServer.run(port: Int(port)) {
            script.reply($0)
        } during: { _ in
            try await reflector.waitUntilSynced()
            #expect(reflector.object(ObjectKey("shop", "a")) != nil)
            run.cancel()
            await run.value
        }
    }

    @Test func whoWaitsForAReflectorCanGiveUp() async throws {
        let client = try KubernetesClient(
            ClusterConnection(server: "http://127.0.0.1:1"),
            environment: testEnvironment()
        )
        let reflector = Reflector(client, TestKind.configMap)
        let waiting = Task { try await reflector.waitUntilSynced() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test func whatIsNotKeptIsNotInTheCopy() async throws {
        var object = TestKind.configMap("a")
        object.set(["k": "v"], at: "data")
        let script = Script(lists: [[object]], watches: [])
        try await FakeServer.run {
            script.reply($0)
        } during: { server in
            let reflector = Reflector(
                try server.client(),
                TestKind.configMap,
                transform: { object in
                    var kept = object
                    kept.set(nil, at: "data")
                    return kept
                }
            )
            let run = Task { await reflector.run() }
            try await reflector.waitUntilSynced()
            #expect(reflector.objects.first?["data"] == nil)
            #expect(reflector.objects.first?.name == "a")
            run.cancel()
            await run.value
        }
    }
}
