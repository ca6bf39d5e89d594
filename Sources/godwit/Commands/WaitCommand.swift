// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel

/// Waits for what goes on in a cluster.
struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Waits for the end of what was begun.",
        discussion: """
            Examples:
              godwit wait clusterpair remotecluster -n mysql
              godwit wait migration mysqlmigration -n mysql
              godwit wait migrationschedule mysqlmigrationschedule -n mysql
            """,
        subcommands: [
            WaitFor<ClusterPairNoun>.self, WaitFor<MigrationNoun>.self,
            WaitFor<MigrationScheduleNoun>.self, WaitFor<FailoverNoun>.self,
            WaitFor<FailbackNoun>.self, WaitFor<DrillNoun>.self,
        ]
    )
}

/// What every wait takes.
struct WaitOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Seconds to wait; what is waited for goes on after it.")
    var timeout: Int?
    @OptionGroup var options: ClusterOptions

    func validate() throws { try checkTimeout(self.timeout) }

    var longest: Duration { .seconds(self.timeout ?? ObjectWait.longest) }

    /// What names the same cluster and namespace in another command.
    func again(in cluster: Cluster) -> String { self.options.again(cluster.namespace) }
}

/// A kind whose end can be waited for.
protocol AwaitedNoun: ClusterNoun {
    /// What the help of `wait` says of it.
    static var waiting: (abstract: String, discussion: String) { get }
    /// Waits until one of these has come to its end.
    static func wait(
        for name: String,
        in cluster: Cluster,
        _ options: WaitOptions
    ) async throws
}

/// `godwit wait KIND NAME`.
struct WaitFor<Noun: AwaitedNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Noun.word,
            abstract: Noun.waiting.abstract,
            discussion: Noun.waiting.discussion,
            aliases: Noun.aliases
        )
    }

    @Argument(
        help: "The name of the \(Noun.title).",
        completion: ClusterCompletions.names(of: Noun.self)
    )
    var name: String
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        try await self.waiting.options.withCluster { cluster in
            try await Noun.wait(for: self.name, in: cluster, self.waiting)
        }
    }
}

extension ClusterPairNoun: AwaitedNoun {
    static let waiting = (
        abstract: "Waits until a ClusterPair is Ready.",
        discussion: """
        Example: godwit wait clusterpair remotecluster -n mysql --timeout 60
        A pair that is refused may still become Ready: mended, it is tried again.
        """
    )

    static func wait(
        for name: String,
        in cluster: Cluster,
        _ options: WaitOptions
    ) async throws {
        let console = options.options.console
        let key = ObjectKey(cluster.namespace, name)
        _ = try await cluster.get(Self.resource, key.name, key.namespace)
        let wait = ObjectWait(
            cluster: cluster,
            resource: Self.resource,
            title: Self.title,
            timeout: options.longest,
            back: "godwit wait \(Self.word) \(key.name) \(options.again(in: cluster))"
        )
        var lines = PhaseLines(console: console) { Self.phase(of: $0) }
        let pair = try await wait.object(
            key,
            &lines,
            isFinal: { Self.ready($0)?.status == .yes },
            progress: { Self.phase(of: $0) }
        )
        var text = ObjectText<Self>(format: console.format)
        console.raw(text.list([pair], now: .now))
    }

    private static func ready(_ pair: KubeObject) -> Condition? {
        ClusterPairStatus(pair["status"]).conditions["Ready"]
    }

    private static func phase(of pair: KubeObject) -> String {
        Self.ready(pair)?.message ?? "waits for the controller"
    }
}

extension MigrationNoun: AwaitedNoun {
    static let waiting = (
        abstract: "Waits for the end of a Migration; exits as 'create migration --wait' does.",
        discussion: """
        Example: godwit wait migration mysqlmigration -n mysql --timeout 3600
        Ctrl-C stops watching, not the migration.
        """
    )

    static func wait(
        for name: String,
        in cluster: Cluster,
        _ options: WaitOptions
    ) async throws {
        let watch = MigrationWatch(
            cluster: cluster,
            console: options.options.console,
            again: options.again(in: cluster),
            timeout: options.longest,
            view: .line
        )
        try await watch.untilFinal(ObjectKey(cluster.namespace, name))
    }
}

extension MigrationScheduleNoun: AwaitedNoun {
    static let waiting = (
        abstract: "Waits for the end of the newest Migration of a schedule, and exits as it ended.",
        discussion: """
        Example: godwit wait migrationschedule mysqlmigrationschedule -n mysql
        Where it has begun none yet, the first one is waited for.
        Ctrl-C stops watching, not the migration.
        """
    )

    static func wait(
        for name: String,
        in cluster: Cluster,
        _ options: WaitOptions
    ) async throws {
        let schedule = try await cluster.get(Self.resource, name, cluster.namespace)
        let again = options.again(in: cluster)
        let facts = ScheduleFacts(schedule)
        if facts.runs.isEmpty { try facts.checkThatItBegins(again) }
        let watch = ScheduleWatch(
            cluster: cluster,
            console: options.options.console,
            again: again,
            timeout: options.longest
        )
        try await watch.untilFinal(schedule.key) { ScheduleFacts($0).runs.last }
    }
}

extension ActionNoun {
    static var waiting: (abstract: String, discussion: String) {
        (
            abstract: "Waits for the end of a \(Self.word), and fails where it failed.",
            discussion: """
            Example: godwit wait \(Self.word) \(Self.example) -n mysql
            Ctrl-C stops watching, not the \(Self.word).
            """
        )
    }

    static func wait(
        for name: String,
        in cluster: Cluster,
        _ options: WaitOptions
    ) async throws {
        _ = try await Self.get(name, cluster.namespace, in: cluster)
        let watch = ActionWatch<Self>(
            cluster: cluster,
            console: options.options.console,
            again: options.again(in: cluster),
            timeout: options.longest
        )
        try await watch.untilFinal(ObjectKey(cluster.namespace, name))
    }
}

/// Waits for the end of a failover or failback.
struct ActionWatch<Noun: ActionNoun> {
    let cluster: Cluster
    let console: Console
    /// What names the same cluster and namespace in another command.
    let again: String
    let timeout: Duration

    /// Follows it until it is final, and says how it ended.
    ///
    /// - Throws: `GW6015` where it failed, also where what it did was taken back.
    func untilFinal(_ key: ObjectKey) async throws {
        var lines = PhaseLines(console: self.console) { Noun.phase(of: $0) }
        let wait = ObjectWait(
            cluster: self.cluster,
            resource: Noun.resource,
            title: Noun.title,
            timeout: self.timeout,
            back: "godwit wait \(Noun.word) \(key.name) \(self.again)"
        )
        let action = try await wait.object(
            key,
            &lines,
            isFinal: { Noun.status(of: $0).stage == .final },
            progress: { Noun.phase(of: $0) }
        )
        var text = ObjectText<Noun>(format: self.console.format)
        self.console.raw(text.list([action], now: .now))
        let status = Noun.status(of: action)
        guard status.status != .successful else { return }
        // What went wrong for all of them alike is said once.
        let failures = status.summary.filter {
            $0.status != .successful && !$0.reason.isEmpty && $0.reason != status.reason
        }
        let causes =
            [status.reason].filter { !$0.isEmpty }
            + failures.map { "namespace \($0.namespace): \($0.reason)" }
        throw APIError(
            .actionFailed,
            "\(Noun.title) \(key.name) failed: \(status.status.rawValue).",
            cause: causes.isEmpty ? nil : causes.prefix(3).joined(separator: "; "),
            try: "godwit describe \(Noun.word) \(key.name) \(self.again)"
        )
    }
}
