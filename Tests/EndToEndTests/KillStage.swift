// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Two sites between which namespaces move while processes are killed.
final class KillStage {
    static let volumes = 3
    static let volumeBytes = 512 << 10
    static let configMaps = 8
    /// The name of every pair and of every Migration.
    static let name = "move"

    let source: Site
    let destination: Site
    private let sourceAgent: StandingAgent
    private let destinationAgent: StandingAgent
    private let scratch: String
    /// New for each run, as real clusters are shared.
    private let mark = String(UUID().uuidString.lowercased().prefix(6))
    private var images: [Data] = []
    /// The transfers that Migrations have asked for, by their volumes.
    private var asked: [String: [String]] = [:]

    init(in scratch: String, seed: TestSeed) async throws {
        self.scratch = scratch
        self.source = try await Site("a", in: scratch)
        self.destination = try await Site("b", in: scratch)
        // Half a second for each volume: long enough to be met on its way.
        self.sourceAgent = try await StandingAgent(insteadOf: self.source, bandwidth: "1MiB/s")
        self.destinationAgent = try await StandingAgent(
            insteadOf: self.destination,
            bandwidth: "1MiB/s"
        )
        var generator = seed.generator
        for index in 0..<Self.volumes {
            let image = Data(noise(Self.volumeBytes, using: &generator))
            try image.write(to: URL(fileURLWithPath: "\(scratch)/image-\(index)"))
            self.images.append(image)
        }
    }

    func end() async {
        await self.source.end()
        await self.destination.end()
    }

    // MARK: One namespace

    /// Moves a new namespace under a plan, and takes Migration and pair away again.
    func move(_ label: String, _ plan: KillPlan) async throws -> EndState {
        let namespace = "\(label)-\(self.mark)"
        try await self.prepare(namespace)
        try await self.source.create(pair: Self.name, to: self.destination, in: namespace)
        try await self.createMigration(namespace)
        var kills = plan.kills[...]
        if plan.isDeletedOnce {
            try await self.perform(&kills, upTo: .volumesAreListed, namespace)
            try await self.deleteInTheMiddle(namespace, killing: kills.popFirst()?.victim)
            try await self.createMigration(namespace)
        }
        try await self.perform(&kills, upTo: .migrationIsOver, namespace)
        let status = try await self.source.final(Self.name, in: namespace)
        #expect(status.status == .successful, "\(label): \(status.json.pretty)")
        let end = try await EndState(of: namespace, at: self.destination, after: status)
        try await self.expectVolumes(of: namespace, label)
        try await self.takeAway(namespace, killing: kills.map(\.victim))
        return end
    }

    private func perform(
        _ kills: inout ArraySlice<Kill>,
        upTo last: Moment,
        _ namespace: String
    ) async throws {
        while let kill = kills.first, kill.moment <= last {
            kills.removeFirst()
            try await self.reach(kill.moment, namespace)
            try await self.kill(kill.victim)
        }
    }

    /// Waits until it is so, or past.
    private func reach(_ moment: Moment, _ namespace: String) async throws {
        switch moment {
        case .pairIsNew, .pairIsHeld:
            _ = try await self.source.object(StorkResource.clusterPairs, namespace, Self.name) {
                Moment.of(pair: $0) >= moment
            }
        case .migrationIsNew, .migrationIsHeld, .volumesArePending, .volumesAreListed,
            .aVolumeIsThere, .moreVolumesAreThere, .applicationsBegin, .migrationIsOver:
            _ = try await self.source.object(StorkResource.migrations, namespace, Self.name) {
                Moment.of(migration: $0) >= moment
            }
        case .anObjectIsThere: try await self.objects(1, namespace)
        case .halfOfTheObjects: try await self.objects(Self.configMaps / 2, namespace)
        case .nearlyAllObjects: try await self.objects(Self.configMaps - 1, namespace)
        case .whileDeleting: break
        }
    }

