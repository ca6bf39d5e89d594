// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Decides about an Action: pure, the same for the same facts.
///
/// ```
///  "" ─▶ ScaleDown… ─▶ WaitAfterScaleDown ─▶ LastMileMigration ─▶ ScaleUp… ─▶ Final/Successful
///   │        │ the other side does not answer, or is skipped ────────▲
///   │        └────────────── a step fails ─▶ ScaleUp of the other side (rollback) ─▶ Final/…
///   └─ nothing can be done: Final/Failed
/// ```
///
/// A failover stops the source and starts the destination, a failback the other way round; both run in
/// the cluster where the applications are to be started, where the schedule is a static copy.
enum ActionDecision {
    /// How far apart the other side is asked while it does not answer.
    static let tryPause = Duration.seconds(6)
    /// How soon a stage is looked at again.
    static let pause = Duration.seconds(1)
    /// How long the other side may be silent before it counts as gone, in seconds.
    static let patienceForOtherSide = 30

    /// How long a stage may take without getting on, in seconds.
    static func limit(_ stage: ActionStage) -> Int {
        switch stage {
        // A migration that runs already is let come to its end.
        case .scaleDownSource, .scaleDownDestination: 3_600
        case .lastMileMigration: 86_400
        case .initial, .waitAfterScaleDown, .scaleUpDestination, .scaleUpSource, .final: 900
        }
    }

    // MARK: - The stages of a type

    /// Where the applications are stopped.
    static func stopStage(_ type: ActionType) -> ActionStage {
        type == .failback ? .scaleDownDestination : .scaleDownSource
    }

    /// Where the applications are started.
    static func startStage(_ type: ActionType) -> ActionStage {
        type == .failback ? .scaleUpSource : .scaleUpDestination
    }

    /// Where they are started again when a step has failed.
    static func rollbackStage(_ type: ActionType) -> ActionStage {
        type == .failback ? .scaleUpDestination : .scaleUpSource
    }

    // MARK: - What to do now

    static func step(_ facts: ActionFacts) -> ActionStep {
        if facts.isBeingDeleted { return .release }
        let stage = facts.status.stage
        guard stage != .final else { return .nothing }
        guard facts.hasFinalizer else { return .addFinalizer }
        guard stage != .initial else { return Self.begin(facts) }
        let type = facts.spec.type
        if type == .drill { return .rehearse }
        if stage == Self.stopStage(type) { return .stopOtherSide }
        if stage == Self.startStage(type) { return .startHere }
        if stage == Self.rollbackStage(type) { return .rollBack }
        switch stage {
        case .waitAfterScaleDown: return .awaitPods
        case .lastMileMigration: return .migrateLast
        case .initial, .final, .scaleDownSource, .scaleDownDestination, .scaleUpSource,
            .scaleUpDestination:
            return .nothing
        }
    }

    private static func begin(_ facts: ActionFacts) -> ActionStep {
        if let trouble = Self.objection(facts) { return .fail(trouble) }
        let point: ActionFacts.Point?
        switch Self.choose(facts) {
        case .success(let chosen): point = chosen
        case .failure(let trouble): return .fail(trouble)
        }
        let type = facts.spec.type
        let isAlone = type == .drill || facts.spec.skipsSource
        return .begin(point, isAlone ? Self.startStage(type) : Self.stopStage(type))
    }

    private static func objection(_ facts: ActionFacts) -> Trouble? {
        let name = facts.spec.schedule
        guard let schedule = facts.schedule else {
            return Trouble(
                .scheduleNotFound,
                "migrationschedules.stork.libopenstorage.org \"\(name)\" not found",
                remedy: "name a MigrationSchedule of which this cluster has the copy: "
                    + "godwit get migrationschedules",
                isPassing: false
            )
        }
        guard schedule.isStaticCopy else {
            return Trouble(
                .scheduleNotFound,
                "MigrationSchedule \(name) begins here, and its applications run here already",
                remedy: "type it in the cluster to which \(name) migrates",
                isPassing: false
            )
        }
        if facts.spec.type != .drill, schedule.isActivated {
            return Trouble(
                .alreadyActive,
                "the applications of MigrationSchedule \(name) run here already",
                remedy: "to bring them back, fail back from the other cluster",
                isPassing: false
            )
        }
        let unknown = facts.spec.namespaces.filter { !schedule.namespaces.contains($0) }
        if let first = unknown.first {
            return Trouble(
                .noNamespace,
                "MigrationSchedule \(name) does not migrate namespace \(first)",
                remedy: "name some of: \(schedule.namespaces.joined(separator: ", "))",
                isPassing: false
            )
        }
        return facts.missingRight.map { .lacking($0) }
    }

