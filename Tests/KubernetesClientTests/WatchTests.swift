// SPDX-License-Identifier: Apache-2.0

import Locks
import ObjectModel
import TestSupport
import Testing

@testable import KubernetesClient

@Suite struct WatchTests {
    /// A line of a watch.
    static func line(_ type: String, _ object: JSON) -> [UInt8] {
        let event: JSON = ["type": .string(type), "object": object]
        return event.bytes + [0x0a]
    }

    /// A stream that has all its chunks and ends.
    static func whole(_ chunks: [[UInt8]]) -> AsyncStream<[UInt8]> {
        AsyncStream { stream in
            for chunk in chunks { stream.yield(chunk) }
            stream.finish()
        }
    }

    private static func events(_ watch: WatchSequence) async throws -> [WatchEvent] {
        var events: [WatchEvent] = []
        for try await event in watch { events.append(event) }
        return events
    }

    @Test func eventsComeInTheirOrderAndTheEndIsNoError() async throws {
        let (a, b) = (TestKind.configMap("a"), TestKind.configMap("b", version: "2"))
        let bookmark: JSON = ["kind": "ConfigMap", "metadata": ["resourceVersion": "3"]]
        let lines = [
            Self.line("ADDED", a), Self.line("MODIFIED", b), Self.line("BOOKMARK", bookmark),
            Self.line("DELETED", a),
        ]
        try await FakeServer.run { _ in
            .stream(Self.whole(lines))
        } during: { server in
            let client = try server.client()
            let watch = client.watch(
                TestKind.configMap,
                namespace: "shop",
                ObjectSelection(labels: "app=x", fields: "metadata.name=a"),
                from: "7"
            )
            #expect(
                try await Self.events(watch) == [
                    .added(KubeObject(a)), .modified(KubeObject(b)),
                    .bookmark(resourceVersion: "3"), .deleted(KubeObject(a)),
                ]
            )
            let request = try #require(server.requests.first)
            #expect(request.path == "/api/v1/namespaces/shop/configmaps")
            let expected = [
                "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "7",
                "timeoutSeconds": "290", "labelSelector": "app=x",
                "fieldSelector": "metadata.name=a",
            ]
            for (name, value) in expected { #expect(request.parameter(name) == value) }
        }
    }

    @Test func anErrorOfTheServerIsThrown() async throws {
        let status: JSON = ["kind": "Status", "code": 410, "reason": "Expired", "message": "old"]
        try await FakeServer.run { _ in
            .stream(Self.whole([Self.line("ERROR", status)]))
        } during: { server in
            let client = try server.client()
            let error = await #expect(throws: ClusterError.self) {
                _ = try await Self.events(client.watch(TestKind.configMap, from: "1"))
            }
            #expect(error?.reason == .gone)
        }
    }

    @Test func aWatchThatIsRefusedSaysWhy() async throws {
        try await FakeServer.run { _ in
            .failure(403, "Forbidden")
        } during: { server in
            let client = try server.client()
            let error = await #expect(throws: ClusterError.self) {
                _ = try await Self.events(client.watch(TestKind.configMap, from: "1"))
            }
            #expect(error?.reason == .forbidden)
        }
    }

    @Test(arguments: [true, false])
    func aStreamThatBreaksInAnEventIsNoEnd(breaks: Bool) async throws {
        let line = Self.line("ADDED", TestKind.configMap("a"))
        let chunks = [line, Array(line.dropLast(9))]
        try await FakeServer.run { _ in
            .stream(Self.whole(chunks), breaks: breaks)
        } during: { server in
            let client = try server.client()
            var events = client.watch(TestKind.configMap, from: "1").makeAsyncIterator()
            #expect(try await events.next() == .added(KubeObject(TestKind.configMap("a"))))
            do throws(ClusterError) {
                _ = try await events.next()
                Issue.record("half an event was taken for the end")
            } catch { #expect(error.reason == .connectionLost) }
            #expect(try await events.next() == nil)
        }
    }

    @Test func aSilentWatchIsGivenUpAfterTheServersTime() async throws {
        let (silent, _) = AsyncStream<[UInt8]>.makeStream()
        try await FakeServer.run { _ in
            .stream(silent)
        } during: { server in
            var limits = ClientLimits()
            limits.watchTimeout = .milliseconds(100)
            limits.watchSlack = .milliseconds(200)
            let client = try server.client(limits: limits)
            let error = await #expect(throws: ClusterError.self) {
                _ = try await Self.events(client.watch(TestKind.configMap, from: "1"))
            }
            #expect(error?.reason == .connectionLost)
        }
    }

    @Test func anEventThatIsTooLargeEndsTheWatch() async throws {
        let chunk = Array(repeating: UInt8(ascii: "x"), count: 1 << 19)
        let endless = Self.whole(Array(repeating: chunk, count: 40))
        try await FakeServer.run { _ in
            .stream(endless)
        } during: { server in
            var limits = ClientLimits()
            limits.eventBytes = 1 << 20
            let client = try server.client(limits: limits)
            let error = await #expect(throws: ClusterError.self) {
                _ = try await Self.events(client.watch(TestKind.configMap, from: "1"))
            }
            #expect(error?.reason == .tooLarge)
        }
    }

    @Test(.timeLimit(.minutes(10))) func cancellingATaskEndsItsWatch() async throws {
        let (silent, end) = AsyncStream<[UInt8]>.makeStream()
        let (ended, ending) = AsyncStream<Void>.makeStream()
        end.onTermination = { _ in ending.yield() }
        end.yield(Self.line("ADDED", TestKind.configMap("a")))
        try await FakeServer.run { _ in
            .stream(silent)
        } during: { server in
            let client = try server.client()
            let (arrived, arrival) = AsyncStream<Void>.makeStream()
            let task = Task {
                for try await _ in client.watch(TestKind.configMap, from: "1") { arrival.yield() }
            }
            for await _ in arrived { break }
            task.cancel()
            _ = await task.result
            // The server has let go of the stream.
            for await _ in ended { break }
        }
    }

    // MARK: Lines

    @Test func linesComeWholeHoweverTheyAreCut() {
        let seed = TestSeed()
        var generator = seed.generator
        for _ in 0..<200 {
            let lines: [[UInt8]] = (0..<Int.random(in: 0...8, using: &generator))
                .map { _ in noise(Int.random(in: 1...20, using: &generator), using: &generator) }
                .map { line in line.filter { $0 > 0x20 } + [0x61] }
            var rest = Array(lines.joined(separator: [0x0a]))[...]
            var splitter = LineSplitter()
            var found: [[UInt8]] = []
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &generator)
                splitter.append(rest.prefix(count))
                rest = rest.dropFirst(count)
                while let line = splitter.next() { found.append(line) }
            }
            splitter.append([0x0a])
            while let line = splitter.next() { found.append(line) }
            #expect(found == lines, "\(seed)")
            #expect(splitter.pending == 0, "\(seed)")
        }
    }

    @Test func emptyLinesAreNoEvents() {
        var splitter = LineSplitter()
        splitter.append(Array("\n\r\na\n\nb".utf8))
        #expect(splitter.next() == Array("a".utf8))
        #expect(splitter.next() == nil)
        #expect(splitter.pending == 1)
    }
}
