// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// A Migration with rules, from its beginning to its end, over pods in memory.
@Suite(.timeLimit(.minutes(10))) struct MigrationRuleTests {
    private let stage = ControllerStage()
    private static let hold = "hold \(Rule.waitMark)"

    private func prepare(pre: String? = "pre", post: String? = "post", volumes: Bool = true) {
        self.stage.prepare()
        self.stage.putRule("pre", [("lock", false), (Self.hold, true)])
        self.stage.putRule("post", [("unlock", false)])
        self.stage.putPod("db-0")
        self.stage.putMigration { spec in
            spec.preExecRule = pre ?? ""
            spec.postExecRule = post ?? ""
            spec.includesVolumes = volumes
        }
    }

    private var reason: String? { self.stage.migration.conditions["Succeeded"]?.reason }
    private var message: String { self.stage.migration.conditions["Succeeded"]?.message ?? "" }
    private var commands: [String] { self.stage.runner.runs.map(\.command) }
    private var note: String? {
        self.stage.cluster.find(StorkResource.migrations, ObjectKey("db", "m"))?
            .annotations["stork.libopenstorage.org/pods-with-running-cmds"]
    }

    @Test func theRulesRunAroundTheBeginOfTheCopies() async throws {
        self.prepare()
        self.stage.driver.began.withLock { [stage] began in
            began = {
                #expect(stage.runner.waitingCount == 1, "it is held while the copy begins")
                #expect(!stage.runner.runs.contains { $0.command == "unlock" })
            }
        }
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.migration.status == .successful)
        #expect(self.commands == ["lock", Self.hold, "unlock"])
        #expect(self.stage.runner.waitingCount == 0 && self.stage.runner.killed.isEmpty)
        #expect(self.note == nil)
        #expect(self.stage.notices.withLock { $0.filter(\.isWarning) } == [])
    }

    @Test(arguments: ["pre", "post"]) func aMissingRuleIsWaitedForAndNothingRuns(
        name: String
    ) async throws {
        self.prepare()
        self.stage.cluster.remove(StorkResource.rules, ObjectKey("db", name))
        let controller = self.stage.migrationController()
        try await self.stage.look(controller, limit: 4)
        let what = name == "pre" ? "PreExecRule" : "PostExecRule"
        #expect(self.stage.migration.stage == .initial && self.reason == "RuleNotFound")
        #expect(self.message.hasPrefix("Error getting \(what) \(name): "))
        #expect(self.message.contains(" Try: create or correct Rule \(name)"))
        #expect(self.commands.isEmpty)
        #expect(self.stage.notices.withLock { $0.map(\.message) } == [self.message], "told once")
        self.stage.putRule(name, [("x", false)])
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful)
    }

    @Test func aPreRuleThatFailsIsTriedAgainAndNeverTheEnd() async throws {
        self.prepare()
        self.stage.runner.answer { run, before in
            CommandEnd(status: run.command == "lock" && before < 24 ? 7 : 0, output: "locked out")
        }
        let controller = self.stage.migrationController()
        _ = try await controller.reconcile(ObjectKey("db", "m"))
        #expect(self.stage.migration.stage == .initial && self.stage.migration.status == .initial)
        #expect(self.reason == "RuleFailed")
        #expect(
            self.message.hasPrefix(
                "Error running PreExecRule: pod db/db-0, container main: the command ended with 7 "
                    + "and said: locked out"
            )
        )
        #expect(self.stage.notices.withLock { $0.last } == .warning("Failed", self.message))
        #expect(self.stage.driver.state.withLock { $0.begun.isEmpty })
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful)
        #expect(self.commands.count { $0 == "lock" } == 25, "12 tries, 12 tries, and one")
    }

    @Test func aPreRuleThatFailsInTheMiddleHoldsNothingBack() async throws {
        self.stage.prepare()
        self.stage.putRule("pre", [(Self.hold, true), ("check", false)])
        self.stage.putPod("db-0")
        self.stage.putMigration { $0.preExecRule = "pre" }
        self.stage.runner.answer { run, _ in
            CommandEnd(status: run.command == "check" ? 1 : 0, output: "")
        }
        _ = try await self.stage.migrationController().reconcile(ObjectKey("db", "m"))
        #expect(self.commands.first == Self.hold && self.reason == "RuleFailed")
        #expect(self.stage.runner.waitingCount == 0 && self.note == nil)
    }

    @Test func aPostRuleThatFailsCancelsAndIsTheEnd() async throws {
        self.prepare()
        self.stage.runner.answer { run, _ in
            CommandEnd(status: run.command == "unlock" ? 1 : 0, output: "")
        }
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.migration.stage == .final && self.stage.migration.status == .failed)
        #expect(
            self.reason == "RuleFailed" && self.message.hasPrefix("Error running PostExecRule: ")
        )
        #expect(self.stage.driver.state.withLock { $0.cancelled } == ["uid-m-db-data"])
        #expect(self.stage.mover.moves.withLock { $0 } == 0)
        #expect(self.stage.notices.withLock { $0.last?.message } == self.message)
    }

    @Test func withoutVolumesBothRulesRunAndTheObjectsGoOn() async throws {
        self.prepare(volumes: false)
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.migration.status == .successful)
        #expect(self.commands == ["lock", Self.hold, "unlock"] && self.note == nil)
        #expect(self.stage.driver.state.withLock { $0.begun.isEmpty })
    }

    @Test func noPodIsToldAndIsNoFailure() async throws {
        self.stage.prepare()
        self.stage.putRule("pre", [("lock", false)])
        self.stage.putMigration { $0.preExecRule = "pre" }
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.migration.status == .successful)
        let warnings = self.stage.notices.withLock { $0.filter(\.isWarning) }
        #expect(warnings.map(\.reason) == ["PreExecRule"])
        #expect(warnings.first?.message.contains("no running pod has the labels app=db") == true)
    }

    @Test func anApplicationIsNotHeldForAPairThatDoesNotWork() async throws {
        self.prepare()
        self.stage.putPair(storage: .error)
        let controller = self.stage.migrationController()
        try await self.stage.look(controller, limit: 3)
        #expect(self.commands.isEmpty && self.reason == "ClusterPairNotReady")
        self.stage.putPair(storage: .ready)
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful)
    }

    /// The pair was Ready when the rule ran; the storage refuses when the copies are to begin.
    @Test func storageThatIsAwayAfterThePreRuleMakesItRunAgain() async throws {
        self.prepare()
        let away = VolumeTrouble(.agentUnreachable, "nobody answers", isPassing: true)
        self.stage.driver.state.withLock { $0.trouble = away }
        let controller = self.stage.migrationController()
        _ = try await controller.reconcile(ObjectKey("db", "m"))
        #expect(self.stage.migration.stage == .initial && self.reason == "AgentUnreachable")
        #expect(self.stage.runner.waitingCount == 0 && self.note == nil, "nothing stays held")
        self.stage.driver.state.withLock { $0.trouble = nil }
        try await self.stage.look(controller)
        #expect(self.stage.migration.status == .successful)
        #expect(self.commands == ["lock", Self.hold, "lock", Self.hold, "unlock"])
    }

    @Test func aCommandThatEndsBeforeTheVolumesAreFrozenIsNoConsistentCopy() async throws {
        self.prepare(post: nil)
        self.stage.driver.began.withLock { [stage] in $0 = { stage.runner.letAllGo() } }
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.migration.status == .failed && self.reason == "RuleFailed")
        #expect(self.message.contains("before the volumes were frozen"))
        #expect(self.stage.driver.state.withLock { $0.cancelled } == ["uid-m-db-data"])
    }

    @Test func volumesThatAreNotFrozenInTimeDoNotHoldAnApplicationForEver() async throws {
        self.prepare()
        self.stage.driver.state.withLock { $0.isFrozen = false }
        self.stage.waits.pass(ControllerStage.limits.freeze)
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.migration.status == .failed)
        #expect(self.message.hasPrefix("the volumes were not frozen within 303 s"))
        #expect(self.commands == ["lock", Self.hold], "no post rule over nothing")
        #expect(self.stage.runner.waitingCount == 0)
    }

    @Test func whatAProcessThatIsGoneHasLeftIsEndedFirst() async throws {
        self.prepare()
        let place = CommandPlace(namespace: "db", pod: "db-0", container: "main")
        self.stage.annotate(note: [BackgroundTask].annotation(run: "old-1", [place]))
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.runner.killed == ["/tmp/godwit-old-1-0"])
        #expect(self.stage.migration.status == .successful && self.note == nil)
    }

    @Test func alsoWhatIsFinalIsFreedOfIt() async throws {
        self.prepare(pre: nil, post: nil)
        try await self.stage.look(self.stage.migrationController())
        let place = CommandPlace(namespace: "db", pod: "db-0", container: "main")
        self.stage.annotate(note: [BackgroundTask].annotation(run: "old-1", [place]))
        try await self.stage.look(self.stage.migrationController())
        #expect(self.stage.runner.killed == ["/tmp/godwit-old-1-0"] && self.note == nil)
        #expect(self.stage.migration.status == .successful)
    }

    /// Dies at the first request, at the second, and so on; each copy begins while it is held.
    @Test func killedAtAnyRequestNothingIsFrozenWithoutItsRule() async throws {
        for life in 0..<60 {
            let test = MigrationRuleTests()
            test.prepare()
            let stage = test.stage
            stage.driver.began.withLock {
                $0 = { #expect(stage.runner.waitingCount == 1, "killed after \(life)") }
            }
            stage.cluster.state.withLock { $0.life = life }
            try? await stage.look(stage.migrationController())
            stage.cluster.state.withLock { $0.life = nil }
            // No two processes start at the same time: runs of rules are named after it.
            stage.seconds.withLock { $0 += 1 }
            try await stage.look(stage.migrationController())
            #expect(stage.migration.status == .successful, "killed after \(life)")
            let begun = stage.driver.state.withLock { $0.begun }
            #expect(begun.values.allSatisfy { $0 == 1 } && begun.count <= 2, "killed after \(life)")
            #expect(stage.runner.waitingCount == 0 && test.note == nil, "killed after \(life)")
            #expect(test.commands.suffix(1) == ["unlock"], "killed after \(life)")
        }
    }

    @Test func deletionCancelsWhatWasBegunBeforeThePostRule() async throws {
        self.prepare()
        self.stage.runner.hang(on: "unlock")
        self.stage.waits.pass(ControllerStage.limits.command)
        // Dies when it writes the end that the post rule has made.
        self.stage.driver.began.withLock { [stage] in
            $0 = { stage.cluster.state.withLock { $0.life = 3 } }
        }
        try? await self.stage.look(self.stage.migrationController(), limit: 1)
        self.stage.cluster.state.withLock { $0.life = nil }
        self.stage.markDeleted(StorkResource.migrations, "m")
        _ = try await self.stage.migrationController().reconcile(ObjectKey("db", "m"))
        #expect(self.stage.driver.state.withLock { $0.cancelled.contains("uid-m-db-data") })
        #expect(self.stage.cluster.find(StorkResource.migrations, ObjectKey("db", "m")) == nil)
    }
}
