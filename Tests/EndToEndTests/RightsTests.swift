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
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    @Test func aNamespaceThatIsNotOpenToTheControllersIsToldAndTheBindingMendsIt() async throws {
        let stage = try await Stage(in: self.scratch.path)
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
}
