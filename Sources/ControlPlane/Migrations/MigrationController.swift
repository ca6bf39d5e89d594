// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel

/// Performs what ``MigrationDecision`` decides, one step at a time, each written before the next.
final class MigrationController: Sendable {
    /// As `metadata.managedFields` names it.
    static let manager = "godwit-migration"
    /// Steps of one look; a Migration that needs more goes to the end of the line.
    private static let stepLimit = 8
    /// How soon the end of copies is tried again.
    static let cancelPause = Duration.seconds(2)
    /// How long what is in the way is left alone: half as long as it has been there, within these
    /// bounds, as most of it goes soon or late.
    static let waits = Duration.seconds(1)...Duration.seconds(10)

    let shell: ControllerShell
    let observer: MigrationObserver
    let driver: any VolumeDriver
    let remotes: RemoteClusters
    let mover: any ResourceMoving
    let movesServiceAccounts: Bool
    let writer: ObjectWriter
    let rules: RuleEngine
    /// When progress was written last, and the copies were begun, for each Migration.
    let clocks = Locked<[ObjectKey: ProgressClock]>([:])
    /// Since when the same thing has been in the way of a Migration.
    private let obstacles = Locked<[ObjectKey: Obstacle]>([:])
    /// Asks for a look at a ClusterPair.
    private let doubt: @Sendable (ObjectKey) -> Void
    /// Why a Migration must not go on although nothing is in its own way.
    private let obstacle: @Sendable (KubeObject) async throws -> Trouble?

    init(
        shell: ControllerShell,
        observer: MigrationObserver,
        driver: any VolumeDriver,
        remotes: RemoteClusters,
        mover: any ResourceMoving,
        rules: RuleEngine,
        movesServiceAccounts: Bool = false,
        doubt: @escaping @Sendable (ObjectKey) -> Void = { _ in },
        obstacle: @escaping @Sendable (KubeObject) async throws -> Trouble? = { _ in nil }
    ) {
        self.shell = shell
        self.observer = observer
        self.driver = driver
        self.remotes = remotes
        self.mover = mover
        self.rules = rules
        self.movesServiceAccounts = movesServiceAccounts
        self.doubt = doubt
        self.obstacle = obstacle
        self.writer = ObjectWriter(
            cluster: shell.cluster,
            resource: shell.resource,
            manager: Self.manager
        )
    }

    /// What one step left behind.
    enum StepEnd: Sendable {
        /// The next step is due, on this version.
        case on(KubeObject)
        case over(Requeue)
    }

    /// One look at one Migration.
    func reconcile(_ key: ObjectKey) async throws -> Requeue {
        guard let migration = self.shell.object(key) else {
            self.forget(key)
            return .onChange
        }
        guard MigrationSpec(migration["spec"]).namesRules || migration.hasBackgroundTasks else {
            return try await self.look(at: migration, nil)
        }
        return try await RuleSession.during(self.rules) { session in
            try await self.look(at: migration, session)
        }
    }

    private func look(at migration: KubeObject, _ session: RuleSession?) async throws -> Requeue {
        var migration = migration
        for _ in 0..<Self.stepLimit {
            switch try await self.step(migration, session) {
            case .on(let written): migration = written
            case .over(let requeue): return requeue
            }
        }
        return .after(.zero)
    }

    /// One step.
    ///
    /// What the cluster here does not let these controllers do is told and waited for: people
    /// bind roles, and they look at the object and not at the log.
    private func step(
        _ migration: KubeObject,
        _ session: RuleSession?
    ) async throws -> StepEnd {
        do {
            var facts = try await self.observer.facts(of: migration)
            facts.isQuiesced = session?.hasRun ?? false
            facts.hasLeftCommands = facts.hasLeftCommands && !facts.isQuiesced
            let step = MigrationDecision.step(facts)
            if step.changesDestination, let trouble = try await self.obstacle(migration) {
                return .on(try await self.fail(migration, trouble))
            }
            return try await self.perform(step, migration, facts, session)
        } catch let trouble as Trouble {
            return try await self.wait(migration, trouble)
        } catch is RuleInterruption {
            return .over(.after(.zero))
        } catch let error as ClusterError where error.reason == .forbidden {
            return try await self.wait(
                migration,
                Trouble(
                    .notAllowed,
                    "\(error)",
                    remedy: "bind the ClusterRole godwit-source in the namespace: deploy/README.md"
                )
            )
        }
    }

