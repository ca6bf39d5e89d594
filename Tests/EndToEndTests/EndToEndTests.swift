// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Everything together: two clusters, two agents, one namespace that moves.
@Suite(.serialized, .timeLimit(.minutes(5))) struct EndToEndTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    /// Two sites, an application with its volume on the first, and a pair that is Ready.
    private func stage(_ namespace: String) async throws -> (Site, Site, Application) {
        let source = try await Site("a", in: self.scratch.path)
        let destination = try await Site("b", in: self.scratch.path)
        let application = Application(namespace: namespace)
        try self.image(seed: 1)
        try await source.createVolume(
            application.volume,
            from: "\(self.scratch.path)/image"
        )
        for (resource, object) in application.objects {
            try await source.create(resource, object)
        }
        _ = try await source.object(BuiltIn.claims, namespace, "data") {
            $0["status", "phase"] == "Bound"
        }
        try await self.pair(source, destination, namespace)
        return (source, destination, application)
    }

    private func image(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let data = Data(noise(4 << 20, using: &generator))
        try data.write(to: URL(fileURLWithPath: "\(self.scratch.path)/image"))
    }

    private func pair(_ source: Site, _ destination: Site, _ namespace: String) async throws {
        let pair = KubeObject(
            StorkResource.clusterPairs.groupVersionKind,
            ObjectKey(namespace, "remote"),
            ["spec": try await destination.pairSpec().json]
        )
        try await source.create(StorkResource.clusterPairs, pair)
        let ready = try await source.object(StorkResource.clusterPairs, namespace, "remote") {
            let status = ClusterPairStatus($0["status"])
            return status.conditions["Ready"]?.status == .yes
        }
        let status = ClusterPairStatus(ready["status"])
        #expect(status.storageStatus == .ready && status.schedulerStatus == .ready)
        #expect(status.remoteStorageID.count == 32)
    }

    private func migrate(
        _ name: String,
        _ source: Site,
        _ namespace: String,
        start: Bool
    ) async throws {
        var spec = MigrationSpec()
        spec.clusterPair = "remote"
        spec.namespaces = [namespace]
        spec.startsApplications = start
        try await source.create(
            StorkResource.migrations,
            KubeObject(
                StorkResource.migrations.groupVersionKind,
                ObjectKey(namespace, name),
                ["spec": spec.json]
            )
        )
    }

    @Test func aNamespaceMovesWithItsVolumeAndAgainWhatChanged() async throws {
        let (source, destination, application) = try await self.stage("shop")
        try await self.migrate("first", source, "shop", start: false)
        let first = try await source.final("first", in: "shop")
        #expect(first.status == .successful, "\(first.json.pretty)")
        #expect(first.conditions["Succeeded"]?.status == .yes)
        #expect(first.volumesDone == 1 && first.volumes.count == 1)
        #expect(first.volumes.first?.transfer == .full)
        #expect(first.resourcesDone == first.resources.count && first.resources.count >= 7)
        #expect(first.summary?.volumes == 1 && first.summary?.volumesDone == 1)
        let image = try Data(contentsOf: URL(fileURLWithPath: "\(self.scratch.path)/image"))
        #expect(try await destination.bytes(of: application.volume) == image)

        let web = try await destination.client.get(
            Application.deployments,
            ObjectKey("shop", "web")
        )
        #expect(web["spec", "replicas"] == 0)
        #expect(web.annotations[StorkNames.Annotation.migrationReplicas.key] == "3")
        let secret = try await destination.client.get(
            BuiltIn.secrets,
            ObjectKey("shop", "password")
        )
        #expect(secret["data", "password"] == "c2VjcmV0")

        try await self.migrate("second", source, "shop", start: false)
        let second = try await source.final("second", in: "shop")
        #expect(second.status == .successful, "\(second.json.pretty)")
        #expect(second.volumes.first?.transfer == .incremental)
        let same = try await destination.client.get(
            Application.deployments,
            ObjectKey("shop", "web")
        )
        #expect(same.resourceVersion == web.resourceVersion, "what did not change is not touched")

        try await self.migrate("third", source, "shop", start: true)
        #expect(try await source.final("third", in: "shop").status == .successful)
        let started = try await destination.client.get(
            Application.deployments,
            ObjectKey("shop", "web")
        )
        #expect(started["spec", "replicas"] == 3)
        await source.end()
        await destination.end()
    }

    /// Killed again and again while a Migration runs, the controllers come to the same end, and the
    /// agent has been asked for one copy.
    @Test(arguments: [1, 2] as [UInt64])
    func controllersThatAreKilledComeToTheSameEnd(seed: UInt64) async throws {
        let (source, destination, application) = try await self.stage("shop")
        var generator = SeededGenerator(seed: seed)
        try await self.migrate("first", source, "shop", start: false)
        for stage in ["", "Volumes", "Applications"] {
            // Where it is faster than we are, it is at its end, and the kill must not change that.
            let writes = Int.random(in: 1...3, using: &generator)
            _ = try await source.object(StorkResource.migrations, "shop", "first") {
                let status = MigrationStatus($0["status"])
                return status.stage.rawValue == stage || status.isFinal || writes == 0
            }
            try await source.killAndRestart()
        }
        let end = try await source.final("first", in: "shop")
        #expect(end.status == .successful, "seed \(seed): \(end.json.pretty)")
        #expect(end.volumesDone == 1)
        #expect(try await source.transfers.count == 1, "seed \(seed): copied twice")
        let image = try Data(contentsOf: URL(fileURLWithPath: "\(self.scratch.path)/image"))
        #expect(try await destination.bytes(of: application.volume) == image)
        await source.end()
        await destination.end()
    }

    @Test func aNamespaceUserMovesNoOtherNamespaceAndTheStatusSaysWhyNot() async throws {
        let (source, destination, _) = try await self.stage("shop")
        var spec = MigrationSpec()
        spec.clusterPair = "remote"
        spec.namespaces = ["default"]
        try await source.create(
            StorkResource.migrations,
            KubeObject(
                StorkResource.migrations.groupVersionKind,
                ObjectKey("shop", "greedy"),
                ["spec": spec.json]
            )
        )
        let held = try await source.object(StorkResource.migrations, "shop", "greedy") {
            MigrationStatus($0["status"]).conditions["Succeeded"] != nil
        }
        let status = MigrationStatus(held["status"])
        #expect(status.stage == .initial && status.status == .initial)
        #expect(status.conditions["Succeeded"]?.reason == "NamespaceNotAllowed")
        await source.end()
        await destination.end()
    }
}
