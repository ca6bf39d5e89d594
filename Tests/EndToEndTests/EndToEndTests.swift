// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Everything together: two clusters, two agents, one namespace that moves.
@Suite(.serialized, .timeLimit(.minutes(15))) struct EndToEndTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    @Test func aNamespaceMovesWithItsVolumeAndAgainWhatChanged() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await stage.migrate("first")
        let first = try await stage.final("first")
        #expect(first.status == .successful, "\(first.json.pretty)")
        #expect(first.conditions["Succeeded"]?.status == .yes)
        #expect(first.volumesDone == 1 && first.volumes.count == 1)
        #expect(first.volumes.first?.transfer == .full)
        #expect(first.resourcesDone == first.resources.count && first.resources.count >= 7)
        #expect(first.summary?.volumes == 1 && first.summary?.volumesDone == 1)
        #expect(try await stage.volumeArrived())
        let web = try await stage.moved(Application.deployments, "web")
        #expect(web["spec", "replicas"] == 0)
        #expect(web.annotations[StorkNames.Annotation.migrationReplicas.key] == "3")
        let secret = try await stage.moved(BuiltIn.secrets, "password")
        #expect(secret["data", "password"] == "c2VjcmV0")
        let claim = try await stage.moved(BuiltIn.claims, "data")
        #expect(claim["status", "phase"] == "Bound")

        try await stage.migrate("second")
        let second = try await stage.final("second")
        #expect(second.status == .successful, "\(second.json.pretty)")
        #expect(second.volumes.first?.transfer == .incremental)
        let same = try await stage.moved(Application.deployments, "web")
        #expect(same.resourceVersion == web.resourceVersion, "what did not change is not touched")

        try await stage.migrate("third", start: true)
        #expect(try await stage.final("third").status == .successful)
        let started = try await stage.moved(Application.deployments, "web")
        #expect(started["spec", "replicas"] == 3)
        await stage.end()
    }

    @Test(arguments: AgentWay.allCases)
    func controllersReachTheirAgentEitherWay(way: AgentWay) async throws {
        let stage = try await Stage(in: self.scratch.path, agent: way)
        try await stage.migrate("move")
        let end = try await stage.final("move")
        #expect(end.status == .successful, "\(end.json.pretty)")
        #expect(try await stage.volumeArrived())
        await stage.end()
    }

    @Test func aNamespaceUserMovesNoOtherNamespaceAndTheStatusSaysWhyNot() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await stage.migrate("greedy", "default")
        let held = try await stage.source.object(
            StorkResource.migrations,
            stage.namespace,
            "greedy"
        ) {
            MigrationStatus($0["status"]).conditions["Succeeded"] != nil
        }
        let status = MigrationStatus(held["status"])
        #expect(status.stage == .initial && status.status == .initial)
        #expect(status.conditions["Succeeded"]?.reason == "NamespaceNotAllowed")
        await stage.end()
    }
}