    private func perform(
        _ step: MigrationStep,
        _ migration: KubeObject,
        _ facts: MigrationFacts,
        _ session: RuleSession?
    ) async throws -> StepEnd {
        switch step {
        case .nothing:
            self.forget(migration.key)
            return .over(.onChange)
        case .addFinalizer:
            let written = try await self.writer.write(
                finalizer: StorkNames.finalizer,
                isPresent: true,
                on: migration
            )
            self.shell.note(written, insteadOf: migration)
            return .on(written)
        case .release(let cancelling):
            return try await self.release(migration, cancelling: cancelling)
        case .wait(let trouble): return try await self.wait(migration, trouble)
        case .fail(let trouble): return .on(try await self.fail(migration, trouble))
        case .failCancelling(let trouble):
            return try await self.fail(migration, cancelling: trouble)
        case .enter(let stage, let state):
            return .on(try await self.enter(stage, state, migration, facts))
        case .endLeftCommands: return .on(try await self.endLeftCommands(migration))
        case .runPreRule(let rule):
            return try await self.runPreRule(rule, migration, facts, session)
        case .startOver(let trouble):
            return try await self.startOver(migration, trouble, session)
        case .startVolumes: return try await self.startVolumes(migration, facts, session)
        case .skipVolumes: return try await self.skipVolumes(migration, facts, session)
        case .followVolumes: return try await self.followVolumes(migration, facts)
        case .applyResources(let volumesOnly):
            return try await self.applyResources(migration, facts, volumesOnly: volumesOnly)
        }
    }

    private func forget(_ key: ObjectKey) {
        self.clocks.withLock { $0[key] = nil }
        self.obstacles.withLock { $0[key] = nil }
    }

    // MARK: - Writing

    /// Writes a changed status, then tells of it.
    func write(
        _ migration: KubeObject,
        _ notices: [Notice] = [],
        _ change: (inout MigrationStatus, Timestamp) -> Void
    ) async throws -> KubeObject {
        var status = MigrationStatus(migration["status"])
        change(&status, self.shell.environment.now())
        let written = try await self.writer.write(status: status.json, of: migration)
        self.shell.note(written, insteadOf: migration)
        for notice in notices { await self.shell.tell(migration, notice) }
        return written
    }

    /// Says what is in the way, once for each thing.
    func wait(_ migration: KubeObject, _ trouble: Trouble) async throws -> StepEnd {
        let status = MigrationStatus(migration["status"])
        let former = status.conditions[ConditionType.succeeded]
        let isNew = former?.reason != trouble.reason.rawValue
        _ = try await self.write(
            migration,
            isNew ? [.warning(MigrationState.failed.rawValue, trouble.text)] : []
        ) { status, now in
            status.wait(for: trouble, migration, now: now)
        }
        if isNew { self.doubtPairs(of: migration, trouble) }
        return .over(.after(self.wait(for: trouble, of: migration.key)))
    }

    /// Asks whether the pairs still work, where what is in the way says that they may not.
    func doubtPairs(of migration: KubeObject, _ trouble: Trouble) {
        guard trouble.reason.castsDoubtOnPair else { return }
        let spec = MigrationSpec(migration["spec"])
        self.doubt(ObjectKey(migration.namespace, spec.clusterPair))
        if !spec.adminClusterPair.isEmpty {
            self.doubt(ObjectKey(self.observer.adminNamespace, spec.adminClusterPair))
        }
    }

