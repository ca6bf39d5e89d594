// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import GRDB
import Locks
import Logging
import ServiceLifecycle
import Testing

@testable import Agent
@testable import Catalogue

/// What the queue does when clocks, stops and restarts come at the wrong moment.
@Suite(.timeLimit(.minutes(10))) struct QueueTroubleTests {
    private let fixture: QueueFixture

    init() throws { self.fixture = try QueueFixture() }

    /// Runs `body` while the queue works outside a group of services; until the queue ends by itself.
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
            runner.end(.success(self.fixture.report()))
            try await tasks.waitForAll()
            try result.get()
        }
    }

    @Test func aRetryComesAlsoWhereTheWallClockStandsStillOrIsSetBack() async throws {
        let passing = RunFailure(APIError(.peerUnreachable, "gone"), isRetryable: true)
        let runner = ScriptedRunner([.failure(passing), .success(self.fixture.report())])
        let clock = TestClock()
        let queue = try self.fixture.queue(runner, now: { clock.now })
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request()])[0].id
            _ = try await self.fixture.log.first(reason: "TransferWaiting")
            clock.advance(by: -3600)
            _ = try await self.fixture.log.first(reason: "TransferSucceeded")
            #expect(try await queue.show(id).state == .succeeded)
        }
    }

    @Test func whatRunsEndsWhenTheGroupOfServicesIsCancelled() async throws {
        // As when another service of the agent fails: nobody drains gracefully then.
        let runner = ScriptedRunner([nil])
        let queue = try self.fixture.queue(runner)
        let id = try await queue.submit([self.fixture.request()])[0].id
        try await self.alone(queue, runner) { tasks in
            _ = try await runner.run(1)
            tasks.cancelAll()
        }
        #expect(try self.fixture.catalogue.transfer(id)?.state == .queued)
    }

    @Test func aRunThatBeginsWhileTheAgentDrainsEndsToo() async throws {
        let runner = ScriptedRunner([nil])
        let drained = Locked<TransferQueue?>(nil)
        let queue = try self.fixture.queue(runner) {
            // The queue asks for the time when it picks what to start.
            drained.withLock { $0 }?.drain()
            return Date()
        }
        let id = try await queue.submit([self.fixture.request()])[0].id
        drained.withLock { $0 = queue }
        try await self.alone(queue, runner) { _ in _ = try await runner.run(1) }
        #expect(try self.fixture.catalogue.transfer(id)?.state == .queued)
        drained.withLock { $0 = nil }
    }

    @Test func aStopIsNoFailedTry() async throws {
        let first = ScriptedRunner([nil])
        let queue = try self.fixture.queue(first)
        var id = ""
        try await self.fixture.working(queue, first) {
            id = try await queue.submit([self.fixture.request()])[0].id
            _ = try await first.run(1)
        }
        #expect(try self.fixture.catalogue.transfer(id)?.attempt == 0)
    }

    @Test func limitsHoldAlsoAfterARestart() async throws {
        let first = LimitRunner()
        let queue = try self.fixture.queue(first, bandwidth: 1000)
        let usual = try await queue.submit([self.fixture.request()])[0].id
        let changed = try await queue.submit([self.fixture.request()])[0].id
        _ = try await queue.limit(changed, to: 500)
        // Another process comes here with nothing but the catalogue.
        let next = try self.fixture.queue(LimitRunner(), bandwidth: 1000)
        #expect(try await next.show(usual).limit == 1000)
        #expect(try await next.show(changed).limit == 500)
    }

    @Test func anEndThatCannotBeStoredIsToldNevertheless() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.fixture.queue(runner)
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request()])[0].id
            _ = try await runner.run(1)
            // As on a full disk: nothing can be written from now on.
            self.fixture.catalogue.close()
            runner.end(.success(self.fixture.report()))
            _ = try await self.fixture.log.first(reason: "TransferSucceeded")
            #expect(try await queue.show(id).state == .succeeded)
            #expect(try await queue.show(id).report != nil)
            await #expect(throws: APIError.self) { _ = try await queue.cancel(id) }
        }
    }

    @Test func anEndThatCouldNotBeStoredIsStoredAsSoonAsItCan() async throws {
        let runner = ScriptedRunner([nil, nil])
        let queue = try self.fixture.queue(runner)
        let database = self.fixture.catalogue.database
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request()])[0].id
            _ = try await runner.run(1)
            try await database.write { connection in
                try connection.execute(
                    sql: """
                        CREATE TRIGGER full BEFORE UPDATE ON transfer
                        BEGIN SELECT RAISE(ABORT, 'full'); END
                        """
                )
            }
            runner.end(.success(self.fixture.report()))
            try await self.fixture.told("TransferSucceeded", id)
            #expect(try self.fixture.catalogue.transfer(id)?.state == .running)
            try await database.write { try $0.execute(sql: "DROP TRIGGER full") }
            // Whatever wakes the queue up: it looks at old ends before it begins something.
            _ = try await queue.submit([self.fixture.request("logs")])
            _ = try await runner.run(2)
            #expect(try self.fixture.catalogue.transfer(id)?.state == .succeeded)
            #expect(try await queue.show(id).state == .succeeded)
            runner.end(.success(self.fixture.report()))
        }
    }

    @Test func whatATryWaitsForInsideItselfIsShown() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.fixture.queue(runner)
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request()])[0].id
            let run = try await runner.run(1)
            #expect(try await queue.show(id).error == nil)
            run.held.withLock { $0 = APIError(.peerUnreachable, "nobody answers") }
            let info = try await queue.show(id)
            #expect(info.state == .running && info.error?.message == "nobody answers")
            run.held.withLock { $0 = nil }
            #expect(try await queue.show(id).error == nil)
        }
    }

    @Test(arguments: [0, UInt64.max])
    func aLimitThatIsNoneIsRefused(limit: UInt64) async throws {
        let queue = try self.fixture.queue(LimitRunner())
        let id = try await queue.submit([self.fixture.request()])[0].id
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
