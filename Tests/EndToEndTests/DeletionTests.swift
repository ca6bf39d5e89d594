// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// What is deleted while it works leaves nothing that goes on.
@Suite(.serialized, .timeLimit(.minutes(15))) struct DeletionTests {
    private static let volumes = 2
    /// What the agent may send in almost three minutes.
    private static let volumeBytes = 10 << 20
    private static let admin = StorkNames.defaultAdminNamespace

    private let scratch: ScratchDirectory
    /// New for each run, as real clusters are shared.
    private let mark = String(UUID().uuidString.lowercased().prefix(6))
    private var namespace: String { "gone-\(self.mark)" }

    init() throws { self.scratch = try ScratchDirectory() }

    /// The controllers are killed while it goes, and the label by which the namespace was chosen is gone
    /// when they come back.
    @Test func aMigrationThatIsDeletedTakesItsCopiesWithIt() async throws {
        let (source, destination, agent) = try await self.stage()
        let name = "by-label-\(self.mark)"
        try await source.create(pair: name, to: destination, in: Self.admin)
        try await source.create(migration: name, of: [], to: name, in: Self.admin) {
            $0.namespaceSelectors = ["wanted": self.mark]
        }
        try await self.copies(of: name, in: Self.admin, source)
        let key = ObjectKey(Self.admin, name)
        let label: JSON = ["metadata": ["labels": ["wanted": "no"]]]
        let namespaceKey = ObjectKey("", self.namespace)
        try await source.client.patch(BuiltIn.namespaces, namespaceKey, .merge(label))
        _ = try await source.client.delete(StorkResource.migrations, key)
        try await source.killAndRestart()
        try await source.gone(StorkResource.migrations, key)
        try await self.expectNothing(source, destination)
        _ = try await source.client.delete(StorkResource.clusterPairs, key)
        try await source.gone(StorkResource.clusterPairs, key)
        #expect(try await source.outgoingPairs == [])
        withExtendedLifetime(agent) {}
        await source.end()
        await destination.end()
    }

    /// Whenever it is looked at: before the agents' pair is gone, after it, or by the next controller.
    @Test(arguments: [false, true]) func aPairThatIsDeletedEndsItsMigration(
        killed: Bool
    ) async throws {
        let (source, destination, agent) = try await self.stage()
        try await source.create(pair: "lost", to: destination, in: self.namespace)
        try await source.create(
            migration: "stuck",
            of: [self.namespace],
            to: "lost",
            in: self.namespace
        )
        try await self.copies(of: "stuck", in: self.namespace, source)
        let pair = ObjectKey(self.namespace, "lost")
        _ = try await source.client.delete(StorkResource.clusterPairs, pair)
        if killed { try await source.killAndRestart() }
        try await source.gone(StorkResource.clusterPairs, pair)
        #expect(try await source.outgoingPairs == [])
        let end = try await source.final("stuck", in: self.namespace)
        let condition = try #require(end.conditions["Succeeded"])
        #expect(end.status == .failed && condition.status == .no, "\(end.json.pretty)")
        #expect(condition.reason == "ClusterPairNotFound", "\(end.json.pretty)")
        #expect(condition.message.hasPrefix("ClusterPair lost was deleted"), "\(condition)")
        #expect(condition.message.contains(" Try: create it on this cluster"), "\(condition)")
        #expect(end.volumes.allSatisfy { $0.status == .failed }, "\(end.json.pretty)")
        try await self.expectNothing(source, destination)
        let key = ObjectKey(self.namespace, "stuck")
        _ = try await source.client.delete(StorkResource.migrations, key)
        try await source.gone(StorkResource.migrations, key)
        withExtendedLifetime(agent) {}
        await source.end()
        await destination.end()
    }

    /// Two sites, a namespace with volumes on the first, whose agent is slow.
    private func stage() async throws -> (Site, Site, StandingAgent) {
        let source = try await Site("a", in: self.scratch.path)
        let destination = try await Site("b", in: self.scratch.path)
        let agent = try await StandingAgent(insteadOf: source, bandwidth: "64KiB/s")
        let image = "\(self.scratch.path)/image"
        var generator = SeededGenerator(seed: 8)
        try Data(noise(Self.volumeBytes, using: &generator))
            .write(to: URL(fileURLWithPath: image))
        for index in 0..<Self.volumes {
            try await source.createVolume(Workshop.volume(index, of: self.namespace), from: image)
        }
        try await source.create(
            manifest: Workshop.manifest(
                self.namespace,
                volumes: Self.volumes,
                bytes: Self.volumeBytes,
                configMaps: 1
            )
        )
        for index in 0..<Self.volumes {
            _ = try await source.object(BuiltIn.claims, self.namespace, "data-\(index)") {
                $0["status", "phase"] == "Bound"
            }
        }
        let label: JSON = ["metadata": ["labels": ["wanted": .string(self.mark)]]]
        try await source.client.patch(
            BuiltIn.namespaces,
            ObjectKey("", self.namespace),
            .merge(label)
        )
        return (source, destination, agent)
    }

    /// Waits until the Migration has its list, and the agent is at work.
    private func copies(of name: String, in namespace: String, _ site: Site) async throws {
        _ = try await site.object(StorkResource.migrations, namespace, name) {
            !MigrationStatus($0["status"]).volumes.isEmpty
        }
        // Each question waits for an answer, so nobody spins; the test's time limit ends it.
        while try await site.transfers.count < Self.volumes { try Task.checkCancellation() }
    }

    private func expectNothing(_ source: Site, _ destination: Site) async throws {
        let states = try await source.endedTransfers.map(\.state)
        // One whose offer meets the dropped hold before it hears of its end has failed.
        #expect(states.count == Self.volumes && states.allSatisfy { $0.isFinal })
        #expect(!states.contains(.succeeded))
        let pool = try await destination.agent { agent throws(APIError) in
            let list: ItemList<VolumeInfo> = try await agent.get(AgentRoute.volumes)
            return list.items
        }
        #expect(pool.allSatisfy { $0.generation == nil }, "no half of a volume is shown")
        let volumes = try await destination.client.list(BuiltIn.volumes).items
        #expect(!volumes.contains { $0.name.contains(self.mark) })
        let namespaces = try await destination.client.list(BuiltIn.namespaces).items
        #expect(!namespaces.contains { $0.name == self.namespace })
    }
}
