// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import KubernetesClient
import ObjectModel
import TestSupport

extension Site {
    /// What a site is made of, started in its order.
    struct Parts {
        let real: RealCluster?
        let arguments: [String]
        let agent: Program
        let agentPort: Int
        let controller: Program
        let client: KubernetesClient

        init(
            _ directory: String,
            _ given: TestCluster?,
            _ way: AgentWay,
            _ more: (arguments: [String], variables: [String: String])
        ) async throws {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
            let authority = way == .network ? try ControlAuthority("own", in: directory) : nil
            let place: [String]
            (self.agent, self.agentPort, place) = try await Self.agent(directory, authority)
            guard let given else {
                self.real = nil
                self.arguments =
                    ["run", "--embedded", "\(directory)/cluster"] + place + more.arguments
                self.controller = try Program(
                    "godwit-controller",
                    self.arguments,
                    more.variables
                )
                self.client = try await Self.client(of: self.controller)
                return
            }
            self.client = try Self.client(kubeconfig: given.kubeconfig(of: .admin))
            let real = try await RealCluster.ready(given, self.client)
            self.real = real
            self.arguments =
                [
                    "run", "--kubeconfig", real.controllerKubeconfig,
                    "--lease-namespace", RealCluster.system,
                    "--lease-duration", "\(RealCluster.leaseSeconds)",
                ] + place + more.arguments
            self.controller = try Program("godwit-controller", self.arguments, more.variables)
            _ = try await self.controller.logged("controllers ready")
        }

        /// Starts an agent; the port of its API, and how the controllers are told where it is.
        private static func agent(
            _ directory: String,
            _ authority: ControlAuthority?
        ) async throws -> (Program, Int, [String]) {
            let pool = "\(directory)/pool"
            var arguments = [
                "run", "--pool", pool, "--data", "127.0.0.1:0", "--api", "127.0.0.1:0",
            ]
            if let authority {
                let own = try authority.certify("agent-tls", for: ControlCredentials.agentName)
                let file = "\(directory)/agent.yaml"
                try "control:\n  address: 127.0.0.1:0\n  tls: \(own)\n"
                    .write(toFile: file, atomically: true, encoding: .utf8)
                arguments += ["--config", file]
            }
            let agent = try Program("godwit-agent", arguments)
            let ready = try await agent.logged("agent ready")
            let port = Int(ready["api"]?.string?.split(separator: ":").last ?? "") ?? 0
            guard let authority else { return (agent, port, ["--agent", pool]) }
            let name = ControlCredentials.controllerName
            let control = ready["control"]?.string ?? ""
            return (
                agent, port,
                [
                    "--agent", "https://\(control)",
                    "--agent-tls", try authority.certify("controller-tls", for: name),
                ]
            )
        }

        /// An administrator of the cluster that the controller serves, once it does.
        static func client(of controller: Program) async throws -> KubernetesClient {
            _ = try await controller.logged("controllers ready")
            let cluster = try await controller.logged("cluster ready")
            return try Self.client(kubeconfig: cluster["kubeconfig"]?.string ?? "")
        }

        static func client(kubeconfig path: String) throws -> KubernetesClient {
            let environment = ClientEnvironment.live(variables: [:])
            let kubeconfig = try Kubeconfig.load(path: path, environment: environment)
            return try KubernetesClient(try kubeconfig.connection(), environment: environment)
        }
    }
}
