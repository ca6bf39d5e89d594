// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation

/// The command of the person at the keyboard: parses, runs, and ends with a documented code.
@main
enum Main {
    static func main() async {
        let arguments = Arguments.prepared(Array(CommandLine.arguments.dropFirst()))
        let structured = Arguments.wantsJSON(arguments)
        do {
            try Program.current.check(arguments)
            if let wrong = Arguments.unknownSubcommand(arguments, of: Godwit.self) { throw wrong }
            var command = try await Godwit.asyncParseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try Console.checkResults()
        } catch let error as APIError {
            Failure.tell(error, structured: structured)
            Foundation.exit(error.exitCode)
        } catch let error as Reported {
            if structured { Failure.tellStructured(error.error) }
            Foundation.exit(error.error.exitCode)
        } catch {
            let code = Godwit.exitCode(for: error)
            let text = Program.current.named(in: Godwit.fullMessage(for: error))
            if !text.isEmpty {
                Console.write(text + "\n", to: code.isSuccess ? .standardOutput : .standardError)
            }
            if structured, !code.isSuccess {
                Failure.tellStructured(
                    APIError(.invalidRequest, Godwit.message(for: error))
                )
            }
            Foundation.exit(code.rawValue)
        }
    }
}

/// A failure that the command has told already; only the exit code is left.
struct Reported: Error {
    let error: APIError
}

/// The root of every command.
struct Godwit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "godwit",
        abstract: "Moves applications between clusters, and volumes block by block between agents.",
        usage: "godwit [-n NAMESPACE] [--agent DIR|SOCKET] [-o FORMAT] COMMAND …",
        discussion: """
            Examples:
              godwit demo
              godwit migrate mysql --to remotecluster --wait
              godwit get migrations -A
              godwit --agent /var/lib/godwit replicate db --to remote -o json

            Commands about clusters take --kubeconfig, --context and -n, as kubectl does. Commands about \
            agents take --agent: the pool directory or the socket; without it GODWIT_AGENT, else \
            /var/lib/godwit. Called as storkctl, pxctl or kubectl-godwit it takes the same words.

            Exit codes: 0 done · 1 failed · 3 failed in part · 4 not found · 5 conflict · \
            7 timed out waiting · 8 contents differ · 10 agent or peer unreachable · \
            11 not allowed · 64 wrong usage · 78 wrong configuration · 130 interrupted
            """,
        version: Release.version,
        subcommands: [
            GetCommand.self, DescribeCommand.self, CreateCommand.self, ApplyCommand.self,
            DeleteCommand.self, GenerateCommand.self, MigrateCommand.self, WaitCommand.self,
            SuspendCommand.self, ResumeCommand.self, TriggerCommand.self, PerformCommand.self,
            ActivateCommand.self, DeactivateCommand.self, CheckCommand.self, ClusterCommand.self,
            PairCommand.self, VolumeCommand.self,
            ReplicateCommand.self,
            GroupCommand.self, TransferCommand.self, EventsCommand.self, VersionCommand.self,
            CompletionCommand.self, DemoCommand.self,
        ]
    )
}
