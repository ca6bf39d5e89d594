// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel
import Testing

@testable import ControlPlane

@Suite struct ActionDecisionTests {
    private static let ways: [ActionType] = [.failover, .nearsyncFailover, .failback]

    private func facts(
        _ type: ActionType,
        _ stage: ActionStage = .initial,
        seconds: Int = 0,
        silence: Int? = nil
    ) -> ActionFacts {
        var facts = ActionFacts(
            spec: ActionSpec(type, schedule: "s"),
            status: ActionStatus(of: type),
            now: Timestamp(seconds: 10_000)
        )
        facts.status.stage = stage
        facts.status.stageTime = Timestamp(seconds: 10_000 - seconds)
        facts.status.conditions.set(
            Finding(ConditionType.otherSideAnswers, .no, "Silent", ""),
            generation: 1,
            now: Timestamp(seconds: 10_000 - (silence ?? seconds))
        )
        facts.schedule = ActionFacts.Schedule(
            isStaticCopy: true,
            isActivated: false,
            namespaces: ["a", "b"]
        )
        facts.points = [
            ActionFacts.Point(name: "new", time: Timestamp(seconds: 9_000)),
            ActionFacts.Point(name: "old", time: Timestamp(seconds: 8_000)),
        ]
        return facts
    }

    // MARK: - The way

