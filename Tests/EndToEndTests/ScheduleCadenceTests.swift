// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Which runs of a schedule are full, with real agents.
@Suite(.serialized, .timeLimit(.minutes(15))) struct ScheduleCadenceTests {
    private struct NoBody: Codable, Sendable {}

    private static let schedule = "nightly"
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private func schedule(_ stage: Stage) async throws {
        let policies = StorkResource.namespacedSchedulePolicies
        let key = ObjectKey(stage.namespace, Self.schedule)
        try await stage.source.create(
            policies,
            KubeObject(
                policies.groupVersionKind,
                key,
                ["policy": ["interval": ["intervalMinutes": 1_000]]]
            )
        )
        let schedules = StorkResource.migrationSchedules
        let template: JSON = [
            "clusterPair": .string(Stage.pair), "namespaces": JSON([stage.namespace]),
            "includeResources": false,
        ]
        try await stage.source.create(
            schedules,
            KubeObject(
                schedules.groupVersionKind,
                key,
                [
                    "spec": [
                        "template": ["spec": template], "schedulePolicyName": .string(key.name),
                    ]
                ]
            )
        )
    }

    /// Asks for a run.
    private func sync(_ number: Int, _ stage: Stage) async throws {
        let annotation: JSON = ["stork.libopenstorage.org/sync-now": .string("\(number)")]
        try await stage.source.client.patch(
            StorkResource.migrationSchedules,
            ObjectKey(stage.namespace, Self.schedule),
            .merge(["metadata": ["annotations": annotation]])
        )
    }

    /// The schedule's newest run as soon as it is as `isSo` says.
    private func item(
        _ number: Int,
        _ stage: Stage,
        where isSo: @Sendable (ScheduledRun) -> Bool
    ) async throws -> ScheduledRun {
        let object = try await stage.source.object(
            StorkResource.migrationSchedules,
            stage.namespace,
            Self.schedule
        ) {
            let status = MigrationScheduleStatus($0["status"])
            return status.syncNow == (number == 1 ? nil : "\(number)")
                && status.items[.interval]?.last.map(isSo) == true
        }
        return try #require(
            MigrationScheduleStatus(object["status"]).items[.interval]?.last
        )
    }

    /// How run number so much has gone.
    private func run(_ number: Int, _ stage: Stage) async throws -> MigratedVolume {
        if number > 1 { try await self.sync(number, stage) }
        let item = try await self.item(number, stage) { $0.isFinal }
        let end = try await stage.final(item.name)
        #expect(end.status == .successful, "run \(number): \(end.json.pretty)")
        return try #require(end.volumes.first)
    }

    /// Lets a run fail: its copy is cancelled at the agent while the other side stands still.
    private func fail(_ number: Int, _ stage: Stage) async throws {
        stage.destination.agentProcess.signal(SIGSTOP)
        try await self.sync(number, stage)
        let item = try await self.item(number, stage) { $0.status == .inProgress }
        let migration = try await stage.source.object(
            StorkResource.migrations,
            stage.namespace,
            item.name
        ) { MigrationStatus($0["status"]).volumes.first?.status == .inProgress }
        #expect(!MigrationStatus(migration["status"]).isFinal)
        while try await stage.source.transfers.allSatisfy(\.state.isFinal) {
            try Task.checkCancellation()
        }
        let running = try #require(try await stage.source.transfers.first { !$0.state.isFinal })
        try await stage.source.agent { agent throws(APIError) in
            let _: TransferInfo = try await agent.post(
                AgentRoute.transfer(running.id, "cancel"),
                NoBody()
            )
        }
        stage.destination.agentProcess.signal(SIGCONT)
        let end = try await stage.final(item.name)
        #expect(end.status == .failed)
        _ = try await self.item(number, stage) { $0.isFinal }
    }

    @Test func ofThirtyRunsTheFirstAndEverySeventhIsFullAndAFailedOneDoesNotCount() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await self.schedule(stage)
        var full: [Int] = []
        for number in 1...31 {
            // The tenth trigger fails: the eleventh is run number ten.
            if number == 10 {
                try await self.fail(number, stage)
                continue
            }
            let run = number < 10 ? number : number - 1
            let volume = try await self.run(number, stage)
            if volume.transfer == .full { full.append(run) }
        }
        #expect(full == [1, 7, 14, 21, 28])
        #expect(try await stage.volumeArrived())
        await stage.end()
    }

    @Test func inDisasterRecoveryOnlyTheFirstIsFull() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await stage.source.client.patch(
            StorkResource.clusterPairs,
            ObjectKey(stage.namespace, Stage.pair),
            .merge(["spec": ["options": ["mode": "DisasterRecovery"]]])
        )
        try await self.schedule(stage)
        var full: [Int] = []
        for number in 1...8 {
            let volume = try await self.run(number, stage)
            if volume.transfer == .full { full.append(number) }
        }
        #expect(full == [1])
        await stage.end()
    }
}
