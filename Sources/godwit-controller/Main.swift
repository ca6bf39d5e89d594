// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser

/// The controllers of one cluster, and on a machine without Kubernetes the cluster too.
@main
struct GodwitController: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "godwit-controller",
        abstract: "Brings ClusterPairs and Migrations to what they ask for.",
        discussion: "Example: godwit-controller run --embedded ./cluster --agent ./pool",
        version: Release.version,
        subcommands: [Run.self, CRDs.self]
    )

    static func main() async {
        do {
            var command = try Self.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as APIError {
            Composition.fail(error)
        } catch { Self.exit(withError: error) }
    }
}
