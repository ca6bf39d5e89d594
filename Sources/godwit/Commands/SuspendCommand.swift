// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import KubernetesClient
import ObjectModel

/// Keeps schedules from beginning anything.
struct SuspendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend",
        abstract: "Keeps schedules from beginning migrations.",
        discussion: "Example: godwit suspend migrationschedules mysqlmigrationschedule -n mysql",
        subcommands: [SuspendSchedules.self]
    )
}

/// Lets schedules go on.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lets schedules begin migrations again.",
        discussion: "Example: godwit resume migrationschedules mysqlmigrationschedule -n mysql",
        subcommands: [ResumeSchedules.self]
    )
}

struct SuspendSchedules: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationScheduleNoun.word,
        abstract: "Keeps these schedules from beginning migrations; one that runs goes on.",
        discussion: """
            Examples:
              godwit suspend migrationschedules mysqlmigrationschedule -n mysql
              godwit suspend migrationschedules -c remotecluster -n mysql
            """,
        aliases: MigrationScheduleNoun.aliases
    )
    @OptionGroup var suspension: Suspension

    func run() async throws { try await self.suspension.run(suspends: true) }
}

struct ResumeSchedules: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationScheduleNoun.word,
        abstract: "Lets these schedules begin migrations again.",
        discussion: "Example: godwit resume migrationschedules mysqlmigrationschedule -n mysql",
        aliases: MigrationScheduleNoun.aliases
    )
    @OptionGroup var suspension: Suspension

    func run() async throws { try await self.suspension.run(suspends: false) }
}

/// Which schedules are suspended or resumed.
struct Suspension: ParsableArguments {
    @Argument(
        help: "Their names.",
        completion: ClusterCompletions.names(of: MigrationScheduleNoun.self)
    )
    var names: [String] = []
    @OptionGroup var filter: PairFilter
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        guard self.names.isEmpty || !self.filter.isSet else {
            throw ValidationError("Give names or --cluster-pair, not both.")
        }
    }

    func run(suspends: Bool) async throws {
        typealias Noun = MigrationScheduleNoun
        guard !self.names.isEmpty || self.filter.isSet else {
            throw nameIsMissing(Noun.self, for: suspends ? "suspend" : "resume")
        }
        let console = self.options.console
        try await self.options.withCluster { cluster in
            try await cluster.forEach(self.names, self.filter, Noun.self, console) {
                name throws(APIError) in
                let changed = try await cluster.merge(
                    ["spec": ["suspend": .bool(suspends)]],
                    into: Noun.resource,
                    name
                )
                let word = suspends ? "suspended" : "resumed"
                console.result("\(Noun.title) \(name) \(word) successfully")
                guard !suspends, ScheduleFacts(changed).isCopy else { return }
                console.note(
                    "warning: it is the copy of the source's schedule, which begins nothing here"
                )
            }
        }
    }
}

extension Cluster {
    /// Changes some fields of an object of the namespace.
    func merge(
        _ fields: JSON,
        into resource: APIResource,
        _ name: String
    ) async throws(APIError) -> KubeObject {
        try await self.asking { () throws(ClusterError) in
            try await self.client.patch(
                resource,
                ObjectKey(self.namespace, name),
                .merge(fields)
            )
        }
    }
}
