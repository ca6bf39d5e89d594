// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel

/// Makes objects of a cluster.
struct CreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Makes pairs, migrations, schedules and policies.",
        discussion: """
            Examples:
              godwit create migration m1 -c remotecluster --namespaces mysql -n mysql --wait
              godwit create migrationschedule s1 -c remotecluster --namespaces mysql -i 15 -n mysql
              godwit create schedulepolicy nightly -t Daily --time 1:30AM
              godwit create clusterpair remotecluster -n mysql --unidirectional \
            --src-kube-file a.yaml --dest-kube-file b.yaml
            """,
        subcommands: [
            CreateMigration.self, CreateSchedule.self, CreatePolicy<SchedulePolicyNoun>.self,
            CreatePolicy<NamespacedPolicyNoun>.self, CreateClusterPair.self,
        ]
    )
}

struct CreateMigration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationNoun.word,
        abstract: "Begins to move namespaces.",
        discussion: """
            Examples:
              godwit create migration mysqlmigration --cluster-pair remotecluster \
            --namespaces mysql -n mysql
              godwit create migration m2 -c remotecluster --namespaces mysql --dry-run -n mysql
            Other than in a manifest, the applications are started when nothing else is said. \
            Options may be written as storkctl has them too: --clusterPair, --includeResources=false.
            """,
        aliases: MigrationNoun.aliases
    )

    @Argument(help: "The name of the Migration.") var names: [String] = []
    @OptionGroup var moved: MovedOptions
    @Flag(
        name: [.long, .customShort("r")],
        inversion: .prefixedNo,
        help: "Move the objects, not only the volumes."
    )
    var includeResources = true
    @Flag(
        name: [.long, .customShort("a")],
        inversion: .prefixedNo,
        help: "Start the applications at the destination."
    )
    var startApplications = true
    @OptionGroup var details: MigrationOptions
    @Option(
        name: .shortAndLong,
        help: "Create the Migration of this file instead; - for standard input.",
        completion: .file()
    )
    var file: String?
    @Flag(help: "Only check whether it could begin; nothing is created.") var dryRun = false
    @Flag(help: "Wait for its end, and fail where it fails.") var wait = false
    @Option(parsing: .unconditional, help: "Seconds to wait; the migration goes on after it.")
    var timeout: Int?
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        try checkTimeout(self.timeout)
        guard self.timeout == nil || self.wait else {
            throw ValidationError("--timeout only goes with --wait.")
        }
        if self.dryRun, self.wait {
            throw ValidationError("--dry-run creates nothing that --wait could wait for.")
        }
    }

    func run() async throws {
        let console = self.options.console
        // Before anything is asked of a cluster.
        let manifest = try self.file.map { file throws(APIError) in
            try Manifests.single(MigrationNoun.self, at: file)
        }
        let given = manifest == nil ? try self.spec() : nil
        try await self.options.withCluster { cluster in
            let namespace = manifest.map(\.namespace).flatMap { $0.isEmpty ? nil : $0 }
            let key = ObjectKey(
                namespace ?? cluster.namespace,
                manifest?.name ?? self.names.first ?? ""
            )
            let object =
                given.map { MigrationNoun.object(key, $0) } ?? manifest ?? KubeObject(.null)
            try checkNames(key)
            if self.dryRun {
                try await MigrationPreview(cluster: cluster, console: console).check(object)
                return
            }
            try await MigrationTargets(cluster: cluster, console: console)
                .check(MigrationSpec(object["spec"]), in: key.namespace)
            let created = try await cluster.create(MigrationNoun.resource, object, key.namespace)
            // Who waits for an object gets it as it is at its end.
            let isForPeople = !console.format.isStructured
            if isForPeople || !self.wait { console.created(created, as: MigrationNoun.self) }
            guard self.wait else {
                console.note(
                    "Next: godwit get migration \(key.name) \(self.options.again(key.namespace))"
                )
                return
            }
            let waiting = MigrationWatch(
                cluster: cluster,
                console: console,
                again: self.options.again(key.namespace),
                timeout: .seconds(self.timeout ?? ObjectWait.longest),
                view: isForPeople ? .rows : .line
            )
            try await waiting.untilFinal(key)
        }
    }

    /// What the arguments ask for, in the words of storkctl where something is missing.
    private func spec() throws(APIError) -> MigrationSpec {
        func missing(_ text: String) -> APIError {
            APIError(.invalidRequest, text, try: "godwit create migration --help")
        }
        guard self.names.count == 1 else {
            throw missing("exactly one name needs to be provided for migration name")
        }
        var spec = try self.moved.spec(of: "migration", missing)
        spec.includesResources = self.includeResources
        spec.startsApplications = self.startApplications
        try self.details.apply(to: &spec)
        try MigrationTargets.checkNames(of: spec)
        return spec
    }
}
