// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import BlockTypes
import Foundation

/// Which release this is, and which the agent is.
struct VersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Prints the version of this command and of the agent.",
        discussion: "Example: godwit --agent DIR version -o json"
    )
    @OptionGroup var options: AgentOptions

    func run() async throws {
        let console = self.options.console
        guard self.options.agent != nil else {
            let own = VersionInfo(
                version: Release.version,
                protocolVersion: Release.protocolVersion
            )
            switch console.format {
            case .table, .wide: console.result("godwit \(Release.version)")
            case .json, .yaml, .name: try console.show(one: own)
            }
            return
        }
        try await self.options.withAgent { agent in
            let version: VersionInfo = try await agent.get(AgentRoute.version)
            try console.show(one: version)
        }
    }
}

/// A shell's completions for this command.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Prints the completions for a shell.",
        discussion: """
            Example: godwit completion bash > /etc/bash_completion.d/godwit
            Names of volumes, pairs and transfers are asked of the agent that --agent behind the \
            command names, or GODWIT_AGENT.
            """
    )
    @Argument(
        help: "bash, zsh or fish.",
        completion: .list(CompletionShell.allCases.map(\.rawValue))
    )
    var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: self.shell) else {
            let known = CompletionShell.allCases.map(\.rawValue)
            let meant = Suggestion.nearest(to: self.shell, in: known)
            throw APIError(
                .invalidRequest,
                "There are no completions for '\(self.shell)'.",
                try: meant.map { "did you mean \($0)?" }
                    ?? "use one of: \(known.joined(separator: ", "))"
            )
        }
        Console.write(Godwit.completionScript(for: shell) + "\n", to: .standardOutput)
    }
}
