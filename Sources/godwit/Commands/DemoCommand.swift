// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import ArgumentParser
import Foundation

/// The demonstration: two agents and two clusters on this machine, from pairing to a resumed and
/// proven copy, to a namespace that moves, a schedule that keeps it fresh, a failover and a failback.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows replication, a migration, a schedule and a failover on this machine.",
        discussion: """
            Example: godwit demo
            Needs no root and no network but 127.0.0.1; takes about a minute and 2 GiB of disk.
            """
    )
    @Flag(help: "Leave the agents running and print how to use them.") var keep = false
    @Flag(help: "Count surprises in the numbers as failures; for automatic runs.") var ci = false
    @Option(help: "Where the pools and images go; a temporary directory without it.")
    var dir: String?

    func validate() throws { try refuseEmpty(["--dir": self.dir]) }

    func run() async throws {
        let directory = try self.dir.map(VolumeCommand.absolute) ?? Self.temporary()
        let interrupt = Interrupt()
        defer { interrupt.stop() }
        let stage = try DemoStage(directory: directory)
        stage.say("cd \(directory)")
        var demo = Demo(stage: stage, isStrict: self.ci)
        do {
            try await demo.play()
        } catch {
            stage.stopAll()
            if interrupt.happened {
                throw APIError(.detached, "The demonstration was interrupted.")
            }
            throw error
        }
        self.end(stage)
    }

    private func end(_ stage: DemoStage) {
        if self.keep {
            stage.say(
                """

                The agents and the clusters go on. To use them:
                  cd \(stage.directory)
                  godwit --agent source volume list
                  godwit --agent destination volume list -o wide
                  godwit --agent source events
                  godwit --kubeconfig east/admin.kubeconfig -n shop describe migrations
                  kubectl --kubeconfig west/admin.kubeconfig -n shop get all,pvc
                To stop them: kill \(stage.processIdentifiers)
                """
            )
        } else {
            stage.stopAll()
            if self.dir == nil { try? FileManager.default.removeItem(atPath: stage.directory) }
        }
        stage.say(
            """

            Where to read on:
              README.md                 two machines instead of one
              docs/controllers.md       clusters, pairs and migrations
              docs/architecture.md      how it works, and why
              docs/wire-format.md       every byte on port 9010
              godwit --help             every command, with an example
            """
        )
    }

    /// A new directory of this user alone: the pools in it hold keys, and others may write beside it.
    private static func temporary() throws(APIError) -> String {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var path = Array("\(base)/godwit-demo-XXXXXX".utf8CString)
        guard mkdtemp(&path) != nil else {
            throw APIError(
                .failedDemo,
                "No directory can be made in \(base).",
                cause: String(cString: strerror(errno)),
                try: "give another one: --dir DIR"
            )
        }
        return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
