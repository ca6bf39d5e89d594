// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel

/// Lets namespaces move again and again.
struct CreateSchedule: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationScheduleNoun.word,
        abstract: "Lets namespaces move at the times of a policy.",
        discussion: """
            Examples:
              godwit create migrationschedule mysqlmigrationschedule -c remotecluster \
            --namespaces mysql -s testpolicy -n mysql
              godwit create migrationschedule often -c remotecluster --namespaces mysql -i 15 -n mysql
            With --interval it makes a SchedulePolicy of the schedule's own name too. Applications are \
            not started at the destination: failover or activate does. Nothing is made before all that \
            is named was found.
            """,
        aliases: MigrationScheduleNoun.aliases
    )

    @Argument(help: "The name of the MigrationSchedule.") var names: [String] = []
    @OptionGroup var moved: MovedOptions
    @Option(
        name: [.customShort("s"), .long],
        help: "The policy that says when; without one, default-migration-policy.",
        completion: ClusterCompletions.names(of: SchedulePolicyNoun.self)
    )
    var schedulePolicyName: String?
    @Option(
        name: .shortAndLong,
        parsing: .unconditional,
        help: "Minutes from one run to the next, instead of a policy that is there."
    )
    var interval: Int?
    @Flag(help: "Move the volumes only.") var excludeResources = false
    @Flag(help: "Move the objects only; both sides share the volumes.") var excludeVolumes = false
    @Flag(
        name: [.customShort("a"), .long],
        help: "Start the applications at the destination, so that only the first run succeeds."
    )
    var startApplications = false
    @Flag(help: "Begin nothing before 'godwit resume'.") var suspend = false
    @Flag(help: "Go on when the applications run at the destination.")
    var disableAutoSuspend = false
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Annotations of the schedule and its Migrations.", valueName: "k=v,…")
    )
    var annotations: [String] = []
    @OptionGroup var details: MigrationOptions
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        try refuseEmpty(["--schedule-policy-name": self.schedulePolicyName])
        guard self.interval == nil || self.schedulePolicyName == nil else {
            throw ValidationError("Give --schedule-policy-name or --interval, not both.")
        }
        _ = try parsed { () throws(APIError) in
            try MigrationOptions.labels(self.annotations)
        }
        _ = try parsed { () throws(APIError) in try self.ownPolicy("own") }
    }

    func run() async throws {
        let console = self.options.console
        // Before anything is asked of a cluster.
        let given = try self.spec()
        try await self.options.withCluster { cluster in
            let key = ObjectKey(cluster.namespace, self.names[0])
            try checkNames(key)
            let policy = try self.ownPolicy(key.name)
            let targets = ScheduleTargets(cluster: cluster, console: console)
            let spec = try await targets.checked(given, in: key.namespace)
            if policy == nil {
                try await targets.checkPolicy(self.policyName, in: key.namespace)
            }
            let schedule = try self.object(key, spec)
            let created = try await Self.create(schedule, policy, in: cluster)
            console.created(created, as: MigrationScheduleNoun.self)
            console.note(
                "Next: godwit get migrationschedules \(key.name) -o wide "
                    + self.options.again(key.namespace)
            )
        }
    }

    /// Both or none: the policy of an interval and the schedule that uses it.
    private static func create(
        _ schedule: KubeObject,
        _ policy: KubeObject?,
        in cluster: Cluster
    ) async throws(APIError) -> KubeObject {
        let (schedules, policies) = (MigrationScheduleNoun.resource, SchedulePolicyNoun.resource)
        guard let policy else {
            return try await cluster.create(schedules, schedule, schedule.namespace)
        }
        // That one is there already shows here, and nothing is made.
        _ = try await cluster.create(schedules, schedule, schedule.namespace, isDryRun: true)
        _ = try await cluster.create(policies, policy, nil)
        do { return try await cluster.create(schedules, schedule, schedule.namespace) } catch {
            // Nobody uses it: where it cannot be deleted, the first failure says more.
            try? await cluster.delete(policies, policy.name, nil)
            throw error
        }
    }

    private var policyName: String { self.schedulePolicyName ?? "default-migration-policy" }

    /// The policy of an interval, as storkctl makes it; nil where one is used that is there.
    private func ownPolicy(_ name: String) throws(APIError) -> KubeObject? {
        guard let minutes = self.interval else { return nil }
        let policy: JSON = ["interval": ["intervalMinutes": JSON(minutes), "retain": 10]]
        do { _ = try SchedulePolicy(policy) } catch {
            throw APIError(.invalidRequest, error.description, try: "give 1 minute or more")
        }
        return SchedulePolicyNoun.object(ObjectKey("", name), policy)
    }

    private func object(_ key: ObjectKey, _ spec: MigrationSpec) throws(APIError) -> KubeObject {
        var schedule = KubeObject(
            MigrationScheduleNoun.resource.groupVersionKind,
            key,
            [
                "spec": [
                    "template": ["spec": spec.json],
                    "schedulePolicyName": .string(
                        self.interval == nil ? self.policyName : key.name
                    ),
                    "suspend": .bool(self.suspend), "autoSuspend": .bool(!self.disableAutoSuspend),
                ]
            ]
        )
        let annotations = try MigrationOptions.labels(self.annotations)
        if !annotations.isEmpty { schedule.set(JSON(annotations), at: "metadata", "annotations") }
        return schedule
    }

    /// What the arguments ask for, in the words of storkctl where something is missing.
    private func spec() throws(APIError) -> MigrationSpec {
        func missing(_ text: String) -> APIError {
            APIError(.invalidRequest, text, try: "godwit create migrationschedule --help")
        }
        guard self.names.count == 1 else {
            throw missing("exactly one name needs to be provided for migration schedule name")
        }
        var spec = try self.moved.spec(of: "migration schedule", missing)
        guard self.names[0].utf8.count <= Self.longestName else {
            throw APIError(
                .invalidName,
                "The name of the schedule is too long: its Migrations add a type and a time to it.",
                try: "use at most \(Self.longestName) characters"
            )
        }
        try self.details.apply(to: &spec)
        spec.includesResources = !self.excludeResources
        spec.includesVolumes = spec.includesVolumes && !self.excludeVolumes
        spec.startsApplications = self.startApplications
        try MigrationTargets.checkNames(of: spec)
        return spec
    }

    /// So that `-interval-2006-01-02-150405` still fits behind it.
    private static let longestName = 253 - 27
}
