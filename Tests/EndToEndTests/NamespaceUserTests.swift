// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// What the users of namespaces may move: the embedded cluster has such users of its own.
@Suite(.serialized, .timeLimit(.minutes(15))) struct NamespaceUserTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    @Test func ownersMoveTheirOwnNamespaceAndTheAdministratorAny() async throws {
        let stage = try await OwnedNamespaces(in: self.scratch.path)
        try await stage.bothMoveTheirOwn()
        try await stage.noneWritesInAnother()
        try await stage.noneMovesAnother()
        try await stage.theAdministratorMovesBoth()
        await stage.end()
    }
}

/// Two namespaces with an owner each, who has nothing but the kubeconfig of that namespace.
private struct OwnedNamespaces {
    static let names = ["sales", "lab"]

    let source: Site
    let destination: Site
    /// The source's cluster with its controllers, which knows the owners.
    private let program: Program
    private var owners: [String: KubernetesClient] = [:]

    init(in scratch: String) async throws {
        // Other names than `a` and `b`: these sites serve their own clusters, whatever tests run on.
        self.source = try await Site("owned", in: scratch)
        self.destination = try await Site("there", in: scratch)
        let directory = self.source.directory
        _ = self.source.controller.stop()
        let users = Self.names.flatMap { ["--user", $0] }
        self.program = try Program(
            "godwit-controller",
            ["run", "--embedded", "\(directory)/cluster", "--agent", "\(directory)/pool"] + users
        )
        _ = try await self.program.logged("controllers ready")
        for name in Self.names {
            self.owners[name] = try Self.client("\(directory)/cluster/user-\(name).kubeconfig")
            try await self.prepare(name)
        }
    }

    private static func client(_ path: String) throws -> KubernetesClient {
        let environment = ClientEnvironment.live(variables: [:])
        let kubeconfig = try Kubeconfig.load(path: path, environment: environment)
        return try KubernetesClient(try kubeconfig.connection(), environment: environment)
    }

    /// The administrator gives the owner a namespace with a volume.
    private func prepare(_ name: String) async throws {
        let image = "\(self.source.directory)/image-\(name)"
        try Data(name.utf8 + Array(repeating: 1, count: (256 << 10) - name.utf8.count))
            .write(to: URL(fileURLWithPath: image))
        try await self.source.createVolume(Workshop.volume(0, of: name), from: image)
        try await self.source.create(
            manifest: Workshop.manifest(name, volumes: 1, bytes: 256 << 10, configMaps: 2)
        )
        _ = try await self.source.object(BuiltIn.claims, name, "data-0") {
            $0["status", "phase"] == "Bound"
        }
    }

    func end() async {
        for client in self.owners.values { await client.shutdown() }
        #expect(self.program.stop() == 0)
        await self.source.end()
        await self.destination.end()
    }

    private func owner(_ name: String) throws -> KubernetesClient {
        try #require(self.owners[name])
    }

    private func pair(_ namespace: String) async throws -> KubeObject {
        KubeObject(
            StorkResource.clusterPairs.groupVersionKind,
            ObjectKey(namespace, "there"),
            ["spec": try await self.destination.pairSpec().json]
        )
    }

    private func migration(
        _ name: String,
        in namespace: String,
        _ change: (inout MigrationSpec) -> Void
    ) -> KubeObject {
        var spec = MigrationSpec()
        spec.clusterPair = "there"
        change(&spec)
        return KubeObject(
            StorkResource.migrations.groupVersionKind,
            ObjectKey(namespace, name),
            ["spec": spec.json]
        )
    }

    // MARK: What holds

    /// Two owners at the same time, with nothing but their own rights.
    func bothMoveTheirOwn() async throws {
        for name in Self.names {
            let owner = try self.owner(name)
            try await owner.create(StorkResource.clusterPairs, try await self.pair(name))
            try await owner.create(
                StorkResource.migrations,
                self.migration("own", in: name) { $0.namespaces = [name] }
            )
        }
        for name in Self.names {
            let end = try await self.source.final("own", in: name)
            #expect(end.status == .successful, "\(name): \(end.json.pretty)")
            let moved = try await self.destination.bytes(of: Workshop.volume(0, of: name))
            #expect(moved.starts(with: Data(name.utf8)))
            #expect(moved.count == 256 << 10)
        }
    }

    /// The API itself refuses, and says who may not do what.
    func noneWritesInAnother() async throws {
        let owner = try self.owner("sales")
        for namespace in ["lab", "kube-system"] {
            let greedy = self.migration("greedy", in: namespace) { $0.namespaces = ["lab"] }
            let error = try await #require(throws: ClusterError.self) {
                try await owner.create(StorkResource.migrations, greedy)
            }
            #expect(error.reason == .forbidden, "\(error)")
            #expect(error.message.contains("user-sales"), "\(error)")
            #expect(error.message.contains(namespace), "\(error)")
        }
        let error = try await #require(throws: ClusterError.self) {
            try await owner.list(BuiltIn.secrets, namespace: "lab")
        }
        #expect(error.reason == .forbidden)
    }

    /// A Migration of one's own namespace that names another, or selects it, never begins.
    func noneMovesAnother() async throws {
        let label: JSON = ["metadata": ["labels": ["team": "all"]]]
        for name in Self.names {
            try await self.source.client.patch(
                BuiltIn.namespaces,
                ObjectKey("", name),
                .merge(label)
            )
        }
        let owner = try self.owner("sales")
        let attempts = [
            self.migration("names", in: "sales") { $0.namespaces = ["lab"] },
            self.migration("joins", in: "sales") { $0.namespaces = ["sales", "lab"] },
            self.migration("selects", in: "sales") { $0.namespaceSelectors = ["team": "all"] },
        ]
        let before = try await self.source.transfers.count
        for attempt in attempts {
            try await owner.create(StorkResource.migrations, attempt)
            let held = try await self.source.object(
                StorkResource.migrations,
                "sales",
                attempt.name
            ) { MigrationStatus($0["status"]).conditions["Succeeded"] != nil }
            let status = MigrationStatus(held["status"])
            #expect(status.stage == .initial, "\(attempt.name)")
            #expect(status.conditions["Succeeded"]?.status == .unknown)
            #expect(status.conditions["Succeeded"]?.reason == "NamespaceNotAllowed")
            let message = status.conditions["Succeeded"]?.message ?? ""
            #expect(message.contains("sales") && message.contains("kube-system"), "\(message)")
        }
        #expect(try await self.source.transfers.count == before, "nothing was copied")
    }

    /// From the admin namespace both move, chosen by name or by label.
    func theAdministratorMovesBoth() async throws {
        let client = self.source.client
        try await client.create(StorkResource.clusterPairs, try await self.pair("kube-system"))
        try await client.create(
            StorkResource.migrations,
            self.migration("all", in: "kube-system") { $0.namespaceSelectors = ["team": "all"] }
        )
        let end = try await self.source.final("all", in: "kube-system")
        #expect(end.status == .successful, "\(end.json.pretty)")
        #expect(Set(end.volumes.map(\.namespace)) == Set(Self.names))
        #expect(end.volumes.allSatisfy { $0.transfer == .incremental })
    }
}
