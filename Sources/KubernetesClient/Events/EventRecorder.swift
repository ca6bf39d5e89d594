// SPDX-License-Identifier: Apache-2.0

import Locks
public import ObjectModel

/// Writes what happens to objects where `kubectl describe` shows it: core/v1 Events.
///
/// Recording never waits and never fails. An equal event that comes again counts the first one up. What
/// is too much is dropped and counted: events are for people, and a controller must not stand still
/// for them.
public final class EventRecorder: Sendable {
    /// How a person should take it.
    public enum Kind: String, Sendable {
        /// As it should be.
        case normal = "Normal"
        /// Somebody may have to do something.
        case warning = "Warning"
    }

    /// Events that wait to be written.
    public static let queueLimit = 1000
    /// Bytes of a message that servers take.
    public static let messageLimit = 1024
    /// Tries to write one event, beside those of the client.
    static let attempts = 3

    private let client: KubernetesClient
    private let ledger: Locked<EventLedger>
    private let queue: AsyncStream<Occurrence>
    private let input: AsyncStream<Occurrence>.Continuation
    private let lost = Locked(0)

    /// A recorder that writes once ``run()`` runs.
    ///
    /// - Parameters:
    ///   - client: for the cluster of the objects.
    ///   - component: who reports; scripts of Stork's users look for its name.
    ///   - instance: which of several processes reports.
    public init(_ client: KubernetesClient, component: String = "stork", instance: String) {
        self.client = client
        self.ledger = Locked(EventLedger(component: component, instance: instance))
        (self.queue, self.input) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingOldest(Self.queueLimit)
        )
    }

    /// How many events were not written so far.
    public var dropped: Int { self.lost.withLock { $0 } }

    /// Records what happened to an object.
    ///
    /// - Parameters:
    ///   - kind: how a person should take it.
    ///   - reason: one word in CamelCase.
    ///   - message: a sentence; what is longer than ``messageLimit`` bytes is cut.
    ///   - object: what it happened to.
    public func record(
        _ kind: Kind,
        _ reason: String,
        _ message: String,
        about object: KubeObject
    ) {
        var reference: JSON = [
            "apiVersion": .string(object.apiVersion), "kind": .string(object.kind),
            "name": .string(object.name),
        ]
        if !object.namespace.isEmpty { reference.set(.string(object.namespace), at: "namespace") }
        if !object.uid.isEmpty { reference.set(.string(object.uid), at: "uid") }
        let occurrence = Occurrence(
            kind: kind,
            reason: reason,
            message: Self.cut(message),
            regarding: reference,
            namespace: object.namespace.isEmpty ? "default" : object.namespace,
            name: object.name
        )
        switch self.input.yield(occurrence) {
        case .enqueued: break
        case .dropped, .terminated: self.lost.withLock { $0 += 1 }
        @unknown default: break
        }
    }

    /// At most so many bytes, and no half characters.
    private static func cut(_ message: String) -> String {
        guard message.utf8.count > Self.messageLimit else { return message }
        var cut = ""
        var bytes = 0
        for character in message {
            bytes += character.utf8.count
            guard bytes <= Self.messageLimit - 3 else { break }
            cut.append(character)
        }
        return "\(cut)..."
    }

    /// No more events come: ``run()`` returns when the last one is written.
    public func finish() { self.input.finish() }

    /// Writes the events in their order, until ``finish()`` or until the task is cancelled; call once.
    public func run() async {
        for await occurrence in self.queue { await self.write(occurrence) }
    }

    private func write(_ occurrence: Occurrence) async {
        var next = self.decide(occurrence)
        var attempt = 1
        while let write = next, attempt <= Self.attempts {
            do throws(ClusterError) {
                try await self.perform(write)
                return
            } catch {
                // A first try that seemed to fail was done.
                if error.reason == .alreadyExists { return }
                guard await self.isWorthAnotherTry(error, write, attempt) else { break }
                if error.reason == .notFound {
                    // The server has forgotten the event that was to be counted up.
                    self.ledger.withLock { $0.forget(occurrence) }
                    next = self.decide(occurrence)
                }
                attempt += 1
            }
        }
        self.ledger.withLock { $0.forget(occurrence) }
        self.lost.withLock { $0 += 1 }
    }

    private func decide(_ occurrence: Occurrence) -> EventLedger.Write? {
        let now = self.client.environment.now()
        return self.ledger.withLock { $0.write(occurrence, at: now) }
    }

    private func isWorthAnotherTry(
        _ error: ClusterError,
        _ write: EventLedger.Write,
        _ attempt: Int
    ) async -> Bool {
        if case .count = write, error.reason == .notFound { return true }
        guard error.isRetryable else { return false }
        let environment = self.client.environment
        let policy = RetryPolicy(self.client.limits)
        let pause = policy.backoff(attempt, jitter: environment.jitter())
        return (try? await environment.wait(pause)) != nil
    }

    private func perform(_ write: EventLedger.Write) async throws(ClusterError) {
        switch write {
        case .create(let event): try await self.client.create(Self.resource, event)
        case .count(let key, let count, let last):
            let patch: JSON = ["count": JSON(count), "lastTimestamp": .string(last)]
            try await self.client.patch(Self.resource, key, .merge(patch))
        }
    }

    /// The kind.
    static let resource = APIResource(GroupVersion("", "v1"), "Event", plural: "events")
}
