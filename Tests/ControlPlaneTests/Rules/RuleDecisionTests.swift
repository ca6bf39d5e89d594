// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

/// Where rules come in on the way of a Migration.
@Suite struct RuleDecisionTests {
    private static let rule = Rule(
        KubeObject(StorkResource.rules.groupVersionKind, ObjectKey("db", "r"))
    )

    private func step(
        _ stage: MigrationStage,
        _ state: MigrationState,
        _ change: (inout MigrationFacts) -> Void = { _ in }
    ) -> MigrationStep {
        var facts = MigrationFacts(namespace: "db", clusterPair: "pair")
        facts.namespaces = ["db"]
        facts.pair = .init(name: "pair", storage: .ready, scheduler: .ready, remote: "r")
        facts.preRule = .ready(Self.rule)
        facts.postRule = .ready(Self.rule)
        (facts.stage, facts.state) = (stage, state)
        change(&facts)
        return MigrationDecision.step(facts)
    }

    private func isOver(_ step: MigrationStep, _ reason: Trouble.Reason) -> Bool {
        if case .startOver(let trouble) = step { return trouble.reason == reason }
        return false
    }

    @Test func thePreRuleIsWrittenDownBeforeItRuns() {
        #expect(self.step(.initial, .initial) == .enter(.preExecRule, .pending))
        #expect(self.step(.preExecRule, .pending) == .enter(.preExecRule, .inProgress))
        #expect(self.step(.preExecRule, .inProgress) == .runPreRule(Self.rule))
    }

    @Test func whatItHoldsIsHeldIntoTheVolumes() {
        let after = self.step(.preExecRule, .inProgress) { $0.isQuiesced = true }
        #expect(after == .enter(.volumes, .pending))
        #expect(self.step(.volumes, .pending) { $0.isQuiesced = true } == .startVolumes)
    }

    /// A process that was started between the rule and the volumes.
    @Test func whoFindsItBetweenTheTwoRunsTheRuleAgain() {
        #expect(self.step(.volumes, .pending) == .enter(.preExecRule, .pending))
        #expect(self.step(.preExecRule, .inProgress) == .runPreRule(Self.rule))
    }

    @Test func aPostRuleAloneNeedsNoStageOfItsOwn() {
        let first = self.step(.initial, .initial) { $0.preRule = .none }
        #expect(first == .enter(.volumes, .pending))
        #expect(self.step(.volumes, .pending) { $0.preRule = .none } == .startVolumes)
    }

    @Test func withoutVolumesTheRulesStillBelongTogether() {
        let first = self.step(.initial, .initial) { $0.includeVolumes = false }
        #expect(first == .enter(.preExecRule, .pending))
        let after = self.step(.preExecRule, .inProgress) {
            $0.includeVolumes = false
            $0.isQuiesced = true
        }
        #expect(after == .skipVolumes)
    }

    @Test func aMissingRuleIsWaitedForBeforeAnythingBegins() {
        let steps = [
            self.step(.initial, .initial) { $0.preRule = .unusable("r", why: "none") },
            self.step(.initial, .initial) { $0.postRule = .unusable("r", why: "none") },
        ]
        for (step, word) in zip(steps, ["PreExecRule", "PostExecRule"]) {
            guard case .wait(let trouble) = step else {
                Issue.record("\(step)")
                continue
            }
            #expect(trouble.message == "Error getting \(word) r: none")
        }
    }

    @Test func aRuleThatGoesMissingInBetweenLetsGoOfWhatIsHeld() {
        let step = self.step(.volumes, .pending) {
            $0.isQuiesced = true
            $0.postRule = .unusable("r", why: "none")
        }
        #expect(self.isOver(step, .ruleNotFound))
    }

    @Test func aPairThatIsNotReadyStopsItBeforeTheRuleAndAfterIt() {
        let before = self.step(.initial, .initial) { $0.pair?.storage = .error }
        guard case .wait(let trouble) = before else {
            Issue.record("\(before)")
            return
        }
        #expect(trouble.reason == .clusterPairNotReady)
        let after = self.step(.volumes, .pending) {
            $0.isQuiesced = true
            $0.pair?.storage = .error
        }
        #expect(self.isOver(after, .clusterPairNotReady))
    }

    @Test(arguments: MigrationStage.allCases)
    func whatAnotherProcessHasLeftIsEndedFirst(stage: MigrationStage) {
        for isBeingDeleted in [false, true] {
            let step = self.step(stage, .inProgress) {
                $0.hasLeftCommands = true
                $0.isBeingDeleted = isBeingDeleted
            }
            #expect(step == .endLeftCommands)
        }
    }
}
