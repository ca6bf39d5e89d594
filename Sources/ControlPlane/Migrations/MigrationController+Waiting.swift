// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Logging
import ObjectModel

/// What was asked for is not wanted any more: the object is deleted.
struct RuleInterruption: Error {}

/// A rule that runs is seen while it runs: commands in pods can take long, or for ever.
extension MigrationController {
    private enum Event: Sendable {
        case over
        case look
    }

    /// Runs what runs a rule; where that takes longer than a look the status says what it waits for.
    ///
    /// - Parameters:
    ///   - purpose: of the rule.
    ///   - migration: as it was written last, also when this throws.
    ///   - body: tells what it waits for.
    /// - Throws: ``RuleInterruption`` where the Migration is deleted meanwhile, and what `body` throws.
    func watch(
        _ purpose: Rule.Purpose,
        _ migration: inout KubeObject,
        _ body: @escaping @Sendable (RuleProgress) async throws -> Void
    ) async throws {
        let progress = RuleProgress(now: self.shell.environment.now)
        let (wait, pause) = (self.rules.wait, self.rules.limits.look)
        var former: RuleProgress.Waiting?
        try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await body(progress)
                return .over
            }
            while true {
                group.addTask {
                    try await wait(pause)
                    return .look
                }
                // What is written is written by this task, which the end of `body` does not cancel:
                // a version that nobody knows would be in the way of the next step.
                guard try await group.next() == .look else { return }
                guard self.isWanted(migration) else { throw RuleInterruption() }
                let present = progress.longest
                if let present, present.isSame(as: former) {
                    await self.tell(purpose, of: present, progress, &migration)
                }
                former = present
            }
        }
    }

    private func isWanted(_ migration: KubeObject) -> Bool {
        guard let present = self.shell.object(migration.key) else { return false }
        return present.uid == migration.uid && present.deletionTimestamp == nil
    }

    private func tell(
        _ purpose: Rule.Purpose,
        of waiting: RuleProgress.Waiting,
        _ progress: RuleProgress,
        _ migration: inout KubeObject
    ) async {
        let text = progress.text(waiting, of: purpose, limit: self.rules.limits.command)
        let former = MigrationStatus(migration["status"]).conditions[ConditionType.succeeded]
        guard former?.message != text else { return }
        let generation = migration.generation
        do {
            migration = try await self.write(
                migration,
                [.normal(purpose.rawValue, text)]
            ) { status, now in
                status.set(
                    .unknown,
                    MigrationStatus.ruleReason,
                    text,
                    generation: generation,
                    now: now
                )
            }
        } catch {
            // Said at the next look, or never: the rule goes on, and its end counts.
            self.shell.environment.logger.debug("rule not told", metadata: ["error": "\(error)"])
        }
    }
}

extension RuleProgress.Waiting {
    /// Whether it is the same command that was waited for, whatever its tries have come to.
    fileprivate func isSame(as other: Self?) -> Bool {
        self.place == other?.place && self.since == other?.since && self.command == other?.command
    }
}
