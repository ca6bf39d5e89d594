// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks

/// What rules hold during one look at a Migration: never longer, however the look ends.
///
/// So an application is held by a process that is about to freeze its volumes, or not at all.
final class RuleSession: Sendable {
    private typealias Job = @Sendable () async -> Void

    private struct State: Sendable {
        var hasRun = false
        var held: [HeldCommand] = []
    }

    private let engine: RuleEngine
    private let state = Locked(State())
    private let jobs: AsyncStream<Job>.Continuation

    private init(_ engine: RuleEngine, _ jobs: AsyncStream<Job>.Continuation) {
        self.engine = engine
        self.jobs = jobs
    }

    /// Whether the pre rule has run in this look.
    var hasRun: Bool { self.state.withLock { $0.hasRun } }

    /// The most background commands of a look: those of a rule in all pods of many namespaces.
    private static let mostCommands = 10_000

    /// Runs `body`; then everything that it holds is ended.
    static func during<Result: Sendable>(
        _ engine: RuleEngine,
        _ body: (RuleSession) async throws -> Result
    ) async throws -> Result {
        let (jobs, give) = AsyncStream<Job>
            .makeStream(bufferingPolicy: .bufferingOldest(Self.mostCommands))
        async let work: Void = withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            // What was killed and whose end nobody tells.
            group.cancelAll()
        }
        let session = RuleSession(engine, give)
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(session)) } catch { result = .failure(error) }
        _ = await session.end()
        give.finish()
        await work
        return try result.get()
    }

    /// Runs a rule as far as it goes; background commands run on.
    ///
    /// - Parameters:
    ///   - plan: what runs where.
    ///   - run: the name of this run, which no other one ever has.
    ///   - progress: learns what is waited for.
    /// - Throws: ``RuleEngine/Failure``, `CancellationError`; what is held then is ended by ``end()``.
    func run(_ plan: RulePlan, named run: String, _ progress: RuleProgress) async throws {
        var tasks = [BackgroundTask](run: run, plan.backgroundPlaces)[...]
        for step in plan.steps {
            guard step.action.isBackground else {
                try await self.engine.run(step, progress)
                continue
            }
            let begun = tasks.prefix(step.places.count)
            tasks = tasks.dropFirst(step.places.count)
            try await self.hold(step.action.command, Array(begun), progress)
        }
        self.state.withLock { $0.hasRun = true }
    }

    private func hold(
        _ command: String,
        _ tasks: [BackgroundTask],
        _ progress: RuleProgress
    ) async throws {
        let held = tasks.map { HeldCommand($0) }
        self.state.withLock { $0.held += held }
        for one in held {
            let runner = self.engine.runner
            self.jobs.yield { await one.run(command, by: runner) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for one in held {
                group.addTask {
                    try await progress.during(command, in: one.task.place) {
                        try await one.reached(self.engine)
                    }
                }
            }
            do { try await group.waitForAll() } catch {
                group.cancelAll()
                throw error
            }
        }
    }

    /// Why the application may not have been held all the time; nil where it was.
    var breach: RuleEngine.Failure? {
        self.state.withLock { $0.held }.lazy.compactMap(\.breach).first
    }

    /// Lets every background command go on, and kills what does not end then.
    ///
    /// - Returns: what did not end well; one sentence each.
    func end() async -> [String] {
        let held = self.state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        return await withTaskGroup(of: String?.self) { group in
            for one in held { group.addTask { await one.end(self.engine) } }
            return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
    }
}

/// A background command that this process has begun.
final class HeldCommand: Sendable {
    let task: BackgroundTask
    private let outcome = Locked(Result<CommandEnd, CommandTrouble>?.none)
    private let hasReached = Latch()
    private let isOver = Latch()

    init(_ task: BackgroundTask) { self.task = task }

    /// Runs the command to its end.
    func run(_ command: String, by runner: any CommandRunner) async {
        let result: Result<CommandEnd, CommandTrouble>
        do throws(CommandTrouble) {
            result = .success(try await runner.run(self.task.start(command), in: self.task.place))
        } catch { result = .failure(error) }
        self.outcome.withLock { $0 = result }
        self.isOver.open()
    }

    /// How it failed, or that it ended; nil while it runs.
    var breach: RuleEngine.Failure? {
        guard let outcome = self.outcome.withLock({ $0 }) else { return nil }
        switch outcome {
        case .failure(let trouble): return RuleEngine.Failure(trouble, in: self.task.place)
        case .success(let end):
            let failure = RuleEngine.Failure(end, in: self.task.place)
            return RuleEngine.Failure(
                message: "\(failure.message), before the volumes were frozen",
                remedy: "let the background command of the rule wait at \(Rule.waitMark)"
            )
        }
    }

    private enum Event: Sendable {
        case reached
        case over
        case watched(CommandTrouble)
    }

    /// Waits until the command has come to where it waits.
    ///
    /// - Throws: ``RuleEngine/Failure`` where it ends before, or takes too long.
    func reached(_ engine: RuleEngine) async throws {
        let event = try await within(engine.limits.reach, engine.wait) {
            try await self.race(engine)
        }
        switch event {
        case .reached: self.hasReached.open()
        case .over:
            throw self.breach ?? RuleEngine.Failure(message: "\(self.task.place): it has ended")
        case .watched(let trouble): throw RuleEngine.Failure(trouble, in: self.task.place)
        case nil:
            throw RuleEngine.Failure(
                message: "\(self.task.place): the background command did not come to "
                    + "\(Rule.waitMark) within \(engine.limits.reach.components.seconds) s",
                remedy: "look why it hangs; \(Rule.waitMark) has to be reached"
            )
        }
    }

    private func race(_ engine: RuleEngine) async throws -> Event {
        try await withThrowingTaskGroup(of: Event.self) { group in
            group.addTask {
                try await self.isOver.wait()
                return .over
            }
            group.addTask { try await self.watch(engine) }
            defer { group.cancelAll() }
            return try await group.next() ?? .over
        }
    }

    private func watch(_ engine: RuleEngine) async throws -> Event {
        let end: CommandEnd
        do throws(CommandTrouble) {
            end = try await engine.runner.run(self.task.watch, in: self.task.place)
        } catch {
            try Task.checkCancellation()
            return .watched(error)
        }
        guard end.status != 0 else { return .reached }
        // It ended, or is about to say so; and if neither, nobody can tell that it waits.
        let isOver: Void? = try await within(engine.limits.ending, engine.wait) {
            try await self.isOver.wait()
        }
        guard isOver == nil else { return .over }
        return .watched(CommandTrouble("nobody can see whether the command waits"))
    }

    /// Lets it go on, and kills it where it does not end then.
    ///
    /// - Returns: what did not go well.
    func end(_ engine: RuleEngine) async -> String? {
        if self.outcome.withLock({ $0 == nil }) {
            // Who does not wait does not hear that it may go on.
            let refused =
                self.hasReached.isOpen
                ? await engine.end(self.task, by: self.task.release) : "it does not wait"
            let isOver: Void? =
                refused == nil
                ? try? await within(engine.limits.grace, engine.wait) {
                    try await self.isOver.wait()
                } : nil
            guard isOver != nil else {
                let left = await engine.end(self.task, by: self.task.kill)
                return left.map { "\($0); the command ends by itself within 15 minutes" }
                    ?? "\(self.task.place): the background command did not end and was killed"
            }
        }
        guard case .success(let end)? = self.outcome.withLock({ $0 }), end.status != 0 else {
            return nil
        }
        return RuleEngine.Failure(end, in: self.task.place).message
    }
}
