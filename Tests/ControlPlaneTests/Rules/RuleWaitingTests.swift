// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel
import Testing

@testable import ControlPlane

/// What a Migration says while a command of its rule does not end.
@Suite(.timeLimit(.minutes(10))) struct RuleWaitingTests {
    private let stage = ControllerStage()
    private static let key = ObjectKey("db", "m")

    private func prepare(hangingOn command: String) {
        self.stage.prepare()
        self.stage.putRule("pre", [("lock", false)])
        self.stage.putRule("post", [("unlock", false)])
        self.stage.putPod("db-0")
        self.stage.putMigration { spec in
            spec.preExecRule = "pre"
            spec.postExecRule = "post"
        }
        self.stage.runner.hang(on: command)
        self.stage.waits.pass(ControllerStage.limits.look)
    }

    private var condition: Condition? { self.stage.migration.conditions["Succeeded"] }

    /// The event that tells of a command that is waited for; the test's time limit ends the wait.
    private func told(_ reason: String) async throws -> Notice {
        while true {
            try Task.checkCancellation()
            let notice = self.stage.notices.withLock { $0.first { $0.reason == reason } }
            if let notice { return notice }
            await Task.yield()
        }
    }

    @Test func aPreRuleThatHangsSaysWhereAndSinceWhenAndIsTriedAgain() async throws {
        self.prepare(hangingOn: "lock")
        async let look = self.stage.migrationController().reconcile(Self.key)
        let notice = try await self.told("PreExecRule")
        #expect(!notice.isWarning)
        #expect(
            notice.message
                == "PreExecRule waits since 1970-01-12T13:46:40Z for pod db/db-0, container main: "
                + "lock Try: look at that command there; it is given up 301 s after its begin"
        )
        #expect(self.stage.migration.stage == .preExecRule)
        #expect(self.condition?.reason == "RunningRule" && self.condition?.status == .unknown)
        #expect(self.condition?.message == notice.message)
        self.stage.waits.pass(ControllerStage.limits.command)
        _ = try await look
        #expect(self.stage.notices.withLock { $0.count { $0 == notice } } == 1, "told once")
        #expect(self.stage.migration.stage == .initial && self.condition?.reason == "RuleFailed")
        #expect(self.condition?.message.contains("did not end within 301 s Try: ") == true)
    }

    @Test func aPostRuleThatHangsSaysSoAndIsTheEnd() async throws {
        self.prepare(hangingOn: "unlock")
        async let look: Void = self.stage.look(self.stage.migrationController())
        let notice = try await self.told("PostExecRule")
        #expect(self.stage.migration.stage == .volumes && self.condition?.message == notice.message)
        self.stage.waits.pass(ControllerStage.limits.command)
        try await look
        #expect(self.stage.migration.status == .failed && self.condition?.reason == "RuleFailed")
        #expect(self.stage.driver.state.withLock { $0.cancelled } == ["uid-m-db-data"])
    }

    @Test(arguments: ["lock", "unlock"]) func deletionDoesNotWaitForACommandThatHangs(
        command: String
    ) async throws {
        self.prepare(hangingOn: command)
        async let look: Void = self.stage.look(self.stage.migrationController())
        _ = try await self.told(command == "lock" ? "PreExecRule" : "PostExecRule")
        self.stage.markDeleted(StorkResource.migrations, "m")
        try await look
        #expect(self.stage.cluster.find(StorkResource.migrations, Self.key) == nil)
        let cancelled = self.stage.driver.state.withLock { $0.cancelled }
        #expect(cancelled == (command == "lock" ? [] : ["uid-m-db-data"]))
    }

    @Test func whatIsWaitedForLongestIsNamedWithItsLastTry() async throws {
        let seconds = Locked(0)
        let progress = RuleProgress { Timestamp(seconds: seconds.withLock { $0 }) }
        func place(_ pod: String) -> CommandPlace {
            CommandPlace(namespace: "db", pod: pod, container: "main")
        }
        try await progress.during("flush\n\(String(repeating: "x", count: 90))", in: place("a")) {
            seconds.withLock { $0 = 60 }
            try await progress.during("other", in: place("b")) {
                progress.failed(in: place("a"), "no lock")
                let longest = try #require(progress.longest)
                let text = progress.text(longest, of: .pre, limit: .seconds(300))
                #expect(
                    text == "PreExecRule waits since 1970-01-01T00:00:00Z for pod db/a, container "
                        + "main: flush \(String(repeating: "x", count: 74))… (and for 1 more); it is "
                        + "tried again: no lock Try: look at that command there; it is given up "
                        + "300 s after its begin"
                )
            }
            #expect(progress.count == 1)
        }
        #expect(progress.longest == nil)
    }
}
