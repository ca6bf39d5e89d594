// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Somebody does not answer: it is told, waited for, and gone on with when they do again.
@Suite(.serialized, .timeLimit(.minutes(15)), .enabled(if: TestKind.isEmbedded, TestKind.reason))
struct SilenceTests {
    @Test func aDestinationClusterThatIsAwayIsWaitedFor() async throws {
        try await FailureStage.with("away-cluster") { stage in
            try await stage.install()
            try await stage.pair()
            try await stage.pairIsReady()
            stage.destination.controller.kill9()
            try await stage.migrate("move")
            // The pair is looked at again as soon as the Migration meets the trouble.
            let pair = try await stage.pairStatus { $0.schedulerStatus == .degraded }
            let condition = try #require(pair.conditions["SchedulerReady"])
            #expect(condition.status == .no && condition.reason == "DestinationUnreachable")
            #expect(condition.message.contains("refused"), "\(condition.message)")
            #expect(pair.conditions["Ready"]?.status == .no)
            #expect(pair.storageStatus == .ready, "the agents do well")
            let warning = try await stage.warning(about: FailureStage.pair, saying: "refused")
            #expect(warning["reason"] == "Degraded")
            try await stage.waits(
                "move",
                ["DestinationUnreachable", "ClusterPairNotReady"],
                saying: "refused"
            )
            try await stage.destination.killAndRestart()
            try await stage.succeeds("move")
            try await stage.pairIsReady()
        }
    }

    @Test func agentsThatAreAwayAreWaitedFor() async throws {
        try await FailureStage.with("away-agents") { stage in
            try await stage.install()
            try await stage.pair()
            try await stage.pairIsReady()

            stage.source.agentProcess.kill9()
            try await stage.migrate("here")
            try await stage.waits(
                "here",
                ["AgentUnreachable", "ClusterPairNotReady"],
                saying: "does not answer"
            )
            let pair = try await stage.pairStatus { $0.storageStatus == .degraded }
            #expect(pair.conditions["StorageReady"]?.reason == "AgentUnreachable")
            #expect(pair.schedulerStatus == .ready, "the clusters do well")
            let warning = try await stage.warning(
                about: FailureStage.pair,
                saying: "does not answer"
            )
            #expect(warning["reason"] == "Degraded")
            try await stage.startAgent(of: stage.source)
            try await stage.succeeds("here")
            try await stage.pairIsReady()

            stage.destination.agentProcess.kill9()
            try await stage.migrate("there")
            try await stage.isHeldUp(
                "there",
                ["DestinationUnreachable"],
                saying: "the destination does not answer"
            )
            try await stage.startAgent(of: stage.destination)
            try await stage.succeeds("there")
            try await stage.pairIsReady()
        }
    }
}
