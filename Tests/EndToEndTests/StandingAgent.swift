// SPDX-License-Identifier: Apache-2.0

import Foundation
import ObjectModel

/// The agent of a site, at addresses that stay the same: it can be killed and comes back.
final class StandingAgent {
    private let arguments: [String]
    /// The file of its settings, and what is in it before the bandwidth.
    private let settings: (file: String, text: String)
    private var program: Program

    /// Takes the place of the agent that the site was started with.
    ///
    /// The bandwidth is that of each transfer, such as `1MiB/s`: slow ones can be met while they run.
    init(insteadOf site: Site, bandwidth: String) async throws {
        let ready = try await site.agentProcess.logged("agent ready")
        let pool = "\(site.directory)/pool"
        let former = try? String(contentsOfFile: "\(site.directory)/agent.yaml", encoding: .utf8)
        let control = ready["control"]?.string ?? ""
        let text = (former ?? "").replacing("address: 127.0.0.1:0", with: "address: \(control)")
        self.settings = ("\(site.directory)/standing.yaml", text)
        self.arguments = [
            "run", "--pool", pool, "--config", self.settings.file, "--data",
            ready["data"]?.string ?? "", "--api", ready["api"]?.string ?? "",
        ]
        try Self.write(self.settings, bandwidth)
        site.agentProcess.kill9()
        self.program = try Program("godwit-agent", self.arguments)
        _ = try await self.program.logged("agent ready")
    }

    private static func write(
        _ settings: (file: String, text: String),
        _ bandwidth: String
    ) throws {
        try "\(settings.text)\nlimits:\n  bandwidth: \(bandwidth)\n"
            .write(toFile: settings.file, atomically: true, encoding: .utf8)
    }

    /// Kills it wherever it is, and starts it again; with another bandwidth, where one is given.
    func killAndRestart(bandwidth: String? = nil) async throws {
        self.kill()
        if let bandwidth { try Self.write(self.settings, bandwidth) }
        try await self.restart()
    }

    /// Kills it wherever it is.
    func kill() { self.program.kill9() }

    /// Starts it again after ``kill()``.
    func restart() async throws {
        self.program = try Program("godwit-agent", self.arguments)
        _ = try await self.program.logged("agent ready")
    }
}
