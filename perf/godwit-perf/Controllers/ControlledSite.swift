// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Kinds
import KubernetesClient
import ObjectModel

/// One side: an agent, and an embedded cluster with its controllers, each in a process.
final class ControlledSite {
    let agent: GodwitAgent
    let client: KubernetesClient
    private let controller: ChildProcess
    private let log: String
    private let kubeconfig: String

    /// Starts both, and waits until they are ready.
    init(_ name: String, workers: Int) async throws {
        let side = Side(name)
        let folder = try Scratch.makeFolder(name)
        self.agent = try GodwitAgent(pool: "\(folder)/pool", side: side)
        try self.agent.start()
        self.log = "\(folder)/controller.log"
        self.controller = try side.start(
            Launch(
                [
                    "\(GodwitAgent.folder)/godwit-controller", "run", "--embedded",
                    "\(folder)/cluster", "--agent", "\(folder)/pool", "--workers", "\(workers)",
                ],
                errors: self.log
            )
        )
        self.kubeconfig = "\(folder)/cluster/admin.kubeconfig"
        _ = try await Self.line("controllers ready", 1, in: self.log)
        let environment = ClientEnvironment.live(variables: [:])
        self.client = try KubernetesClient(
            try Kubeconfig.load(path: self.kubeconfig, environment: environment).connection(),
            environment: environment,
            program: "godwit-perf"
        )
    }

    func stop() async throws {
        await self.client.shutdown()
        try self.controller.stop()
        try self.agent.stop()
    }

    /// What a ClusterPair of the other side needs to reach this one.
    func pairSpec() throws -> ClusterPairSpec {
        let said = try self.agent.run(["cluster", "token", "show"])
        guard let token = said.split(whereSeparator: \.isWhitespace).last, token.count == 128 else {
            throw HarnessError("no token in: \(said)")
        }
        let file = try JSON(yaml: String(contentsOfFile: self.kubeconfig, encoding: .utf8))
        return ClusterPairSpec(
            config: ClusterPairSpec.config(ofKubeconfig: file),
            options: [
                "ip": "127.0.0.1", "port": "\(self.agent.apiPort)", "token": String(token),
            ]
        )
    }

    // MARK: What the controller says of itself

    /// The figures of docs/controllers.md, now.
    func statistics() async throws -> [String: Double] {
        let before = Self.lines("statistics", in: self.log).count
        // To the process alone: its children, if there were some, would end.
        kill(self.controller.pid, SIGUSR1)
        let line = try await Self.line("\"statistics\"", before + 1, in: self.log)
        var figures: [String: Double] = [:]
        for (name, value) in try JSON(parsing: line).object ?? [:] {
            if let number = value.string.flatMap({ Double($0) }) { figures[name] = number }
        }
        return figures
    }

    /// Bytes of `VmRSS` (now) or `VmHWM` (the most so far) of the controller.
    func memory(_ field: String) -> Int {
        let path = "/proc/\(self.controller.pid)/status"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first)
            .flatMap { Int($0) }.map { $0 << 10 } ?? 0
    }

    private static func lines(_ text: String, in log: String) -> [String] {
        let all = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return all.split(separator: "\n").map(String.init).filter { $0.contains(text) }
    }

    /// The so many-th line of a log with a text; waits for it, at most a minute.
    private static func line(_ text: String, _ number: Int, in log: String) async throws -> String {
        for _ in 0..<3000 {
            let found = Self.lines(text, in: log)
            if found.count >= number { return found[number - 1] }
            try await Task.sleep(for: .milliseconds(20))
        }
        let all = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        throw HarnessError("no '\(text)' in the log of a controller: \(all.suffix(1000))")
    }
}
