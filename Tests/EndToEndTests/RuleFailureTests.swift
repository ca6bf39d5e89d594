// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Rules that are missing, fail or match nothing, and a controller that dies in the middle of one: each
/// leaves a status, an event and what to do.
@Suite(
    .serialized,
    .timeLimit(.minutes(15)),
    .enabled(if: TestKind.isEmbedded, "needs pods that run on this machine")
)
struct RuleFailureTests {
    private static let locally = ["--run-rules-locally"]

    @Test func aMissingRuleIsWaitedFor() async throws {
        try await FailureStage.with("rule-missing", controller: Self.locally) { stage in
            try await stage.prepareForRules()
            try await stage.migrate("move") { $0.preExecRule = "flush" }
            try await stage.waits(
                "move",
                ["RuleNotFound"],
                saying: "Error getting PreExecRule flush"
            )
            try await stage.putRule("flush", [.command("true")])
            try await stage.succeeds("move")
        }
    }

    @Test func aPreRuleThatFailsIsToldAndTriedAgainUntilItIsMended() async throws {
        try await FailureStage.with("rule-fails", controller: Self.locally) { stage in
            try await stage.prepareForRules()
            let mended = "\(stage.scratch.path)/mended"
            let hold = "[ -e \(mended) ] || { echo no lock; exit 3; }; \(Rule.waitMark)"
            try await stage.putRule("lock", [.command(hold, background: true)])
            try await stage.migrate("move") { $0.preExecRule = "lock" }
            try await stage.warning(
                about: "move",
                saying: "Error running PreExecRule: pod \(stage.namespace)/db-0, container main: "
                    + "the command ended with 3 and said: no lock"
            )
            #expect(FileManager.default.createFile(atPath: mended, contents: nil))
            try await stage.succeeds("move")
        }
    }

    @Test func aPostRuleThatFailsIsTheEnd() async throws {
        try await FailureStage.with("rule-post", controller: Self.locally) { stage in
            try await stage.prepareForRules()
            try await stage.putRule("thaw", container: "other", [.command("true")])
            try await stage.migrate("move") { $0.postExecRule = "thaw" }
            _ = try await stage.fails(
                "move",
                .failed,
                "RuleFailed",
                saying: "Error running PostExecRule: pod \(stage.namespace)/db-0 has no container"
            )
        }
    }

    @Test func aRuleThatMatchesNoPodIsAWarning() async throws {
        try await FailureStage.with("rule-nobody", controller: Self.locally) { stage in
            try await stage.prepareForRules(pod: false)
            try await stage.putRule("flush", [.command("false")])
            try await stage.migrate("move") { $0.preExecRule = "flush" }
            try await stage.succeeds("move")
            try await stage.warning(about: "move", saying: "no running pod has the labels app=db")
        }
    }

    @Test func withoutLeaveNothingRunsOnThisMachine() async throws {
        try await FailureStage.with("rule-leave") { stage in
            try await stage.prepareForRules()
            let made = "\(stage.scratch.path)/made"
            try await stage.putRule("flush", [.command("touch \(made)")])
            try await stage.migrate("move") { $0.preExecRule = "flush" }
            let event = try await stage.warning(
                about: "move",
                saying: "an embedded cluster runs no pods Try: start godwit-controller with "
                    + "--run-rules-locally"
            )
            #expect(event["reason"] == "Failed")
            #expect(!FileManager.default.fileExists(atPath: made))
        }
    }

    /// It is killed while a command is held and another one does not end.
    @Test func aKilledControllerLeavesNothingHeldAndRunsTheRuleAgain() async throws {
        try await FailureStage.with("rule-killed", controller: Self.locally) { stage in
            try await stage.prepareForRules()
            let place = stage.scratch.path
            try await stage.putRule(
                "lock",
                [
                    .command(
                        "echo x >> \(place)/held; \(Rule.waitMark); echo x >> \(place)/freed",
                        background: true
                    ),
                    // The first time it stays until the test has seen it.
                    .command(
                        "[ -e \(place)/again ] || { touch \(place)/again; "
                            + "mkfifo \(place)/door; cat \(place)/door; }"
                    ),
                ]
            )
            try await stage.migrate("move") { $0.preExecRule = "lock" }
            let held = try await stage.source.object(
                StorkResource.migrations,
                stage.namespace,
                "move"
            ) { $0.hasBackgroundTasks }
            let task = try #require(held.backgroundTasks.first)
            let door = try await Self.open(door: "\(place)/door")
            // Held until the end: what the killed controller ran there waits on.
            defer { close(door) }
            try await stage.source.killAndRestart()
            try await stage.succeeds("move")
            #expect(!FileManager.default.fileExists(atPath: "/tmp/godwit-\(task.name)"))
            func words(_ name: String) throws -> String {
                try String(contentsOfFile: "\(place)/\(name)", encoding: .utf8)
            }
            #expect(try words("held") == "x\nx\n", "once before the kill and once after it")
            #expect(try words("freed") == "x\n", "the first was killed, the second let go")
        }
    }

    /// Waits until somebody reads from a pipe, and keeps that from ending.
    private static func open(door path: String) async throws -> Int32 {
        while true {
            try Task.checkCancellation()
            let door = Foundation.open(path, O_WRONLY | O_NONBLOCK)
            if door >= 0 { return door }
            await Task.yield()
        }
    }
}
