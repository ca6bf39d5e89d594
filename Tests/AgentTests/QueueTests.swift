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
    private let decided = DispatchSemaphore(value: 0)
    let tidied = Arrivals<Bool>()
    let limits = Locked<[UInt64?]>([])
    let volume: String

    init(volume: String, _ outcome: Result<TransferReport, RunFailure>?) {
        self.volume = volume
        self.outcome = Locked(outcome)
        if outcome != nil { self.decided.signal() }
    }

    func run() throws(RunFailure) -> TransferReport {
        self.decided.wait()
        if let outcome = self.outcome.withLock({ $0 }) { return try outcome.get() }
        throw RunFailure(APIError(.transferCancelled, "cancelled"))
    }

    func finish(_ result: Result<TransferReport, RunFailure>) {
        self.outcome.withLock { $0 = result }
        self.decided.signal()
    }

    func tidy() { self.tidied.append(true) }
    func cancel() { self.decided.signal() }
    var progress: TransferProgress { TransferProgress(phase: "streaming", totalBytes: 10) }
    var isQueued: Bool { false }
    func limit(to bytesPerSecond: UInt64?) { self.limits.withLock { $0.append(bytesPerSecond) } }
}

final class ScriptedRunner: TransferRunner {
    let runs = Arrivals<ScriptedRun>()
    let outcomes: Locked<[Result<TransferReport, RunFailure>?]>

    init(_ outcomes: [Result<TransferReport, RunFailure>?]) { self.outcomes = Locked(outcomes) }

    func makeRun(
        _ transfer: String,
        _ request: ReplicateRequest,
        limit: UInt64?
    ) throws(RunFailure) -> any TransferRun {
        let outcome = self.outcomes.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        let run = ScriptedRun(volume: request.volumes[0], outcome)
        self.runs.append(run)
        return run
    }

    /// The n-th try, from 1; the queue has it when it answers next.
    func run(_ number: Int) async throws -> ScriptedRun {
        try await self.runs.first(from: number - 1) { _ in true }
    }
}

extension Journal {
    /// A journal whose lines a test waits for.
    init(
        _ catalogue: Catalogue,
        heardBy log: Arrivals<LogLine>,
        now: @escaping @Sendable () -> Date
    ) {
        let output = LogOutput(
            isJSON: true,
            threshold: LogThreshold(.info),
            now: now,
            write: { log.append(LogLine($0)) }
        )
        self.init(catalogue: catalogue, logger: Logger(label: "test") { _ in output }, now: now)
    }
}

@Suite(.timeLimit(.minutes(2))) struct QueueTests {
    private let scratch: Scratch
    private let catalogue: Catalogue
    /// What the queues tell.
    private let log = Arrivals<LogLine>()

    init() throws {
        self.scratch = try Scratch()
        self.catalogue = try Catalogue(path: self.scratch.path + "/catalogue.sqlite")
    }

    private func queue(_ runner: ScriptedRunner, transfers: Int = 2) throws -> TransferQueue {
        let journal = Journal(self.catalogue, heardBy: self.log, now: { Date() })
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

    /// Waits until the queue has told of a transfer, which it does after the change.
    private func told(_ reason: String, _ transfer: String) async throws {
        _ = try await self.log.first { $0.reason == reason && $0.transfer == transfer }
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
            try await self.told("TransferSucceeded", id)
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
            _ = try await runner.run(2)
            #expect(try await queue.show(ids[2]).state == .queued)
            try await runner.run(1).finish(.success(self.report("a")))
            _ = try await runner.run(3)
            #expect(try await queue.show(ids[2]).state == .running)
            for run in runner.runs.all { run.finish(.success(self.report("x"))) }
            try await self.told("TransferSucceeded", ids[2])
        }
    }

    @Test func oneVolumeHasOneTransferAtATime() async throws {
        let runner = ScriptedRunner([nil, nil])
        let queue = try self.queue(runner, transfers: 4)
        try await self.running(queue) {
            let ids = try await queue.submit([self.request("db"), self.request("db")]).map(\.id)
            let first = try await runner.run(1)
            #expect(try await queue.show(ids[1]).state == .queued)
            first.finish(.success(self.report("db")))
            try await runner.run(2).finish(.success(self.report("db")))
            try await self.told("TransferSucceeded", ids[1])
        }
    }

    @Test func aFailureThatPassesIsTriedAgain() async throws {
        let passing = RunFailure(APIError(.peerUnreachable, "gone"), isRetryable: true)
        let queue = try self.queue(
            ScriptedRunner([.failure(passing), .success(self.report("db"))])
        )
        try await self.running(queue) {
            let id = try await queue.submit([self.request("db")])[0].id
            try await self.told("TransferWaiting", id)
            #expect(try await queue.show(id).error?.id == .peerUnreachable)
            #expect(try await queue.show(id).nextAttempt != nil)
            try await self.told("TransferSucceeded", id)
            #expect(try await queue.show(id).attempt == 2)
        }
    }

    @Test func aFailureThatStaysIsToldAtOnce() async throws {
        let lasting = RunFailure(APIError(.shrinkNotAllowed, "smaller"))
        let queue = try self.queue(ScriptedRunner([.failure(lasting)]))
        try await self.running(queue) {
            let id = try await queue.submit([self.request("db")])[0].id
            try await self.told("TransferFailed", id)
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
            let run = try await runner.run(1)
            run.finish(.success(self.report("a")))
            // The longest wait ends a request; the next one goes on.
            if try await !ended.state.isFinal { try await self.told("TransferSucceeded", id) }
            #expect(try await queue.show(id, within: .seconds(60)).state == .succeeded)
            #expect(await queue.waiters.isEmpty)
            _ = try await run.tidied.first { $0 }
            #expect(run.tidied.all.count == 1)
        }
    }

    @Test func cancellingEndsWhatRunsAndWhatWaits() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.queue(runner, transfers: 1)
        try await self.running(queue) {
            let ids = try await queue.submit([self.request("a"), self.request("b")]).map(\.id)
            _ = try await runner.run(1)
            _ = try await queue.cancel(ids[1])
            #expect(try await queue.show(ids[1]).state == .cancelled)
            _ = try await queue.cancel(ids[0])
            try await self.told("TransferCancelled", ids[0])
            #expect(try await queue.show(ids[0]).state == .cancelled)
            await #expect(throws: APIError.self) { _ = try await queue.cancel(ids[0]) }
        }
    }

    @Test func theLimitReachesTheRunningTransfer() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.queue(runner)
        try await self.running(queue) {
            let id = try await queue.submit([self.request("a")])[0].id
            let run = try await runner.run(1)
            #expect(try await queue.show(id).progress != nil)
            #expect(try await queue.limit(id, to: 1000).limit == 1000)
            #expect(run.limits.withLock { $0 } == [1000])
            run.finish(.success(self.report("a")))
            try await self.told("TransferSucceeded", id)
        }
    }

    @Test func whatDidNotFinishIsQueuedAgainAfterARestart() async throws {
        let first = ScriptedRunner([nil])
        let queue = try self.queue(first)
        var id = ""
        try await self.running(queue) {
            id = try await queue.submit([self.request("db")])[0].id
            _ = try await first.run(1)
        }
        // Drained, not finished: nothing says that it succeeded (P10).
        #expect(try self.catalogue.transfer(id)?.state == .queued)
        let second = ScriptedRunner([.success(self.report("db"))])
        let next = try self.queue(second)
        try await self.running(next) {
            try await self.told("TransferSucceeded", id)
            #expect(try await next.show(id).state == .succeeded)
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
