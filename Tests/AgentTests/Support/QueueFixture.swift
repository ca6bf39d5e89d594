// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Locks
import Logging
import ServiceLifecycle

@testable import Agent

/// What tests of the queue share: a catalogue of their own, and an ear for what the queues tell.
struct QueueFixture {
    private let scratch: Scratch
    let catalogue: Catalogue
    /// What the queues tell.
    let log = Arrivals<LogLine>()

    init() throws {
        self.scratch = try Scratch()
        self.catalogue = try Catalogue(path: self.scratch.path + "/catalogue.sqlite")
    }

    /// A queue over the catalogue; another one is the agent after a restart.
    func queue(
        _ runner: any TransferRunner,
        transfers: Int = 2,
        bandwidth: UInt64? = nil,
        now: @escaping @Sendable () -> Date = { Date() }
    ) throws -> TransferQueue {
        try TransferQueue(
            catalogue: self.catalogue,
            journal: Journal(self.catalogue, heardBy: self.log, now: now),
            runner: runner,
            settings: .init(.init(transfers: transfers, retries: 3, bandwidth: bandwidth)),
            now: now
        )
    }

    func request(_ volume: String = "db") -> ReplicateRequest {
        ReplicateRequest(volumes: [volume], pair: "remote")
    }

    func report(_ volume: String = "db") -> TransferReport {
        TransferReport(volume: volume, pair: "remote", transfer: "t")
    }

    /// Waits until a queue has told of a transfer, which it does after the change.
    func told(_ reason: String, _ transfer: String) async throws {
        _ = try await self.log.first { $0.reason == reason && $0.transfer == transfer }
    }

    /// Runs `body` while the queue works; what still runs afterwards is let go in any case.
    func working(
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
            if case .failure = result { runner.end(.success(self.report())) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
    }
}

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
    let held = Locked(APIError?.none)
    var trouble: APIError? { self.held.withLock { $0 } }
    func limit(to bytesPerSecond: UInt64?) { self.limits.withLock { $0.append(bytesPerSecond) } }
}

final class ScriptedRunner: TransferRunner {
    let runs = Arrivals<ScriptedRun>()
    let outcomes: Locked<[Result<TransferReport, RunFailure>?]>
    /// How many tries there had been each time when nothing was to run any more.
    let rests = Arrivals<Int>()

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

    func rest() { self.rests.append(self.runs.all.count) }

    /// The n-th try, from 1; the queue has it when it answers next.
    func run(_ number: Int) async throws -> ScriptedRun {
        try await self.runs.first(from: number - 1) { _ in true }
    }

    /// Ends what runs, whatever came of the test.
    func end(_ result: Result<TransferReport, RunFailure>) {
        for run in self.runs.all { run.finish(result) }
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
