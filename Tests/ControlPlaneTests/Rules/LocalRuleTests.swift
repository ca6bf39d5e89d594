// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import Locks
import ObjectModel
import TestSupport
import Testing

@testable import ControlPlane

/// Rules with a real shell: what it starts, what it holds, and that nothing of it is left.
@Suite(.timeLimit(.minutes(10))) struct LocalRuleTests {
    private let place = CommandPlace(namespace: "db", pod: "db-0", container: "main")
    private let waits = RuleWaits()
    private let progress = RuleProgress { Timestamp(seconds: 0) }
    private let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory(inMemory: true) }

    private var runner: LocalCommandRunner {
        LocalCommandRunner(variables: ["PATH": "/usr/bin:/bin", "PLACE": self.directory.path])
    }

    private var engine: RuleEngine {
        RuleEngine(
            cluster: FakeCluster(),
            runner: self.runner,
            wait: { [waits] in try await waits.wait($0) }
        )
    }

    private func plan(_ command: String, isBackground: Bool = true) throws -> RulePlan {
        let action: JSON = [
            "type": "command", "background": .bool(isBackground), "value": .string(command),
        ]
        let rule = Rule(
            KubeObject(
                StorkResource.rules.groupVersionKind,
                ObjectKey("db", "hold"),
                ["rules": [["actions": [action]]]]
            )
        )
        let pod = RulePod(
            KubeObject(
                BuiltIn.pods.groupVersionKind,
                ObjectKey("db", "db-0"),
                ["spec": ["containers": [["name": "main"]]], "status": ["phase": "Running"]]
            )
        )
        return try RulePlan(rule, pods: [pod], phases: ["Running"])
    }

    private func file(_ name: String) -> String? {
        try? String(contentsOfFile: "\(self.directory.path)/\(name)", encoding: .utf8)
    }

    private static func isThere(_ task: String) -> Bool {
        FileManager.default.fileExists(atPath: "/tmp/godwit-\(task)")
    }

    /// Waits until a process that was killed is gone.
    ///
    /// Whoever adopts it reaps it when it likes; until then it is a name without a program.
    private static func ends(_ process: String) async throws {
        while let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            !state.contains(") Z ")
        {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    private let run = "test-\(UUID().uuidString.prefix(12).lowercased())"

    @Test func aCommandKnowsItsPodAndItsEndIsTold() async throws {
        let end = try await self.runner.run(
            [
                "sh", "-c",
                "echo $GODWIT_NAMESPACE/$GODWIT_POD/$GODWIT_CONTAINER; echo no >&2; exit 3",
            ],
            in: self.place
        )
        #expect(end == CommandEnd(status: 3, output: "db/db-0/main\nno\n"))
        #expect(end.lastWords == "db/db-0/main no")
    }

    @Test func ofMuchOutputTheEndIsKept() async throws {
        let end = try await self.runner.run(
            ["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' a; echo end"],
            in: self.place
        )
        #expect(end.status == 0 && end.output.utf8.count == 64 << 10)
        #expect(end.output.hasSuffix("aaend\n"))
    }

    @Test func whatACommandLeavesRunningEndsWithIt() async throws {
        let end = try await self.runner.run(
            ["sh", "-c", "tail -f /dev/null >/dev/null 2>&1 & echo $!"],
            in: self.place
        )
        let left = try #require(Int32(end.output.trimmingCharacters(in: .whitespacesAndNewlines)))
        try await Self.ends("\(left)")
    }

    @Test func aBackgroundCommandHoldsUntilItIsLetGo() async throws {
        let plan = try self.plan("echo a > $PLACE/held; \(Rule.waitMark); echo b > $PLACE/gone")
        try await RuleSession.during(self.engine) { session in
            try await session.run(plan, named: self.run, self.progress)
            #expect(self.file("held") == "a\n", "it has come to where it waits")
            #expect(self.file("gone") == nil && Self.isThere("\(self.run)-0"))
            #expect(session.hasRun && session.breach == nil)
            #expect(await session.end() == [])
            #expect(self.file("gone") == "b\n", "it has gone on to its end")
        }
        #expect(!Self.isThere("\(self.run)-0"))
    }

    /// As databases start it: by a program that gives the text to a shell of its own.
    @Test func theMarkMayStandInsideOfQuotes() async throws {
        let plan = try self.plan(
            "sh -c 'echo a > $PLACE/held; \(Rule.waitMark) && echo b > $PLACE/gone'"
        )
        try await RuleSession.during(self.engine) { session in
            try await session.run(plan, named: self.run, self.progress)
            #expect(self.file("gone") == nil)
        }
        #expect(self.file("gone") == "b\n", "the end of the look lets it go")
        #expect(!Self.isThere("\(self.run)-0"))
    }

    @Test func aBackgroundCommandThatEndsBeforeItWaitsIsAFailure() async throws {
        let plan = try self.plan("echo broken; exit 4; \(Rule.waitMark)")
        let failure = await #expect(throws: RuleEngine.Failure.self) {
            try await RuleSession.during(self.engine) {
                try await $0.run(plan, named: self.run, self.progress)
            }
        }
        #expect(failure?.message.contains("ended with 4 and said: broken") == true)
        #expect(!Self.isThere("\(self.run)-0"))
    }

    @Test func aBackgroundCommandThatNeverComesToItsPlaceIsEnded() async throws {
        let plan = try self.plan("echo $$ > $PLACE/pid; tail -f /dev/null; \(Rule.waitMark)")
        self.waits.pass(RuleLimits().reach)
        let failure = await #expect(throws: RuleEngine.Failure.self) {
            var engine = self.engine
            // Its grace is over at once too: it hangs.
            engine.limits.grace = engine.limits.reach
            try await RuleSession.during(engine) {
                try await $0.run(plan, named: self.run, self.progress)
            }
        }
        #expect(failure?.message.contains("did not come to ${WAIT_CMD} within 300 s") == true)
    }

    @Test func aCommandThatDoesNotEndWhenItIsLetGoIsKilled() async throws {
        let plan = try self.plan("echo $$ > $PLACE/pid; \(Rule.waitMark); tail -f /dev/null")
        try await RuleSession.during(self.engine) { session in
            try await session.run(plan, named: self.run, self.progress)
            self.waits.pass(RuleLimits().grace)
            let told = await session.end()
            #expect(told.count == 1 && told[0].contains("did not end and was killed"), "\(told)")
        }
        let pid = try #require(self.file("pid")).trimmingCharacters(in: .whitespacesAndNewlines)
        try await Self.ends(pid)
        #expect(!Self.isThere("\(self.run)-0"))
    }

    /// The process that began it is gone; another one knows its name from the note alone.
    @Test func anotherProcessEndsWhatIsLeft() async throws {
        let place = CommandPlace(namespace: "db", pod: "db-0", container: "main")
        let task = try #require([BackgroundTask](run: self.run, [place]).first)
        let runner = self.runner
        let script = task.start("\(Rule.waitMark); echo b > $PLACE/gone")
        async let held = runner.run(script, in: place)
        let reached = try await runner.run(task.watch, in: place)
        #expect(reached.status == 0)
        let note = [BackgroundTask].annotation(run: self.run, [place])
        #expect(await self.engine.kill([BackgroundTask](annotation: note)) == [])
        #expect(try await held.status != 0, "it was killed")
        #expect(self.file("gone") == nil && !Self.isThere("\(self.run)-0"))
        #expect(await self.engine.kill([task]) == [], "what is not there needs no end")
    }

    @Test func aCommandThatHangsIsEndedAndNotTriedBesideItself() async throws {
        let plan = try self.plan("tail -f /dev/null", isBackground: false)
        self.waits.pass(RuleLimits().command)
        let failure = await #expect(throws: RuleEngine.Failure.self) {
            try await RuleSession.during(self.engine) {
                try await $0.run(plan, named: self.run, self.progress)
            }
        }
        #expect(failure?.message.contains("did not end within 300 s") == true)
        #expect(self.waits.pauses.isEmpty)
    }

    @Test func aCommandIsTriedTwelveTimesFiveSecondsApart() async throws {
        let plan = try self.plan("echo x >> $PLACE/tries; exit 1", isBackground: false)
        let failure = await #expect(throws: RuleEngine.Failure.self) {
            try await RuleSession.during(self.engine) {
                try await $0.run(plan, named: self.run, self.progress)
            }
        }
        #expect(failure?.message == "pod db/db-0, container main: the command ended with 1")
        #expect(self.file("tries")?.count == 24)
        #expect(self.waits.pauses == Array(repeating: .seconds(5), count: 11))
    }
}
