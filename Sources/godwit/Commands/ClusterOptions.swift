// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation
import KubernetesClient

/// Which cluster and which namespace is meant; before or after the command.
struct ClusterOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: "The namespace; without it the context's, else default.",
        completion: ClusterCompletions.namespaces
    )
    var namespace: String?
    @Option(
        help: "The kubeconfig; without it those of KUBECONFIG, else ~/.kube/config.",
        completion: .file()
    )
    var kubeconfig: String?
    @Option(help: "The context of the kubeconfig; without it the current one.")
    var context: String?

    @OptionGroup var outputs: OutputOptions

    var console: Console { self.outputs.console }

    func validate() throws {
        try refuseEmpty([
            "--namespace": self.namespace, "--kubeconfig": self.kubeconfig,
            "--context": self.context,
        ])
    }

    /// Runs `body` with a cluster that is let go of afterwards.
    func withCluster(_ body: (Cluster) async throws -> Void) async throws {
        let cluster = try Cluster(
            kubeconfig: self.kubeconfig,
            context: self.context,
            namespace: self.namespace
        )
        for warning in cluster.warnings { self.console.note("warning: \(warning)") }
        do {
            try await body(cluster)
            await cluster.close()
        } catch {
            await cluster.close()
            throw error
        }
    }

    /// What a person types again so that another command means the same cluster and namespace.
    func again(_ namespace: String) -> String {
        var words = ["-n \(namespace)"]
        if let kubeconfig { words.append("--kubeconfig \(kubeconfig)") }
        if let context { words.append("--context \(context)") }
        return words.joined(separator: " ")
    }
}
