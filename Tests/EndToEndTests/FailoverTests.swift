// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Disaster and the way back, with real agents, clusters and bytes.
@Suite(.serialized, .timeLimit(.minutes(15))) struct FailoverTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    /// The source is alive, so nothing is lost; then everything comes back, and little travels.
    @Test func anApplicationGoesOverAndComesBackWithEveryByte() async throws {
        let stage = try await FailoverStage(in: self.scratch.path)
        try await stage.replicate("go", from: stage.a)
        try await stage.pairBack()
        try await stage.write("written after the last migration", at: stage.a)
        let over = try await stage.perform(.failover, "go", on: stage.b, named: "over")
        #expect(over.status == .successful, "\(over.reason)")
        #expect(try await stage.replicas(stage.a) == 0 && over.sourceReached == true)
        #expect(try await stage.replicas(stage.b) == 3)
        let live = try await stage.liveBytes(stage.b)
        #expect(try await stage.liveBytes(stage.a) == live)
        #expect(live.starts(with: Data("written after the last migration".utf8)))

        try await stage.write("written at the other side", at: stage.b)
        try await stage.isFenced("go", at: stage.a)
        try await stage.replicate("back", from: stage.b)
        let shipped = try await stage.shipped(by: stage.b)
        #expect((1...64 << 10).contains(shipped.changed), "about what changed: \(shipped)")
        #expect(shipped.wire < 200_000, "\(shipped)")
        let back = try await stage.perform(.failback, "back", on: stage.a, named: "back")
        #expect(back.status == .successful, "\(back.reason)")
        #expect(try await stage.replicas(stage.a) == 3)
        #expect(try await stage.replicas(stage.b) == 0)
        let home = try await stage.liveBytes(stage.a)
        #expect(try await stage.liveBytes(stage.b) == home)
        #expect(home.starts(with: Data("written at the other side".utf8)))
        try await stage.end()
    }

    /// The source is gone: the newest state is shown, its age is said, and a source that comes back
    /// keeps still.
    @Test(.enabled(if: TestKind.isEmbedded, TestKind.reason))
    func aSourceThatComesBackIsFenced() async throws {
        let stage = try await FailoverStage(in: self.scratch.path)
        try await stage.replicate("go", from: stage.a)
        try await stage.pairBack()
        let shown = try await stage.liveBytes(stage.a)
        try await stage.write("never arrived", at: stage.a)
        stage.a.controller.kill9()
        let over = try await stage.perform(.failover, "go", on: stage.b, named: "over") {
            $0.skipsSource = true
        }
        #expect(over.status == .successful, "\(over.reason)")
        #expect(over.point != nil && over.reason.contains("s old"))
        #expect(try await stage.replicas(stage.b) == 3)
        #expect(try await stage.liveBytes(stage.b) == shown, "the newest state that arrived")

        try await stage.a.killAndRestart()
        try await stage.isFenced("go", at: stage.a)
        #expect(try await stage.replicas(stage.a) == 0, "it does not run on two sides")
        let schedule = try await stage.a.client.get(
            StorkResource.migrationSchedules,
            ObjectKey(stage.namespace, "go")
        )
        #expect(schedule["spec", "suspend"] == true)
        let volume = try await stage.volume(stage.a)
        #expect(volume.fenced != nil)
        try await stage.end()
    }
}

/// Two sides, an application on the first, and schedules between them.
struct FailoverStage {
    let a: Site
    let b: Site
    let application: Application

    var namespace: String { self.application.namespace }

    /// Where failovers are allowed, the controllers of real clusters have the rights for them.
    init(in scratch: String, isAllowed: Bool = true) async throws {
        self.a = try await Site("a", in: scratch)
        self.b = try await Site("b", in: scratch)
        self.application = Application("over")
        let image = "\(scratch)/image"
        var bytes = Data(count: 4 << 20)
        for index in stride(from: 0, to: bytes.count, by: 997) { bytes[index] = UInt8(index % 251) }
        try bytes.write(to: URL(fileURLWithPath: image))
        try await self.a.createVolume(self.application.volume, from: image)
        try await self.application.create(on: self.a)
        try await self.a.create(pair: "other", to: self.b, in: self.namespace)
        guard isAllowed else { return }
        for site in [self.a, self.b] where site.real != nil {
            try await RealCluster.allowFailover(site.client)
        }
    }

