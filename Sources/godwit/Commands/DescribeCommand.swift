// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import KubernetesClient
import ObjectModel

/// Shows everything about an object, with its events.
struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Shows objects with what happened to them.",
        discussion: """
            Examples:
              godwit describe migration mysqlmigration -n mysql
              godwit describe clusterpair remotecluster -n mysql
              godwit describe migrationschedule mysqlmigrationschedule -n mysql
            Tokens, passwords and keys are not shown; 'get -o yaml' has them.
            """,
        subcommands: [
            Describe<ClusterPairNoun>.self, Describe<MigrationNoun>.self,
            Describe<MigrationScheduleNoun>.self, Describe<SchedulePolicyNoun>.self,
            Describe<NamespacedPolicyNoun>.self, Describe<RuleNoun>.self,
            Describe<FailoverNoun>.self, Describe<FailbackNoun>.self, Describe<DrillNoun>.self,
            Describe<RecoveryPointNoun>.self,
        ]
    )
}

struct Describe<Noun: ClusterNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Noun.word,
            abstract: "Shows objects of the kind \(Noun.title) with their events.",
            discussion: "Example: godwit describe \(Noun.word) \(Noun.example)",
            aliases: Noun.aliases
        )
    }

    @Argument(
        help: "Their names; without any, all of them.",
        completion: ClusterCompletions.names(of: Noun.self)
    )
    var names: [String] = []
    @OptionGroup var options: ClusterOptions

    func run() async throws {
        try await self.options.withCluster { cluster in
            var objects: [KubeObject] = []
            for name in self.names {
                objects.append(try await Noun.get(name, cluster.namespace, in: cluster))
            }
            if self.names.isEmpty {
                objects = try await cluster.list(Noun.resource, namespace: cluster.namespace).items
                    .filter(Noun.owns)
            }
            guard self.options.console.format != .json, self.options.console.format != .yaml else {
                var text = ObjectText<Noun>(format: self.options.console.format)
                self.options.console.raw(text.list(objects, now: .now))
                return
            }
            if objects.isEmpty { self.options.console.result("No resources found.") }
            for (index, object) in objects.enumerated() {
                if index > 0 { self.options.console.result("\n") }
                let events = try await cluster.events(of: object)
                self.options.console.raw(Description.text(of: object, events: events, now: .now))
            }
        }
    }
}
