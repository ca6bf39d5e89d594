// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation
import KubernetesClient
import ObjectModel

/// Writes manifests for other clusters.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Prints the manifest that pairs another cluster with this one.",
        discussion:
            "Example: godwit generate clusterpair -n mysql remotecluster > clusterpair.yaml",
        subcommands: [GenerateClusterPair.self]
    )
}

struct GenerateClusterPair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ClusterPairNoun.word,
        abstract: "Prints the ClusterPair that leads to this cluster.",
        discussion: """
            Examples:
              godwit generate clusterpair remotecluster -n mysql > clusterpair.yaml
              godwit generate clusterpair remotecluster -n mysql -s ip=192.168.56.74,port=9001
            Type it at the destination and apply what it prints at the source. Address, port and token \
            of the storage are those of the agent that --agent names, where one runs; where none does, \
            a place is left to write them. What is printed opens this cluster: keep it to yourself.
            """,
        aliases: ClusterPairNoun.aliases
    )

    @Argument(help: "The name of the pair at the source.") var names: [String] = []
    @Option(
        name: [.short, .customLong("storage-options"), .customLong("storageoptions")],
        parsing: .singleValue,
        help: ArgumentHelp(
            "Options of the storage: ip, port, token, mode. They count more than the agent's.",
            valueName: "k=v,…"
        )
    )
    var storageOptions: [String] = []
    @Option(
        help: ArgumentHelp("Projects of Rancher, from source to destination.", valueName: "k=v,…")
    )
    var projectMappings: String?
    @Option(
        help: ArgumentHelp(
            "The agent of this cluster: its pool directory or its socket.",
            valueName: "dir|socket"
        ),
        completion: .file()
    )
    var agent: String?
    @OptionGroup var options: ClusterOptions

    func run() async throws {
        guard self.names.count == 1, let name = self.names.first else {
            throw APIError(
                .invalidRequest,
                "exactly one name needs to be provided for clusterpair name",
                try: "godwit generate clusterpair --help"
            )
        }
        let given = try PairManifest.options(self.storageOptions.joined(separator: ","))
        let mappings = try PairManifest.options(self.projectMappings ?? "")
        let (config, contextNamespace) = try PairSide.config(
            self.options.kubeconfig,
            self.options.context
        )
        let key = ObjectKey(self.options.namespace ?? contextNamespace, name)
        try checkNames(key)
        var storage = try await StorageOptions.ofAgent(at: AgentOptions.location(self.agent)) ?? [:]
        storage.merge(given) { _, given in given }
        let object = PairManifest.object(
            key,
            config: config,
            options: storage.isEmpty ? [PairManifest.placeholder: ""] : storage,
            projectMappings: mappings
        )
        let template = PairManifest.template(object)
        let console = self.options.console
        switch console.format {
        case .json: console.raw(template.pretty + "\n")
        case .table, .wide, .yaml, .name: console.raw(template.yaml)
        }
        for warning in PairManifest.warnings(config) { console.note("warning: \(warning)") }
        if storage.isEmpty {
            console.note(
                "No agent runs at \(AgentOptions.location(self.agent)): write ip, port and token "
                    + "under spec.options, or name an agent with --agent."
            )
        }
    }
}

/// Refuses what no object may be called, before anything else is done.
func checkNames(_ key: ObjectKey) throws(APIError) {
    guard NameRule.isSubdomain(key.name) else {
        throw APIError(.invalidName, "'\(key.name)' is no name: use \(NameRule.subdomain).")
    }
    try MigrationTargets.checkNamespace(key.namespace)
}
