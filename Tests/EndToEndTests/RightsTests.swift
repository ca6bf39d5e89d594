// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// The rights that deploy/ gives, where a person has not given the last one yet.
@Suite(
    .serialized,
    .enabled(if: TestClusters.given != nil, TestClusters.reason),
    .timeLimit(.minutes(15))
)
struct RightsTests {
    private static let remedy = "Try: give them the rights of godwit-destination here"
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    @Test func aNamespaceThatIsNotOpenToTheControllersIsToldAndTheBindingMendsIt() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await RealCluster.denyFailover(stage.source.client)
        try await RealCluster.close(stage.namespace, stage.source.client)
        try await stage.migrate("move")
        let held = try await stage.source.object(
            StorkResource.migrations,
            stage.namespace,
            "move"
        ) {
            MigrationStatus($0["status"]).conditions["Succeeded"]?.reason == "NotAllowed"
        }
        let condition = MigrationStatus(held["status"]).conditions["Succeeded"]
        #expect(condition?.status == .unknown, "there is hope")
        #expect(condition?.message.contains("Try: bind the ClusterRole godwit-source") == true)
        try await RealCluster.open(stage.namespace, stage.source.client)
        let end = try await stage.final("move")
        #expect(end.status == .successful, "\(end.json.pretty)")
        #expect(try await stage.volumeArrived())
        await stage.end()
    }

    /// Before anything is touched, and by the words of what is typed.
    @Test func aFailoverWithoutItsRightsIsRefusedAndTheBindingMendsIt() async throws {
        let stage = try await self.standingBy()
        let there = try stage.person(at: stage.b)
        try await stage.fails(
            "godwit perform failover -m go --wait --yes",
            ["may not patch statefulsets.apps in namespace \(stage.namespace)", Self.remedy],
            there
        )
        try await stage.fails(
            "godwit perform drill -m go --wait",
            ["may not create namespaces", Self.remedy],
            there
        )
        try await RealCluster.allowFailover(stage.b.client)
        try await there.succeeds("godwit perform failover -m go --wait --yes")
        #expect(try await stage.replicas(stage.b) == 3)
        #expect(try await stage.liveBytes(stage.b) == stage.liveBytes(stage.a))
        try await stage.end()
    }

    /// What could not be asked before is said when it is refused.
    @Test func aFailoverThatIsRefusedOnItsWayIsTakenBackAndSaysWhy() async throws {
        let stage = try await self.standingBy()
        let role = try await RealCluster.makeBlindRole(stage.b.client)
        try await RealCluster.allowFailover(stage.b.client, role: role)
        try await stage.fails(
            "godwit perform failover -m go --wait --yes",
            ["cannot list resource", Self.remedy, "taken back"],
            try stage.person(at: stage.b)
        )
        try await stage.end()
    }

    private func standingBy() async throws -> FailoverStage {
        let stage = try await FailoverStage(in: self.scratch.path, isAllowed: false)
        for site in [stage.a, stage.b] { try await RealCluster.denyFailover(site.client) }
        try await stage.replicate("go", from: stage.a)
        try await stage.pairBack()
        return stage
    }
}
