// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import KubernetesClient
import ObjectModel

/// Deletes objects of a cluster.
struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes pairs and migrations.",
        discussion: """
            Examples:
              godwit delete migrations mysqlmigration -n mysql
              godwit delete clusterpair remotecluster -n mysql
            A migration that still runs is cancelled. What was moved stays where it is.
            """,
        subcommands: [Delete<ClusterPairNoun>.self, Delete<MigrationNoun>.self]
    )
}

struct Delete<Noun: ClusterNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Noun.word,
            abstract: "Deletes objects of the kind \(Noun.title).",
            discussion: "Example: godwit delete \(Noun.word) \(Noun.example) -n mysql",
            aliases: Noun.aliases
        )
    }

    @Argument(help: "Their names.", completion: ClusterCompletions.names(of: Noun.self))
    var names: [String] = []
    @OptionGroup var filter: Noun.Filter
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        guard self.names.isEmpty || !self.filter.isSet else {
            throw ValidationError("Give names or --cluster-pair, not both.")
        }
    }

    func run() async throws {
        guard !self.names.isEmpty || self.filter.isSet else {
            throw APIError(
                .invalidRequest,
                "at least one argument needs to be provided for \(Noun.title.lowercased()) name",
                try: "godwit delete \(Noun.word) --help"
            )
        }
        try await self.options.withCluster { cluster in
            var names = self.names
            if names.isEmpty {
                let all = try await cluster.list(Noun.resource, namespace: cluster.namespace)
                names = all.items.filter(self.filter.accepts).map(\.name)
                if names.isEmpty { self.options.console.result("No resources found.") }
            }
            var failure: APIError?
            // One that is missing does not keep the others.
            for name in names {
                do throws(APIError) {
                    try await cluster.delete(Noun.resource, name, cluster.namespace)
                    self.options.console.result("\(Noun.title) \(name) deleted successfully")
                } catch {
                    if failure == nil { failure = error }
                }
            }
            if let failure { throw failure }
        }
    }
}
