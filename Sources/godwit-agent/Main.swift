// SPDX-License-Identifier: Apache-2.0

import Agent
import AgentAPI
import ArgumentParser

/// The agent of one node.
@main
struct GodwitAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "godwit-agent",
        abstract: "Sends and receives the volumes of one pool.",
        discussion: "Example: godwit-agent run --pool /var/lib/godwit",
        version: Release.version,
        subcommands: [Run.self]
    )

    static func main() async {
        do {
            var command = try Self.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as APIError {
            Composition.fail(error)
        } catch { Self.exit(withError: error) }
    }
}

/// Runs until SIGTERM; SIGHUP reads limits and certificates again.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the agent until it is told to stop.",
        discussion: """
            Example: godwit-agent run --pool /var/lib/godwit --config /etc/godwit/agent.yaml
            Every option can be in the file too (examples/agent.yaml); an option wins.
            """
    )
    @Option(
        help: "The directory that the agent owns: volumes, keys, catalogue.",
        completion: .directory
    )
    var pool: String?
    @Option(help: "Where pairs send data to; 0.0.0.0:9010 without it.") var data: String?
    @Option(help: "Where peers reach the API; 0.0.0.0:9001 without it.") var api: String?
    @Option(help: "The configuration file.", completion: .file()) var config: String?

    @Option(
        help: ArgumentHelp("A protocol version to claim, for tests.", visibility: .private)
    )
    var announceProtocol: String?

    func run() async throws {
        let options = self
        let load: @Sendable () throws(APIError) -> AgentConfiguration = { () throws(APIError) in
            try options.configuration()
        }
        let configuration = try load()
        try await Agent.run(configuration, Composition.environment(configuration), reload: load)
    }

    /// Defaults, then the file, then the options.
    private func configuration() throws(APIError) -> AgentConfiguration {
        var configuration = AgentConfiguration()
        if let config {
            configuration = try ConfigurationFile.apply(config, to: configuration)
        }
        if let pool { configuration.pool = pool }
        if let data { configuration.data = try HostPort(data) }
        if let api { configuration.api = try HostPort(api) }
        if let announceProtocol { try configuration.announce(protocol: announceProtocol) }
        return configuration
    }
}
