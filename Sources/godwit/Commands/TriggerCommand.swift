// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel

/// Begins now what would begin later.
struct TriggerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger",
        abstract: "Lets a schedule begin a migration now.",
        discussion:
            "Example: godwit trigger migrationschedule mysqlmigrationschedule -n mysql --wait",
        subcommands: [TriggerSchedule.self],
        aliases: ["sync-now"]
    )
}

struct TriggerSchedule: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationScheduleNoun.word,
        abstract: "Lets a MigrationSchedule begin a Migration now; its times stay as they are.",
        discussion: """
            Examples:
              godwit trigger migrationschedule mysqlmigrationschedule -n mysql
              godwit trigger migrationschedule mysqlmigrationschedule -n mysql --wait
            Where one is running, the next begins at its end.
            """,
        aliases: MigrationScheduleNoun.aliases
    )

    @Argument(
        help: "The name of the MigrationSchedule.",
        completion: ClusterCompletions.names(of: MigrationScheduleNoun.self)
    )
    var name: String
    @Flag(help: "Wait for the end of the Migration, and fail where it fails.") var wait = false
    @Option(parsing: .unconditional, help: "Seconds to wait; the migration goes on after it.")
    var timeout: Int?
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        try checkTimeout(self.timeout)
        guard self.timeout == nil || self.wait else {
            throw ValidationError("--timeout only goes with --wait.")
        }
    }

    func run() async throws {
        let console = self.options.console
        try await self.options.withCluster { cluster in
            let key = ObjectKey(cluster.namespace, self.name)
            let again = self.options.again(key.namespace)
            let schedule = try await cluster.get(Self.resource, key.name, key.namespace)
            try ScheduleFacts(schedule).checkThatItBegins(again)
            let known = Set(ScheduleFacts(schedule).runs.map(\.name))
            let mark = Self.mark
            _ = try await cluster.merge(
                ["metadata": ["annotations": [Self.annotation: .string(mark)]]],
                into: Self.resource,
                key.name
            )
            if console.format == .table || console.format == .wide {
                console.result("MigrationSchedule \(key.name) triggered successfully")
            }
            guard self.wait else {
                console.note("Next: godwit get migrationschedules \(key.name) -o wide \(again)")
                return
            }
            // Another run may begin first, because it was due: the controller notes the mark with
            // the one that it began for it.
            let watch = ScheduleWatch(
                cluster: cluster,
                console: console,
                again: again,
                timeout: .seconds(self.timeout ?? ObjectWait.longest)
            )
            try await watch.untilFinal(key) { schedule in
                guard MigrationScheduleStatus(schedule["status"]).syncNow == mark else {
                    return nil
                }
                return ScheduleFacts(schedule).runs.last { !known.contains($0.name) }
            }
        }
    }

    private static let resource = MigrationScheduleNoun.resource
    /// What the controller looks for: every other text than the last one is a run.
    private static let annotation = StorkNames.Annotation.syncNow.key
    private static var mark: String { Timestamp.now.withMicroseconds }
}
