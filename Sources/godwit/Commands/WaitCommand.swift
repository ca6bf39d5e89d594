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
            WaitForPair.self, WaitForMigration.self, WaitForSchedule.self,
            WaitForAction<FailoverNoun>.self,
            WaitForAction<FailbackNoun>.self, WaitForAction<DrillNoun>.self,
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

    /// Waits for a Migration of the namespace.
    func follow(_ migration: String, in cluster: Cluster) async throws {
        let waiting = MigrationWatch(
            cluster: cluster,
            console: self.options.console,
            again: self.options.again(cluster.namespace),
            timeout: self.longest,
            view: .line
        )
        try await waiting.untilFinal(ObjectKey(cluster.namespace, migration))
    }
}

struct WaitForPair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ClusterPairNoun.word,
        abstract: "Waits until a ClusterPair is Ready.",
        discussion: """
            Example: godwit wait clusterpair remotecluster -n mysql --timeout 60
            A pair that is refused may still become Ready: mended, it is tried again.
            """,
        aliases: ClusterPairNoun.aliases
    )

    @Argument(
        help: "The name of the ClusterPair.",
        completion: ClusterCompletions.names(of: ClusterPairNoun.self)
    )
    var name: String
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        let console = self.waiting.options.console
        try await self.waiting.options.withCluster { cluster in
            let key = ObjectKey(cluster.namespace, self.name)
            _ = try await cluster.get(ClusterPairNoun.resource, key.name, key.namespace)
            let wait = ObjectWait(
                cluster: cluster,
                resource: ClusterPairNoun.resource,
                title: ClusterPairNoun.title,
                timeout: self.waiting.longest,
                back: "godwit wait \(ClusterPairNoun.word) \(key.name) "
                    + self.waiting.options.again(key.namespace)
            )
            var lines = PhaseLines(console: console) { Self.phase(of: $0) }
            let pair = try await wait.object(
                key,
                &lines,
                isFinal: { Self.ready($0)?.status == .yes },
                progress: { Self.phase(of: $0) }
            )
            var text = ObjectText<ClusterPairNoun>(format: console.format)
            console.raw(text.list([pair], now: .now))
        }
    }

    private static func ready(_ pair: KubeObject) -> Condition? {
        ClusterPairStatus(pair["status"]).conditions["Ready"]
    }

    private static func phase(of pair: KubeObject) -> String {
        Self.ready(pair)?.message ?? "waits for the controller"
    }
}

struct WaitForMigration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationNoun.word,
        abstract: "Waits for the end of a Migration; exits as 'create migration --wait' does.",
        discussion: """
            Example: godwit wait migration mysqlmigration -n mysql --timeout 3600
            Ctrl-C stops watching, not the migration.
            """,
        aliases: MigrationNoun.aliases
    )

    @Argument(
        help: "The name of the Migration.",
        completion: ClusterCompletions.names(of: MigrationNoun.self)
    )
    var name: String
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        try await self.waiting.options.withCluster { cluster in
            try await self.waiting.follow(self.name, in: cluster)
        }
    }
}

struct WaitForSchedule: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationScheduleNoun.word,
        abstract: "Waits for the end of the newest Migration of a schedule, and exits as it ended.",
        discussion: """
            Example: godwit wait migrationschedule mysqlmigrationschedule -n mysql
            Where it has begun none yet, the first one is waited for.
            Ctrl-C stops watching, not the migration.
            """,
        aliases: MigrationScheduleNoun.aliases
    )

    @Argument(
        help: "The name of the MigrationSchedule.",
        completion: ClusterCompletions.names(of: MigrationScheduleNoun.self)
    )
    var name: String
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        try await self.waiting.options.withCluster { cluster in
            let schedule = try await cluster.get(
                MigrationScheduleNoun.resource,
                self.name,
                cluster.namespace
            )
            let again = self.waiting.options.again(cluster.namespace)
            let facts = ScheduleFacts(schedule)
            if facts.runs.isEmpty { try facts.checkThatItBegins(again) }
            let watch = ScheduleWatch(
                cluster: cluster,
                console: self.waiting.options.console,
                again: again,
                timeout: self.waiting.longest
            )
            try await watch.untilFinal(schedule.key) { ScheduleFacts($0).runs.last }
        }
    }
}

struct WaitForAction<Noun: ActionNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Noun.word,
            abstract: "Waits for the end of a \(Noun.word), and fails where it failed.",
            discussion: """
                Example: godwit wait \(Noun.word) \(Noun.example) -n mysql
                Ctrl-C stops watching, not the \(Noun.word).
                """,
            aliases: Noun.aliases
        )
    }

    @Argument(
        help: "The name that 'perform' printed.",
        completion: ClusterCompletions.names(of: Noun.self)
    )
    var name: String
    @OptionGroup var waiting: WaitOptions

    func run() async throws {
        try await self.waiting.options.withCluster { cluster in
            _ = try await Noun.get(self.name, cluster.namespace, in: cluster)
            let watch = ActionWatch<Noun>(
                cluster: cluster,
                console: self.waiting.options.console,
                again: self.waiting.options.again(cluster.namespace),
                timeout: self.waiting.longest
            )
            try await watch.untilFinal(ObjectKey(cluster.namespace, self.name))
        }
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
