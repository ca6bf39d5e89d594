// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Locks
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Agent

/// A try whose end the test decides.
final class ScriptedRun: TransferRun {
    private let outcome: Locked<Result<TransferReport, RunFailure>?>
    private let cancelled = Atomic(false)
    let tidied = Atomic(0)
    let limits = Locked<[UInt64?]>([])
    let volume: String

    init(volume: String, _ outcome: Result<TransferReport, RunFailure>?) {
        self.volume = volume
        self.outcome = Locked(outcome)
    }

    func run() throws(RunFailure) -> TransferReport {
        while true {
            if let outcome = self.outcome.withLock({ $0 }) { return try outcome.get() }
            if self.cancelled.load(ordering: .sequentiallyConsistent) {
                throw RunFailure(APIError(.transferCancelled, "cancelled"))
            }
            usleep(2000)
        }
    }

    func finish(_ result: Result<TransferReport, RunFailure>) {
        self.outcome.withLock { $0 = result }
    }

    func tidy() { self.tidied.add(1, ordering: .sequentiallyConsistent) }
    func cancel() { self.cancelled.store(true, ordering: .sequentiallyConsistent) }
    var progress: TransferProgress { TransferProgress(phase: "streaming", totalBytes: 10) }
    var isQueued: Bool { false }
    func limit(to bytesPerSecond: UInt64?) { self.limits.withLock { $0.append(bytesPerSecond) } }
}

final class ScriptedRunner: TransferRunner {
    let runs = Locked<[ScriptedRun]>([])
    let outcomes: Locked<[Result<TransferReport, RunFailure>?]>

    init(_ outcomes: [Result<TransferReport, RunFailure>?]) { self.outcomes = Locked(outcomes) }

    func makeRun(
        _ transfer: String,
        _ request: ReplicateRequest,
        limit: UInt64?
    ) throws(RunFailure) -> any TransferRun {
        let outcome = self.outcomes.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        let run = ScriptedRun(volume: request.volumes[0], outcome)
        self.runs.withLock { $0.append(run) }
        return run
    }
}

@Suite struct QueueTests {
    private let scratch: Scratch
    private let catalogue: Catalogue

    init() throws {
        self.scratch = try Scratch()
        self.catalogue = try Catalogue(path: self.scratch.path + "/catalogue.sqlite")
    }

    private func queue(_ runner: ScriptedRunner, transfers: Int = 2) throws -> TransferQueue {
        let journal = Journal(
            catalogue: self.catalogue,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { Date() }
        )
        return try TransferQueue(
            catalogue: self.catalogue,
            journal: journal,
            runner: runner,
            settings: .init(.init(transfers: transfers, retries: 3, bandwidth: nil)),
            now: { Date() }
        )
    }

    private func request(_ volume: String) -> ReplicateRequest {
        ReplicateRequest(volumes: [volume], pair: "remote")
    }

    private func report(_ volume: String) -> TransferReport {
        TransferReport(volume: volume, pair: "remote", transfer: "t")
    }

    /// Waits for a condition, a second at most in the usual case and a minute on a busy machine.
    private func until(_ condition: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(60)
        while try await !condition() {
            try #require(clock.now < end, "the condition never came")
            try await clock.sleep(for: .milliseconds(2))
        }
    }

