// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Rehearsals, with real agents, clusters and bytes, and by the command line.
@Suite(.serialized, .timeLimit(.minutes(15))) struct DrillTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    /// What a rehearsal writes is its own, runs come to the replica meanwhile, and it leaves nothing.
    @Test func aRehearsalWorksOnCopiesWhileReplicationGoesOn() async throws {
        let stage = try await FailoverStage(in: self.scratch.path)
        try await stage.replicate("go", from: stage.a)
        let shown = try await stage.liveBytes(stage.a)
        let there = try stage.person(at: stage.b)
        let begun = try await there.succeeds("godwit perform drill -m go --keep --wait")
        #expect(begun.errors.contains("newest consistent point"), "\(begun.errors)")
        let name = try stage.action(begunBy: begun)
        let copy = try await self.copy(of: stage)
        #expect(try Data(contentsOf: copy.file) == shown)
        let rehearsed = ObjectKey(copy.namespace, "web")
        let web = try await stage.b.client.get(Application.deployments, rehearsed)
        #expect(web["spec", "replicas"]?.int == 3)
        #expect(try await stage.replicas(stage.b) == 0, "the standby still stands by")

        try Data("written in the rehearsal".utf8).write(to: copy.file)
        try await stage.write("written meanwhile", at: stage.a)
        let here = try stage.person(at: stage.a)
        try await here.succeeds("godwit trigger migrationschedule go --wait")
        let arrived = try await stage.b.bytes(of: stage.application.volume)
        #expect(arrived == (try await stage.liveBytes(stage.a)))
        #expect(arrived.starts(with: Data("written meanwhile".utf8)))
        #expect(try await stage.replicas(stage.a) == 3, "the source was not touched")

        try await there.succeeds("godwit delete drill \(name)")
        try await stage.isGone(name, at: stage.b)
        try await stage.b.gone(BuiltIn.namespaces, ObjectKey("", copy.namespace))
        #expect(!FileManager.default.fileExists(atPath: copy.file.path))
        let volumes = try await stage.b.agent { agent throws(APIError) in
            let list: ItemList<VolumeInfo> = try await agent.get(AgentRoute.volumes)
            return list.items.map(\.name)
        }
        #expect(volumes == [stage.application.volume])
        try await stage.end()
    }

    /// Where the rehearsal is, and the file of its volume, found as the cluster leads to it.
    private func copy(of stage: FailoverStage) async throws -> (namespace: String, file: URL) {
        let namespace = "\(stage.namespace)\(ActionSpec.defaultSuffix)"
        let claim = try await stage.b.client.get(BuiltIn.claims, ObjectKey(namespace, "data"))
        let bound = try #require(claim["spec", "volumeName"]?.string)
        let volume = try await stage.b.client.get(BuiltIn.volumes, ObjectKey("", bound))
        let handle = try #require(volume["spec", "csi", "volumeHandle"]?.string)
        #expect(handle != stage.application.volume)
        let info: VolumeInfo = try await stage.b.agent { agent throws(APIError) in
            try await agent.get(AgentRoute.volume(handle))
        }
        return (namespace, URL(fileURLWithPath: try #require(info.path)))
    }
}
