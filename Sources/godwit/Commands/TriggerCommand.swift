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
            try Self.check(ScheduleFacts(schedule), again)
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
            try await self.follow(key, cluster, again) { schedule in
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

    /// Refuses where the controller would begin nothing.
    private static func check(_ facts: ScheduleFacts, _ again: String) throws(APIError) {
        let name = facts.schedule.name
        if facts.isCopy {
            throw APIError(
                .objectConflict,
                "MigrationSchedule \(name) is the copy of the source's schedule, which begins nothing "
                    + "here.",
                try: "type it at the source cluster"
            )
        }
        if facts.isSuspended {
            throw APIError(
                .objectConflict,
                "MigrationSchedule \(name) is suspended.",
                try: "godwit resume migrationschedules \(name) \(again)"
            )
        }
    }

    /// Waits until there is the run that is meant, and then for its end.
    private func follow(
        _ key: ObjectKey,
        _ cluster: Cluster,
        _ again: String,
        _ meant: (KubeObject) -> ScheduledRun?
    ) async throws {
        let clock = ContinuousClock()
        let begin = clock.now
        let longest: Duration = .seconds(self.timeout ?? ObjectWait.longest)
        var lines = PhaseLines(console: self.options.console) { Self.phase(of: $0) }
        let waiting = ObjectWait(
            cluster: cluster,
            resource: Self.resource,
            title: MigrationScheduleNoun.title,
            timeout: longest,
            back: "godwit wait migrationschedule \(key.name) \(again)"
        )
        let schedule = try await waiting.object(
            key,
            &lines,
            isFinal: { meant($0) != nil },
            progress: { "it has begun no Migration yet: \(Self.phase(of: $0))" }
        )
        guard let run = meant(schedule) else { return }
        let watch = MigrationWatch(
            cluster: cluster,
            console: self.options.console,
            again: again,
            timeout: max(.seconds(1), longest - (clock.now - begin)),
            view: .line,
            isToCome: true
        )
        try await watch.untilFinal(ObjectKey(key.namespace, run.name))
    }

    private static func phase(of schedule: KubeObject) -> String {
        let open = ScheduleFacts(schedule).runs.last { !$0.isFinal }
        return open.map { "waits for the end of \($0.name)" } ?? "waits for the controller"
    }
}