    private func running(
        _ queue: TransferQueue,
        _ body: () async throws -> Void
    ) async throws {
        let group = ServiceGroup(
            services: [queue],
            logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func aTransferEndsInTheHistoryWithItsReport() async throws {
        let queue = try self.queue(ScriptedRunner([.success(self.report("db"))]))
        try await self.running(queue) {
            let id = try await queue.submit([self.request("db")])[0].id
            try await self.until { try await queue.show(id).state == .succeeded }
            #expect(try await queue.show(id).report?.volume == "db")
            #expect(try self.catalogue.transfer(id)?.state == .succeeded)
            #expect(
                try self.catalogue.events(limit: 5, transfer: id).map(\.reason) == [
                    "TransferSucceeded"
                ]
            )
        }
    }

    @Test func moreThanTheLimitWaitInLineAndSaySo() async throws {
        let runner = ScriptedRunner([nil, nil, nil])
        let queue = try self.queue(runner, transfers: 2)
        try await self.running(queue) {
            let ids = try await queue.submit(["a", "b", "c"].map { self.request($0) }).map(\.id)
            try await self.until { runner.runs.withLock { $0.count } == 2 }
            #expect(try await queue.show(ids[2]).state == .queued)
            runner.runs.withLock { $0[0] }.finish(.success(self.report("a")))
            try await self.until { try await queue.show(ids[2]).state == .running }
            for run in runner.runs.withLock({ $0 }) { run.finish(.success(self.report("x"))) }
            try await self.until { try await queue.show(ids[2]).state == .succeeded }
        }
    }

    @Test func oneVolumeHasOneTransferAtATime() async throws {
        let runner = ScriptedRunner([nil, nil])
        let queue = try self.queue(runner, transfers: 4)
        try await self.running(queue) {
            let ids = try await queue.submit([self.request("db"), self.request("db")]).map(\.id)
            try await self.until { runner.runs.withLock { $0.count } == 1 }
            #expect(try await queue.show(ids[1]).state == .queued)
            runner.runs.withLock { $0[0] }.finish(.success(self.report("db")))
            try await self.until { runner.runs.withLock { $0.count } == 2 }
            runner.runs.withLock { $0[1] }.finish(.success(self.report("db")))
            try await self.until { try await queue.show(ids[1]).state == .succeeded }
        }
    }

    @Test func aFailureThatPassesIsTriedAgain() async throws {
        let passing = RunFailure(APIError(.peerUnreachable, "gone"), isRetryable: true)
        let queue = try self.queue(
            ScriptedRunner([.failure(passing), .success(self.report("db"))])
        )
        try await self.running(queue) {
            let id = try await queue.submit([self.request("db")])[0].id
            try await self.until { try await queue.show(id).state == .waiting }
            #expect(try await queue.show(id).error?.id == .peerUnreachable)
            #expect(try await queue.show(id).nextAttempt != nil)
            try await self.until { try await queue.show(id).state == .succeeded }
            #expect(try await queue.show(id).attempt == 2)
        }
    }

    @Test func aFailureThatStaysIsToldAtOnce() async throws {
        let lasting = RunFailure(APIError(.shrinkNotAllowed, "smaller"))
        let queue = try self.queue(ScriptedRunner([.failure(lasting)]))
        try await self.running(queue) {
            let id = try await queue.submit([self.request("db")])[0].id
            try await self.until { try await queue.show(id).state == .failed }
            #expect(try await queue.show(id).error?.id == .shrinkNotAllowed)
            #expect(try await queue.show(id).attempt == 1)
        }
    }

    @Test func whoWaitsForATransferHearsOfItsEnd() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.queue(runner)
        try await self.running(queue) {
            let id = try await queue.submit([self.request("a")])[0].id
            #expect(try await !queue.show(id, within: .milliseconds(1)).state.isFinal)
            async let ended = queue.show(id, within: .seconds(60))
            try await self.until { runner.runs.withLock { $0.count } == 1 }
            runner.runs.withLock { $0[0] }.finish(.success(self.report("a")))
            // The longest wait ends a request; the next one goes on.
            if try await !ended.state.isFinal {
                try await self.until {
                    try await queue.show(id, within: .seconds(60)).state == .succeeded
                }
            }
            #expect(try await queue.show(id, within: .seconds(60)).state == .succeeded)
            #expect(await queue.waiters.isEmpty)
            try await self.until {
                runner.runs.withLock { $0[0] }.tidied.load(ordering: .sequentiallyConsistent) == 1
            }
        }
    }

    @Test func cancellingEndsWhatRunsAndWhatWaits() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.queue(runner, transfers: 1)
        try await self.running(queue) {
            let ids = try await queue.submit([self.request("a"), self.request("b")]).map(\.id)
            try await self.until { runner.runs.withLock { $0.count } == 1 }
            _ = try await queue.cancel(ids[1])
            #expect(try await queue.show(ids[1]).state == .cancelled)
            _ = try await queue.cancel(ids[0])
            try await self.until { try await queue.show(ids[0]).state == .cancelled }
            await #expect(throws: APIError.self) { _ = try await queue.cancel(ids[0]) }
        }
    }

    @Test func theLimitReachesTheRunningTransfer() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.queue(runner)
        try await self.running(queue) {
            let id = try await queue.submit([self.request("a")])[0].id
            try await self.until { runner.runs.withLock { $0.count } == 1 }
            try await self.until { try await queue.show(id).progress != nil }
            #expect(try await queue.limit(id, to: 1000).limit == 1000)
            #expect(runner.runs.withLock { $0[0] }.limits.withLock { $0 } == [1000])
            runner.runs.withLock { $0[0] }.finish(.success(self.report("a")))
            try await self.until { try await queue.show(id).state == .succeeded }
        }
    }

    @Test func whatDidNotFinishIsQueuedAgainAfterARestart() async throws {
        let first = ScriptedRunner([nil])
        let queue = try self.queue(first)
        var id = ""
        try await self.running(queue) {
            id = try await queue.submit([self.request("db")])[0].id
            try await self.until { first.runs.withLock { $0.count } == 1 }
        }
        // Drained, not finished: nothing says that it succeeded (P10).
        #expect(try self.catalogue.transfer(id)?.state == .queued)
        let second = ScriptedRunner([.success(self.report("db"))])
        let next = try self.queue(second)
        try await self.running(next) {
            try await self.until { try await next.show(id).state == .succeeded }
        }
    }

    @Test func retriesWaitLongerAndLongerButNotForever() {
        #expect(
            (1...8).map { RetryPolicy.wait(after: $0, asked: nil) } == [1, 2, 4, 8, 16, 32, 60, 60]
        )
        #expect(RetryPolicy.wait(after: 1, asked: 30) == 30)
        #expect(RetryPolicy.wait(after: 1, asked: 1e9) == 600)
    }
}