    func wait(for trouble: Trouble, of key: ObjectKey) -> Duration {
        let now = self.shell.environment.elapsed()
        let begun = self.obstacles.withLock { obstacles in
            if let known = obstacles[key], known.reason == trouble.reason { return known.begun }
            obstacles[key] = Obstacle(reason: trouble.reason, begun: now)
            return now
        }
        return min(max((now - begun) / 2, Self.waits.lowerBound), Self.waits.upperBound)
    }

    /// Writes the end without success; of the copies too that have not ended, where they have now.
    func fail(
        _ migration: KubeObject,
        _ trouble: Trouble,
        withItsCopies: Bool = false
    ) async throws -> KubeObject {
        self.doubtPairs(of: migration, trouble)
        return try await self.write(
            migration,
            [.warning(MigrationState.failed.rawValue, trouble.text)]
        ) { status, now in
            if withItsCopies {
                status.volumes = status.volumes.map { entry in
                    entry.status.isFinal ? entry : entry.failing(trouble, stage: "Backup").0
                }
            }
            status.fail(trouble, migration, now: now)
        }
    }

    func enter(
        _ stage: MigrationStage,
        _ state: MigrationState,
        _ migration: KubeObject,
        _ facts: MigrationFacts
    ) async throws -> KubeObject {
        let skipped = facts.stage == .initial ? facts.missingNamespaces : []
        let notices = skipped.map { name in
            Notice.warning(
                MigrationState.failed.rawValue,
                "namespace \(name) was deleted, skipping migration"
            )
        }
        return try await self.write(migration, notices) { status, now in
            status.stage = stage
            status.status = state
            if stage == .applications, facts.includeVolumes { status.endVolumes(now: now) }
            let (reason, message) = Self.words(stage)
            status.set(
                .unknown,
                reason,
                message,
                generation: migration.generation,
                now: now
            )
        }
    }

    static func words(_ stage: MigrationStage) -> (reason: String, message: String) {
        switch stage {
        case .preExecRule: (MigrationStatus.ruleReason, "The pre rule is run.")
        case .volumes, .postExecRule:
            (MigrationStatus.copyingReason, "Volumes are copied.")
        case .applications:
            (MigrationStatus.applyingReason, "Objects are made at the destination.")
        case .initial, .final: ("InProgress", "The migration goes on.")
        }
    }

    // MARK: - The end of the object

    private func release(
        _ migration: KubeObject,
        cancelling: Bool
    ) async throws -> StepEnd {
        guard migration.finalizers.contains(StorkNames.finalizer) else { return .over(.onChange) }
        if cancelling, let trouble = await self.cancelCopies(of: migration) {
            // A copy that goes on shows its base or its whole target, and deletes nothing.
            guard !trouble.isPassing || self.shell.isPatienceOver(withDeletionOf: migration)
            else { return .over(.after(Self.cancelPause)) }
            await self.shell.tell(
                migration,
                .warning("Deleting", "a copy may go on: \(trouble)")
            )
        }
        _ = try await self.writer.write(
            finalizer: StorkNames.finalizer,
            isPresent: false,
            on: migration
        )
        return .over(.onChange)
    }

    /// Nothing was started before its list was written.
    func cancelCopies(of migration: KubeObject) async -> VolumeTrouble? {
        guard !MigrationStatus(migration["status"]).volumes.isEmpty else { return nil }
        // What they were started for does not matter to an end.
        return await self.volumes(of: migration, remote: "", cadence: .everySeventhFull)
            .cancel(MigrationStatus(migration["status"]).volumes)
    }
}

/// What is in the way of a Migration.
struct Obstacle: Hashable, Sendable {
    let reason: Trouble.Reason
    /// Since when, by a clock that nobody sets.
    let begun: Duration
}

/// When things happened to a Migration, by a clock that nobody sets.
struct ProgressClock: Hashable, Sendable {
    /// When its copies were first looked at.
    var begun: Duration
    /// When their progress was written last.
    var written: Duration
}
