// SPDX-License-Identifier: Apache-2.0

/// How a program in a pod has ended.
struct CommandEnd: Hashable, Sendable {
    var status: Int
    /// The last that it has printed, errors too.
    var output: String

    /// The end of the output on one line, for messages.
    var lastWords: String {
        let words = self.output.split(whereSeparator: \.isNewline).suffix(3)
            .joined(separator: " ")
        return String(words.suffix(300))
    }
}

/// Why a command was not run, or nobody knows how it has ended.
struct CommandTrouble: Error, Hashable, CustomStringConvertible {
    let message: String
    /// What to do next, where there is more to do than to look at the pod.
    var remedy: String?
    /// Whether another try can help without anybody changing anything.
    var isPassing: Bool

    init(_ message: String, remedy: String? = nil, isPassing: Bool = true) {
        self.message = message
        self.remedy = remedy
        self.isPassing = isPassing
    }

    var description: String { self.message }
}

/// Runs programs where an application runs.
protocol CommandRunner: Sendable {
    /// The phases of pods that take commands.
    var phases: Set<String> { get }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - arguments: the program and what it gets; no shell sees them before.
    ///   - place: where.
    /// - Returns: how it ended; of its output the last 64 KiB.
    /// - Throws: ``CommandTrouble``; when the task is cancelled nobody waits any more, and what runs
    ///   in a pod may go on.
    func run(
        _ arguments: [String],
        in place: CommandPlace
    ) async throws(CommandTrouble) -> CommandEnd
}

/// The bounds of rules; each has a reason for its value.
struct RuleLimits: Hashable, Sendable {
    /// Tries of one command, the first included, as in Stork.
    var tries = 12
    /// Between two tries, as in Stork.
    var pause = Duration.seconds(5)
    /// Until a command has to have ended: longer, and whoever waits takes it for a hang.
    var command = Duration.seconds(300)
    /// Until a background command has to have come to the place where it waits, as in Stork.
    var reach = Duration.seconds(300)
    /// Until a background command that was let go has to have ended; then it is killed.
    var grace = Duration.seconds(30)
    /// Of a request that ends something: whoever is gone must not hold up the others.
    var ending = Duration.seconds(15)
    /// Between two looks at what is waited for: what is there at two of them is told.
    var look = Duration.seconds(1)
    /// Until all volumes have to be frozen: all that time the application is held.
    var freeze = Duration.seconds(300)
}

extension RuleLimits {
    /// The bounds of an operator who has chosen how long a command may take.
    init(timeout: Duration) {
        self.init()
        self.command = timeout
        self.reach = timeout
    }
}

/// How rules are run.
public enum RuleExecution: Sendable {
    /// In pods, through their subresource `exec`.
    case inPods
    /// By a shell of this machine, with these variables: for embedded clusters, which run no pods.
    case onThisMachine(variables: [String: String])
    /// Not at all: a Migration that names a rule says so and waits.
    case nowhere
}

/// What `body` gives, or nil where that takes longer than it may.
///
/// - Parameters:
///   - limit: how long it may take.
///   - wait: waits; throws when the task is cancelled.
///   - body: cancelled when the time is over.
/// - Returns: what `body` gives in time.
/// - Throws: what `body` throws, `CancellationError`.
func within<Value: Sendable>(
    _ limit: Duration,
    _ wait: @escaping @Sendable (Duration) async throws -> Void,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await wait(limit)
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
}
