// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser

/// Transfers in the queue, at work and in the history.
struct TransferCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transfer",
        abstract: "Shows, limits and cancels transfers.",
        subcommands: [List.self, Show.self, Cancel.self, Limit.self]
    )
}

extension TransferCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists transfers, newest first.",
            discussion: "Example: godwit --agent DIR transfer list -o wide"
        )
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let transfers: ItemList<TransferInfo> = try await agent.get(AgentRoute.transfers)
                try self.options.console.show(transfers.items)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows transfers, or follows them to their end.",
            discussion: "Example: godwit --agent DIR transfer show ID --follow"
        )
        @Argument(help: "The identities of the transfers.", completion: Completions.transfers)
        var ids: [String]
        @Flag(help: "Wait for the end; exit as 'replicate' does.") var follow = false
        @Option(parsing: .unconditional, help: "Seconds to wait; the transfers go on after it.")
        var timeout: Int?
        @OptionGroup var options: AgentOptions

        func validate() throws {
            try checkTimeout(self.timeout)
            guard self.timeout == nil || self.follow else {
                throw ValidationError("--timeout only goes with --follow.")
            }
        }

        func run() async throws {
            try await self.options.withAgent { agent in
                var transfers: [TransferInfo] = []
                for id in self.ids {
                    transfers.append(try await agent.get(AgentRoute.transfer(id)))
                }
                let console = self.options.console
                if self.follow {
                    let watch = TransferWatch(
                        agent: agent,
                        console: console,
                        prefix: self.options.commandPrefix,
                        timeout: self.timeout.map { .seconds($0) }
                    )
                    transfers = try await watch.untilFinal(transfers)
                    try console.show(transfers.map(\.shownReport))
                    try ReplicateCommand.end(transfers, console: console)
                } else if let only = transfers.first, transfers.count == 1 {
                    try console.show(one: only)
                } else {
                    try console.show(transfers)
                }
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Ends a transfer; the destination keeps its base generation.",
            discussion: "Example: godwit --agent DIR transfer cancel ID"
        )
        @Argument(help: "The identity of the transfer.", completion: Completions.openTransfers)
        var id: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let transfer: TransferInfo = try await agent.post(
                    AgentRoute.transfer(self.id, "cancel"),
                    Nothing(),
                    timeout: .seconds(60)
                )
                try self.options.console.show(one: transfer)
            }
        }
    }

    struct Limit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "limit",
            abstract: "Changes the bandwidth of a transfer while it runs.",
            discussion: "Example: godwit --agent DIR transfer limit ID 100MiB/s"
        )
        @Argument(help: "The identity of the transfer.", completion: Completions.openTransfers)
        var id: String
        @Argument(help: "Bytes per second, such as 100MiB/s, or none.") var rate: String
        @OptionGroup var options: AgentOptions

        func validate() throws {
            _ = try parsed { () throws(APIError) in try ByteSize.rate(of: self.rate) }
        }

        func run() async throws {
            let request = TransferLimitRequest(limit: try ByteSize.rate(of: self.rate))
            try await self.options.withAgent { agent in
                let transfer: TransferInfo = try await agent.post(
                    AgentRoute.transfer(self.id, "limit"),
                    request
                )
                try self.options.console.show(one: transfer)
            }
        }
    }
}

/// What happened on this agent.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Lists what happened, newest first.",
        discussion: "Example: godwit --agent DIR events"
    )
    @OptionGroup var options: AgentOptions

    func run() async throws {
        try await self.options.withAgent { agent in
            let events: ItemList<EventInfo> = try await agent.get(AgentRoute.events)
            try self.options.console.show(events.items)
        }
    }
}
