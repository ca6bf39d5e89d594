// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

/// Runs the commands of Rules.
struct RuleEngine: Sendable {
    let cluster: any ClusterAccess
    let runner: any CommandRunner
    var limits = RuleLimits()
    /// Waits; throws when the task is cancelled.
    let wait: @Sendable (Duration) async throws -> Void

    /// Why a rule did not do what it says.
    struct Failure: Error, Hashable {
        let message: String
        var remedy: String?
    }

    /// What a rule comes to in namespaces, as their pods are now.
    ///
    /// - Throws: ``Failure`` where it cannot be run at all, `ClusterError` where the pods cannot be
    ///   looked at.
    func plan(_ rule: Rule, in namespaces: [String]) async throws -> RulePlan {
        var pods: [RulePod] = []
        for namespace in namespaces.sorted() {
            pods += try await self.pods(in: namespace)
        }
        do throws(RulePlan.Problem) {
            return try RulePlan(rule, pods: pods, phases: self.runner.phases)
        } catch {
            throw Failure(message: error.message, remedy: "correct the container of the rule")
        }
    }

    private func pods(in namespace: String) async throws -> [RulePod] {
        do {
            return try await self.cluster.all(BuiltIn.pods, namespace: namespace).map(RulePod.init)
        } catch {
            guard error.reason == .forbidden else { throw error }
            throw Failure(message: "\(error)", remedy: CommandTrouble.roleAdvice)
        }
    }

    /// Runs a command everywhere at the same time; the first place where it does not succeed counts.
    func run(_ step: RulePlan.Step, _ progress: RuleProgress) async throws {
        let command = step.action.command
        try await withThrowingTaskGroup(of: Void.self) { group in
            for place in step.places {
                group.addTask {
                    try await progress.during(command, in: place) {
                        try await self.run(command, in: place, progress)
                    }
                }
            }
            do { try await group.waitForAll() } catch {
                group.cancelAll()
                throw error
            }
        }
    }

    /// Runs a command in one place until it succeeds, or has failed too often.
    private func run(
        _ command: String,
        in place: CommandPlace,
        _ progress: RuleProgress
    ) async throws {
        var tried = 1
        while true {
            let failure: Failure
            do throws(CommandTrouble) {
                guard let end = try await self.attempt(["sh", "-c", command], in: place) else {
                    let limit = self.limits.command.components.seconds
                    throw CommandTrouble(
                        "the command did not end within \(limit) s",
                        remedy: "look why it hangs, end it there, and bound it in the rule",
                        // Beside one that hangs another one would hang.
                        isPassing: false
                    )
                }
                guard end.status != 0 else { return }
                failure = Failure(end, in: place)
            } catch {
                failure = Failure(error, in: place)
                guard error.isPassing else { throw failure }
            }
            try Task.checkCancellation()
            guard tried < self.limits.tries else { throw failure }
            tried += 1
            progress.failed(in: place, failure.message)
            try await self.wait(self.limits.pause)
        }
    }

    private func attempt(
        _ arguments: [String],
        in place: CommandPlace
    ) async throws(CommandTrouble) -> CommandEnd? {
        do {
            return try await within(self.limits.command, self.wait) {
                try await self.runner.run(arguments, in: place)
            }
        } catch {
            throw error as? CommandTrouble ?? CommandTrouble("cancelled", isPassing: false)
        }
    }

    /// Ends what another process has begun and did not end.
    ///
    /// - Returns: why some may go on until its own time is over; one sentence each.
    func kill(_ tasks: [BackgroundTask]) async -> [String] {
        await withTaskGroup(of: String?.self) { group in
            for task in tasks { group.addTask { await self.end(task, by: task.kill) } }
            return await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
    }

    /// Runs what ends a background command; nil, or why it may go on.
    func end(_ task: BackgroundTask, by arguments: [String]) async -> String? {
        do {
            let end = try await within(self.limits.ending, self.wait) {
                try await self.runner.run(arguments, in: task.place)
            }
            guard let end else { return "\(task.place) does not answer" }
            return end.status == 0 ? nil : Failure(end, in: task.place).message
        } catch { return "\(task.place): \(error)" }
    }
}

extension RuleEngine.Failure {
    /// A command that ended without success.
    init(_ end: CommandEnd, in place: CommandPlace) {
        let words = end.lastWords
        self.init(
            message: "\(place): the command ended with \(end.status)"
                + (words.isEmpty ? "" : " and said: \(words)")
        )
    }

    /// A command that was not run.
    init(_ trouble: CommandTrouble, in place: CommandPlace) {
        self.init(message: "\(place): \(trouble.message)", remedy: trouble.remedy)
    }
}
