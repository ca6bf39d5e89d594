// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser

/// Looks whether everything is there that a migration needs.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks cluster, agent and peers, and says what to do about each finding.",
        discussion: """
            Examples:
              godwit check -n mysql
              godwit check --peer 192.168.56.74 -o json
            Peers are those that the agent sends to, and those of --peer. Agents that are paired are \
            asked to try the way back too.
            """
    )

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("The address of another agent.", valueName: "host[:port]")
    )
    var peer: [String] = []
    @Option(
        help: ArgumentHelp(
            "The agent: its pool directory or its socket.",
            valueName: "dir|socket"
        ),
        completion: .file()
    )
    var agent: String?
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        for peer in self.peer {
            let place = StorageOptions.hostAndPort(peer)
            guard !place.host.isEmpty, Int(place.port).map((1...65_535).contains) == true else {
                throw ValidationError("--peer '\(peer)' is no address: write HOST or HOST:PORT.")
            }
        }
    }

    func run() async throws {
        var findings: [Finding] = []
        do throws(APIError) {
            let cluster = try Cluster(
                kubeconfig: self.options.kubeconfig,
                context: self.options.context,
                namespace: self.options.namespace
            )
            findings += cluster.warnings.map { warning in
                Finding(
                    id: "kubeconfig",
                    area: ClusterChecks.area,
                    result: .warning,
                    message: warning
                )
            }
            findings += await ClusterChecks(cluster: cluster).findings()
            await cluster.close()
        } catch { findings.append(.failed("kubeconfig", ClusterChecks.area, error)) }
        let location = AgentOptions.location(self.agent)
        findings += await AgentChecks(
            location: location,
            isGiven: self.agent != nil,
            peers: self.peer
        )
        .findings()
        let console = self.options.console
        switch console.format {
        case .table: console.raw(Finding.text(of: findings))
        case .wide, .json, .yaml, .name: try console.show(findings)
        }
        let failed = findings.filter { $0.result == .failed }
        guard failed.isEmpty else {
            throw APIError(
                .checkFailed,
                "\(failed.count) of \(findings.count) checks failed.",
                cause: failed.first?.message,
                try: failed.first?.try
            )
        }
    }
}
