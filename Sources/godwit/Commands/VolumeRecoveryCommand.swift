// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser

// Failover and failback of one volume, by hand.

extension VolumeCommand {
    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "promote",
            abstract: "Makes a replica a volume that applications write to.",
            discussion: """
                Examples:
                  godwit --agent DIR volume promote db --yes
                  godwit --agent DIR volume promote db --generation 41 --yes
                The former owner's transfers are refused from then on. 'volume revert' takes it back.
                """
        )
        @Argument(help: "The name of the replica.", completion: Completions.volumes)
        var name: String
        @Option(parsing: .unconditional, help: "A kept generation; the newest without it.")
        var generation: UInt64?
        @Option(help: "The pair that owns the replica, where several have the name.")
        var owner: String?
        @Option(help: "The snapshot that the generation has to be, 32 hexadecimal digits.")
        var snapshot: String?
        @OptionGroup var options: AgentOptions
        @OptionGroup var confirm: ConfirmOptions

        func validate() throws {
            try refuseEmpty(["--owner": self.owner, "--snapshot": self.snapshot])
        }

        func run() async throws {
            try self.options.console.confirm(
                "Promote replica \(self.name)? Its owner cannot send to it any more.",
                yes: self.confirm.yes
            )
            let request = VolumePromoteRequest(
                owner: self.owner,
                generation: self.generation,
                snapshot: self.snapshot
            )
            try await self.options.withAgent { agent in
                let volume = try await agent.promote(self.name, request)
                let console = self.options.console
                try console.show(one: volume)
                if let path = volume.path { console.note("Applications write to \(path)") }
            }
        }
    }

    struct Revert: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revert",
            abstract: "Makes a promoted volume the replica again that it was.",
            discussion: """
                Example: godwit --agent DIR volume revert db --yes
                What was written since the promotion is lost.
                """
        )
        @Argument(help: "The name of the volume.", completion: Completions.sources)
        var name: String
        @OptionGroup var options: AgentOptions
        @OptionGroup var confirm: ConfirmOptions

        func run() async throws {
            try self.options.console.confirm(
                "Make volume \(self.name) a replica again? What was written since is lost.",
                yes: self.confirm.yes
            )
            try await self.options.withAgent { agent in
                try self.options.console.show(one: try await agent.revert(self.name))
            }
        }
    }

    struct Fence: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fence",
            abstract: "Ends the replication of a volume, so that its promoted copy can come back.",
            discussion: """
                Example: godwit --agent DIR volume fence db --by remote
                Stop what writes the volume first: a fence keeps nobody from its file.
                """
        )
        @Argument(help: "The name of the volume.", completion: Completions.sources)
        var name: String
        @Option(help: "The pair that alone may take the volume over.") var by: String?
        @OptionGroup var options: AgentOptions

        func validate() throws { try refuseEmpty(["--by": self.by]) }

        func run() async throws {
            try await self.options.withAgent { agent in
                let volume = try await agent.fence(self.name, by: self.by)
                try self.options.console.show(one: volume)
            }
        }
    }

    struct Unfence: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unfence",
            abstract: "Lets a fenced volume be replicated again.",
            discussion: "Example: godwit --agent DIR volume unfence db"
        )
        @Argument(help: "The name of the volume.", completion: Completions.sources)
        var name: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                try self.options.console.show(one: try await agent.unfence(self.name))
            }
        }
    }

    struct Clone: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clone",
            abstract: "Makes an independent, writable copy of a generation.",
            discussion: """
                Examples:
                  godwit --agent DIR volume clone db --as db-drill
                  godwit --agent DIR volume clone db --as db-drill --generation 41 --verify
                Replication of the volume goes on. 'volume delete' removes the copy.
                """
        )
        @Argument(help: "The name of the volume.", completion: Completions.volumes)
        var name: String
        @Option(name: .customLong("as"), help: "The name of the copy.") var copy: String
        @Option(
            parsing: .unconditional,
            help: "A kept generation; what a replica shows or a source holds now without it."
        )
        var generation: UInt64?
        @Option(help: "The pair that owns the replica, where several have the name.")
        var owner: String?
        @Flag(help: "Reads every byte of the copy and compares its root before it can be used.")
        var verify = false
        @Flag(help: "Takes what a former source held, although no run has proven it as a replica.")
        var unproven = false
        @OptionGroup var options: AgentOptions

        func validate() throws {
            try refuseEmpty(["--as": self.copy, "--owner": self.owner])
        }

        func run() async throws {
            let request = VolumeCloneRequest(
                as: self.copy,
                owner: self.owner,
                generation: self.generation,
                verify: self.verify,
                unproven: self.unproven ? true : nil
            )
            try await self.options.withAgent { agent in
                let volume = try await agent.clone(self.name, request)
                let console = self.options.console
                try console.show(one: volume)
                if let path = volume.path { console.note("Applications write to \(path)") }
            }
        }
    }
}
