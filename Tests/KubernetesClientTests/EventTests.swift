// SPDX-License-Identifier: Apache-2.0

import Locks
import ObjectModel
import Testing

@testable import KubernetesClient

@Suite struct EventLedgerTests {
    private let noon = Timestamp(seconds: 1_800_000_000)

    private static func occurrence(_ message: String, name: String = "a") -> Occurrence {
        Occurrence(
            kind: .warning,
            reason: "Failed",
            message: message,
            regarding: ["kind": "Migration", "name": .string(name)],
            namespace: "shop",
            name: name
        )
    }

    private func ledger() -> EventLedger { EventLedger(component: "stork", instance: "pod-1") }

    @Test func theFirstIsAnEventAndARepetitionCounts() {
        var ledger = self.ledger()
        guard case .create(let event) = ledger.write(Self.occurrence("x"), at: self.noon) else {
            Issue.record("no event was made")
            return
        }
        #expect(event.key.namespace == "shop")
        #expect(event.name.hasPrefix("a."))
        #expect(event["count"] == 1)
        #expect(event["source", "component"] == "stork")
        #expect(event["involvedObject", "kind"] == "Migration")
        #expect(event["type"] == "Warning")
        #expect(event["lastTimestamp"] == "2027-01-15T08:00:00Z")
        let again = ledger.write(Self.occurrence("x"), at: Timestamp(seconds: 1_800_000_060))
        #expect(again == .count(event.key, 2, last: "2027-01-15T08:01:00Z"))
    }

    @Test func anotherMessageOrObjectIsAnotherEvent() {
        var ledger = self.ledger()
        var names: Set<String> = []
        for occurrence in [
            Self.occurrence("x"), Self.occurrence("y"), Self.occurrence("x", name: "b"),
        ] {
            guard case .create(let event) = ledger.write(occurrence, at: self.noon) else {
                Issue.record("\(occurrence) is no event of its own")
                return
            }
            names.insert(event.name)
        }
        #expect(names.count == 3)
    }

    @Test func anObjectHasABudgetThatComesBack() {
        var ledger = self.ledger()
        func isWritten(_ number: Int, _ later: Int = 0) -> Bool {
            ledger.write(
                Self.occurrence("m\(number)"),
                at: Timestamp(seconds: self.noon.seconds + later)
            )
                != nil
        }
        for number in 0..<25 { #expect(isWritten(number)) }
        #expect(!isWritten(26))
        // Repetitions and other objects are not held back.
        let repetition = ledger.write(Self.occurrence("m3"), at: self.noon)
        let other = ledger.write(Self.occurrence("m", name: "b"), at: self.noon)
        #expect(repetition != nil && other != nil)
        #expect(isWritten(27, 301))
        #expect(!isWritten(28, 302))
    }

    @Test func whatIsRememberedIsBounded() {
        var ledger = self.ledger()
        for number in 0..<(EventLedger.capacity + 10) {
            _ = ledger.write(Self.occurrence("x", name: "n\(number)"), at: self.noon)
        }
        // The first was forgotten, the last was not.
        guard case .create = ledger.write(Self.occurrence("x", name: "n0"), at: self.noon),
            case .count = ledger.write(
                Self.occurrence("x", name: "n\(EventLedger.capacity + 9)"),
                at: self.noon
            )
        else {
            Issue.record("the oldest is not what was forgotten")
            return
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct EventRecorderTests {
    private static let migration = KubeObject(
        GroupVersionKind("stork.libopenstorage.org", "v1alpha1", "Migration"),
        ObjectKey("shop", "m")
    )

    @Test func equalEventsAreOneThatCounts() async throws {
        try await FakeServer.run { request in
            .ok(request.json ?? [:])
        } during: { server in
            let recorder = EventRecorder(try server.client(), instance: "pod-1")
            for _ in 0..<3 {
                recorder.record(.normal, "Successful", "done", about: Self.migration)
            }
            recorder.finish()
            await recorder.run()
            let requests = server.requests
            #expect(requests.map(\.method) == ["POST", "PATCH", "PATCH"])
            #expect(requests.last?.json?["count"] == 3)
            #expect(requests.first?.path == "/api/v1/namespaces/shop/events")
            let reference = requests.first?.json?["involvedObject"]
            #expect(reference?["apiVersion"] == "stork.libopenstorage.org/v1alpha1")
            #expect(recorder.dropped == 0)
        }
    }

    @Test func anEventThatTheServerForgotIsMadeAnew() async throws {
        try await FakeServer.run { request in
            request.method == "PATCH" ? .failure(404, "NotFound") : .ok(request.json ?? [:])
        } during: { server in
            let recorder = EventRecorder(try server.client(), instance: "pod-1")
            for _ in 0..<2 {
                recorder.record(.normal, "Successful", "done", about: Self.migration)
            }
            recorder.finish()
            await recorder.run()
            #expect(server.requests.map(\.method) == ["POST", "PATCH", "POST"])
            #expect(recorder.dropped == 0)
        }
    }

    @Test func whatTheServerRefusesIsDroppedAndCounted() async throws {
        try await FakeServer.run { _ in
            .failure(403, "Forbidden")
        } during: { server in
            let recorder = EventRecorder(try server.client(), instance: "pod-1")
            recorder.record(.warning, "Failed", "no", about: Self.migration)
            recorder.finish()
            await recorder.run()
            #expect(server.requests.count == 1)
            #expect(recorder.dropped == 1)
        }
    }

    @Test func longMessagesAreCutBetweenCharacters() async throws {
        try await FakeServer.run { request in
            .ok(request.json ?? [:])
        } during: { server in
            let recorder = EventRecorder(try server.client(), instance: "pod-1")
            let message = String(repeating: "\u{00e4}", count: 800)
            recorder.record(.normal, "Long", message, about: Self.migration)
            recorder.finish()
            await recorder.run()
            let text = try #require(server.requests.first?.json?["message"]?.string)
            #expect(text == String(repeating: "\u{00e4}", count: 510) + "...")
        }
    }

    @Test func aFullQueueDropsAndNeverWaits() throws {
        let client = try KubernetesClient(
            ClusterConnection(server: "http://127.0.0.1:1"),
            environment: testEnvironment()
        )
        let recorder = EventRecorder(client, instance: "pod-1")
        for number in 0..<(EventRecorder.queueLimit + 7) {
            recorder.record(.normal, "X", "\(number)", about: Self.migration)
        }
        #expect(recorder.dropped == 7)
    }
}
