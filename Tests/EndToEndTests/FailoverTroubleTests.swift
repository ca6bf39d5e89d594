// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Failovers in the middle of something, and failovers that fail: with real agents, clusters and
/// bytes, and by the command line.
@Suite(.serialized, .timeLimit(.minutes(15))) struct FailoverTroubleTests {
    private static let slow = "64KiB/s"
    private let scratch: ScratchDirectory

    init() throws { self.scratch = try ScratchDirectory() }

    private func stage() async throws -> FailoverStage {
        let stage = try await FailoverStage(in: self.scratch.path)
        try await stage.replicate("go", from: stage.a)
        try await stage.pairBack()
        return stage
    }

    /// The source is alive: what is under way arrives, then what was written after it, then it starts.
    @Test func aRunInTheMiddleComesToItsEndAndNothingIsLost() async throws {
        let stage = try await self.stage()
        let agent = try await StandingAgent(insteadOf: stage.a, bandwidth: Self.slow)
        try await stage.fill(stage.a, seed: 1)
        let run = try await stage.copying("go", at: stage.a)
        try await stage.write("written while it was copied", at: stage.a)
        let person = try stage.person(at: stage.b)
        let begun = try await person.succeeds("godwit perform failover -m go --yes")
        let name = try stage.action(begunBy: begun)
        try await stage.says("Migration \(run.name) is still running there", name, at: stage.b)
        #expect(try await stage.replicas(stage.a) == 3, "it is not stopped before that")
        try await stage.free(run.copy, at: stage.a)
        let ended = try await person.succeeds("godwit wait failover \(name)")
        #expect(ended.output.contains("Successful"), "\(ended.output)")
        let migration = try await stage.a.final(run.name, in: stage.namespace)
        #expect(migration.status == .successful, "\(migration.json.pretty)")
        let live = try await stage.liveBytes(stage.b)
        #expect(try await stage.liveBytes(stage.a) == live)
        #expect(live.starts(with: Data("written while it was copied".utf8)))
        #expect(try await stage.replicas(stage.a) == 0)
        #expect(try await stage.replicas(stage.b) == 3)
        let told = try await person.succeeds("godwit describe failover \(name)")
        #expect(told.output.contains("Migration \(run.name) is still running"), "\(told.output)")
        try await stage.end()
        withExtendedLifetime(agent) {}
    }

    /// The source is given up while it sends: what had come of the run is not shown, and the source,
    /// which finds out by it, keeps still until somebody says otherwise.
    @Test func aRunThatIsCutOffShowsNoHalfAndFencesTheSource() async throws {
        let stage = try await self.stage()
        let shown = try await stage.liveBytes(stage.a)
        let agent = try await StandingAgent(insteadOf: stage.a, bandwidth: Self.slow)
        try await stage.fill(stage.a, seed: 2)
        let run = try await stage.copying("go", at: stage.a)
        let there = try stage.person(at: stage.b)
        let over = try await there.succeeds(
            "godwit perform failover -m go --skip-source-operations --wait --yes"
        )
        #expect(over.output.contains("s old then"), "\(over.output)")
        #expect(try await stage.liveBytes(stage.b) == shown, "the newest state, and no half")
        #expect(try await stage.replicas(stage.b) == 3)

        let here = try stage.person(at: stage.a)
        let failed = try await here.types(["godwit", "wait", "migration", run.name])
        #expect(
            failed.status == 1 && failed.errors.contains("a failover at the dest"),
            "\(failed.errors)"
        )
        try await stage.isFenced("go", at: stage.a)
        #expect(try await stage.replicas(stage.a) == 0, "it does not run on two sides")
        #expect(try await stage.volume(stage.a).fenced != nil)
        // Nothing is sent meanwhile, and it says so.
        let refused = try await here.types([
            "godwit", "replicate", stage.application.volume, "--to", "\(stage.namespace)-other",
        ])
        #expect(refused.status == 5 && refused.errors.contains("GW1032"), "\(refused.errors)")

        // A person gives up what runs there, and takes what is here.
        try await stage.a.client.patch(
            StorkResource.migrationSchedules,
            ObjectKey(stage.namespace, "go"),
            .merge(["metadata": ["annotations": [SourceFence.mark: .string(SourceFence.lifted)]]])
        )
        _ = try await stage.a.object(
            StorkResource.migrationSchedules,
            stage.namespace,
            "go"
        ) { [Condition]($0["status", "conditions"])["Fenced"]?.status == .no }
        #expect(try await stage.volume(stage.a).fenced == nil)
        try await here.succeeds("godwit activate migrations -n \(stage.namespace)")
        #expect(try await stage.replicas(stage.a) == 3)
        try await stage.end()
        withExtendedLifetime(agent) {}
    }

    /// Controllers, cluster and agent of the source die together while a run is under way; they come
    /// back, are fenced, and get everything back by a failback.
    @Test(.enabled(if: TestKind.isEmbedded, TestKind.reason))
    func aDeadSourceIsTakenOverFencedWhenItReturnsAndGoneBackTo() async throws {
        let stage = try await self.stage()
        let shown = try await stage.liveBytes(stage.a)
        let agent = try await StandingAgent(insteadOf: stage.a, bandwidth: Self.slow)
        try await stage.fill(stage.a, seed: 3)
        let run = try await stage.copying("go", at: stage.a)
        agent.kill()
        stage.a.controller.kill9()
        let there = try stage.person(at: stage.b)
        let over = try await there.succeeds(
            "godwit perform failover -m go --skip-source-operations --wait --yes"
        )
        #expect(over.errors.contains("newest consistent point"), "\(over.errors)")
        #expect(try await stage.liveBytes(stage.b) == shown, "the newest state, and no half")
        #expect(try await stage.replicas(stage.b) == 3)
        try await stage.write("written at the other side", at: stage.b)

        try await agent.restart()
        try await stage.a.killAndRestart()
        try await stage.isFenced("go", at: stage.a)
        #expect(try await stage.replicas(stage.a) == 0, "it does not run on two sides")
        #expect(try await stage.volume(stage.a).fenced != nil)
        let cutOff = try await stage.a.final(run.name, in: stage.namespace)
        #expect(cutOff.status == .failed, "\(cutOff.json.pretty)")
        let words = cutOff.conditions["Succeeded"]?.message ?? ""
        #expect(words.contains(" Try: "), "\(words)")

        try await self.goBack(stage)
        try await stage.end()
    }

    /// First with a migration that is hours old, which is refused; then with what that says to do.
    private func goBack(_ stage: FailoverStage) async throws {
        let (here, there) = (
            try stage.person(at: stage.a), try stage.person(at: stage.b)
        )
        try await stage.replicate("back", from: stage.b)
        try await there.succeeds("godwit suspend migrationschedule back")
        try await stage.age("back", at: stage.b)
        let refused = try await here.types(
            "godwit perform failback -m back --wait --yes".split(separator: " ").map(String.init)
        )
        #expect(refused.status == 1, "\(refused.output)")
        for words in ["the newest Migration, back-interval-", "by the policy", "Try: let one"] {
            #expect(refused.errors.contains(words), "\(refused.errors)")
        }
        #expect(try await stage.replicas(stage.b) == 3, "nothing was stopped")
        try await there.succeeds("godwit resume migrationschedule back")
        try await there.succeeds("godwit trigger migrationschedule back --wait")
        try await here.succeeds("godwit perform failback -m back --wait --yes")
        #expect(try await stage.replicas(stage.a) == 3)
        #expect(try await stage.replicas(stage.b) == 0)
        let home = try await stage.liveBytes(stage.a)
        #expect(try await stage.liveBytes(stage.b) == home)
        #expect(home.starts(with: Data("written at the other side".utf8)))
    }

    /// Each of them says why and what to do, and leaves the source running; then one succeeds.
    @Test func anAbortedFailoverLeavesTheSourceRunning() async throws {
        let stage = try await self.stage()
        let there = try stage.person(at: stage.b)
        let point = try #require(try await stage.points.first)
        try await stage.makePoint("ghost", like: point, generation: 99)
        try await stage.fails(
            "godwit perform failover -m go --recovery-point ghost --wait --yes",
            ["Generation 99", "is not kept here", "kept are:", "taken back"],
            there
        )

        let here = try stage.person(at: stage.a)
        try await here.succeeds("godwit volume fence \(stage.application.volume)")
        try await stage.fails(
            "godwit perform failover -m go --wait --yes",
            ["Migration go-lastmile-failover-", "fenced", "Try: ", "taken back"],
            there
        )
        try await here.succeeds("godwit volume unfence \(stage.application.volume)")

        // The agent here is gone, and so nothing can be promoted: a person gives up.
        let agent = try await StandingAgent(insteadOf: stage.b, bandwidth: "1GiB/s")
        agent.kill()
        let begun = try await there.succeeds(
            "godwit perform failover -m go --recovery-point \(point.name) --yes"
        )
        let name = try stage.action(begunBy: begun)
        try await stage.says("does not answer", name, at: stage.b)
        #expect(try await stage.replicas(stage.a) == 0)
        try await there.succeeds("godwit delete failover \(name)")
        try await stage.runs(3, at: stage.a)
        try await agent.restart()
        try await stage.isGone(name, at: stage.b)
        try await stage.isAsBefore("go")

        try await there.succeeds("godwit perform failover -m go --wait --yes")
        #expect(try await stage.replicas(stage.b) == 3)
        #expect(try await stage.liveBytes(stage.b) == stage.liveBytes(stage.a))
        try await stage.end()
    }
}
