// SPDX-License-Identifier: Apache-2.0

// The queue of transfers. Each change is in the catalogue before anybody is told of it, so that a
// kill at any instant leaves either the old state or the new one, and a restart goes on (P10).
//
//   submit ─▶ queued ─▶ running ─▶ succeeded | failed | cancelled
//               ▲          │
//               └─ waiting ┘       one running transfer for each volume, `transfers` in all

import AgentAPI
import BlockTypes
import Catalogue
import Foundation
import Locks
import Logging
import ServiceLifecycle
import Synchronization

/// Brings transfers to their end, a bounded number at once.
actor TransferQueue: Service {
    struct Job {
        var entry: TransferEntry
        let request: ReplicateRequest
        var limit: UInt64?
        var run: (any TransferRun)?
        var isCancelling = false
        var error: APIError?
        var report: TransferReport?
        /// All of it waits at the destination for the release of its group: it takes no place here.
        var isHeld = false
    }

    /// Transfers that may wait in line; above, new ones are refused.
    static let lineLimit = 10_000

    let catalogue: Catalogue
    let journal: Journal
    let now: @Sendable () -> Date
    private let runner: any TransferRunner
    let gate: (any TransferGate)?
    let settings: Settings
    private let wakeups: AsyncStream<Void>
    let wake: AsyncStream<Void>.Continuation
    let isDraining = Atomic(false)
    var jobs: [String: Job] = [:]
    var order: [String] = []
    var running: Set<String> = []
    /// Those that have ended, which the catalogue has not taken yet.
    var unstored: Set<String> = []
    /// Who waits for the end of a transfer.
    var waiters: [String: [Int: AsyncStream<Never>.Continuation]] = [:]
    var waiterCount = 0

    /// What SIGHUP may change.
    final class Settings: Sendable {
        struct Values: Sendable {
            var transfers: Int
            var retries: Int
            var bandwidth: UInt64?
        }

        let values: Locked<Values>
        init(_ values: Values) { self.values = Locked(values) }
        var current: Values { self.values.withLock { $0 } }
    }

    init(
        catalogue: Catalogue,
        journal: Journal,
        runner: any TransferRunner,
        settings: Settings,
        gate: (any TransferGate)? = nil,
        now: @escaping @Sendable () -> Date
    ) throws(APIError) {
        self.catalogue = catalogue
        self.journal = journal
        self.runner = runner
        self.gate = gate
        self.settings = settings
        self.now = now
        (self.wakeups, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let unfinished: [TransferEntry]
        do { unfinished = try catalogue.unfinishedTransfers() } catch { throw APIError(error) }
        for var entry in unfinished {
            guard let data = entry.request.data(using: .utf8),
                let request = try? AgentJSON.value(ReplicateRequest.self, from: data)
            else { continue }
            entry.state = .queued
            entry.nextAttempt = nil
            let limit = request.limit ?? settings.current.bandwidth
            self.jobs[entry.id] = Job(entry: entry, request: request, limit: limit)
            self.order.append(entry.id)
        }
    }

    // MARK: - The service

    /// Works until graceful shutdown; then brings what runs to a point where it can be resumed.
    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                self.wake.yield()
                for await _ in self.wakeups {
                    self.storeEnds()
                    if self.isDraining.load(ordering: .sequentiallyConsistent) {
                        for id in self.running { self.jobs[id]?.run?.cancel() }
                        self.restIfIdle()
                        if self.running.isEmpty { break }
                        continue
                    }
                    for id in self.startable() {
                        group.addTask { await self.execute(id) }
                    }
                    self.restIfIdle()
                }
                // Cancelled, not drained: another service of the agent has failed.
                self.drain()
                for id in self.running { self.jobs[id]?.run?.cancel() }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.drain()
        }
    }

    /// Nothing runs and nothing was begun: nobody needs connections soon.
    private func restIfIdle() {
        if self.running.isEmpty { self.runner.rest() }
    }

    /// Lets nothing begin any more, and brings what runs to a point where it can be resumed.
    nonisolated func drain() {
        self.isDraining.store(true, ordering: .sequentiallyConsistent)
        self.wake.yield()
    }

    /// Looks again what can be started; for limits that changed.
    nonisolated func wakeUp() { self.wake.yield() }

    private func startable() -> [String] {
        var started: [String] = []
        var busy = Set(self.running.compactMap { self.jobs[$0]?.entry.volume })
        let now = self.now()
        for id in self.order {
            guard self.running.count < self.settings.current.transfers else { break }
            guard let job = self.jobs[id], !self.running.contains(id) else { continue }
            switch job.entry.state {
            case .queued: break
            case .waiting:
                if let next = job.entry.nextAttempt, next > now { continue }
            case .running, .succeeded, .failed, .cancelled: continue
            }
            guard busy.insert(job.entry.volume).inserted else { continue }
            self.running.insert(id)
            started.append(id)
        }
        return started
    }

    private func execute(_ id: String) async {
        guard var job = self.jobs[id] else { return }
        job.entry.attempt += 1
        job.entry.state = .running
        job.entry.nextAttempt = nil
        job.entry.started = job.entry.started ?? self.now()
        self.jobs[id] = job
        self.store(job.entry)
        let run: any TransferRun
        do {
            try await self.gate?.admit(job.request)
            let request = try await self.runner.prepare(job.request)
            let limit = self.jobs[id].map(\.limit) ?? job.limit
            run = try self.runner.makeRun(id, request, limit: limit)
        } catch {
            self.running.remove(id)
            // What is whole there does not fail because the destination is away for a while.
            if job.isHeld, error.isRetryable, !self.isEnding(id) {
                await self.park(id, nil)
            } else {
                await self.fail(id, error)
            }
            self.wake.yield()
            return
        }
        let outcome = await self.attempt(id, run)
        self.running.remove(id)
        switch outcome {
        case .success(let report):
            self.succeed(id, report)
            self.wake.yield()
            await self.tidy(run)
        case .failure(let failure):
            await self.tidy(run)
            if await self.isHeld(id, failure) {
                await self.park(id, failure.report)
            } else {
                await self.fail(id, failure)
            }
            self.wake.yield()
        }
    }

    private func attempt(
        _ id: String,
        _ run: any TransferRun
    ) async -> Result<TransferReport, RunFailure> {
        self.jobs[id]?.run = run
        // Either may have come while this try was about to begin.
        if self.isEnding(id) { run.cancel() }
        do {
            return try await onThread("transfer") { () throws(APIError) in
                Result { () throws(RunFailure) in try run.run() }
            }
        } catch { return .failure(RunFailure(error)) }
    }

    func isEnding(_ id: String) -> Bool {
        self.jobs[id]?.isCancelling ?? true
            || self.isDraining.load(ordering: .sequentiallyConsistent)
    }

    /// Without a thread for it, the next run of the volume does it.
    private func tidy(_ run: any TransferRun) async {
        try? await onThread("tidy") { () throws(APIError) in run.tidy() }
    }

    // MARK: - Ends

    private func succeed(_ id: String, _ last: TransferReport) {
        guard var job = self.jobs[id] else { return }
        let report = last.after(self.heldReport(of: job))
        job.entry.state = .succeeded
        job.entry.error = nil
        self.finish(
            &job,
            last,
            reason: "TransferSucceeded",
            "generation \(report.targetGeneration ?? 0) of volume \(report.volume) is at "
                + "pair \(report.pair): \(report.mode.rawValue), "
                + "\(ByteSize.text(of: report.wireBytes)) on the wire",
            level: .info
        )
    }

    private func fail(_ id: String, _ failure: RunFailure) async {
        guard var job = self.jobs[id] else { return }
        job.run = nil
        job.error = failure.error
        job.report = failure.report
        job.entry.error = Self.json(failure.error)
        if self.isDraining.load(ordering: .sequentiallyConsistent), !job.isCancelling {
            job.entry.state = .queued
            // It did not fail: restarts must not use up the tries of a transfer of days.
            job.entry.attempt -= 1
            self.jobs[id] = job
            self.store(job.entry)
            return
        }
        if job.isCancelling {
            job.entry.state = .cancelled
            self.finish(
                &job,
                failure.report,
                reason: "TransferCancelled",
                "the transfer of volume \(job.entry.volume) was cancelled",
                level: .info
            )
            return
        }
        let settings = self.settings.current
        guard failure.isRetryable, job.entry.attempt < settings.retries else {
            job.entry.state = .failed
            self.finish(
                &job,
                failure.report,
                reason: "TransferFailed",
                "the transfer of volume \(job.entry.volume) failed after "
                    + "\(job.entry.attempt) tries: \(failure.error)",
                level: .error
            )
            return
        }
        let wait = RetryPolicy.wait(after: job.entry.attempt, asked: failure.retryAfter)
        job.entry.state = .waiting
        job.entry.nextAttempt = self.now() + wait
        self.jobs[id] = job
        let event = self.event(
            job,
            "TransferWaiting",
            "try \(job.entry.attempt) of volume \(job.entry.volume) failed, the next one "
                + "comes in \(Int(wait)) s: \(failure.error)"
        )
        self.store(job.entry, event)
        self.journal.log(event, level: .warning)
        self.wake.yield()
        // The group's task of this transfer sleeps for it; cancelled when the agent drains.
        try? await Task.sleep(for: .seconds(wait))
        // Due by the clock that has waited: the one of the wall may have been set back.
        self.jobs[id]?.entry.nextAttempt = nil
    }

    func finish(
        _ job: inout Job,
        _ report: TransferReport?,
        reason: String,
        _ message: String,
        level: Logger.Level
    ) {
        job.entry.finished = self.now()
        job.entry.report = report.flatMap { Self.json($0.after(self.heldReport(of: job))) }
        let event = self.event(job, reason, message)
        let isStored = self.store(job.entry, event)
        self.journal.log(event, level: level)
        job.run = nil
        self.gate?.ended(job.request)
        // What could not be stored, on a full disk above all, is told from here: in the catalogue
        // it still runs, and who waits for it would wait for ever (P10).
        self.jobs[job.entry.id] = isStored ? nil : job
        if !isStored { self.unstored.insert(job.entry.id) }
        // What ends began early: it is near the front of a long line.
        if let place = self.order.firstIndex(of: job.entry.id) { self.order.remove(at: place) }
        for waiter in self.waiters[job.entry.id, default: [:]].values { waiter.finish() }
    }

    /// Stores the ends that could not be stored when they came.
    private func storeEnds() {
        for id in self.unstored {
            guard let job = self.jobs[id], self.store(job.entry) else { continue }
            self.jobs[id] = nil
            self.unstored.remove(id)
        }
    }

    @discardableResult
    func store(_ entry: TransferEntry, _ event: EventEntry? = nil) -> Bool {
        do {
            try self.catalogue.update(entry, event: event)
            return true
        } catch {
            self.journal.logger.error(
                "transfer not stored",
                metadata: [LogKey.transfer: "\(entry.id)", LogKey.error: "\(error)"]
            )
            return false
        }
    }

    static func json(_ value: some Encodable) -> String? {
        (try? AgentJSON.data(of: value)).map { String(decoding: $0, as: UTF8.self) }
    }
}
