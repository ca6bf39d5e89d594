// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import ControlPlane
import KubernetesClient

/// Starts what migrations brought to this cluster.
struct ActivateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activate",
        abstract: "Starts the applications that migrations brought here.",
        discussion: "Example: godwit activate migrations -n mysql",
        subcommands: [ActivateMigrations.self]
    )
}

/// Stops what migrations brought to this cluster.
struct DeactivateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deactivate",
        abstract: "Stops the applications that migrations brought here.",
        discussion: "Example: godwit deactivate migrations -n mysql",
        subcommands: [DeactivateMigrations.self]
    )
}

struct ActivateMigrations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationNoun.word,
        abstract: "Gives the applications of namespaces the replicas that they had.",
        discussion: """
            Examples:
              godwit activate migrations -n mysql
              godwit activate migrations --all-namespaces
            Type it at the destination. Applications that no migration has stopped stay as they are.
            """,
        aliases: MigrationNoun.aliases
    )
    @OptionGroup var place: ActivationOptions

    func run() async throws { try await self.place.run(.activate) }
}

struct DeactivateMigrations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: MigrationNoun.word,
        abstract: "Stops the applications of namespaces; their replicas are remembered.",
        discussion: "Example: godwit deactivate migrations -n mysql",
        aliases: MigrationNoun.aliases
    )
    @OptionGroup var place: ActivationOptions

    func run() async throws { try await self.place.run(.deactivate) }
}

/// Which namespaces are activated or deactivated.
struct ActivationOptions: ParsableArguments {
    @Flag(
        name: [.customShort("a"), .customShort("A"), .long],
        help: "Those of all namespaces but kube-system."
    )
    var allNamespaces = false
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        if self.allNamespaces, self.options.namespace != nil {
            throw ValidationError("--namespace and --all-namespaces do not go together.")
        }
    }

    func run(_ direction: ApplicationActivation.Direction) async throws {
        try await self.options.withCluster { cluster in
            let namespaces = self.allNamespaces ? nil : [cluster.namespace]
            let result = try await cluster.asking { () async throws(ClusterError) in
                try await ApplicationActivation(cluster.client)
                    .run(direction, namespaces: namespaces)
            }
            let console = self.options.console
            for line in result.lines { console.result(line) }
            if result.lines.isEmpty, result.failures.isEmpty {
                if !self.allNamespaces { try await Self.checkThatItExists(cluster) }
                console.result("No resources found.")
            }
            guard let first = result.failures.first else { return }
            for other in result.failures.dropFirst() { console.note(other) }
            throw APIError(
                result.lines.isEmpty ? .clusterFailed : .migrationPartial,
                result.failures.count == 1
                    ? "One of the applications could not be changed."
                    : "\(result.failures.count) of the applications could not be changed.",
                cause: first,
                try: "remove the cause and type the same again: what is done stays done"
            )
        }
    }

    /// A namespace that is misspelt would look like one in which nothing is to be done.
    private static func checkThatItExists(_ cluster: Cluster) async throws(APIError) {
        do throws(APIError) {
            _ = try await cluster.get(CoreResource.namespaces, cluster.namespace, nil)
        } catch {
            // Who may not see namespaces asked for the own one.
            guard error.id == .clusterDenied else { throw error }
        }
    }
}
