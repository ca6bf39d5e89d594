// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The demonstration: two agents on this machine, from pairing to a resumed and proven copy.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Shows a whole replication on this machine.",
        discussion: """
            Example: godwit demo
            Needs no root and no network but 127.0.0.1; takes about a minute.
            """)
    @Flag(help: "Leave the agents running and print how to use them.") var keep = false
    @Flag(help: "Stop at the first surprise, with exit code 1; for automatic runs.") var ci = false
    @Option(help: "Where the pools and images go; a temporary directory without it.")
    var dir: String?

    func run() async throws {}
}
