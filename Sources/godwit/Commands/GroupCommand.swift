// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation

/// Volumes that are frozen and shown together.
struct GroupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract:
            "Shows, commits and cancels groups of volumes; 'replicate --together' begins one.",
        subcommands: [List.self, Show.self, Commit.self, Cancel.self]
    )
}

extension GroupCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists groups, newest first.",
            discussion: "Example: godwit --agent DIR group list"
        )
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                try self.options.console.show(try await agent.groups())
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows a group; its volumes are in -o json.",
            discussion: "Example: godwit --agent DIR group show ID -o json"
        )
        @Argument(help: "The identity of the group.") var id: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                try self.options.console.show(one: try await agent.group(self.id))
            }
        }
    }

    struct Commit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "commit",
            abstract: "Shows all volumes of a prepared group at the destination.",
            discussion: "Example: godwit --agent DIR group commit ID"
        )
        @Argument(help: "The identity of the group.") var id: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                try self.options.console.show(one: try await agent.commitGroup(self.id))
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Ends a group; the destination keeps what it shows.",
            discussion: "Example: godwit --agent DIR group cancel ID"
        )
        @Argument(help: "The identity of the group.") var id: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                try self.options.console.show(one: try await agent.cancelGroup(self.id))
            }
        }
    }
}

extension GroupInfo: Listed {
    static var kind: String { "group" }
    var listedName: String { self.id }
    static var columns: [Column<Self>] {
        [
            Column("ID") { $0.id },
            Column("PAIR") { $0.pair },
            Column("STATE") { $0.state.rawValue },
            Column("ATOMIC") { $0.isAtomic ? "yes" : "no" },
            Column("PREPARED") { group in
                "\(group.members.filter(\.isPrepared).count)/\(group.members.count)"
            },
            Column("FROZEN") { shownTime($0.frozen) },
            Column("VOLUMES", wide: true) { $0.members.map(\.volume).joined(separator: ",") },
            Column("ERROR", wide: true) { $0.error.map { "\($0)" } ?? "" },
        ]
    }
}

/// Replicates volumes as one group, from its freeze to where all of them are shown.
struct TogetherRun {
    let agent: AgentClient
    let console: Console
    let prefix: String
    let timeout: Duration?

    /// Ends when the destination shows all volumes, or none of what was sent.
    ///
    /// - Returns: the transfers, ended.
    /// - Throws: `GW3005` on Ctrl-C and `GW3006` at the timeout, with the group cancelled.
    func callAsFunction(
        _ volumes: [String],
        to pair: String,
        limit: UInt64?
    ) async throws -> [TransferInfo] {
        let request = GroupRequest(
            id: Self.identity(),
            pair: pair,
            limit: limit,
            members: volumes.map {
                GroupRequest.Member(volume: $0, transfer: Self.identity())
            }
        )
        let begun = try await self.agent.beginGroup(request)
        if !begun.isAtomic {
            self.console.note(
                "the volumes were written all the time, and frozen one shortly after the other"
            )
        }
        let group: GroupInfo
        do {
            group = try await self.shown(try await self.prepared(begun))
        } catch {
            // Nothing of a group that nobody waits for should be held for days.
            _ = try? await self.agent.cancelGroup(begun.id)
            throw error
        }
        var transfers: [TransferInfo] = []
        for member in group.members {
            transfers.append(try await self.agent.get(AgentRoute.transfer(member.transfer)))
        }
        let watch = TransferWatch(
            agent: self.agent,
            console: self.console,
            prefix: self.prefix,
            timeout: self.timeout
        )
        return try await watch.untilFinal(transfers)
    }

    private func prepared(_ begun: GroupInfo) async throws -> GroupInfo {
        let interrupt = Interrupt()
        defer { interrupt.stop() }
        let clock = ContinuousClock()
        let start = clock.now
        var group = begun
        while group.state == .copying {
            if interrupt.happened {
                throw APIError(.detached, "Stopped; the group was cancelled.", cause: "interrupted")
            }
            if let timeout, clock.now - start >= timeout {
                throw APIError(
                    .waitTimedOut,
                    "Not prepared within \(timeout.components.seconds) s; the group was cancelled."
                )
            }
            let asked = clock.now
            group = try await self.agent.group(begun.id, waitingMilliseconds: 200)
            // A destination that cannot be asked is answered for at once.
            if group.state == .copying { try await clock.sleep(until: asked + TransferWatch.beat) }
        }
        return group
    }

    private func shown(_ prepared: GroupInfo) async throws -> GroupInfo {
        guard prepared.state == .prepared || prepared.state == .committed else {
            throw prepared.error ?? prepared.members.compactMap(\.error).first
                ?? APIError(.transferFailed, "Group \(prepared.id) is \(prepared.state.rawValue).")
        }
        var group = try await self.agent.commitGroup(prepared.id)
        // A reader of a volume that changes in place; the agent itself waits for some seconds.
        while group.state == .committing { group = try await self.agent.commitGroup(group.id) }
        return group
    }

    private static func identity() -> String {
        UUID().uuidString.lowercased().filter { $0 != "-" }
    }
}
