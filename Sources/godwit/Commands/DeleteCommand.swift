// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import KubernetesClient
import ObjectModel

/// Deletes objects of a cluster.
struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes pairs, migrations, schedules and policies.",
        discussion: """
            Examples:
              godwit delete migrations mysqlmigration -n mysql
              godwit delete clusterpair remotecluster -n mysql
              godwit delete migrationschedules mysqlmigrationschedule -n mysql
            A migration that still runs is cancelled. What was moved stays where it is. The migrations of \
            a schedule go with it. A policy that a schedule uses is not deleted.
            """,
        subcommands: [
            Delete<ClusterPairNoun>.self, Delete<MigrationNoun>.self,
            Delete<MigrationScheduleNoun>.self, Delete<SchedulePolicyNoun>.self,
            Delete<NamespacedPolicyNoun>.self, Delete<RuleNoun>.self, Delete<FailoverNoun>.self,
            Delete<FailbackNoun>.self, Delete<DrillNoun>.self,
        ]
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
            throw nameIsMissing(Noun.self, for: "delete")
        }
        try await self.options.withCluster { cluster in
            try await cluster.forEach(self.names, self.filter, Noun.self, self.options.console) {
                name throws(APIError) in
                try await Noun.checkDeletion(of: name, in: cluster)
                try await cluster.delete(Noun.resource, name, cluster.namespace)
                self.options.console.result("\(Noun.sentenceName) \(name) deleted successfully")
            }
        }
    }
}

/// A command that acts on objects and was given neither names nor a filter, in the words of storkctl.
func nameIsMissing<Noun: ClusterNoun>(_ noun: Noun.Type, for verb: String) -> APIError {
    APIError(
        .invalidRequest,
        "at least one argument needs to be provided for \(Noun.sentenceName.lowercased()) name",
        try: "godwit \(verb) \(Noun.word) --help"
    )
}

extension Cluster {
    /// Does something to each object of these names or, without any, to all that a filter accepts.
    ///
    /// One that fails does not keep the others.
    ///
    /// - Throws: the first failure.
    func forEach<Noun: ClusterNoun>(
        _ names: [String],
        _ filter: Noun.Filter,
        _ noun: Noun.Type,
        _ console: Console,
        _ body: (String) async throws(APIError) -> Void
    ) async throws(APIError) {
        var names = names
        if names.isEmpty {
            let all = try await self.list(Noun.resource, namespace: self.namespace)
            names = all.items.filter { Noun.owns($0) && filter.accepts($0) }.map(\.name)
            if names.isEmpty { console.result("No resources found.") }
        }
        var failure: APIError?
        for name in names {
            do throws(APIError) { try await body(name) } catch {
                if failure == nil { failure = error } else { console.note(error.message) }
            }
        }
        if let failure { throw failure }
    }
}
