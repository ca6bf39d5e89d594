// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// How controllers reach their agent.
enum AgentWay: Sendable, CaseIterable {
    case socket
    /// `control.address`, with certificates of an authority of the site's own.
    case network
}

/// One side: a real agent, and a cluster with its controllers in a process.
///
/// The sites `a` and `b` are on the real API servers of `make test-kubernetes` where there are some,
/// with controllers that have the rights of deploy/ and no others; every other site, and all of them
/// in `make test`, serve a cluster of their own. Real clusters are shared by the tests of a run: names
/// of namespaces and volumes are new for each test (``Application``), and a test has a cluster for
/// itself until ``end()``.
final class Site: @unchecked Sendable {
    let name: String
    let directory: String
    /// The real cluster; nil where the site serves one of its own.
    let real: RealCluster?
    /// What the controller is started with.
    let controllerArguments: [String]
    /// What its environment has besides that of this process.
    let controllerVariables: [String: String]
    let agentProcess: Program
    private(set) var controller: Program
    private(set) var client: KubernetesClient
    let agentPort: Int

    private var namespaces: [String] = []
    private var hasClaim = false

    /// Starts both, and waits until they are ready.
    ///
    /// - Parameters:
    ///   - name: `a` for the source, `b` for the destination, anything else for a third side.
    ///   - scratch: a directory of the test.
    ///   - way: to the agent; over the network on real clusters, as deploy/ does it.
    ///   - arguments: further ones of the controller.
    ///   - variables: of the controller's environment, besides those of this process.
    /// - Throws: what a program that ended at once has said; ``RealCluster/InUse``.
    init(
        _ name: String,
        in scratch: String,
        agent way: AgentWay? = nil,
        controller arguments: [String] = [],
        variables: [String: String] = [:]
    ) async throws {
        self.controllerVariables = variables
        let given = RealCluster.named(name)
        if given != nil { try RealCluster.claim(name) }
        do {
            let parts = try await Parts(
                "\(scratch)/\(name)",
                given,
                way ?? (given == nil ? .socket : .network),
                (arguments, variables)
            )
            self.name = name
            self.directory = "\(scratch)/\(name)"
            self.real = parts.real
            self.controllerArguments = parts.arguments
            self.agentProcess = parts.agent
            self.agentPort = parts.agentPort
            self.controller = parts.controller
            self.client = parts.client
            self.hasClaim = given != nil
        } catch {
            if given != nil { RealCluster.release(name) }
            throw error
        }
    }

    deinit { self.giveBack() }

    private func giveBack() {
        if self.hasClaim { RealCluster.release(self.name) }
        self.hasClaim = false
    }

    /// Kills the controllers, and with them a cluster of their own, at once, and starts them again.
    func killAndRestart() async throws {
        self.controller.kill9()
        self.controller = try Program(
            "godwit-controller",
            self.controllerArguments,
            self.controllerVariables
        )
        guard self.real == nil else {
            _ = try await self.controller.logged("controllers ready")
            return
        }
        await self.client.shutdown()
        self.client = try await Parts.client(of: self.controller)
    }

    /// Ends the controllers, and takes away what would busy those of the next test.
    func end() async {
        if self.controller.runs { #expect(self.controller.stop() == 0, "\(self.controller.log)") }
        if self.real != nil {
            for namespace in self.namespaces { await self.forget(namespace) }
        }
        await self.client.shutdown()
        self.giveBack()
    }

    /// Their agents are gone, and nobody takes the finalizers away any more.
    private func forget(_ namespace: String) async {
        for resource in [
            StorkResource.migrationSchedules, StorkResource.migrations, StorkResource.clusterPairs,
        ] {
            let list = try? await self.client.list(resource, namespace: namespace)
            for object in list?.items ?? [] {
                _ = try? await self.client.delete(resource, object.key)
                let free: JSON = ["metadata": ["finalizers": .null]]
                _ = try? await self.client.patch(resource, object.key, .merge(free))
            }
        }
    }

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

    /// Writes other bytes into all of a volume, as an application does; they do not compress.
    @discardableResult
    func fill(_ volume: String, bytes: Int, seed: UInt64) async throws -> Data {
        let info: VolumeInfo = try await self.agent { agent throws(APIError) in
            try await agent.get(AgentRoute.volume(volume))
        }
        var generator = SeededGenerator(seed: seed)
        let image = Data(noise(bytes, using: &generator))
        let path = try #require(info.path)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.write(contentsOf: image)
        try file.synchronize()
        try file.close()
        return image
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
        ClusterPairSpec(
            config: ClusterPairSpec.config(ofKubeconfig: try self.kubeconfig),
            options: [
                "ip": "127.0.0.1", "port": "\(self.agentPort)", "token": try await self.token(),
            ]
        )
    }

    /// The kubeconfig that a ClusterPair of another site has: on a real cluster that of the account
    /// that deploy/ has for it, else the administrator's.
    var kubeconfig: JSON {
        get throws {
            if let real = self.real { return real.destinationKubeconfig }
            return try JSON(yaml: String(contentsOfFile: self.adminKubeconfig, encoding: .utf8))
        }
    }

    /// The file of someone who may do everything in the cluster.
    var adminKubeconfig: String {
        self.real?.cluster.kubeconfig(of: .admin)
            ?? "\(self.directory)/cluster/admin.kubeconfig"
    }

    /// Creates an object; a namespace on a real cluster is opened to the controllers.
    func create(_ resource: APIResource, _ object: KubeObject) async throws {
        try await self.client.create(resource, object)
        // What discovery tells of the kind has more to it than the constant.
        guard resource.groupVersionKind == BuiltIn.namespaces.groupVersionKind else { return }
        self.namespaces.append(object.name)
        if self.real != nil { try await RealCluster.open(object.name, self.client) }
    }
}
