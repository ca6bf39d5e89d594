// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// Performs what ``ActionDecision`` decides, in the cluster where the applications are to be started.
///
/// Every stage may be done again: what is done already is left alone, and what was done carries the
/// mark of the Action, in the cluster where it was done.
final class ActionController: Sendable {
    /// As `metadata.managedFields` names it.
    static let manager = "godwit-action"
    /// Steps of one look.
    private static let stepLimit = 8

    let shell: ControllerShell
    let driver: any VolumeDriver
    let remotes: RemoteClusters
    /// The cluster in which the Actions are.
    let local: any ResourceCluster
    /// Of the times of policies that name no zone.
    let zone: ScheduleZone
    let writer: ObjectWriter

    init(
        shell: ControllerShell,
        driver: any VolumeDriver,
        remotes: RemoteClusters,
        local: any ResourceCluster,
        zone: ScheduleZone
    ) {
        self.shell = shell
        self.driver = driver
        self.remotes = remotes
        self.local = local
        self.zone = zone
        self.writer = ObjectWriter(
            cluster: shell.cluster,
            resource: shell.resource,
            manager: Self.manager
        )
    }

    private enum StepEnd {
        case on(KubeObject)
        case over(Requeue)
    }

    /// One look at one Action.
    func reconcile(_ key: ObjectKey) async throws -> Requeue {
        guard var action = self.shell.object(key) else { return .onChange }
        for _ in 0..<Self.stepLimit {
            let facts = try await self.facts(of: action)
            switch try await self.perform(ActionDecision.step(facts), action, facts) {
            case .on(let written): action = written
            case .over(let requeue): return requeue
            }
        }
        return .after(.zero)
    }