    /// Which state of the volumes is meant; nil where nothing has volumes.
    private static func choose(
        _ facts: ActionFacts
    ) -> Result<ActionFacts.Point?, Trouble> {
        guard facts.schedule?.includesVolumes == true else { return .success(nil) }
        let standing = facts.points.filter { !$0.isGone }
        let known = standing.map { "\($0.name) (\($0.time))" }.joined(separator: ", ")
        let wanted: ActionFacts.Point?
        if let name = facts.spec.recoveryPoint {
            // Whoever names one is told by the volumes what is gone.
            wanted = facts.points.first { $0.name == name }
        } else if let before = facts.spec.before {
            wanted = standing.first { $0.time < before }
        } else {
            wanted = standing.first
        }
        guard let wanted else {
            return .failure(
                Trouble(
                    .noRecoveryPoint,
                    known.isEmpty
                        ? "no RecoveryPoint of MigrationSchedule \(facts.spec.schedule) is here whole"
                        : "no RecoveryPoint fits: \(facts.spec.recoveryPoint ?? "before")",
                    remedy: known.isEmpty
                        ? "let one of its migrations succeed first" : "choose one of: \(known)",
                    isPassing: false
                )
            )
        }
        return .success(wanted)
    }

    // MARK: - What comes after

    /// Where the Action goes after a look at its stage.
    static func transition(_ outcome: StageOutcome, _ facts: ActionFacts) -> ActionTransition {
        let stage = facts.status.stage
        let type = facts.spec.type
        switch outcome {
        case .done: return Self.next(facts)
        case .rehearsed(let remark):
            return .end(.successful, "\(Self.success(facts)) \(remark)")
        case .starting(let what): return .restart(what, after: Self.pause)
        case .waiting(let why):
            guard facts.secondsInStage < Self.limit(stage) else {
                let trouble = Trouble(
                    .timedOut,
                    "\(stage.rawValue) did not get on for \(facts.secondsInStage) s: \(why)",
                    isPassing: false
                )
                return Self.giveUp(trouble, facts)
            }
            return .stay(why, after: Self.pause)
        case .unreachable(let why):
            // What was stopped there can be started by nobody else: that is not given up so soon.
            let isWayBack = stage == Self.rollbackStage(type)
            let patience = isWayBack ? Self.limit(stage) : Self.patienceForOtherSide
            guard facts.secondsOfSilence >= patience else {
                return .stay(why, after: Self.tryPause)
            }
            // Whoever fails over because the source is gone must not be kept from it by that.
            if type != .failback, !isWayBack {
                return .enter(Self.startStage(type), otherSideReached: false)
            }
            return Self.giveUp(
                Trouble(
                    .destinationUnreachable,
                    "the other cluster does not answer: \(why)",
                    remedy: "create the Action again when it does",
                    isPassing: false
                ),
                facts
            )
        case .failed(let trouble): return Self.giveUp(trouble, facts)
        }
    }

    private static func next(_ facts: ActionFacts) -> ActionTransition {
        let type = facts.spec.type
        switch facts.status.stage {
        case Self.stopStage(type): return .enter(.waitAfterScaleDown, otherSideReached: true)
        case .waitAfterScaleDown:
            // A chosen state is shown, not a newer one.
            let isChosen = facts.spec.recoveryPoint != nil || facts.spec.before != nil
            return .enter(
                isChosen ? Self.startStage(type) : .lastMileMigration,
                otherSideReached: nil
            )
        case .lastMileMigration: return .enter(Self.startStage(type), otherSideReached: nil)
        case Self.startStage(type): return .end(.successful, Self.success(facts))
        case Self.rollbackStage(type):
            return .end(
                .failed,
                "\(facts.status.reason) What was done was taken back: the applications run where "
                    + "they ran before."
            )
        case .initial, .final, .scaleDownSource, .scaleDownDestination, .scaleUpSource,
            .scaleUpDestination:
            return .end(.failed, "stage \(facts.status.stage.rawValue) is none of \(type.rawValue)")
        }
    }

    /// The end of a way that cannot be gone on.
    private static func giveUp(_ trouble: Trouble, _ facts: ActionFacts) -> ActionTransition {
        let type = facts.spec.type
        let trouble = trouble.withRemedy(
            "mend that, then perform the \(type == .nearsyncFailover ? "failover" : type.rawValue) "
                + "again"
        )
        if facts.status.stage == Self.rollbackStage(type), type != .drill {
            return .end(
                .rollbackFailed,
                "\(facts.status.reason) It could not be taken back: \(trouble.message) "
                    + "Try: start the applications on one side by hand (godwit activate "
                    + "migrations), and see that they run on one side only"
            )
        }
        return .rollBack(trouble)
    }

    private static func success(_ facts: ActionFacts) -> String {
        let places = facts.namespaces.joined(separator: ", ")
        var text =
            facts.spec.type == .drill
            ? "The rehearsal of \(places) succeeded." : "The applications of \(places) run here."
        if let point = facts.status.point {
            text +=
                " Their volumes show RecoveryPoint \(point.name) of \(point.time), "
                + "\(point.lossSeconds) s old then."
        }
        if facts.spec.type != .drill, facts.status.sourceReached != true {
            text +=
                " The other cluster was left alone: it is fenced when its controllers see this one."
        }
        return text
    }
}
