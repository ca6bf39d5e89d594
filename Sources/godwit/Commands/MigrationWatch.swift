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
    /// Whether a schedule is about to make it.
    var isToCome = false

    /// Follows a Migration until it is final, and says how it ended.
    ///
    /// - Throws: `GW6010` where it failed, `GW6011` where a part did, and what
    ///   ``ObjectWait/object(_:_:isFinal:progress:)`` throws.
    func untilFinal(_ key: ObjectKey) async throws {
        var lines = MigrationLines(console: self.console, view: self.view, name: key.name)
        let wait = ObjectWait(
            cluster: self.cluster,
            resource: MigrationNoun.resource,
            title: MigrationNoun.title,
            timeout: self.timeout,
            back: "godwit wait migration \(key.name) \(self.again)",
            isToCome: self.isToCome
        )
        let migration = try await wait.object(
            key,
            &lines,
            isFinal: { MigrationFacts($0).status.isFinal },
            progress: { migration in
                let progress = MigrationProgress(migration, now: .now)
                return "\(progress.phase), \(progress.rest)"
            }
        )
        try self.tell(migration, key)
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
}

/// What a person sees of a Migration while it runs.
struct MigrationLines: WaitLines {
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
