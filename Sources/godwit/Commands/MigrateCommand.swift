// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Kinds
import ObjectModel

/// Moves namespaces in one line.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Moves namespaces to a paired cluster.",
        discussion: """
            Examples:
              godwit migrate mysql --to remotecluster --wait
              godwit migrate mysql wordpress --to remotecluster --no-start -n kube-system
            It makes a Migration with a name of its own, in the namespace that moves; for several, \
            and for another one, in that of -n, which must be the admin namespace. Ctrl-C stops \
            watching, not the migration.
            """
    )

    @Argument(help: "The namespaces that move.", completion: ClusterCompletions.namespaces)
    var namespaces: [String]
    @Option(
        help: "The ClusterPair that leads to the destination.",
        completion: ClusterCompletions.names(of: ClusterPairNoun.self)
    )
    var to: String
    @Flag(help: "Do not start the applications there.") var noStart = false
    @Flag(help: "Move the volumes only.") var volumesOnly = false
    @OptionGroup var details: MigrationOptions
    @Flag(help: "Wait for its end, and fail where it fails.") var wait = false
    @Option(parsing: .unconditional, help: "Seconds to wait; the migration goes on after it.")
    var timeout: Int?
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        try refuseEmpty(["--to": self.to])
        try checkTimeout(self.timeout)
        guard self.timeout == nil || self.wait else {
            throw ValidationError("--timeout only goes with --wait.")
        }
        guard !self.namespaces.contains("") else {
            throw ValidationError("A namespace's name is empty.")
        }
    }

    func run() async throws {
        var spec = MigrationSpec()
        spec.clusterPair = self.to
        spec.namespaces = self.namespaces
        spec.includesResources = !self.volumesOnly
        spec.startsApplications = !self.noStart
        try self.details.apply(to: &spec)
        try MigrationTargets.checkNames(of: spec)
        var generator = SystemRandomNumberGenerator()
        let name = MigrationNoun.name(of: self.namespaces, using: &generator)
        let home = try self.home()
        let console = self.options.console
        try await self.options.withCluster { [spec] cluster in
            let key = ObjectKey(home, name)
            try checkNames(key)
            try await MigrationTargets(cluster: cluster, console: console).check(spec, in: home)
            let object = MigrationNoun.object(key, spec)
            _ = try await cluster.create(MigrationNoun.resource, object, home)
            let again = self.options.again(home)
            console.note("\(MigrationNoun.qualifiedName(of: object)) created")
            guard self.wait else {
                console.result(name)
                console.note("Watch: godwit wait migration \(name) \(again)")
                return
            }
            let waiting = MigrationWatch(
                cluster: cluster,
                console: console,
                again: again,
                timeout: .seconds(self.timeout ?? ObjectWait.longest),
                view: .line
            )
            try await waiting.untilFinal(key)
        }
    }

    /// Where the Migration is made: it may move only its own namespace, unless that is the admin's.
    private func home() throws(APIError) -> String {
        if let namespace = self.options.namespace { return namespace }
        if self.namespaces.count == 1 { return self.namespaces[0] }
        throw APIError(
            .invalidRequest,
            "Several namespaces only move together from the admin namespace.",
            try: "add -n kube-system, or the admin namespace that your cluster has"
        )
    }
}