    @Test(arguments: ways) func eachStageLeadsToTheNext(_ type: ActionType) {
        let isBack = type == .failback
        let way: [ActionStage] = [
            isBack ? .scaleDownDestination : .scaleDownSource, .waitAfterScaleDown,
            .lastMileMigration, isBack ? .scaleUpSource : .scaleUpDestination,
        ]
        let steps: [ActionStep] = [.stopOtherSide, .awaitPods, .migrateLast, .startHere]
        #expect(
            ActionDecision.step(self.facts(type))
                == .begin(self.facts(type).points[0], way[0])
        )
        for (index, stage) in way.enumerated() {
            let facts = self.facts(type, stage)
            #expect(ActionDecision.step(facts) == steps[index])
            guard index + 1 < way.count else { break }
            #expect(
                ActionDecision.transition(.done, facts)
                    == .enter(way[index + 1], otherSideReached: index == 0 ? true : nil)
            )
        }
        guard
            case .end(.successful, let text) = ActionDecision.transition(
                .done,
                self.facts(type, way[3])
            )
        else {
            Issue.record("the last stage is the end")
            return
        }
        #expect(text.contains("a, b"))
    }

    @Test func whoSkipsTheSourceStartsAtOnce() {
        var facts = self.facts(.failover)
        facts.spec.skipsSource = true
        #expect(ActionDecision.step(facts) == .begin(facts.points[0], .scaleUpDestination))
    }

    @Test func aChosenStateIsShownAndNoNewerOneIsBrought() {
        var facts = self.facts(.failover)
        facts.spec.recoveryPoint = "old"
        #expect(ActionDecision.step(facts) == .begin(facts.points[1], .scaleDownSource))
        facts.status.stage = .waitAfterScaleDown
        #expect(
            ActionDecision.transition(.done, facts)
                == .enter(.scaleUpDestination, otherSideReached: nil)
        )
    }

    @Test func theNewestStateBeforeATimeIsFound() {
        var facts = self.facts(.failover)
        facts.spec.before = Timestamp(seconds: 9_000)
        #expect(ActionDecision.step(facts) == .begin(facts.points[1], .scaleDownSource))
        facts.spec.before = Timestamp(seconds: 8_000)
        #expect(self.reason(facts) == .noRecoveryPoint)
    }

    @Test func aStateOfWhichAVolumeIsGoneIsShownOnlyToWhoNamesIt() {
        var facts = self.facts(.failover)
        facts.points[0].isGone = true
        #expect(ActionDecision.step(facts) == .begin(facts.points[1], .scaleDownSource))
        facts.spec.recoveryPoint = "new"
        #expect(ActionDecision.step(facts) == .begin(facts.points[0], .scaleDownSource))
        facts.spec.recoveryPoint = nil
        facts.points[1].isGone = true
        #expect(self.reason(facts) == .noRecoveryPoint)
    }

    @Test func aRehearsalTouchesNobody() {
        #expect(
            ActionDecision.step(self.facts(.drill))
                == .begin(self.facts(.drill).points[0], .scaleUpDestination)
        )
        #expect(ActionDecision.step(self.facts(.drill, .scaleUpDestination)) == .rehearse)
        var active = self.facts(.drill)
        active.schedule?.isActivated = true
        #expect(
            ActionDecision.step(active) == .begin(active.points[0], .scaleUpDestination),
            "also while the applications run"
        )
    }

    // MARK: - What keeps it from beginning

    private func reason(_ facts: ActionFacts) -> Trouble.Reason? {
        guard case .fail(let trouble) = ActionDecision.step(facts) else { return nil }
        #expect(!trouble.text.isEmpty && trouble.remedy != nil && !trouble.isPassing)
        return trouble.reason
    }

    @Test func whatCannotBeginFailsAndSaysWhatToDo() {
        var facts = self.facts(.failover)
        facts.schedule = nil
        #expect(self.reason(facts) == .scheduleNotFound)
        facts = self.facts(.failover)
        facts.schedule?.isStaticCopy = false
        #expect(self.reason(facts) == .scheduleNotFound)
        facts = self.facts(.failover)
        facts.schedule?.isActivated = true
        #expect(self.reason(facts) == .alreadyActive)
        facts = self.facts(.failover)
        facts.spec.namespaces = ["a", "c"]
        #expect(self.reason(facts) == .noNamespace)
        facts = self.facts(.failover)
        facts.points = []
        #expect(self.reason(facts) == .noRecoveryPoint)
        facts = self.facts(.failover)
        facts.missingRight = MissingRight(what: "create namespaces", role: .rehearsal)
        #expect(self.reason(facts) == .notAllowed)
        facts = self.facts(.failover)
        facts.points = []
        facts.schedule?.includesVolumes = false
        #expect(self.reason(facts) == nil, "where nothing has volumes no state is needed")
    }

    // MARK: - What fails on the way

    @Test func aSourceThatDoesNotAnswerIsAskedAgainAndThenLeftAlone() {
        for stage in [
            ActionStage.scaleDownSource, .waitAfterScaleDown, .lastMileMigration,
        ] {
            let asked = self.facts(.failover, stage, seconds: 29)
            #expect(
                ActionDecision.transition(.unreachable("gone"), asked)
                    == .stay("gone", after: .seconds(6))
            )
            let over = self.facts(.failover, stage, seconds: 30)
            #expect(
                ActionDecision.transition(.unreachable("gone"), over)
                    == .enter(.scaleUpDestination, otherSideReached: false)
            )
        }
    }

    @Test func aMomentOfSilenceInALongStageIsAMoment() {
        var facts = self.facts(.failover, .lastMileMigration, seconds: 7_200, silence: 1)
        let stays = ActionTransition.stay("gone", after: .seconds(6))
        #expect(ActionDecision.transition(.unreachable("gone"), facts) == stays)
        facts.status.conditions.set(
            Finding(ConditionType.otherSideAnswers, .yes, "Answers", ""),
            generation: 1,
            now: Timestamp(seconds: 8_000)
        )
        #expect(ActionDecision.transition(.unreachable("gone"), facts) == stays)
        facts.status.conditions = []
        #expect(ActionDecision.transition(.unreachable("gone"), facts) == stays, "the first time")
    }

    @Test(arguments: ways) func theWayBackWaitsLongForTheOtherSide(_ type: ActionType) {
        let stage = ActionDecision.rollbackStage(type)
        let limit = ActionDecision.limit(stage)
        #expect(
            ActionDecision.transition(
                .unreachable("gone"),
                self.facts(type, stage, seconds: limit - 1)
            ) == .stay("gone", after: .seconds(6))
        )
        guard
            case .end(.rollbackFailed, let text) = ActionDecision.transition(
                .unreachable("gone"),
                self.facts(type, stage, seconds: limit)
            )
        else {
            Issue.record("it waited for ever")
            return
        }
        #expect(text.contains("gone") && text.contains("by hand"))
    }

    @Test func theWayBackNeedsBothSides() {
        let facts = self.facts(.failback, .scaleDownDestination, seconds: 30)
        guard
            case .rollBack(let trouble) = ActionDecision.transition(.unreachable("gone"), facts)
        else {
            Issue.record("it does not go on alone")
            return
        }
        #expect(trouble.reason == .destinationUnreachable)
    }

    @Test(arguments: ways) func aStepThatFailsIsTakenBack(_ type: ActionType) {
        let trouble = Trouble(.lastMileFailed, "it failed", remedy: "mend it", isPassing: false)
        for stage in [
            ActionDecision.stopStage(type), .waitAfterScaleDown, .lastMileMigration,
            ActionDecision.startStage(type),
        ] {
            #expect(
                ActionDecision.transition(.failed(trouble), self.facts(type, stage))
                    == .rollBack(trouble)
            )
        }
        var back = self.facts(type, ActionDecision.rollbackStage(type))
        back.status.reason = "it failed"
        #expect(ActionDecision.step(back) == .rollBack)
        guard case .end(.failed, let text) = ActionDecision.transition(.done, back) else {
            Issue.record("what is taken back has failed")
            return
        }
        #expect(text.hasPrefix("it failed") && text.contains("taken back"))
        guard
            case .end(.rollbackFailed, let loud) = ActionDecision.transition(
                .failed(trouble),
                back
            )
        else {
            Issue.record("what cannot be taken back says so")
            return
        }
        #expect(loud.contains("by hand"))
    }

    @Test(arguments: ActionType.allCases) func whatHasNoRemedyGetsOne(_ type: ActionType) {
        let trouble = Trouble(.volumeFailed, "it failed", isPassing: false)
        let facts = self.facts(type, ActionDecision.startStage(type))
        guard case .rollBack(let told) = ActionDecision.transition(.failed(trouble), facts) else {
            Issue.record("it is not taken back")
            return
        }
        let word = type == .nearsyncFailover ? "failover" : type.rawValue
        #expect(told.text == "it failed Try: mend that, then perform the \(word) again")
    }

    @Test func aRehearsalWhosePodsHaveJustBegunMayTakeItsTimeFromThenOn() {
        let late = self.facts(.drill, .scaleUpDestination, seconds: 5_000)
        #expect(
            ActionDecision.transition(.starting("a pod"), late)
                == .restart("a pod", after: ActionDecision.pause)
        )
        guard case .end(.successful, let text) = ActionDecision.transition(.rehearsed("All."), late)
        else {
            Issue.record("it has not come to its end")
            return
        }
        #expect(text.hasSuffix(" All."))
    }

    @Test(arguments: [ActionStage.waitAfterScaleDown, .scaleUpDestination])
    func whatDoesNotGetOnIsTakenBackInTheEnd(_ stage: ActionStage) {
        let limit = ActionDecision.limit(stage)
        #expect(
            ActionDecision.transition(
                .waiting("a pod"),
                self.facts(.failover, stage, seconds: limit - 1)
            ) == .stay("a pod", after: ActionDecision.pause)
        )
        let over = self.facts(.failover, stage, seconds: limit)
        guard case .rollBack(let trouble) = ActionDecision.transition(.waiting("a pod"), over)
        else {
            Issue.record("it waited for ever")
            return
        }
        #expect(trouble.reason == .timedOut && trouble.text.contains("a pod"))
    }

    @Test func aDeletedOneIsTakenBackAndAFinalOneIsLeftAlone() {
        var facts = self.facts(.failover, .lastMileMigration)
        facts.isBeingDeleted = true
        #expect(ActionDecision.step(facts) == .release)
        #expect(ActionDecision.step(self.facts(.failover, .final)) == .nothing)
        facts = self.facts(.failover)
        facts.hasFinalizer = false
        #expect(ActionDecision.step(facts) == .addFinalizer)
    }
}
