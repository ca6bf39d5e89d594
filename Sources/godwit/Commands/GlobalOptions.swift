// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation

/// How results are written; every command takes it.
struct OutputOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: "How results are written: table, wide, json, yaml or name."
    )
    var output: OutputFormat = .table

    var console: Console { Console(format: self.output) }
}

/// Which agent is meant; before or after the command.
struct AgentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The pool directory of the agent, or its socket.",
            valueName: "dir|socket"
        ),
        completion: .file()
    )
    var agent: String?

    @OptionGroup var outputs: OutputOptions

    var console: Console { self.outputs.console }

    var location: String { Self.location(self.agent) }

    /// The agent that was given, or the one that is meant where none was.
    static func location(_ agent: String?) -> String {
        if let agent { return agent }
        let given = ProcessInfo.processInfo.environment["GODWIT_AGENT"] ?? ""
        return given.isEmpty ? "/var/lib/godwit" : given
    }

    /// How the person would type this agent again.
    var commandPrefix: String { "godwit --agent \(self.location)" }

    /// Runs `body` with a client that is closed afterwards.
    func withAgent(_ body: (AgentClient) async throws -> Void) async throws {
        try await AgentClient(at: self.location).once(body)
    }
}

/// Destructive commands ask, or want this.
struct ConfirmOptions: ParsableArguments {
    @Flag(help: "Do not ask.")
    var yes = false
}

/// Nothing but that it worked.
struct Nothing: Codable, Sendable {}

/// Parses with the agent's own words for what is wrong.
func parsed<Value>(_ body: () throws(APIError) -> Value) throws -> Value {
    do { return try body() } catch {
        let remedy = error.try.map { remedy in
            let end = remedy.hasSuffix("?") ? "" : "."
            return " \(remedy.prefix(1).uppercased())\(remedy.dropFirst())\(end)"
        }
        throw ValidationError(error.message + (remedy ?? ""))
    }
}

/// Refuses options that were given with nothing in them, as an unset variable of a script leaves them.
func refuseEmpty(_ values: KeyValuePairs<String, String?>) throws {
    for (option, value) in values where value?.isEmpty == true {
        throw ValidationError("\(option) is empty.")
    }
}

/// Refuses a wait that is none.
func checkTimeout(_ seconds: Int?) throws {
    guard let seconds, seconds < 1 else { return }
    throw ValidationError("--timeout \(seconds) is no time to wait: use 1 or more.")
}
