// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser

/// What belongs to the agent as a whole.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Shows and changes what belongs to the whole agent.",
        subcommands: [Token.self]
    )

    struct Token: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "token",
            abstract: "The token that lets another agent pair with this one.",
            subcommands: [Show.self, Reset.self]
        )
    }
}

extension ClusterCommand.Token {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Prints the token.",
            discussion: "Example: godwit --agent DIR cluster token show"
        )
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let token: TokenInfo = try await agent.get(AgentRoute.token)
                try self.options.console.show(token: token)
            }
        }
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset",
            abstract: "Makes a new token; the old one opens nothing more.",
            discussion: """
                Example: godwit --agent DIR cluster token reset --yes
                Pairs that exist already are not touched.
                """
        )
        @OptionGroup var options: AgentOptions
        @OptionGroup var confirm: ConfirmOptions

        func run() async throws {
            try self.options.console.confirm("Reset the token?", yes: self.confirm.yes)
            try await self.options.withAgent { agent in
                let token: TokenInfo = try await agent.post(AgentRoute.tokenReset, Nothing())
                try self.options.console.show(token: token)
            }
        }
    }
}

extension Console {
    fileprivate func show(token: TokenInfo) throws(APIError) {
        switch self.format {
        case .table, .wide: self.result("Token is \(token.token)")
        case .json, .yaml, .name: try self.show(one: token)
        }
    }
}
