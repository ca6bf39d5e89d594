// SPDX-License-Identifier: Apache-2.0

import KubernetesClient

/// Runs commands on this machine, for an embedded cluster: its Pod objects say what there is, and the
/// machine is where it runs (docs/decisions/0024).
struct LocalCommandRunner: CommandRunner {
    /// Bytes of each output that are kept.
    private static let keptBytes = 64 << 10

    /// Of the commands, besides those that name the pod.
    let variables: [String: String]

    /// Nothing in an embedded cluster ever sets a phase.
    var phases: Set<String> { ["Running", "Pending"] }

    /// Runs a program in a group of processes of its own, which ends with it.
    func run(
        _ arguments: [String],
        in place: CommandPlace
    ) async throws(CommandTrouble) -> CommandEnd {
        var variables = self.variables
        variables["GODWIT_NAMESPACE"] = place.namespace
        variables["GODWIT_POD"] = place.pod
        variables["GODWIT_CONTAINER"] = place.container
        let child = ChildProcess(
            executable: "/usr/bin/env",
            arguments: arguments,
            variables: variables,
            limit: Self.keptBytes,
            excess: .isDropped
        )
        do {
            let output = try await child.run()
            return CommandEnd(
                status: Int(output.status),
                output: String(decoding: output.output, as: UTF8.self)
                    + String(decoding: output.errors, as: UTF8.self)
            )
        } catch is CancellationError {
            throw CommandTrouble("cancelled", isPassing: false)
        } catch { throw CommandTrouble("\(error)") }
    }
}
