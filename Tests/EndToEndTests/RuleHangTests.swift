// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kinds
import KubernetesClient
import ObjectModel
import Testing

@testable import ControlPlane

/// Rules whose commands do not end: seen within seconds, over when the operator's bound is, and never
/// in the way of a deletion.
@Suite(
    .serialized,
    .timeLimit(.minutes(15)),
    .enabled(if: TestKind.isEmbedded, "needs pods that run on this machine")
)
struct RuleHangTests {
    /// What an operator gives who does not want to wait for 300 s.
    private static let bounded = ["--run-rules-locally", "--rule-timeout", "4"]

    @Test func aPreRuleThatHangsIsGivenUpAndTriedAgain() async throws {
        try await FailureStage.with("rule-hangs", controller: Self.bounded) { stage in
            try await stage.prepareForRules()
            let mended = "\(stage.scratch.path)/mended"
            try await stage.putRule("flush", [.command("[ -e \(mended) ] || tail -f /dev/null")])
            try await stage.migrate("move") { $0.preExecRule = "flush" }
            try await stage.saysWhatItWaitsFor("move", .pre)
            // The one that hangs does not see it any more; the next one does.
            #expect(FileManager.default.createFile(atPath: mended, contents: nil))
            let event = try await stage.warning(
                about: "move",
                saying: "Error running PreExecRule: pod \(stage.namespace)/db-0, container main: "
                    + "the command did not end within 4 s Try: look why it hangs"
            )
            #expect(event["reason"] == "Failed")
            try await stage.succeeds("move")
        }
    }

    @Test func aPostRuleThatHangsIsTheEnd() async throws {
        try await FailureStage.with("rule-hangs-post", controller: Self.bounded) { stage in
            try await stage.prepareForRules()
            try await stage.putRule("thaw", [.command("tail -f /dev/null")])
            try await stage.migrate("move") { $0.postExecRule = "thaw" }
            let end = try await stage.fails(
                "move",
                .failed,
                "RuleFailed",
                saying: "Error running PostExecRule: pod \(stage.namespace)/db-0, container main: "
                    + "the command did not end within 4 s"
            )
            #expect(end.volumes.allSatisfy { $0.status != .successful }, "nothing is shown")
        }
    }

    /// With the bound that everybody has, 300 s: long before it a person sees what hangs and where.
    @Test(arguments: [Rule.Purpose.pre, .post]) func aMigrationWhoseRuleHangsIsSeenAndCanBeDeleted(
        purpose: Rule.Purpose
    ) async throws {
        let name = "rule-seen-\(purpose)"
        try await FailureStage.with(name, controller: ["--run-rules-locally"]) { stage in
            try await stage.prepareForRules()
            try await stage.putRule("hang", [.command("tail -f /dev/null")])
            try await stage.migrate("move") {
                switch purpose {
                case .pre: $0.preExecRule = "hang"
                case .post: $0.postExecRule = "hang"
                }
            }
            try await stage.saysWhatItWaitsFor("move", purpose)
            let words = "waits since "
            let waited = try stage.godwit("wait", "migration", "move", "--timeout", "1")
            #expect(waited.status == 7 && waited.errors.contains(words), "\(waited.errors)")
            let described = try stage.godwit("describe", "migration", "move")
            #expect(described.output.contains(words), "\(described.output)")
            let key = ObjectKey(stage.namespace, "move")
            _ = try await stage.source.client.delete(StorkResource.migrations, key)
            try await stage.source.gone(StorkResource.migrations, key)
        }
    }
}

extension FailureStage {
    /// A Migration that says, while a command runs, which one it is, where, and since when.
    fileprivate func saysWhatItWaitsFor(_ name: String, _ purpose: Rule.Purpose) async throws {
        let begin = "\(purpose.rawValue) waits since "
        let held = try await self.source.object(
            StorkResource.migrations,
            self.namespace,
            name
        ) {
            let condition = MigrationStatus($0["status"]).conditions["Succeeded"]
            return condition?.message.hasPrefix(begin) == true
        }
        let status = MigrationStatus(held["status"])
        let condition = try #require(status.conditions["Succeeded"])
        #expect(condition.reason == "RunningRule" && condition.status == .unknown)
        for words in [
            " for pod \(self.namespace)/db-0, container main: ", "tail -f /dev/null",
            " Try: look at that command there",
        ] {
            #expect(condition.message.contains(words), "\(condition.message)")
        }
        let since = condition.message.dropFirst(begin.count).prefix { $0 != " " }
        #expect(Timestamp(String(since)) != nil, "\(condition.message)")
        #expect(status.stage == (purpose == .pre ? .preExecRule : .volumes))
    }
}
