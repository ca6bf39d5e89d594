// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// Everything that a decision on an Action looks at.
struct ActionFacts: Hashable, Sendable {
    /// The MigrationSchedule that the Action names, in the Action's cluster.
    struct Schedule: Hashable, Sendable {
        var isStaticCopy: Bool
        var isActivated: Bool
        /// What it moves, those that its selectors choose included.
        var namespaces: [String]
        var includesVolumes = true
    }

    /// A RecoveryPoint of the schedule.
    struct Point: Hashable, Sendable {
        var name: String
        var time: Timestamp
        /// Whether a generation that it names is known to be kept no longer.
        var isGone = false
    }

    var spec: ActionSpec
    var status: ActionStatus
    var now: Timestamp
    var isBeingDeleted = false
    var hasFinalizer = true
    /// Nil where there is no schedule of the name.
    var schedule: Schedule?
    /// What the controllers would need here and are not allowed; asked before the first stage.
    var missingRight: MissingRight?
    /// The newest first.
    var points: [Point] = []

    /// The namespaces that come to run here.
    var namespaces: [String] {
        self.spec.namespaces.isEmpty ? self.schedule?.namespaces ?? [] : self.spec.namespaces
    }

    /// How long the other side has not answered, in seconds; 0 where it has, or was not asked.
    var secondsOfSilence: Int {
        guard let answers = self.status.conditions[ConditionType.otherSideAnswers],
            answers.status == .no
        else { return 0 }
        return Timestamp(answers.lastTransitionTime).map { max(self.now.seconds(since: $0), 0) }
            ?? 0
    }

    /// How long the Action has been in its stage, in seconds.
    var secondsInStage: Int {
        self.status.stageTime.map { max(self.now.seconds(since: $0), 0) } ?? 0
    }
}

/// What a controller does next about an Action.
enum ActionStep: Hashable, Sendable {
    /// It is at its end.
    case nothing
    /// Keeps the object until what it did is finished or taken back.
    case addFinalizer
    /// Lets the object go, after what is half done is taken back.
    case release
    /// The end, with nothing done.
    case fail(Trouble)
    /// Writes which state is meant, and goes into the first stage.
    case begin(ActionFacts.Point?, ActionStage)
    /// Stops the applications on the other side, and what sends from there.
    case stopOtherSide
    /// Looks whether a pod there still uses a volume.
    case awaitPods
    /// Brings what was written since the last migration.
    case migrateLast
    /// Makes the volumes writable and starts the applications here.
    case startHere
    /// Makes copies of everything and starts them, beside everything.
    case rehearse
    /// Takes back what was done.
    case rollBack
}

/// What a stage came to.
enum StageOutcome: Hashable, Sendable {
    case done
    /// A rehearsal came to its end; what was verified.
    case rehearsed(String)
    /// A rehearsal has made everything; its pods, of which some are named, have just begun to start.
    case starting(String)
    /// Something has to happen first.
    case waiting(String)
    /// The other side does not answer.
    case unreachable(String)
    /// It cannot be done.
    case failed(Trouble)
}

/// Where an Action goes after a look at its stage.
enum ActionTransition: Hashable, Sendable {
    /// Looks again.
    case stay(String, after: Duration)
    /// Looks again; the time that the stage may take begins now.
    case restart(String, after: Duration)
    /// Goes on; with what is known about the other side where that has become clear.
    case enter(ActionStage, otherSideReached: Bool?)
    /// Takes back what was done, because of this.
    case rollBack(Trouble)
    case end(ActionState, String)
}
