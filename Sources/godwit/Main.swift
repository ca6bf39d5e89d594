// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation

/// The command of the person at the keyboard: parses, runs, and ends with a documented code.
@main
enum Main {
    static func main() async {
        let arguments = Arguments.globalsLast(Array(CommandLine.arguments.dropFirst()))
        let structured = Arguments.wantsJSON(arguments)
        do {
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
            if structured, !code.isSuccess {
                Console.write(Godwit.fullMessage(for: error) + "\n", to: .standardError)
                Failure.tellStructured(
                    APIError(.invalidRequest, Godwit.message(for: error))
                )
                Foundation.exit(code.rawValue)
            }
            Godwit.exit(withError: error)
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
        abstract: "Replicates volumes block by block between paired agents.",
        usage: "godwit [--agent DIR|SOCKET] [-o FORMAT] COMMAND …",
        discussion: """
            Examples:
              godwit demo
              godwit --agent /var/lib/godwit volume create db --size 10GiB
              godwit --agent /var/lib/godwit replicate db --to remote -o json

            Every command talks to the agent of one pool: --agent names the pool directory or \
            its socket; without it GODWIT_AGENT, else /var/lib/godwit.

            Exit codes: 0 done · 1 failed · 3 failed in part · 4 not found · 5 conflict · \
            7 timed out waiting · 8 contents differ · 10 agent or peer unreachable · \
            11 not allowed · 64 wrong usage · 78 wrong configuration · 130 interrupted
            """,
        version: Release.version,
        subcommands: [
            ClusterCommand.self, PairCommand.self, VolumeCommand.self, ReplicateCommand.self,
            TransferCommand.self, EventsCommand.self, VersionCommand.self,
            CompletionCommand.self, DemoCommand.self,
        ]
    )
}
