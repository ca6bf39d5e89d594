// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation

/// The volumes of one agent.
struct VolumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Makes, shows, exports and proves volumes.",
        subcommands: [
            Create.self, List.self, Show.self, Snapshot.self, Delete.self, Export.self,
            Verify.self, Promote.self, Revert.self, Fence.self, Unfence.self, Clone.self,
        ]
    )

    /// Copies and proofs read whole volumes: an hour is 3.6 TiB at 1 GiB/s.
    static let longWait: Duration = .seconds(3600)

    /// A path as the agent can find it: its working directory is not ours.
    static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }
}

extension VolumeCommand {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Makes a volume.",
            discussion: """
                Examples:
                  godwit --agent DIR volume create db --size 10GiB
                  godwit --agent DIR volume create db --from db.img
                  godwit --agent DIR volume create db --attach /dev/vg0/db-snapshot --frozen
                """
        )
        @Argument(help: "The name of the volume.") var name: String
        // Unconditional, here and elsewhere: "-5" is a wrong value, not an option that follows.
        @Option(
            parsing: .unconditional,
            help: "Makes an empty volume of this size, such as 10GiB."
        )
        var size: String?
        @Option(help: "Copies this image into the pool.", completion: .file()) var from: String?
        @Option(
            help: "Uses this file or block device where it lies, without a copy.",
            completion: .file()
        )
        var attach: String?
        @Flag(help: "With --attach: nothing writes to it, so it needs no snapshot.")
        var frozen = false
        @OptionGroup var options: AgentOptions

        func validate() throws {
            try refuseEmpty(["--from": self.from, "--attach": self.attach])
            let origins = [self.size, self.from, self.attach].compactMap(\.self).count
            guard origins == 1 else {
                throw ValidationError(
                    "Give exactly one of --size SIZE, --from IMAGE and --attach PATH."
                )
            }
            if self.frozen, self.attach == nil {
                throw ValidationError("--frozen only goes with --attach PATH.")
            }
            if let size { _ = try parsed { () throws(APIError) in try ByteSize.bytes(of: size) } }
        }

        func run() async throws {
            let bytes = try self.size.map { try ByteSize.bytes(of: $0) }
            let request = VolumeCreateRequest(
                name: self.name,
                sizeBytes: bytes,
                from: self.from.map(VolumeCommand.absolute),
                attach: self.attach.map(VolumeCommand.absolute),
                frozen: self.frozen
            )
            try await self.options.withAgent { agent in
                let volume: VolumeInfo = try await agent.post(
                    AgentRoute.volumes,
                    request,
                    timeout: VolumeCommand.longWait
                )
                let console = self.options.console
                try console.show(one: volume)
                if let path = volume.path { console.note("Applications write to \(path)") }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists the volumes of this agent.",
            discussion: "Example: godwit --agent DIR volume list -o wide"
        )
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let volumes: ItemList<VolumeInfo> = try await agent.get(AgentRoute.volumes)
                try self.options.console.show(volumes.items)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows one volume with its generations.",
            discussion: "Example: godwit --agent DIR volume show db -o json"
        )
        @Argument(help: "The name of the volume.", completion: Completions.volumes)
        var name: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let volume: VolumeInfo = try await agent.get(AgentRoute.volume(self.name))
                try self.options.console.show(one: volume)
            }
        }
    }

    struct Snapshot: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "snapshot",
            abstract: "Freezes the volume as its next generation.",
            discussion: """
                Example: godwit --agent DIR volume snapshot db
                'replicate' makes its own snapshot; this one can be exported and verified, and \
                is kept until the volume is deleted.
                """
        )
        @Argument(help: "The name of the volume.", completion: Completions.sources)
        var name: String
        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await self.options.withAgent { agent in
                let volume: VolumeInfo = try await agent.post(
                    AgentRoute.volume(self.name, "snapshot"),
                    Nothing(),
                    timeout: VolumeCommand.longWait
                )
                try self.options.console.show(one: volume)
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Deletes a volume with all its generations.",
            discussion: """
                Example: godwit --agent DIR volume delete db --yes
                An attached file or device stays; only what the pool holds of it goes.
                """
        )
        @Argument(help: "The name of the volume.", completion: Completions.volumes)
        var name: String
        @OptionGroup var options: AgentOptions
        @OptionGroup var confirm: ConfirmOptions

        func run() async throws {
            try self.options.console.confirm(
                "Delete volume \(self.name) with all its generations?",
                yes: self.confirm.yes
            )
            try await self.options.withAgent { agent in
                let volume: VolumeInfo = try await agent.delete(AgentRoute.volume(self.name))
                self.options.console.note("volume/\(volume.name) deleted")
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Writes a generation to a new file.",
            discussion: "Example: godwit --agent DIR volume export db --to db.img"
        )
        @Argument(help: "The name of the volume.", completion: Completions.volumes)
        var name: String
        @Option(parsing: .unconditional, help: "The generation; the newest without it.")
        var generation: UInt64?
        @Option(help: "The file to make; it must not exist.", completion: .file()) var to: String
        @OptionGroup var options: AgentOptions

        func validate() throws { try refuseEmpty(["--to": self.to]) }

        func run() async throws {
            let request = VolumeExportRequest(
                generation: self.generation,
                to: VolumeCommand.absolute(self.to)
            )
            try await self.options.withAgent { agent in
                let result: VolumeExportResult = try await agent.post(
                    AgentRoute.volume(self.name, "export"),
                    request,
                    timeout: VolumeCommand.longWait
                )
                try self.options.console.show(one: result)
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Reads every byte again and compares the roots.",
            discussion: """
                Example: godwit --agent DIR volume verify db --against remote
                Exit code 8 when the contents differ.
                """
        )
        @Argument(help: "The name of the volume.", completion: Completions.volumes)
        var name: String
        @Option(
            help: "The pair whose copy is read again too.",
            completion: Completions.destinations
        )
        var against: String?
        @OptionGroup var options: AgentOptions

        func validate() throws { try refuseEmpty(["--against": self.against]) }

        func run() async throws {
            try await self.options.withAgent { agent in
                let result: VolumeVerifyResult = try await agent.post(
                    AgentRoute.volume(self.name, "verify"),
                    VolumeVerifyRequest(against: self.against),
                    timeout: VolumeCommand.longWait
                )
                try self.options.console.show(one: result)
                guard result.equal else { throw Self.different(result) }
            }
        }

        private static func different(_ result: VolumeVerifyResult) -> APIError {
            let place = result.pair.map { "here and at pair \($0)" } ?? "now and when recorded"
            return APIError(
                .contentsDiffer,
                "Generation \(result.generation) of volume \(result.volume) differs \(place).",
                cause: "the root digests are not equal",
                try: "godwit replicate \(result.volume) --to PAIR --full verify"
            )
        }
    }
}