    func end() async throws {
        for site in [self.a, self.b] where site.real != nil {
            try await RealCluster.denyFailover(site.client)
        }
        await self.a.end()
        await self.b.end()
    }

    /// A pair under the same name that leads the other way.
    func pairBack() async throws {
        try await self.b.create(pair: "other", to: self.a, in: self.namespace)
        _ = try await self.b.object(StorkResource.clusterPairs, self.namespace, "other") {
            ClusterPairStatus($0["status"]).conditions["Ready"]?.status == .yes
        }
    }

    /// Makes a schedule, and waits until its first migration has succeeded.
    func replicate(_ name: String, from site: Site) async throws {
        let policy = "\(self.namespace)-\(name)"
        try await site.create(
            StorkResource.schedulePolicies,
            KubeObject(
                StorkResource.schedulePolicies.groupVersionKind,
                ObjectKey("", policy),
                ["policy": ["interval": ["intervalMinutes": 60]]]
            )
        )
        var spec = MigrationSpec()
        spec.clusterPair = "other"
        spec.namespaces = [self.namespace]
        try await site.create(
            StorkResource.migrationSchedules,
            KubeObject(
                StorkResource.migrationSchedules.groupVersionKind,
                ObjectKey(self.namespace, name),
                [
                    "spec": [
                        "template": ["spec": spec.json], "schedulePolicyName": .string(policy),
                    ]
                ]
            )
        )
        let done = try await site.object(
            StorkResource.migrationSchedules,
            self.namespace,
            name
        ) {
            let items = $0["status", "items", "Interval"]?.array ?? []
            return items.contains {
                !["", "Pending", "InProgress"].contains($0["status"]?.string ?? "")
            }
        }
        let item = done["status", "items", "Interval"]?.array?.last
        #expect(item?["status"] == "Successful", "\(done.json.pretty)")
    }

    func perform(
        _ type: ActionType,
        _ schedule: String,
        on site: Site,
        named name: String,
        _ change: (inout ActionSpec) -> Void = { _ in }
    ) async throws -> ActionStatus {
        var spec = ActionSpec(type, schedule: schedule)
        change(&spec)
        try await site.create(
            StorkResource.actions,
            KubeObject(
                StorkResource.actions.groupVersionKind,
                ObjectKey(self.namespace, name),
                ["spec": spec.json]
            )
        )
        let object = try await site.object(StorkResource.actions, self.namespace, name) {
            ActionStatus($0["status"], of: type).stage == .final
        }
        return ActionStatus(object["status"], of: type)
    }

    func isFenced(_ schedule: String, at site: Site) async throws {
        _ = try await site.object(StorkResource.migrationSchedules, self.namespace, schedule) {
            [Condition]($0["status", "conditions"])["Fenced"]?.status == .yes
        }
    }

    func replicas(_ site: Site) async throws -> Int? {
        let key = ObjectKey(self.namespace, "web")
        return try await site.client.get(Application.deployments, key)["spec", "replicas"]?.int
    }

    func volume(_ site: Site) async throws -> VolumeInfo {
        let name = self.application.volume
        return try await site.agent { agent throws(APIError) in
            try await agent.get(AgentRoute.volume(name))
        }
    }

    /// What an application would read and write now.
    func liveBytes(_ site: Site) async throws -> Data {
        let path = try #require(try await self.volume(site).path)
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    /// Writes at the beginning of the volume, as an application does.
    func write(_ text: String, at site: Site) async throws {
        let path = try #require(try await self.volume(site).path)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.write(contentsOf: Data(text.utf8))
        try file.synchronize()
        try file.close()
    }

    /// What the transfers of a site have shipped together.
    func shipped(by site: Site) async throws -> (changed: UInt64, wire: UInt64) {
        let reports = try await site.endedTransfers.compactMap(\.report)
        return (
            reports.reduce(0) { $0 + $1.changedBytes }, reports.reduce(0) { $0 + $1.wireBytes }
        )
    }
}