    /// Waits until the destination has so many of the namespace's ConfigMaps.
    private func objects(_ count: Int, _ namespace: String) async throws {
        let (source, destination) = (self.source, self.destination)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await destination.objects(count, of: Application.configMaps, in: namespace)
            }
            // Where it is over first, this is past.
            group.addTask { _ = try await source.final(Self.name, in: namespace) }
            try await group.next()
            group.cancelAll()
        }
    }

    private func kill(_ victim: Victim) async throws {
        switch victim {
        case .source: try await self.source.killAndRestart()
        case .destination: try await self.destination.killAndRestart()
        case .bothSides:
            self.source.controller.kill9()
            try await self.destination.killAndRestart()
            try await self.source.killAndRestart()
        case .sourceAgent: try await self.sourceAgent.killAndRestart()
        case .destinationAgent: try await self.destinationAgent.killAndRestart()
        }
    }

    // MARK: Deletion

    private func deleteInTheMiddle(_ namespace: String, killing victim: Victim?) async throws {
        try await self.reach(.volumesAreListed, namespace)
        let key = ObjectKey(namespace, Self.name)
        _ = try await self.source.client.delete(StorkResource.migrations, key)
        if let victim { try await self.kill(victim) }
        try await self.source.gone(StorkResource.migrations, key)
        let running = try await self.source.endedTransfers.filter { !$0.state.isFinal }
        #expect(running.map(\.volume) == [], "a copy outlives its Migration")
    }

    private func takeAway(_ namespace: String, killing victims: [Victim]) async throws {
        let key = ObjectKey(namespace, Self.name)
        for resource in [StorkResource.migrations, StorkResource.clusterPairs] {
            _ = try await self.source.client.delete(resource, key)
        }
        for victim in victims { try await self.kill(victim) }
        for resource in [StorkResource.migrations, StorkResource.clusterPairs] {
            try await self.source.gone(resource, key)
        }
        #expect(try await self.source.outgoingPairs == [], "a pair is left")
    }

    // MARK: What there is

    private func prepare(_ namespace: String) async throws {
        for index in 0..<Self.volumes {
            try await self.source.createVolume(
                Workshop.volume(index, of: namespace),
                from: "\(self.scratch)/image-\(index)"
            )
        }
        let manifest = Workshop.manifest(
            namespace,
            volumes: Self.volumes,
            bytes: Self.volumeBytes,
            configMaps: Self.configMaps
        )
        try await self.source.create(manifest: manifest)
        for index in 0..<Self.volumes {
            _ = try await self.source.object(BuiltIn.claims, namespace, "data-\(index)") {
                $0["status", "phase"] == "Bound"
            }
        }
    }

    private func createMigration(_ namespace: String) async throws {
        let made = try await self.source.create(
            migration: Self.name,
            of: [namespace],
            to: Self.name,
            in: namespace
        )
        for index in 0..<Self.volumes {
            let task = "\(made.uid)-\(namespace)-data-\(index)"
            self.asked[Workshop.volume(index, of: namespace), default: []]
                .append(PoolVolumeDriver.identity(ofTask: task))
        }
    }
}

// MARK: - What has to hold

extension KillStage {
    /// Every volume is there, and was copied once for each Migration that asked for it.
    private func expectVolumes(of namespace: String, _ label: String) async throws {
        let transfers = try await self.source.transfers
        for index in 0..<Self.volumes {
            let volume = Workshop.volume(index, of: namespace)
            let bytes = try await self.destination.bytes(of: volume)
            #expect(bytes == self.images[index], "\(label): \(volume)")
            let own = transfers.filter { $0.volume == volume }
            let asked = self.asked[volume] ?? []
            #expect(Set(own.map(\.id)).isSubset(of: asked), "\(label): nobody asked for a copy")
            #expect(own.count { $0.id == asked.last && $0.state == .succeeded } == 1, "\(label)")
            // What was cancelled may have come to its end before; then there was nothing to send.
            let sent = own.filter { $0.state == .succeeded }
                .reduce(0) { $0 + ($1.report?.changedBytes ?? 0) }
            #expect(sent <= UInt64(Self.volumeBytes), "\(label): \(volume) travelled twice")
        }
    }

    /// Nothing is left that nobody knows, on either side.
    func expectNoOrphans() async throws {
        let running = try await self.source.endedTransfers.filter { !$0.state.isFinal }
        #expect(running.map(\.volume) == [])
        let list = try await self.destination.client.list(BuiltIn.volumes)
        let persistent = list.items.filter { $0.name.contains(self.mark) }
        let handles = Set(persistent.compactMap { $0["spec", "csi", "volumeHandle"]?.string })
        let pool = try await self.destination.agent { agent throws(APIError) in
            let list: ItemList<VolumeInfo> = try await agent.get(AgentRoute.volumes)
            return list.items
        }
        #expect(Set(pool.map(\.name)) == handles, "volumes of the pool and of the cluster")
        #expect(pool.allSatisfy { $0.generation != nil })
        for volume in persistent {
            #expect(volume["status", "phase"] == "Bound", "\(volume.name)")
            let claim = try await self.destination.client.get(
                BuiltIn.claims,
                ObjectKey(
                    volume["spec", "claimRef", "namespace"]?.string ?? "",
                    volume["spec", "claimRef", "name"]?.string ?? ""
                )
            )
            #expect(claim.uid == volume["spec", "claimRef", "uid"]?.string, "\(volume.name)")
        }
        #expect(self.stages() == [], "staged bytes are left")
    }

    /// What the destination's pool has staged.
    private func stages() -> [String] {
        let pool = "\(self.destination.directory)/pool"
        let files = FileManager.default.enumerator(atPath: pool)?.compactMap { $0 as? String } ?? []
        return files.filter { $0.hasSuffix("/stage") || $0.hasSuffix("/stage.json") }
    }
}
