// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Two controllers on one cluster: only a real one has several.
@Suite(
    .serialized,
    .enabled(if: TestClusters.given != nil, TestClusters.reason),
    .timeLimit(.minutes(15))
)
struct LeaseTests {
    private static let leases = APIResource(
        GroupVersion("coordination.k8s.io", "v1"),
        "Lease",
        plural: "leases"
    )
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private func holder(_ site: Site) async throws -> String {
        let lease = try await site.client.get(Self.leases, RealCluster.lease)
        return lease["spec", "holderIdentity"]?.string ?? ""
    }

    @Test func theSecondOfTwoFinishesWhatTheFirstHasBegun() async throws {
        let stage = try await Stage(in: self.scratch.path)
        let second = try Program("godwit-controller", stage.source.controllerArguments)
        // Nothing arrives there until it goes on, so the first is killed while it copies.
        stage.destination.agentProcess.signal(SIGSTOP)
        try await stage.migrate("move")
        _ = try await stage.source.object(StorkResource.migrations, stage.namespace, "move") {
            MigrationStatus($0["status"]).volumes.first?.status == .inProgress
        }
        let first = try await self.holder(stage.source)
        #expect(!second.log.contains("leading"), "one works at a time")
        stage.source.controller.kill9()
        _ = try await second.logged("leading")
        #expect(try await self.holder(stage.source) != first)
        stage.destination.agentProcess.signal(SIGCONT)
        let end = try await stage.final("move")
        #expect(end.status == .successful, "\(end.json.pretty)")
        #expect(try await stage.source.transfers.count == 1, "copied twice")
        #expect(try await stage.volumeArrived())
        #expect(second.stop() == 0, "\(second.log)")
        await stage.end()
    }

    @Test func whoIsToldToStopGivesTheLeaseBack() async throws {
        let site = try await Site("a", in: self.scratch.path)
        #expect(try await !self.holder(site).isEmpty)
        #expect(site.controller.stop() == 0, "\(site.controller.log)")
        #expect(try await self.holder(site).isEmpty)
        await site.end()
    }
}
