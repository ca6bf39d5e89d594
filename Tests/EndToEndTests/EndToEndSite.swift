// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// One side: a real agent, and a cluster with its controllers in a process.
final class Site: @unchecked Sendable {
    let directory: String
    let agentProcess: Program
    private(set) var controller: Program
    private(set) var client: KubernetesClient
    let agentPort: Int

    /// Starts both, and waits until they are ready.
    init(_ name: String, in scratch: String) async throws {
        self.directory = "\(scratch)/\(name)"
        let pool = "\(self.directory)/pool"
        try FileManager.default.createDirectory(
            atPath: self.directory,
            withIntermediateDirectories: true
        )
        self.agentProcess = try Program(
            "godwit-agent",
            ["run", "--pool", pool, "--data", "127.0.0.1:0", "--api", "127.0.0.1:0"]
        )
        let ready = try await self.agentProcess.logged("agent ready")
        self.agentPort = Int(ready["api"]?.string?.split(separator: ":").last ?? "") ?? 0
        self.controller = try Self.launch(self.directory)
        self.client = try await Self.client(self.controller)
    }

    private static func launch(_ directory: String) throws -> Program {
        try Program(
            "godwit-controller",
            ["run", "--embedded", "\(directory)/cluster", "--agent", "\(directory)/pool"]
        )
    }

    private static func client(_ controller: Program) async throws -> KubernetesClient {
        _ = try await controller.logged("controllers ready")
        let cluster = try await controller.logged("cluster ready")
        let environment = ClientEnvironment.live(variables: [:])
        let kubeconfig = try Kubeconfig.load(
            path: cluster["kubeconfig"]?.string,
            environment: environment
        )
        return try KubernetesClient(try kubeconfig.connection(), environment: environment)
    }

    /// Kills cluster and controllers at once, and starts them again.
    func killAndRestart() async throws {
        self.controller.kill9()
        await self.client.shutdown()
        self.controller = try Self.launch(self.directory)
        self.client = try await Self.client(self.controller)
    }

    func end() async { await self.client.shutdown() }

    // MARK: The agent

    func agent<Answer: Sendable>(
        _ question: (AgentClient) async throws(APIError) -> Answer
    ) async throws(APIError) -> Answer {
        try await AgentClient(at: "\(self.directory)/pool").once(question)
    }

    func token() async throws -> String {
        try await self.agent { agent throws(APIError) in
            let info: TokenInfo = try await agent.get(AgentRoute.token)
            return info.token
        }
    }

    /// Makes a volume of a pool out of an image.
    func createVolume(_ name: String, from image: String) async throws {
        try await self.agent { agent throws(APIError) in
            let _: VolumeInfo = try await agent.post(
                AgentRoute.volumes,
                VolumeCreateRequest(name: name, from: image),
                timeout: .seconds(120)
            )
        }
    }

    /// The bytes of a volume's newest generation.
    func bytes(of volume: String) async throws -> Data {
        let path = "\(self.directory)/export-\(UUID().uuidString.prefix(8))"
        try await self.agent { agent throws(APIError) in
            let _: VolumeExportResult = try await agent.post(
                AgentRoute.volume(volume, "export"),
                VolumeExportRequest(generation: nil, to: path),
                timeout: .seconds(120)
            )
        }
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    var transfers: [TransferInfo] {
        get async throws {
            try await self.agent { agent throws(APIError) in
                let list: ItemList<TransferInfo> = try await agent.get(AgentRoute.transfers)
                return list.items
            }
        }
    }

    // MARK: The cluster

    /// The object as soon as it is as `isSo` says; waits for it.
    func object(
        _ resource: APIResource,
        _ namespace: String,
        _ name: String,
        where isSo: @Sendable (KubeObject) -> Bool
    ) async throws -> KubeObject {
        var version = ""
        while true {
            try Task.checkCancellation()
            let events = self.client.watch(
                resource,
                namespace: resource.isNamespaced ? namespace : nil,
                .named(name),
                from: version
            )
            for try await event in events {
                version = event.resourceVersion
                if let object = event.object, isSo(object) { return object }
            }
        }
    }

    /// A Migration as soon as it is at its end.
    func final(_ name: String, in namespace: String) async throws -> MigrationStatus {
        let object = try await self.object(StorkResource.migrations, namespace, name) {
            MigrationStatus($0["status"]).isFinal
        }
        return MigrationStatus(object["status"])
    }

    /// What a ClusterPair of another site needs to reach this one.
    func pairSpec() async throws -> ClusterPairSpec {
        let path = "\(self.directory)/cluster/admin.kubeconfig"
        let file = try JSON(yaml: String(contentsOfFile: path, encoding: .utf8))
        return ClusterPairSpec(
            config: ClusterPairSpec.config(ofKubeconfig: file),
            options: [
                "ip": "127.0.0.1", "port": "\(self.agentPort)", "token": try await self.token(),
            ]
        )
    }

    func create(_ resource: APIResource, _ object: KubeObject) async throws {
        try await self.client.create(resource, object)
    }
}
