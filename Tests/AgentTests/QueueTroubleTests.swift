// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Locks
import Logging
import ServiceLifecycle
import Testing

@testable import Agent

/// What the queue does when clocks, stops and restarts come at the wrong moment.
@Suite(.timeLimit(.minutes(2))) struct QueueTroubleTests {
    private let scratch: Scratch
    private let catalogue: Catalogue
    /// What the queues tell.
    private let log = Arrivals<LogLine>()

    init() throws {
        self.scratch = try Scratch()
        self.catalogue = try Catalogue(path: self.scratch.path + "/catalogue.sqlite")
    }

    private func queue(
        _ runner: any TransferRunner,
        bandwidth: UInt64? = nil,
        now: @escaping @Sendable () -> Date = { Date() }
    ) throws -> TransferQueue {
        try TransferQueue(
            catalogue: self.catalogue,
            journal: Journal(self.catalogue, heardBy: self.log, now: now),
            runner: runner,
            settings: .init(.init(transfers: 2, retries: 3, bandwidth: bandwidth)),
            now: now
        )
    }

    private let request = ReplicateRequest(volumes: ["db"], pair: "remote")
    private let report = TransferReport(volume: "db", pair: "remote", transfer: "t")

    /// Runs `body` while the queue works; what still runs afterwards is let go in any case.
    private func working(
        _ queue: TransferQueue,
        _ runner: ScriptedRunner,
        _ body: () async throws -> Void
    ) async throws {
        let group = ServiceGroup(
            services: [queue],
            logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            if case .failure = result { runner.end(.success(self.report)) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
    }

    /// The same without the group of services around it; until the queue ends by itself.
    private func alone(
        _ queue: TransferQueue,
        _ runner: ScriptedRunner,
        _ body: (ThrowingTaskGroup<Void, any Error>) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let ended = Arrivals<Bool>()
            tasks.addTask {
                defer { ended.append(true) }
                try await queue.run()
            }
            let result: Result<Void, any Error>
            do {
                try await body(tasks)
                _ = try await ended.first { $0 }
                result = .success(())
            } catch { result = .failure(error) }
            runner.end(.success(self.report))
            try await tasks.waitForAll()
            try result.get()
        }
    }

    @Test func aRetryComesAlsoWhereTheWallClockStandsStillOrIsSetBack() async throws {
        let passing = RunFailure(APIError(.peerUnreachable, "gone"), isRetryable: true)
        let runner = ScriptedRunner([.failure(passing), .success(self.report)])
        let clock = TestClock()
        let queue = try self.queue(runner, now: { clock.now })
        try await self.working(queue, runner) {
            let id = try await queue.submit([self.request])[0].id
            _ = try await self.log.first(reason: "TransferWaiting")
            clock.advance(by: -3600)
            _ = try await self.log.first(reason: "TransferSucceeded")
            #expect(try await queue.show(id).state == .succeeded)
        }
    }

    @Test func whatRunsEndsWhenTheGroupOfServicesIsCancelled() async throws {
        // As when another service of the agent fails: nobody drains gracefully then.
        let runner = ScriptedRunner([nil])
        let queue = try self.queue(runner)
        let id = try await queue.submit([self.request])[0].id
        try await self.alone(queue, runner) { tasks in
            _ = try await runner.run(1)
            tasks.cancelAll()
        }
        #expect(try self.catalogue.transfer(id)?.state == .queued)
    }

    @Test func aRunThatBeginsWhileTheAgentDrainsEndsToo() async throws {
        let runner = ScriptedRunner([nil])
        let drained = Locked<TransferQueue?>(nil)
        let queue = try self.queue(runner) {
            // The queue asks for the time when it picks what to start.
            drained.withLock { $0 }?.drain()
            return Date()
        }
        let id = try await queue.submit([self.request])[0].id
        drained.withLock { $0 = queue }
        try await self.alone(queue, runner) { _ in _ = try await runner.run(1) }
        #expect(try self.catalogue.transfer(id)?.state == .queued)
        drained.withLock { $0 = nil }
    }

    @Test func aStopIsNoFailedTry() async throws {
        let first = ScriptedRunner([nil])
        let queue = try self.queue(first)
        var id = ""
        try await self.working(queue, first) {
            id = try await queue.submit([self.request])[0].id
            _ = try await first.run(1)
        }
        #expect(try self.catalogue.transfer(id)?.attempt == 0)
    }

    @Test func limitsHoldAlsoAfterARestart() async throws {
        let first = LimitRunner()
        let queue = try self.queue(first, bandwidth: 1000)
        let usual = try await queue.submit([self.request])[0].id
        let changed = try await queue.submit([self.request])[0].id
        _ = try await queue.limit(changed, to: 500)
        // Another process comes here with nothing but the catalogue.
        let next = try self.queue(LimitRunner(), bandwidth: 1000)
        #expect(try await next.show(usual).limit == 1000)
        #expect(try await next.show(changed).limit == 500)
    }

    @Test func anEndThatCannotBeStoredIsToldNevertheless() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.queue(runner)
        try await self.working(queue, runner) {
            let id = try await queue.submit([self.request])[0].id
            _ = try await runner.run(1)
            // As on a full disk: nothing can be written from now on.
            self.catalogue.close()
            runner.end(.success(self.report))
            _ = try await self.log.first(reason: "TransferSucceeded")
            #expect(try await queue.show(id).state == .succeeded)
            #expect(try await queue.show(id).report != nil)
            await #expect(throws: APIError.self) { _ = try await queue.cancel(id) }
        }
    }

    @Test(arguments: [0, UInt64.max])
    func aLimitThatIsNoneIsRefused(limit: UInt64) async throws {
        let queue = try self.queue(LimitRunner())
        let id = try await queue.submit([self.request])[0].id
        await #expect(throws: APIError.self) { _ = try await queue.limit(id, to: limit) }
    }
}

/// Never asked to run anything.
private struct LimitRunner: TransferRunner {
    func makeRun(
        _ transfer: String,
        _ request: ReplicateRequest,
        limit: UInt64?
    ) throws(RunFailure) -> any TransferRun {
        throw RunFailure(APIError(.agentFailed, "nothing is run here"))
    }
}

extension ScriptedRunner {
    /// Ends what runs, whatever came of the test.
    fileprivate func end(_ result: Result<TransferReport, RunFailure>) {
        for run in self.runs.all { run.finish(result) }
    }
}
