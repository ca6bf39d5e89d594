// SPDX-License-Identifier: Apache-2.0

import Locks
public import ObjectModel

/// Lets one of several processes do the work, by a Lease in the cluster.
///
/// Leadership ends by our own clock before another process can take the lease, also when the server
/// is out of reach. What runs is cancelled then; who writes to a third party can ask ``isLeading``
/// right before.
public final class LeaseElection: Sendable {
    private let client: KubernetesClient
    private let key: ObjectKey
    private let times: ElectionTimes
    private let identity: String
    private let core: Locked<ElectionCore>
    private let stopping = Latch()

    /// A candidate that has not begun.
    ///
    /// - Parameters:
    ///   - client: for the cluster with the Lease.
    ///   - lease: namespace and name of the Lease; it is made where there is none.
    ///   - identity: a name that no other process has, such as the pod's with a random part.
    ///   - times: how long and how often.
    public init(
        _ client: KubernetesClient,
        lease: ObjectKey,
        identity: String,
        times: ElectionTimes = .standard
    ) {
        self.client = client
        self.key = lease
        self.times = times
        self.identity = identity
        self.core = Locked(ElectionCore(identity: identity, times: times))
    }

    /// Whether this process leads now.
    public var isLeading: Bool {
        let now = self.client.environment.instant()
        return self.core.withLock { $0.isLeading(at: now) }
    }

    /// Ends ``run(onTrouble:_:)``: the work is cancelled and waited for, then the lease is given back,
    /// so that another process need not wait it out.
    public func stop() { self.stopping.open() }

    /// Waits until this process leads, then runs `work`, again after each loss of leadership, until
    /// `work` returns by itself or ``stop()`` is called.
    ///
    /// When leadership is lost `work` is cancelled, and nothing else happens until it has returned.
    /// Cancelling the task ends all at once, and leaves the lease to its time.
    ///
    /// - Parameters:
    ///   - onTrouble: gets each failure; the candidate goes on by itself.
    ///   - work: what only one process may do; it ends soon when it is cancelled.
    /// - Throws: what `work` throws, `CancellationError`.
    public func run(
        onTrouble: @escaping @Sendable (ClusterError) -> Void = { _ in },
        _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        while true {
            guard try await self.acquire(onTrouble) else { return }
            do {
                switch try await self.lead(onTrouble, work) {
                case .worked, .stopped: return await self.release()
                case .lost: continue
                }
            } catch {
                await self.release()
                throw error
            }
        }
    }

    private enum End {
        case worked
        case lost
        case stopped
    }

    /// Works and renews at once, until one of them ends; the work has ended on return.
    private func lead(
        _ onTrouble: @escaping @Sendable (ClusterError) -> Void,
        _ work: @escaping @Sendable () async throws -> Void
    ) async throws -> End {
        try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                try await work()
                return .worked
            }
            group.addTask {
                while try await self.step(onTrouble) {}
                return .lost
            }
            group.addTask {
                try await self.stopping.wait()
                return .stopped
            }
            defer { group.cancelAll() }
            let first = try await group.next()
            try Task.checkCancellation()
            return first ?? .lost
        }
    }

    /// Waits until this process leads; false where it was stopped before.
    private func acquire(
        _ onTrouble: @escaping @Sendable (ClusterError) -> Void
    ) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                while !self.isLeading { _ = try await self.step(onTrouble) }
                return true
            }
            group.addTask {
                try await self.stopping.wait()
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
    }

    /// Does what is to be done next; false where leadership ended.
    private func step(
        _ onTrouble: @Sendable (ClusterError) -> Void
    ) async throws -> Bool {
        try Task.checkCancellation()
        let environment = self.client.environment
        let now = environment.instant()
        let written = environment.now().withMicroseconds
        let jitter = environment.jitter()
        let action = self.core.withLock {
            $0.decide(now: now, written: written, jitter: jitter)
        }
        switch action {
        case .wait(let pause): try await environment.wait(pause)
        case .stepDown: return false
        case .read:
            await self.attempt(onTrouble) {
                let lease = try await self.read()
                let now = environment.instant()
                self.core.withLock { $0.read(lease, now: now) }
            }
        case .create(let record):
            await self.attempt(onTrouble) { try await self.write(record, over: nil, sent: now) }
        case .replace(let record, let version):
            await self.attempt(onTrouble) { try await self.write(record, over: version, sent: now) }
        }
        return true
    }

    private func read() async throws -> KubeObject? {
        do { return try await self.client.get(LeaseRecord.resource, self.key) } catch {
            guard error.reason == .notFound else { throw error }
            return nil
        }
    }

    private func write(
        _ record: LeaseRecord,
        over version: String?,
        sent: ContinuousClock.Instant
    ) async throws {
        var lease = KubeObject(
            LeaseRecord.resource.groupVersionKind,
            self.key,
            ["spec": record.json]
        )
        let answer: KubeObject
        if let version {
            lease.set(.string(version), at: "metadata", "resourceVersion")
            answer = try await self.client.replace(LeaseRecord.resource, lease)
        } else {
            answer = try await self.client.create(LeaseRecord.resource, lease)
        }
        let now = self.client.environment.instant()
        self.core.withLock { $0.wrote(answer, sent: sent, now: now) }
    }

    /// Tries something for no longer than leadership lasts, or a renewal may take.
    private func attempt(
        _ onTrouble: @Sendable (ClusterError) -> Void,
        _ body: @escaping @Sendable () async throws -> Void
    ) async {
        let environment = self.client.environment
        let now = environment.instant()
        let until = self.core.withLock { $0.leadsUntil }
        let limit = until.map { max($0 - now, .milliseconds(1)) } ?? self.times.renewal
        do { try await withDeadline(limit, body) } catch {
            let (now, jitter) = (environment.instant(), environment.jitter())
            self.core.withLock { $0.failed(now: now, jitter: jitter) }
            if error is DeadlinePassed {
                onTrouble(ClusterError(.timeout, "no answer about the lease \(self.key)"))
            } else if let error = error as? ClusterError, Self.isTrouble(error) {
                onTrouble(error)
            }
        }
    }

    private static func ignore(_ error: ClusterError) {}

    /// Whether a person should hear of it: losing a race is how an election goes.
    private static func isTrouble(_ error: ClusterError) -> Bool {
        error.reason != .conflict && error.reason != .alreadyExists && error.reason != .cancelled
    }

    /// Gives the lease back; where that fails it is over after its time.
    private func release() async {
        let written = self.client.environment.now().withMicroseconds
        let identity = self.identity
        // Read, since the last renewal may have been cut off: its result is not known here.
        await self.attempt(Self.ignore) { [client, key] in
            var lease = try await client.get(LeaseRecord.resource, key)
            var record = LeaseRecord(lease)
            guard record.holder == identity else { return }
            record.holder = ""
            record.durationSeconds = 1
            record.renewTime = written
            lease.set(record.json, at: "spec")
            try await client.replace(LeaseRecord.resource, lease)
        }
        self.core.withLock { $0.resign() }
    }
}
