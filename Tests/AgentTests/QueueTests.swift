// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Locks
import Testing

@testable import Agent

@Suite(.timeLimit(.minutes(10))) struct QueueTests {
    private let fixture: QueueFixture

    init() throws { self.fixture = try QueueFixture() }

    @Test func aTransferEndsInTheHistoryWithItsReport() async throws {
        let runner = ScriptedRunner([.success(self.fixture.report())])
        let queue = try self.fixture.queue(runner)
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request()])[0].id
            try await self.fixture.told("TransferSucceeded", id)
            #expect(try await queue.show(id).report?.volume == "db")
            #expect(try self.fixture.catalogue.transfer(id)?.state == .succeeded)
            #expect(
                try self.fixture.catalogue.events(limit: 5, transfer: id).map(\.reason) == [
                    "TransferSucceeded"
                ]
            )
        }
    }

    @Test func moreThanTheLimitWaitInLineAndSaySo() async throws {
        let runner = ScriptedRunner([nil, nil, nil])
        let queue = try self.fixture.queue(runner, transfers: 2)
        try await self.fixture.working(queue, runner) {
            let ids = try await queue.submit(["a", "b", "c"].map { self.fixture.request($0) })
                .map(\.id)
            _ = try await runner.run(2)
            #expect(try await queue.show(ids[2]).state == .queued)
            try await runner.run(1).finish(.success(self.fixture.report("a")))
            _ = try await runner.run(3)
            #expect(try await queue.show(ids[2]).state == .running)
            for run in runner.runs.all { run.finish(.success(self.fixture.report("x"))) }
            try await self.fixture.told("TransferSucceeded", ids[2])
        }
    }

    @Test func whatIsKeptForTheNextTryGoesWhenNothingIsToRun() async throws {
        let runner = ScriptedRunner([nil, nil])
        let queue = try self.fixture.queue(runner, transfers: 1)
        try await self.fixture.working(queue, runner) {
            _ = try await queue.submit(["a", "b"].map { self.fixture.request($0) })
            try await runner.run(1).finish(.success(self.fixture.report("a")))
            let second = try await runner.run(2)
            #expect(!runner.rests.all.contains(1))
            second.finish(.success(self.fixture.report("b")))
            _ = try await runner.rests.first { $0 == 2 }
        }
    }

    @Test func oneVolumeHasOneTransferAtATime() async throws {
        let runner = ScriptedRunner([nil, nil])
        let queue = try self.fixture.queue(runner, transfers: 4)
        try await self.fixture.working(queue, runner) {
            let ids = try await queue.submit([self.fixture.request(), self.fixture.request()])
                .map(\.id)
            let first = try await runner.run(1)
            #expect(try await queue.show(ids[1]).state == .queued)
            first.finish(.success(self.fixture.report()))
            try await runner.run(2).finish(.success(self.fixture.report()))
            try await self.fixture.told("TransferSucceeded", ids[1])
        }
    }

    @Test func aFailureThatPassesIsTriedAgain() async throws {
        let passing = RunFailure(APIError(.peerUnreachable, "gone"), isRetryable: true)
        let runner = ScriptedRunner([.failure(passing), .success(self.fixture.report())])
        let queue = try self.fixture.queue(runner)
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request()])[0].id
            try await self.fixture.told("TransferWaiting", id)
            #expect(try await queue.show(id).error?.id == .peerUnreachable)
            #expect(try await queue.show(id).nextAttempt != nil)
            try await self.fixture.told("TransferSucceeded", id)
            #expect(try await queue.show(id).attempt == 2)
        }
    }

    @Test func aFailureThatStaysIsToldAtOnce() async throws {
        let lasting = RunFailure(APIError(.shrinkNotAllowed, "smaller"))
        let runner = ScriptedRunner([.failure(lasting)])
        let queue = try self.fixture.queue(runner)
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request()])[0].id
            try await self.fixture.told("TransferFailed", id)
            #expect(try await queue.show(id).error?.id == .shrinkNotAllowed)
            #expect(try await queue.show(id).attempt == 1)
        }
    }

    @Test func whoWaitsForATransferHearsOfItsEnd() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.fixture.queue(runner)
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request("a")])[0].id
            #expect(try await !queue.show(id, within: .milliseconds(1)).state.isFinal)
            async let ended = queue.show(id, within: .seconds(60))
            let run = try await runner.run(1)
            run.finish(.success(self.fixture.report("a")))
            // The longest wait ends a request; the next one goes on.
            if try await !ended.state.isFinal {
                try await self.fixture.told("TransferSucceeded", id)
            }
            #expect(try await queue.show(id, within: .seconds(60)).state == .succeeded)
            #expect(await queue.waiters.isEmpty)
            _ = try await run.tidied.first { $0 }
            #expect(run.tidied.all.count == 1)
        }
    }

    @Test func cancellingEndsWhatRunsAndWhatWaits() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.fixture.queue(runner, transfers: 1)
        try await self.fixture.working(queue, runner) {
            let ids =
                try await queue.submit([self.fixture.request("a"), self.fixture.request("b")])
                .map(\.id)
            _ = try await runner.run(1)
            _ = try await queue.cancel(ids[1])
            #expect(try await queue.show(ids[1]).state == .cancelled)
            _ = try await queue.cancel(ids[0])
            try await self.fixture.told("TransferCancelled", ids[0])
            #expect(try await queue.show(ids[0]).state == .cancelled)
            await #expect(throws: APIError.self) { _ = try await queue.cancel(ids[0]) }
        }
    }

    @Test func theLimitReachesTheRunningTransfer() async throws {
        let runner = ScriptedRunner([nil])
        let queue = try self.fixture.queue(runner)
        try await self.fixture.working(queue, runner) {
            let id = try await queue.submit([self.fixture.request("a")])[0].id
            let run = try await runner.run(1)
            #expect(try await queue.show(id).progress != nil)
            #expect(try await queue.limit(id, to: 1000).limit == 1000)
            #expect(run.limits.withLock { $0 } == [1000])
            run.finish(.success(self.fixture.report("a")))
            try await self.fixture.told("TransferSucceeded", id)
        }
    }

    @Test func whatDidNotFinishIsQueuedAgainAfterARestart() async throws {
        let first = ScriptedRunner([nil])
        let queue = try self.fixture.queue(first)
        var id = ""
        try await self.fixture.working(queue, first) {
            id = try await queue.submit([self.fixture.request()])[0].id
            _ = try await first.run(1)
        }
        // Drained, not finished: nothing says that it succeeded (P10).
        #expect(try self.fixture.catalogue.transfer(id)?.state == .queued)
        let second = ScriptedRunner([.success(self.fixture.report())])
        let next = try self.fixture.queue(second)
        try await self.fixture.working(next, second) {
            try await self.fixture.told("TransferSucceeded", id)
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
