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

    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    /// Lets a run fail: its copy, of all of the volume, would take minutes and is cancelled at the agent.
    ///
    /// - Returns: the agent that took the place of the source's, and what the volume holds since.
    private func fail(_ number: Int, _ stage: Stage) async throws -> (StandingAgent, Data) {
        let agent = try await StandingAgent(insteadOf: stage.source, bandwidth: "16KiB/s")
        let image = try await stage.source.fill(
            stage.application.volume,
            bytes: stage.image.count,
            seed: 2
        )
        try await stage.sync(number)
        let item = try await stage.item(number) { $0.status == .inProgress }
        var running: TransferInfo?
        // Each question waits for an answer, so nobody spins; the test's time limit ends it.
        repeat {
            try Task.checkCancellation()
            running = try await stage.source.transfers.first { !$0.state.isFinal }
        } while running == nil
        let transfer = try #require(running)
        try await stage.source.agent { agent throws(APIError) in
            let _: TransferInfo = try await agent.post(
                AgentRoute.transfer(transfer.id, "cancel"),
                NoBody()
            )
        }
        let end = try await stage.final(item.name)
        #expect(end.status == .failed)
        _ = try await stage.item(number) { $0.isFinal }
        try await agent.killAndRestart(bandwidth: "1GiB/s")
        return (agent, image)
    }

    private static func reason(ofRun run: Int) -> FullCopyReason? {
        run == 1 ? .firstRun : run.isMultiple(of: 7) ? .seventhRun : nil
    }

    @Test func ofThirtyRunsTheFirstAndEverySeventhIsFullAndAFailedOneDoesNotCount() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await stage.schedule()
        var full: [Int] = []
        var failed: (agent: StandingAgent, image: Data)?
        for number in 1...31 {
            // The tenth trigger fails: the eleventh is run number ten.
            if number == 10 {
                failed = try await self.fail(number, stage)
                continue
            }
            let run = number < 10 ? number : number - 1
            let volume = try await stage.run(number)
            #expect(volume.run == run)
            #expect(volume.fullReason == Self.reason(ofRun: run))
            if volume.transfer == .full { full.append(run) }
        }
        #expect(full == [1, 7, 14, 21, 28])
        let arrived = try await stage.destination.bytes(of: stage.application.volume)
        #expect(arrived == failed?.image)
        await stage.end()
    }

    @Test func inDisasterRecoveryOnlyTheFirstIsFull() async throws {
        let stage = try await Stage(in: self.scratch.path)
        try await stage.source.client.patch(
            StorkResource.clusterPairs,
            ObjectKey(stage.namespace, Stage.pair),
            .merge(["spec": ["options": ["mode": "DisasterRecovery"]]])
        )
        try await stage.schedule()
        var full: [Int] = []
        for number in 1...8 {
            let volume = try await stage.run(number)
            if volume.transfer == .full { full.append(number) }
        }
        #expect(full == [1])
        await stage.end()
    }
}
