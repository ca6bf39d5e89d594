// SPDX-License-Identifier: Apache-2.0

public import AgentAPI
public import ArgumentParser
import Foundation

extension FullMode: ExpressibleByArgument {}
extension CodecSetting: ExpressibleByArgument {}

/// Brings volumes at a destination to a new generation.
struct ReplicateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate",
        abstract: "Sends what changed in volumes to a pair.",
        discussion: """
            Examples:
              godwit --agent DIR replicate db --to remote
              godwit --agent DIR replicate db logs --to remote --limit 100MiB/s -o json
              godwit --agent DIR replicate db logs --to remote --together
            Ctrl-C stops watching, not the transfers.
            """
    )
    @Argument(help: "The names of the volumes.", completion: Completions.sources)
    var volumes: [String]
    @Option(help: "The pair that receives them.", completion: Completions.destinations)
    var to: String
    @Option(help: "A full transfer: copy ships every byte, verify only what differs.")
    var full: FullMode?
    @Option(
        parsing: .unconditional,
        help: "Bytes per second of each transfer, such as 100MiB/s."
    )
    var limit: String?
    @Option(help: "How chunks are compressed: auto, none, lz4, deflate or zstd.")
    var codec: CodecSetting = .auto
    @Option(parsing: .unconditional, help: "Data connections of each transfer, 1 to 16.")
    var streams: Int?
    @Flag(help: "Let a volume that was made smaller cut its copy.") var allowShrink = false
    @Flag(help: "Freeze the volumes together, and show them together at the destination.")
    var together = false
    @Flag(help: "Do not wait for the end.") var detach = false
    @Option(parsing: .unconditional, help: "Seconds to wait; the transfers go on after it.")
    var timeout: Int?
    @OptionGroup var options: AgentOptions

    func validate() throws {
        try refuseEmpty(["--to": self.to])
        guard !self.volumes.contains("") else { throw ValidationError("A volume's name is empty.") }
        guard Set(self.volumes).count == self.volumes.count else {
            throw ValidationError("A volume is named twice.")
        }
        if let streams, !(1...16).contains(streams) {
            throw ValidationError("--streams \(streams) is out of range: use 1 to 16.")
        }
        try checkTimeout(self.timeout)
        if self.detach, self.timeout != nil {
            throw ValidationError("--timeout does not go with --detach, which waits for nothing.")
        }
        let isPlain = self.full == nil && self.codec == .auto && self.streams == nil
        if self.together, self.detach || self.allowShrink || !isPlain {
            throw ValidationError("With --together only --limit and --timeout can be given.")
        }
        if let limit { _ = try parsed { () throws(APIError) in try ByteSize.rate(of: limit) } }
    }

    func run() async throws {
        let limit = try self.limit.flatMap { try ByteSize.rate(of: $0) }
        let request = ReplicateRequest(
            volumes: self.volumes,
            pair: self.to,
            full: self.full,
            limit: limit,
            codec: self.codec,
            streams: self.streams,
            allowShrink: self.allowShrink
        )
        if self.together { return try await self.runTogether(limit) }
        try await self.options.withAgent { agent in
            let accepted: ItemList<TransferInfo> = try await agent.post(
                AgentRoute.transfers,
                request
            )
            let console = self.options.console
            if self.detach {
                try console.show(accepted.items)
                let ids = accepted.items.map(\.id).joined(separator: " ")
                console.note("Watch: \(self.options.commandPrefix) transfer show \(ids) --follow")
                return
            }
            let watch = TransferWatch(
                agent: agent,
                console: console,
                prefix: self.options.commandPrefix,
                timeout: self.timeout.map { .seconds($0) }
            )
            let ended = try await watch.untilFinal(accepted.items)
            try console.show(ended.map(\.shownReport))
            try Self.end(ended, console: console)
        }
    }

    private func runTogether(_ limit: UInt64?) async throws {
        let console = self.options.console
        try await self.options.withAgent { agent in
            let run = TogetherRun(
                agent: agent,
                console: console,
                prefix: self.options.commandPrefix,
                timeout: self.timeout.map { .seconds($0) }
            )
            let ended = try await run(self.volumes, to: self.to, limit: limit)
            try console.show(ended.map(\.shownReport))
            try Self.end(ended, console: console)
        }
    }

    /// Says what failed and leaves with the code that tells how much.
    static func end(_ transfers: [TransferInfo], console: Console) throws {
        let failures = transfers.filter { $0.state != .succeeded }
        guard let first = failures.first, let error = first.shownReport.error else { return }
        for failure in failures {
            guard let error = failure.shownReport.error else { continue }
            console.note("volume \(failure.volume):")
            Console.write(Failure.text(of: error), to: .standardError)
        }
        guard failures.count == transfers.count else {
            throw Reported(
                error: APIError(
                    .transferPartial,
                    "\(failures.count) of \(transfers.count) volumes failed; the others are done."
                )
            )
        }
        throw Reported(error: error)
    }
}

extension TransferInfo {
    /// The report, or for a transfer that never came that far one that says why.
    var shownReport: TransferReport {
        var report =
            self.report
            ?? TransferReport(volume: self.volume, pair: self.pair, transfer: self.id)
        switch self.state {
        case .succeeded: break
        case .cancelled:
            report.error =
                self.error
                ?? APIError(.transferCancelled, "Transfer \(self.id) was cancelled.")
        case .failed, .queued, .running, .waiting:
            report.error =
                self.error ?? APIError(.transferFailed, "Transfer \(self.id) has not finished.")
        }
        return report
    }
}
