// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Locks
import ObjectModel

/// What a rule that runs waits for: who runs it writes, who tells people of it reads.
final class RuleProgress: Sendable {
    /// One command in one place.
    struct Waiting: Hashable, Sendable {
        var place: CommandPlace
        var command: String
        var since: Timestamp
        /// How the last try ended, without success; nil during the first one.
        var failure: String?
    }

    /// Characters of a command that are shown.
    private static let shown = 80

    private let waiting = Locked<[Waiting]>([])
    private let now: @Sendable () -> Timestamp

    /// Nothing is waited for yet.
    init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

    /// What has been waited for longest; nil where nothing is.
    var longest: Waiting? { self.waiting.withLock { $0.min { $0.since < $1.since } } }

    /// How many commands are waited for.
    var count: Int { self.waiting.withLock { $0.count } }

    /// A command is waited for as long as `body` works.
    func during<Value>(
        _ command: String,
        in place: CommandPlace,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let since = self.now()
        self.waiting.withLock {
            $0.append(Waiting(place: place, command: command, since: since))
        }
        // Steps come one after the other, and none has a place twice.
        defer { self.waiting.withLock { $0.removeAll { $0.place == place } } }
        return try await body()
    }

    /// A command has failed there and is tried again.
    func failed(in place: CommandPlace, _ message: String) {
        self.waiting.withLock { waiting in
            for index in waiting.indices where waiting[index].place == place {
                waiting[index].failure = message
            }
        }
    }

    /// What a person has to know about what is waited for.
    ///
    /// - Parameters:
    ///   - waiting: what has been waited for longest.
    ///   - purpose: of the rule.
    ///   - limit: when a command that does not end is given up.
    /// - Returns: one sentence, and what to do.
    func text(_ waiting: Waiting, of purpose: Rule.Purpose, limit: Duration) -> String {
        let command = PlainText.line(waiting.command)
        let cut = command.count > Self.shown ? "\(command.prefix(Self.shown))…" : command
        let others = self.count - 1
        return "\(purpose.rawValue) waits since \(waiting.since) for \(waiting.place): \(cut)"
            + (others > 0 ? " (and for \(others) more)" : "")
            + (waiting.failure.map { "; it is tried again: \($0)" } ?? "")
            + " Try: look at that command there; it is given up "
            + "\(limit.components.seconds) s after its begin"
    }
}
