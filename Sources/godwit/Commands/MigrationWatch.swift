// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import ObjectModel

/// Waits for the end of a Migration and shows how far it is.
///
/// The work is the controller's: ending the wait ends nothing else.
struct MigrationWatch {
    /// What is shown meanwhile.
    enum View {
        /// A row for each stage and status, on standard output, as storkctl has it.
        case rows
        /// One line that changes on a terminal, and now and then a line elsewhere.
        case line
    }

    let cluster: Cluster
    let console: Console
    /// What names the same cluster and namespace in another command.
    let again: String
    let timeout: Duration
    let view: View

    /// As long as storkctl waits, in seconds.
    static let longest = 6 * 3600
    /// How long an API server may be away: a restart takes seconds.
    static let patience: Duration = .seconds(30)
    /// Between two looks.
    static let beat: Duration = .milliseconds(500)

    /// Follows a Migration until it is final, and says how it ended.
    ///
    /// - Throws: `GW6010` where it failed, `GW6011` where a part did, `GW3005` on Ctrl-C, `GW3006` at the
    ///   timeout, and `GW6002` where it is gone.
    func untilFinal(_ key: ObjectKey) async throws {
        let interrupt = Interrupt()
        defer { interrupt.stop() }
        let clock = ContinuousClock()
        let end = clock.now + self.timeout
        var lines = MigrationLines(console: self.console, view: self.view, name: key.name)
        var lost: ContinuousClock.Instant?
        while true {
            do throws(APIError) {
                let migration = try await self.cluster.get(
                    MigrationNoun.resource,
                    key.name,
                    key.namespace
                )
                lost = nil
                lines.show(migration, now: clock.now)
                if MigrationFacts(migration).status.isFinal {
                    lines.finish()
                    return try self.tell(migration, key)
                }
                if clock.now >= end { throw self.timedOut(migration, key) }
            } catch {
                guard error.id == .clusterUnreachable else {
                    lines.finish()
                    throw error
                }
                let since = lost ?? clock.now
                if lost == nil { lines.say("the cluster does not answer; waiting for it") }
                lost = since
                guard clock.now - since < Self.patience else { throw self.gone(error, key) }
            }
            if interrupt.happened {
                lines.finish()
                throw self.detached(key)
            }
            try await clock.sleep(for: Self.beat)
        }
    }

    private func tell(_ migration: KubeObject, _ key: ObjectKey) throws(APIError) {
        let facts = MigrationFacts(migration)
        if self.view == .line {
            var text = ObjectText<MigrationNoun>(format: self.console.format)
            self.console.raw(text.list([migration], now: .now))
        }
        switch facts.outcome {
        case .succeeded:
            let sentence = "Migration \(key.name) completed successfully"
            if self.view == .rows { self.console.result(sentence) }
            self.console.note("Next: godwit describe migration \(key.name) \(self.again)")
        case .partial:
            throw self.failed(
                .migrationPartial,
                "Migration \(key.name) completed in part",
                facts,
                key
            )
        case .failed, .running:
            throw self.failed(.migrationFailed, "Migration \(key.name) failed", facts, key)
        }
    }

    /// With the first reasons: the object has all of them.
    private func failed(
        _ id: ErrorID,
        _ message: String,
        _ facts: MigrationFacts,
        _ key: ObjectKey
    ) -> APIError {
        let failures = facts.failures
        var cause = failures.prefix(3).joined(separator: "; ")
        if failures.count > 3 { cause += "; and \(failures.count - 3) more" }
        if cause.isEmpty { cause = facts.message }
        return APIError(
            id,
            message,
            cause: cause.isEmpty ? nil : cause,
            try: "godwit describe migration \(key.name) \(self.again)"
        )
    }

    private func back(to key: ObjectKey) -> String {
        "godwit wait migration \(key.name) \(self.again)"
    }

    private func detached(_ key: ObjectKey) -> APIError {
        APIError(
            .detached,
            "Stopped watching; the migration goes on.",
            cause: "interrupted",
            try: self.back(to: key)
        )
    }

    private func timedOut(_ migration: KubeObject, _ key: ObjectKey) -> APIError {
        let progress = MigrationProgress(migration, now: .now)
        return APIError(
            .waitTimedOut,
            "Timed out performing task",
            cause: "Migration \(key.name) has not ended within "
                + "\(self.timeout.components.seconds) s and goes on: \(progress.phase), "
                + progress.rest,
            try: self.back(to: key)
        )
    }

    private func gone(_ error: APIError, _ key: ObjectKey) -> APIError {
        APIError(
            .clusterUnreachable,
            error.message,
            cause: "it has not answered for \(Self.patience.components.seconds) s; the migration "
                + "goes on when its controller does",
            try: self.back(to: key)
        )
    }
}

/// What a person sees of a Migration while it runs.
struct MigrationLines {
    let console: Console
    let view: MigrationWatch.View
    let name: String
    private var lastPhase: String?
    private var lastTrouble: String?
    private var lastLine: ContinuousClock.Instant?
    private var isLineOpen = false
    /// Never backwards: a count that begins anew would look like a loss.
    private var highest = 0

    init(console: Console, view: MigrationWatch.View, name: String) {
        self.console = console
        self.view = view
        self.name = name
    }

    mutating func show(_ migration: KubeObject, now: ContinuousClock.Instant) {
        let progress = MigrationProgress(migration, now: .now)
        switch self.view {
        case .rows:
            self.row(MigrationFacts(migration))
            // The rows are for scripts; why nothing moves is for whoever looks.
            if let trouble = progress.trouble, trouble != self.lastTrouble {
                self.console.note(trouble)
            }
        case .line: self.line(progress, now)
        }
        self.lastTrouble = progress.trouble
    }

    /// Says something in between.
    mutating func say(_ text: String) {
        self.finish()
        self.console.note(text)
    }

    /// Ends the line that is written over.
    mutating func finish() {
        guard self.isLineOpen else { return }
        self.console.overwrite("", width: Console.width)
        self.isLineOpen = false
    }

    private mutating func row(_ facts: MigrationFacts) {
        if self.lastPhase == nil { self.console.result(Self.row("STAGE", "STATUS")) }
        let phase = Self.row(facts.status.stage.rawValue, facts.status.status.rawValue)
        guard phase != self.lastPhase else { return }
        self.lastPhase = phase
        self.console.result(phase)
    }

    /// Two tabs between them, and the second 20 characters wide.
    static func row(_ stage: String, _ status: String) -> String {
        "\(stage)\t\t\(status)" + String(repeating: " ", count: max(0, 20 - status.count))
    }

    private mutating func line(_ progress: MigrationProgress, _ now: ContinuousClock.Instant) {
        let text = "\(self.name)  \(progress.phase)  \(progress.rest)"
        if self.console.isTerminal {
            self.console.overwrite(text, width: Console.width)
            self.isLineOpen = true
            return
        }
        let isNew = progress.phase != self.lastPhase || progress.trouble != self.lastTrouble
        let isFar = (progress.percent ?? 0) >= self.highest + 10
        let isLate = self.lastLine.map { now - $0 >= ProgressView.quietInterval } ?? true
        guard isNew || isFar || isLate else { return }
        self.highest = max(self.highest, progress.percent ?? 0)
        self.lastPhase = progress.phase
        self.lastLine = now
        self.console.note(text)
    }
}
