// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import KubernetesClient
import ObjectModel

/// Lists what is in a cluster.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Lists pairs, migrations, schedules, policies and failovers of a cluster.",
        discussion: """
            Examples:
              godwit get clusterpair -n mysql
              godwit get migrations -A -o wide
              godwit get migration mysqlmigration -n mysql --watch
              godwit get migrationschedules -n mysql -o wide
            """,
        subcommands: [
            Get<ClusterPairNoun>.self, Get<MigrationNoun>.self, Get<MigrationScheduleNoun>.self,
            Get<SchedulePolicyNoun>.self, Get<NamespacedPolicyNoun>.self, Get<RuleNoun>.self,
            Get<FailoverNoun>.self, Get<FailbackNoun>.self, Get<DrillNoun>.self,
            Get<RecoveryPointNoun>.self,
        ]
    )
}

struct Get<Noun: ClusterNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Noun.word,
            abstract: "Lists objects of the kind \(Noun.title).",
            discussion: """
                Examples:
                  godwit get \(Noun.word)
                  godwit get \(Noun.word) \(Noun.example) -o yaml
                """,
            aliases: Noun.aliases
        )
    }

    @Argument(
        help: "Their names; without any, all of them.",
        completion: ClusterCompletions.names(of: Noun.self)
    )
    var names: [String] = []
    @OptionGroup var filter: Noun.Filter
    @Flag(name: [.customShort("A"), .long], help: "Those of all namespaces.")
    var allNamespaces = false
    @Flag(name: .shortAndLong, help: "Then print each that changes, until Ctrl-C.")
    var watch = false
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        if self.allNamespaces, !self.names.isEmpty {
            throw ValidationError("Names and --all-namespaces do not go together: use -n.")
        }
        if self.allNamespaces, self.options.namespace != nil {
            throw ValidationError("--namespace and --all-namespaces do not go together.")
        }
    }

    func run() async throws {
        try await self.options.withCluster { cluster in
            let place = self.allNamespaces ? nil : cluster.namespace
            var text = ObjectText<Noun>(
                format: self.options.console.format,
                showsNamespace: self.allNamespaces
            )
            let found = try await self.find(cluster, place)
            // Of a name that nothing has, the error says enough.
            let isEmpty = found.objects.isEmpty
            if !isEmpty || !self.watch && found.missing == nil {
                self.options.console.raw(text.list(found.objects, now: .now))
            }
            if let missing = found.missing { throw missing }
            guard let list = found.list else { return }
            let console = self.options.console
            try await cluster.watch(
                Noun.resource,
                namespace: place,
                after: list,
                trouble: { console.note("\($0.message); trying again") },
                { object in
                    guard self.wants(object) else { return }
                    console.raw(text.row(object, now: .now))
                }
            )
        }
    }

    private struct Found {
        var objects: [KubeObject] = []
        /// Where watching goes on; nil where nothing is to be watched.
        var list: ObjectList?
        /// The first name that nothing has.
        var missing: APIError?
    }

    private func wants(_ object: KubeObject) -> Bool {
        Noun.owns(object) && self.filter.accepts(object)
            && (self.names.isEmpty || self.names.contains(object.name))
    }

    /// Several names are asked one by one: who may see these need not be allowed to list all.
    private func find(_ cluster: Cluster, _ namespace: String?) async throws(APIError) -> Found {
        var found = Found()
        if self.names.isEmpty || self.watch {
            let list = try await cluster.list(Noun.resource, namespace: namespace)
            found.objects = list.items.filter(self.wants)
            if self.watch { found.list = list }
            let names = Set(found.objects.map(\.name))
            if let missing = self.names.first(where: { !names.contains($0) }) {
                found.missing = Cluster.notFound(Noun.resource, missing)
            }
            return found
        }
        for name in self.names {
            do throws(APIError) {
                let object = try await Noun.get(name, namespace, in: cluster)
                if self.filter.accepts(object) { found.objects.append(object) }
            } catch {
                guard error.id == .objectNotFound else { throw error }
                if found.missing == nil { found.missing = error }
            }
        }
        return found
    }
}
