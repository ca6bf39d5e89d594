// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// What rules do around the volumes (docs/decisions/0020).
extension MigrationController {
    private static let commandNote = StorkNames.Annotation.podsWithRunningCommands.key

    // MARK: - The pre rule

    /// Runs the rule; failing takes the Migration back to its beginning, never to its end.
    func runPreRule(
        _ rule: Rule,
        _ migration: KubeObject,
        _ facts: MigrationFacts,
        _ session: RuleSession?
    ) async throws -> StepEnd {
        guard let session else { return .over(.after(.zero)) }
        var noted = migration
        do {
            let plan = try await self.rules.plan(rule, in: facts.namespaces)
            for warning in plan.warnings {
                await self.shell.tell(migration, .warning(Rule.Purpose.pre.rawValue, warning))
            }
            let run = self.runName(of: migration)
            noted = try await self.note(plan.backgroundPlaces, of: run, on: migration)
            try await self.watch(.pre, &noted) { progress in
                try await session.run(plan, named: run, progress)
            }
        } catch let failure as RuleEngine.Failure {
            return try await self.startOver(noted, Self.trouble(failure, .pre), session)
        }
        return .on(noted)
    }

    /// A name that no other run has: times of two tries differ, as one waits for the other's end.
    private func runName(of migration: KubeObject) -> String {
        let now = self.shell.environment.now()
        return "\(migration.uid)-\(now.microseconds)"
    }

    /// Notes where commands are about to be held, before they are.
    private func note(
        _ places: [CommandPlace],
        of run: String,
        on migration: KubeObject
    ) async throws -> KubeObject {
        guard !places.isEmpty else { return migration }
        let note = [BackgroundTask].annotation(run: run, places)
        let written = try await self.writer.write(
            annotation: Self.commandNote,
            note,
            on: migration
        )
        self.shell.note(written, insteadOf: migration)
        return written
    }

    private static func trouble(
        _ failure: RuleEngine.Failure,
        _ purpose: Rule.Purpose
    ) -> Trouble {
        let isPre = purpose == .pre
        return Trouble(
            .ruleFailed,
            "Error running \(purpose.rawValue): \(failure.message)",
            remedy: failure.remedy
                ?? (isPre
                    ? "mend the rule or the pod; it is tried again"
                    : "mend the rule or the pod, then migrate again"),
            isPassing: isPre
        )
    }

    /// Ends what is held, and goes back to where the pre rule comes next.
    func startOver(
        _ migration: KubeObject,
        _ trouble: Trouble,
        _ session: RuleSession?
    ) async throws -> StepEnd {
        let ended = try await self.endHeld(migration, session)
        let notice = Notice.warning(MigrationState.failed.rawValue, trouble.text)
        _ = try await self.write(ended, [notice]) { status, now in
            status.stage = .initial
            status.status = .initial
            status.wait(for: trouble, migration, now: now)
        }
        self.doubtPairs(of: migration, trouble)
        return .over(.after(self.wait(for: trouble, of: migration.key)))
    }

    // MARK: - What is held

    /// Lets everything that is held go on, and then forgets the note of it.
    private func endHeld(
        _ migration: KubeObject,
        _ session: RuleSession?
    ) async throws -> KubeObject {
        for trouble in await session?.end() ?? [] {
            await self.shell.tell(migration, .warning(Rule.Purpose.pre.rawValue, trouble))
        }
        try Task.checkCancellation()
        return try await self.forgetNote(migration)
    }

    /// Ends what a process that is gone has left in pods.
    func endLeftCommands(_ migration: KubeObject) async throws -> KubeObject {
        for trouble in await self.rules.kill(migration.backgroundTasks) {
            // Such as a pod that is gone. What is there after all ends by itself.
            await self.shell.tell(
                migration,
                .warning(
                    Rule.Purpose.pre.rawValue,
                    "a background command of an earlier run may go on for 15 minutes: \(trouble)"
                )
            )
        }
        try Task.checkCancellation()
        return try await self.forgetNote(migration)
    }

    private func forgetNote(_ migration: KubeObject) async throws -> KubeObject {
        guard migration.hasBackgroundTasks else { return migration }
        var written = migration
        for key in StorkNames.Annotation.podsWithRunningCommands.keys {
            let former = written
            written = try await self.writer.write(annotation: key, nil, on: former)
            self.shell.note(written, insteadOf: former)
        }
        return written
    }

    // MARK: - The freeze

    /// Freezes the volumes while the application is held, lets it go, and runs the post rule.
    func startCopies(
        _ migration: KubeObject,
        _ volumes: MigrationVolumes,
        _ selected: [MigratedVolume],
        _ facts: MigrationFacts,
        _ session: RuleSession
    ) async throws -> StepEnd {
        let limit = self.rules.limits.freeze
        let begun: MigrationVolumes.Look?
        do {
            begun = try await within(limit, self.rules.wait) { try await volumes.start(selected) }
        } catch let trouble as Trouble {
            return facts.preRule.isNamed
                ? try await self.startOver(migration, trouble, session)
                : try await self.wait(migration, trouble)
        }
        let breach = session.breach.map { Self.trouble($0, .pre) }
        var ended = try await self.endHeld(migration, session)
        guard let look = begun, breach == nil else {
            return try await self.fail(ended, cancelling: breach ?? Self.notFrozen(limit))
        }
        if let trouble = try await self.runPostRule(&ended, facts) {
            return try await self.fail(ended, cancelling: trouble)
        }
        let written = try await self.write(ended, look.notices) { status, now in
            status.status = .inProgress
            status.take(look, of: migration, now: now)
        }
        return .on(written)
    }

    private static func notFrozen(_ limit: Duration) -> Trouble {
        Trouble(
            .ruleFailed,
            "the volumes were not frozen within \(limit.components.seconds) s after the pre rule",
            remedy: "godwit transfer list shows what they wait for; then migrate again",
            isPassing: false
        )
    }

    private func runPostRule(
        _ migration: inout KubeObject,
        _ facts: MigrationFacts
    ) async throws -> Trouble? {
        guard case .ready(let rule) = facts.postRule else { return nil }
        do {
            let plan = try await self.rules.plan(rule, in: facts.namespaces)
            for warning in plan.warnings {
                await self.shell.tell(migration, .warning(Rule.Purpose.post.rawValue, warning))
            }
            let rules = self.rules
            try await self.watch(.post, &migration) { progress in
                for step in plan.steps { try await rules.run(step, progress) }
            }
            return nil
        } catch let failure as RuleEngine.Failure { return Self.trouble(failure, .post) }
    }

    /// Without volumes the post rule still undoes what the pre rule did.
    func skipVolumes(
        _ migration: KubeObject,
        _ facts: MigrationFacts,
        _ session: RuleSession?
    ) async throws -> StepEnd {
        var ended = try await self.endHeld(migration, session)
        if let trouble = try await self.runPostRule(&ended, facts) {
            return .on(try await self.fail(ended, trouble))
        }
        return .on(try await self.enter(.applications, .inProgress, ended, facts))
    }
}
