// SPDX-License-Identifier: Apache-2.0

public import AgentAPI
public import ArgumentParser
import Foundation

/// Whom this agent sends to, and who sends to it.
struct PairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pair",
        abstract: "Pairs with other agents and revokes pairs.",
        subcommands: [Create.self, List.self, Show.self, Limit.self, Delete.self]
    )
}

extension PairMode: ExpressibleByArgument {}

extension PairCommand {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Pairs with a destination.",
            discussion: """
                Example: godwit --agent B cluster token show |
                           godwit --agent A pair create remote --ip 192.168.56.74 --token -
                """
        )
        @Argument(help: "The name that the pair gets here.") var name: String
        @Option(help: "The address of the destination agent.") var ip: String
        @Option(parsing: .unconditional, help: "The port of its API.") var port: Int = 9001
        @Option(
            help: ArgumentHelp(
                "Where the destination's token is read: - for standard input, or @FILE.",
                valueName: "-|@file"
            )
        )
        var token: String
        @Option(help: "Migration: every 7th transfer is full. DisasterRecovery: none is.")
        var mode: PairMode = .migration
        @OptionGroup var options: AgentOptions

        func validate() throws {
            try refuseEmpty(["--ip": self.ip])
            guard self.token != "@" else {
                throw ValidationError("--token @ names no file: write @FILE.")
            }
            guard (1...65_535).contains(self.port) else {
                throw ValidationError("--port \(self.port) is not a port: use 1 to 65535.")
            }
            guard self.token == "-" || self.token.hasPrefix("@") else {
                throw ValidationError(
                    "--token takes '-' (standard input) or @FILE, never the token itself: "
                        + "every user of this machine can read the arguments of a process."
                )
            }
        }

        func run() async throws {
            let token = try TokenInput.read(self.token, isTerminal: isatty(0) == 1)
            try await self.options.withAgent { agent in
                let request = PairCreateRequest(
                    name: self.name,
                    ip: self.ip,
                    port: self.port,
                    token: token,
                    mode: self.mode
                )
                let pair: PairInfo = try await agent.post(
                    AgentRoute.pairs,
                    request,
                    timeout: .seconds(60)
                )
                let console = self.options.console
                try console.show(one: pair)
                let prefix = self.options.commandPrefix
                console.note("Next: \(prefix) replicate VOLUME --to \(pair.name)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists the pairs of this agent.",
            discussion: "Example: godwit --agent DIR pair list -o wide"
        )
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let pairs: ItemList<PairInfo> = try await agent.get(AgentRoute.pairs)
                try self.options.console.show(pairs.items)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows one pair.",
            discussion: "Example: godwit --agent DIR pair show remote"
        )
        @Argument(help: "The name of the pair.", completion: Completions.pairs)
        var name: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let pair: PairInfo = try await agent.get(AgentRoute.pair(self.name))
                try self.options.console.show(one: pair)
            }
        }
    }

    struct Limit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "limit",
            abstract: "Changes the bandwidth that the transfers to a pair share.",
            discussion: """
                Example: godwit --agent DIR pair limit remote 100MiB/s
                Each transfer gets as much as each other; those that run follow at once. \
                Typed at the source.
                """
        )
        @Argument(help: "The name of the pair.", completion: Completions.pairs)
        var name: String
        @Argument(help: "Bytes per second, such as 100MiB/s, or none.") var rate: String
        @OptionGroup var options: AgentOptions

        func validate() throws {
            _ = try parsed { () throws(APIError) in try ByteSize.rate(of: self.rate) }
        }

        func run() async throws {
            let request = PairLimitRequest(limit: try ByteSize.rate(of: self.rate))
            try await self.options.withAgent { agent in
                let pair: PairInfo = try await agent.post(
                    AgentRoute.pair(self.name, "limit"),
                    request
                )
                try self.options.console.show(one: pair)
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Revokes a pair at once.",
            discussion: """
                Example: godwit --agent DIR pair delete remote --yes
                On the source it forgets the destination; on the destination its certificate \
                opens nothing more. Volumes stay on both sides.
                """
        )
        @Argument(help: "The name of the pair.", completion: Completions.pairs)
        var name: String
        @OptionGroup var options: AgentOptions
        @OptionGroup var confirm: ConfirmOptions

        func run() async throws {
            try self.options.console.confirm("Revoke pair \(self.name)?", yes: self.confirm.yes)
            try await self.options.withAgent { agent in
                let pair: PairInfo = try await agent.delete(AgentRoute.pair(self.name))
                self.options.console.note("pair/\(pair.name) revoked")
            }
        }
    }
}

/// Reads a token without it ever being an argument or on the screen.
enum TokenInput {
    /// Far above the longest line that holds a token.
    private static let limit = 4096

    static func read(_ source: String, isTerminal: Bool) throws(APIError) -> String {
        let text: String
        if source == "-" {
            text = isTerminal ? HiddenInput.line(after: "Token: ") : Self.standardInput()
        } else {
            let path = String(source.dropFirst())
            guard let handle = FileHandle(forReadingAtPath: path),
                let data = try? handle.read(upToCount: Self.limit)
            else {
                throw APIError(
                    .fileNotReadable,
                    "The token file \(path) cannot be read.",
                    try: "check the path and its permissions"
                )
            }
            text = String(decoding: data, as: UTF8.self)
        }
        return try Self.token(in: text)
    }

    /// The token in what `cluster token show` printed, or alone.
    static func token(in text: String) throws(APIError) -> String {
        let word = text.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
        guard word.utf8.count == 128, word.allSatisfy(\.isHexDigit) else {
            throw APIError(
                .invalidRequest,
                "What was read is not a token.",
                cause:
                    "a token is 128 hexadecimal digits; the last word has "
                    + "\(word.utf8.count) characters",
                try: "godwit --agent DESTINATION cluster token show"
            )
        }
        return word.lowercased()
    }

    private static func standardInput() -> String {
        let data = try? FileHandle.standardInput.read(upToCount: Self.limit)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }
}
