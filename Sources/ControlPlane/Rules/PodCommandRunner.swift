// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import ObjectModel

/// Runs commands in containers, through the subresource `exec` of their pods.
struct PodCommandRunner: CommandRunner {
    let client: KubernetesClient

    var phases: Set<String> { ["Running"] }

    func run(
        _ arguments: [String],
        in place: CommandPlace
    ) async throws(CommandTrouble) -> CommandEnd {
        do {
            let result = try await self.client.run(
                arguments,
                inPod: ObjectKey(place.namespace, place.pod),
                container: place.container
            )
            return CommandEnd(
                status: result.status,
                output: String(decoding: result.output, as: UTF8.self)
            )
        } catch { throw CommandTrouble(error) }
    }
}

extension CommandTrouble {
    /// What gives the right to look at pods and to run commands in them.
    static let roleAdvice =
        "bind the ClusterRole godwit-source-rules in the namespace: deploy/README.md"

    /// Why the server or the node did not run a command.
    init(_ error: ClusterError) {
        switch error.reason {
        case .forbidden:
            self.init(
                "\(error)",
                remedy: Self.roleAdvice,
                isPassing: false
            )
        case .notFound:
            self.init("\(error)", remedy: "the pod is gone; it is looked for again")
        // Such as a container that is not in the pod, or a pod without a node.
        case .badRequest, .invalid, .untrusted, .unauthorized, .credentials, .methodNotAllowed:
            self.init("\(error)", isPassing: false)
        case .alreadyExists, .conflict, .gone, .tooLarge, .notAcceptable, .unsupportedMediaType,
            .tooManyRequests, .timeout, .serviceUnavailable,
            .internalError, .unreachable, .connectionLost, .badAnswer, .cancelled, .unknown:
            self.init("\(error)")
        }
    }
}

/// Runs nothing, and says what to do: for embedded clusters, which run no pods.
struct NoCommandRunner: CommandRunner {
    var phases: Set<String> { ["Running", "Pending"] }

    func run(
        _ arguments: [String],
        in place: CommandPlace
    ) async throws(CommandTrouble) -> CommandEnd {
        throw CommandTrouble(
            "an embedded cluster runs no pods",
            remedy: "start godwit-controller with --run-rules-locally, or remove the rule",
            isPassing: false
        )
    }
}

extension RuleExecution {
    /// What runs the commands of the rules of a cluster.
    func runner(over client: KubernetesClient) -> any CommandRunner {
        switch self {
        case .inPods: PodCommandRunner(client: client)
        case .onThisMachine(let variables): LocalCommandRunner(variables: variables)
        case .nowhere: NoCommandRunner()
        }
    }
}