    private func perform(
        _ step: ActionStep,
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws -> StepEnd {
        let stage: (KubeObject, ActionFacts) async throws -> StageOutcome
        switch step {
        case .nothing: return .over(.onChange)
        case .addFinalizer:
            return .on(try await self.keep(action, isKept: true))
        case .release: return try await self.release(action, facts)
        case .fail(let trouble):
            return .on(
                try await self.end(action, .failed, trouble.text, facts, trouble.reason.rawValue)
            )
        case .begin(let point, let stage):
            return .on(try await self.begin(action, point, stage, facts))
        case .stopOtherSide: stage = self.stopOtherSide
        case .awaitPods: stage = self.awaitPods
        case .migrateLast: stage = self.migrateLast
        case .startHere: stage = self.startHere
        case .rehearse: stage = self.rehearse
        case .rollBack: stage = self.rollBack
        }
        let outcome = try await self.attempt(stage, action, facts)
        try Task.checkCancellation()
        // The stage may have noted something about itself.
        let transition = ActionDecision.transition(outcome, facts)
        return try await self.go(transition, self.current(action), facts)
    }

    /// What this cluster refuses is an outcome like another: it is said, and what was done is taken back.
    private func attempt(
        _ stage: (KubeObject, ActionFacts) async throws -> StageOutcome,
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws -> StageOutcome {
        do { return try await stage(action, facts) } catch let error as ClusterError
            where error.reason == .forbidden
        { return StageOutcome(here: error) }
    }

    // MARK: - From stage to stage

    private func go(
        _ transition: ActionTransition,
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws -> StepEnd {
        switch transition {
        case .stay(let why, let pause):
            _ = try await self.wait(action, why, Self.waiting, facts)
            return .over(.after(pause))
        case .restart(let why, let pause):
            _ = try await self.wait(action, why, Self.startingPods, facts)
            return .over(.after(pause))
        case .enter(let stage, let reached):
            let isLost = reached == false && facts.status.sourceReached != false
            let notice = Notice.warning(
                "SourceUnreachable",
                "the other cluster does not answer: it goes on without it"
            )
            return .on(
                try await self.write(action, facts, isLost ? [notice] : []) { status, now in
                    status.enter(stage, now)
                    if let reached { status.sourceReached = reached }
                    status.say(.unknown, "InProgress", stage.rawValue, action, now)
                }
            )
        case .rollBack(let trouble):
            guard facts.spec.type != .drill else {
                return .on(try await self.endRehearsal(action, trouble, facts))
            }
            let notice = Notice.warning(ActionState.failed.rawValue, trouble.text)
            return .on(
                try await self.write(action, facts, [notice]) { status, now in
                    status.enter(ActionDecision.rollbackStage(facts.spec.type), now)
                    status.reason = trouble.text
                    status.say(.unknown, trouble.reason.rawValue, trouble.text, action, now)
                }
            )
        case .end(let state, let text):
            // What a rollback was for is the reason, not that it came to its end.
            let cause = state == .failed ? action.succeeded?.reason : nil
            return .on(try await self.end(action, state, text, facts, cause))
        }
    }

    /// The reason of an Action that something holds up.
    static let waiting = "Waiting"
    /// The reason of a rehearsal that has made everything, and waits for it to run.
    static let startingPods = "StartingPods"

    /// Says what is waited for; an event the first time in each stage.
    private func wait(
        _ action: KubeObject,
        _ why: String,
        _ word: String,
        _ facts: ActionFacts
    ) async throws -> KubeObject {
        let former = action.succeeded?.reason
        // Why it is taken back, and for what a rehearsal waits, is not forgotten over a pause.
        let isKept =
            former == Self.startingPods
            || facts.status.stage == ActionDecision.rollbackStage(facts.spec.type)
                && facts.spec.type != .drill
        let reason = isKept ? former ?? word : word
        let isNew = former != reason || word == Self.startingPods
        return try await self.write(action, facts, isNew ? [.normal(word, why)] : []) {
            status,
            now in
            if word == Self.startingPods { status.stageTime = now }
            status.say(.unknown, reason, why, action, now)
        }
    }

    /// A rehearsal that cannot go on leaves nothing, unless that was asked for.
    private func endRehearsal(
        _ action: KubeObject,
        _ trouble: Trouble,
        _ facts: ActionFacts
    ) async throws -> KubeObject {
        var text = trouble.text
        let isRemoved = facts.spec.keeps ? nil : try await self.discard(action, facts)
        if isRemoved != .done { text += " What was made is removed with this Action." }
        return try await self.end(action, .failed, text, facts, trouble.reason.rawValue)
    }

    private func begin(
        _ action: KubeObject,
        _ point: ActionFacts.Point?,
        _ stage: ActionStage,
        _ facts: ActionFacts
    ) async throws -> KubeObject {
        let loss = point.map { max(facts.now.seconds(since: $0.time), 0) }
        let text = point.map {
            "the newest state that all volumes share is RecoveryPoint \($0.name), frozen at "
                + "\($0.time): what was written in the \(loss ?? 0) s since then is not in it"
        }
        let notices = text.map { [Notice.normal(facts.spec.type.rawValue, $0)] } ?? []
        return try await self.write(action, facts, notices) { status, now in
            status.status = .inProgress
            status.enter(stage, now)
            if facts.spec.skipsSource { status.sourceReached = false }
            status.point = point.map {
                ActionStatus.Point(name: $0.name, time: $0.time, lossSeconds: loss ?? 0)
            }
            status.say(.unknown, "InProgress", text ?? stage.rawValue, action, now)
        }
    }

    private func end(
        _ action: KubeObject,
        _ state: ActionState,
        _ text: String,
        _ facts: ActionFacts,
        _ reason: String?
    ) async throws -> KubeObject {
        let isGood = state == .successful
        let notice =
            isGood ? Notice.normal(state.rawValue, text) : Notice.warning(state.rawValue, text)
        return try await self.write(action, facts, [notice]) { status, now in
            status.enter(.final, now)
            status.status = state
            status.finished = now
            status.reason = text
            status.summary = facts.namespaces.map {
                ActionStatus.Entry(namespace: $0, status: state, reason: text)
            }
            let word = reason ?? state.rawValue
            status.say(isGood ? .yes : .no, word, text, action, now)
        }
    }

    /// The Action as it was written last.
    func current(_ action: KubeObject) -> KubeObject {
        guard let known = self.shell.object(action.key), known.uid == action.uid else {
            return action
        }
        return known
    }

    /// Writes a changed status, then tells of it.
    func write(
        _ action: KubeObject,
        _ facts: ActionFacts,
        _ notices: [Notice] = [],
        _ change: (inout ActionStatus, Timestamp) -> Void
    ) async throws -> KubeObject {
        let type = facts.spec.type
        let action = self.current(action)
        var status = ActionStatus(action["status"], of: type)
        change(&status, self.shell.environment.now())
        let written = try await self.writer.write(status: status.json(of: type), of: action)
        self.shell.note(written, insteadOf: action)
        for notice in notices { await self.shell.tell(action, notice) }
        return written
    }

    /// Writes a condition alone.
    func note(_ finding: Finding, _ action: KubeObject, _ facts: ActionFacts) async throws {
        _ = try await self.write(action, facts) { status, now in
            status.conditions.set(finding, generation: action.generation, now: now)
        }
    }

    private func keep(_ action: KubeObject, isKept: Bool) async throws -> KubeObject {
        let written = try await self.writer.write(
            finalizer: StorkNames.finalizer,
            isPresent: isKept,
            on: action
        )
        self.shell.note(written, insteadOf: action)
        return written
    }

    /// An Action that is deleted on its way leaves the applications where they ran.
    private func release(_ action: KubeObject, _ facts: ActionFacts) async throws -> StepEnd {
        guard action.finalizers.contains(StorkNames.finalizer) else { return .over(.onChange) }
        let outcome: StageOutcome
        if facts.spec.type == .drill {
            outcome = try await self.attempt(self.discard, action, facts)
        } else if facts.status.stage != .initial, facts.status.stage != .final {
            outcome = try await self.attempt(self.rollBack, action, facts)
        } else {
            outcome = .done
        }
        switch outcome {
        case .done, .rehearsed, .starting: break
        case .waiting(let why), .unreachable(let why):
            guard self.shell.isPatienceOver(withDeletionOf: action) else {
                return .over(.after(.seconds(2)))
            }
            await self.shell.tell(action, .warning("Deleting", "not all was taken back: \(why)"))
        case .failed(let trouble):
            await self.shell.tell(
                action,
                .warning("Deleting", "not all was taken back: \(trouble.text)")
            )
        }
        _ = try await self.keep(action, isKept: false)
        return .over(.onChange)
    }
}

extension KubeObject {
    /// What an Action says about itself.
    fileprivate var succeeded: Condition? {
        [Condition](self["status", "conditions"])[ConditionType.succeeded]
    }
}

extension ActionStatus {
    fileprivate mutating func enter(_ stage: ActionStage, _ now: Timestamp) {
        guard self.stage != stage else { return }
        self.stage = stage
        self.stageTime = now
    }

    fileprivate mutating func say(
        _ truth: Condition.Status,
        _ reason: String,
        _ message: String,
        _ action: KubeObject,
        _ now: Timestamp
    ) {
        self.observedGeneration = action.generation
        let finding = Finding(ConditionType.succeeded, truth, reason, message)
        self.conditions.set(finding, generation: action.generation, now: now)
    }
}
