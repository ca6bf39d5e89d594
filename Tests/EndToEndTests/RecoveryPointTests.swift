// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Kinds
import KubernetesClient
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// What becomes of the RecoveryPoints at the destination.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RecoveryPointTests {
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    /// The RecoveryPoint of run number so much.
    private func point(_ number: Int, _ stage: Stage) async throws -> ObjectKey {
        _ = try await stage.run(number)
        let item = try await stage.item(number) { $0.isFinal }
        let point = try await stage.final(item.name).recoveryPoint
        return ObjectKey(stage.namespace, try #require(point?.name))
    }

    /// What the destination says of a RecoveryPoint, once it says whether its generations are kept.
    private func available(_ key: ObjectKey, _ stage: Stage) async throws -> Condition {
        let object = try await stage.destination.object(
            StorkResource.recoveryPoints,
            key.namespace,
            key.name
        ) {
            let known = [Condition]($0["status", "conditions"])["Available"]
            return known.map { $0.status != .unknown } ?? false
        }
        return try #require([Condition](object["status", "conditions"])["Available"])
    }

    /// How many generations of the volume the destination's agent keeps.
    private func generations(_ stage: Stage) async throws -> Int {
        let name = stage.application.volume
        let volume: VolumeInfo = try await stage.destination.agent { agent throws(APIError) in
            try await agent.get(AgentRoute.volume(name))
        }
        return volume.generations.count
    }

    @Test func pointsAreAvailableWhileTheirGenerationsAreKeptAndThenGo() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await stage.schedule()
        var points: [ObjectKey] = []
        for number in 1...3 { points.append(try await self.point(number, stage)) }
        // An agent keeps two generations, or one where its file system has no reflinks.
        let kept = try await self.generations(stage)
        #expect((1...2).contains(kept))
        for point in points.dropLast(kept) {
            try await stage.destination.gone(StorkResource.recoveryPoints, point)
        }
        for point in points.suffix(kept) {
            #expect(try await self.available(point, stage).reason == "Kept")
        }
        let table = try Program.run(
            "godwit",
            [
                "get", "recoverypoints", "-n", stage.namespace, "--kubeconfig",
                stage.destination.adminKubeconfig,
            ],
            in: self.scratch.path
        )
        let lines = table.output.split(separator: "\n")
        #expect(lines.count == 1 + kept && lines[0].contains("AVAILABLE"), "\(table.output)")
        #expect(lines.dropFirst().allSatisfy { $0.hasSuffix("True") }, "\(table.output)")
        let figure = try await stage.figure()
        #expect(figure.volumes.map(\.volume) == [stage.application.volume])
        #expect(
            figure.volumes.map(\.time) == [figure.time]
                && points[2].name.hasPrefix(figure.migration)
        )
        await stage.end()
    }
}
