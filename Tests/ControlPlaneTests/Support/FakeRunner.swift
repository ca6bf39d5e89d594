// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks

@testable import ControlPlane

/// Pods in which commands run without a shell: it remembers them, and answers as the test wants.
final class FakeRunner: CommandRunner {
    struct Run: Hashable, Sendable {
        var command: String
        var pod: String
    }

    private struct State: Sendable {
        var runs: [Run] = []
        /// Background commands that wait, by the name of their directory.
        var waiting: [String: Latch] = [:]
        var killed: Set<String> = []
        /// Open as soon as the command of the name waits.
        var reached: [String: Latch] = [:]
        var answer: @Sendable (Run, Int) throws -> CommandEnd = { _, _ in
            CommandEnd(status: 0, output: "")
        }
        /// Whether a command never ends by itself.
        var hangs: Set<String> = []
    }

    private let state = Locked(State())

    let phases: Set<String> = ["Running"]

    /// The commands in the order in which they began; background ones with their mark.
    var runs: [Run] { self.state.withLock { $0.runs } }
    /// How many background commands wait now.
    var waitingCount: Int { self.state.withLock { $0.waiting.count } }
    /// The background commands that were ended by force.
    var killed: Set<String> { self.state.withLock { $0.killed } }

    /// What commands answer from now on; the number counts the runs of this command before.
    func answer(_ answer: @escaping @Sendable (Run, Int) throws -> CommandEnd) {
        self.state.withLock { $0.answer = answer }
    }

    /// Lets every background command end, as nobody should.
    func letAllGo() {
        let waiting = self.state.withLock { state in
            defer { state.waiting = [:] }
            return state.waiting
        }
        for latch in waiting.values { latch.open() }
    }

    func hang(on command: String) { self.state.withLock { _ = $0.hangs.insert(command) } }

    func run(
        _ arguments: [String],
        in place: CommandPlace
    ) async throws(CommandTrouble) -> CommandEnd {
        do { return try await self.perform(arguments, place) } catch {
            throw error as? CommandTrouble ?? CommandTrouble("cancelled", isPassing: false)
        }
    }

    private func perform(_ arguments: [String], _ place: CommandPlace) async throws -> CommandEnd {
        let script = arguments[2]
        guard let name = script.firstMatch(of: /d=(\/tmp\/godwit-[a-z0-9-]+)/)?.1.description else {
            return try await self.foreground(script, place)
        }
        if arguments.count > 3 { return try await self.hold(arguments[4], name, place) }
        if script.contains("kill -TERM") {
            self.state.withLock { _ = $0.killed.insert(name) }
        }
        if script.contains("open/reached") {
            try await self.reached(name).wait()
        } else {
            let latch = self.state.withLock { $0.waiting.removeValue(forKey: name) }
            latch?.open()
        }
        return CommandEnd(status: 0, output: "")
    }

    private func reached(_ name: String) -> Latch {
        self.state.withLock { state in
            if let known = state.reached[name] { return known }
            let latch = Latch()
            state.reached[name] = latch
            return latch
        }
    }

    private func foreground(_ command: String, _ place: CommandPlace) async throws -> CommandEnd {
        let run = Run(command: command, pod: place.pod)
        let (answer, before, hangs) = self.state.withLock { state in
            let before = state.runs.count { $0 == run }
            state.runs.append(run)
            return (state.answer, before, state.hangs.contains(command))
        }
        if hangs { try await Latch().wait() }
        return try answer(run, before)
    }

    private func hold(
        _ command: String,
        _ name: String,
        _ place: CommandPlace
    ) async throws -> CommandEnd {
        let latch = Latch()
        let run = Run(
            command: command.replacing("\(name)/wait", with: Rule.waitMark),
            pod: place.pod
        )
        let answer = self.state.withLock { state in
            state.runs.append(run)
            state.waiting[name] = latch
            return state.answer
        }
        self.reached(name).open()
        try await latch.wait()
        return try answer(run, 0)
    }
}

/// Waits as rules wait: pauses pass at once, and a limit is over when the test says so.
final class RuleWaits: Sendable {
    private struct State: Sendable {
        var pauses: [Duration] = []
        var limits: [Duration: Latch] = [:]
    }

    private let state = Locked(State())

    /// The pauses between tries so far.
    var pauses: [Duration] { self.state.withLock { $0.pauses } }

    func wait(_ duration: Duration) async throws {
        try Task.checkCancellation()
        // Those of a limit and of a pause are never the same.
        guard duration > .seconds(5) else {
            self.state.withLock { $0.pauses.append(duration) }
            await Task.yield()
            return
        }
        try await self.limit(duration).wait()
    }

    /// Ends every limit of so long, those to come too.
    func pass(_ duration: Duration) { self.limit(duration).open() }

    private func limit(_ duration: Duration) -> Latch {
        self.state.withLock { state in
            if let known = state.limits[duration] { return known }
            let latch = Latch()
            state.limits[duration] = latch
            return latch
        }
    }
}
