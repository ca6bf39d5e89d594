// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel

extension MigrationController {
    /// The least time between two writes of progress alone.
    static let progressInterval = Duration.seconds(10)

    func volumes(
        of migration: KubeObject,
        remote: String,
        cadence: Cadence,
        freezes: Int? = nil
    ) -> MigrationVolumes {
        MigrationVolumes(
            cluster: self.shell.cluster,
            driver: self.driver,
            migration: migration,
            remote: remote,
            cadence: cadence,
            freezes: freezes ?? MigrationStatus(migration["status"]).freezes
        )
    }

    private func pairedVolumes(
        of migration: KubeObject,
        _ facts: MigrationFacts,
        freezes: Int? = nil
    ) async throws -> MigrationVolumes {
        let pair = try await self.observer.object(facts.clusterPair, in: facts.namespace)
        return self.volumes(
            of: migration,
            remote: facts.pair?.remote ?? "",
            cadence: Cadence(ClusterPairSpec(pair?["spec"]).mode),
            freezes: freezes
        )
    }

    // MARK: - Volumes

    func startVolumes(
        _ migration: KubeObject,
        _ facts: MigrationFacts,
        _ session: RuleSession?
    ) async throws -> StepEnd {
        let spec = MigrationSpec(migration["spec"])
        var options = CollectionOptions(namespaces: facts.namespaces)
        options.selectors = spec.selectors
        options.excludeSelectors = spec.excludeSelectors
        let former = MigrationStatus(migration["status"])
        // An earlier try may have frozen them, at another instant and perhaps not as its rule had left
        // them: nothing leads to that any more.
        let freezes = former.freezes + (former.volumes.isEmpty ? 0 : 1)
        _ = await self.volumes(of: migration, remote: "", cadence: .everySeventhFull)
            .cancel(former.volumes)
        let volumes = try await self.pairedVolumes(of: migration, facts, freezes: freezes)
        let selected = MigrationVolumes.Look(entries: try await volumes.selected(options))
        let hasRules = facts.preRule.isNamed || facts.postRule.isNamed
        // The list comes before the copies: by it they are ended when the Migration is deleted,
        // whatever its selectors choose by then. Pending until the rules are done with: who finds it
        // so begins again.
        let listed = try await self.write(migration) { status, now in
            status.stage = .volumes
            status.status = hasRules ? .pending : .inProgress
            status.volumes = selected.entries
            status.recoveryPoint = nil
            status.freezes = freezes
            status.copying(selected, migration, now: now)
        }
        self.startClock(of: migration)
        guard let session, hasRules else {
            return try await self.startCopies(listed, volumes, selected.entries)
        }
        return try await self.startCopies(listed, volumes, selected.entries, facts, session)
    }

    /// Freezes the volumes together and begins their copies; does nothing twice.
    private func startCopies(
        _ migration: KubeObject,
        _ volumes: MigrationVolumes,
        _ selected: [MigratedVolume]
    ) async throws -> StepEnd {
        let look: MigrationVolumes.Look
        do throws(Trouble) { look = try await volumes.start(selected) } catch {
            return try await self.wait(migration, error)
        }
        guard look.entries != selected else { return .on(migration) }
        let written = try await self.write(migration, look.notices) { status, now in
            status.take(look, of: migration, now: now)
        }
        return .on(written)
    }

    private func startClock(of migration: KubeObject) {
        let now = self.shell.environment.elapsed()
        self.clocks.withLock {
            if $0[migration.key] == nil {
                $0[migration.key] = ProgressClock(begun: now, written: now)
            }
        }
    }

    func followVolumes(
        _ migration: KubeObject,
        _ facts: MigrationFacts
    ) async throws -> StepEnd {
        self.startClock(of: migration)
        let volumes = try await self.pairedVolumes(of: migration, facts)
        let status = MigrationStatus(migration["status"])
        let present = status.volumes
        // Listed and not frozen, as far as anybody knows: a kill came in between.
        guard status.recoveryPoint != nil || present.isEmpty else {
            return try await self.startCopies(migration, volumes, present)
        }
        var look = await volumes.follow(present)
        try Task.checkCancellation()
        guard !look.isForgotten else { return .on(try await self.freezeAgain(migration)) }
        if look.isSettled, look.hasFailed {
            look = await self.end(look, present, volumes)
        } else if look.isSettled, look.prepared > 0 {
            look = try await self.show(look, migration, facts, volumes)
        }
        return try await self.record(look, migration, status)
    }

    private func record(
        _ look: MigrationVolumes.Look,
        _ migration: KubeObject,
        _ former: MigrationStatus
    ) async throws -> StepEnd {
        let isEnded = zip(former.volumes, look.entries).contains { $0.status != $1.status }
        let hasTrouble =
            former.conditions[ConditionType.succeeded]?.reason
            != look.trouble?.reason.rawValue ?? MigrationStatus.copyingReason
        guard isEnded || hasTrouble || self.isProgressDue(of: migration) else {
            return .over(.after(self.pollInterval(of: migration)))
        }
        var notices = look.notices
        if hasTrouble, let trouble = look.trouble {
            notices.append(.warning(MigrationState.failed.rawValue, trouble.text))
            self.doubtPairs(of: migration, trouble)
        }
        let written = try await self.write(migration, notices) { status, now in
            status.volumes = look.entries
            status.copying(look, migration, now: now)
            guard look.entries.allSatisfy(\.status.isFinal) else { return }
            status.recoveryPoint?.isVisible = look.entries.allSatisfy { $0.status == .successful }
            status.endVolumes(now: now)
        }
        guard look.entries.allSatisfy(\.status.isFinal) else {
            return .over(.after(self.pollInterval(of: migration)))
        }
        return .on(written)
    }

    /// What was frozen is lost: the next freeze is another instant, and rules come before it.
    private func freezeAgain(_ migration: KubeObject) async throws -> KubeObject {
        let notice = Notice.warning(
            MigrationState.failed.rawValue,
            "the agents have forgotten the copies of this migration; the volumes are frozen anew"
        )
        return try await self.write(migration, [notice]) { status, _ in
            status.stage = .initial
            status.status = .initial
            status.volumes = []
            status.recoveryPoint = nil
            status.freezes += 1
        }
    }

    // MARK: - Showing

    /// One of the copies has failed: none of them is shown, and nothing keeps the next migration from
    /// freezing the volumes.
    private func end(
        _ look: MigrationVolumes.Look,
        _ former: [MigratedVolume],
        _ volumes: MigrationVolumes
    ) async -> MigrationVolumes.Look {
        var look = look
        if let trouble = await volumes.cancel(look.entries), trouble.isPassing {
            look.trouble = Trouble(trouble)
            look.entries = former
            look.notices = []
        } else {
            look.leaveBehind()
        }
        return look
    }

    /// All copies are at the destination: shows all of them.
    private func show(
        _ look: MigrationVolumes.Look,
        _ migration: KubeObject,
        _ facts: MigrationFacts,
        _ volumes: MigrationVolumes
    ) async throws -> MigrationVolumes.Look {
        var look = look
        if let pair = facts.pair, pair.scheduler != .ready {
            look.trouble = MigrationDecision.schedulerTrouble(pair)
            return look
        }
        do {
            try await self.publish(look.entries, of: migration, facts)
            try await volumes.commit(look.entries)
        } catch let error as VolumeTrouble {
            look.trouble = Trouble(error)
            return look
        } catch let trouble as Trouble {
            look.trouble = trouble
            return look
        }
        // What the copies are now; they tell of the success themselves.
        return await volumes.follow(MigrationStatus(migration["status"]).volumes)
    }

    /// Writes at the destination which states belong together, before the first of them is shown.
    private func publish(
        _ entries: [MigratedVolume],
        of migration: KubeObject,
        _ facts: MigrationFacts
    ) async throws {
        guard let point = MigrationStatus(migration["status"]).recoveryPoint else { return }
        let spec = RecoveryPointSpec(
            migration: migration.name,
            schedule: migration.noted(.migrationScheduleName)
                ?? migration.noted(.lastMileScheduleName),
            namespaces: facts.namespaces,
            time: point.time,
            isAtomic: point.isAtomic,
            group: point.group,
            volumes: entries.compactMap(\.pointVolume)
        )
        let object = KubeObject(
            StorkResource.recoveryPoints.groupVersionKind,
            ObjectKey(migration.namespace, point.name),
            ["spec": spec.json]
        )
        let mover = self.mover
        let config = try await self.config(facts.clusterPair, in: facts.namespace)
        let pair = try await self.observer.object(facts.clusterPair, in: facts.namespace)
        let mappings = ClusterPairSpec(pair?["spec"]).projectMappings
        try await self.remotes.with(config) { destination in
            try await mover.publish(object, projectMappings: mappings, to: destination)
        }
    }

    /// The end, after which no copy goes on.
    func fail(_ migration: KubeObject, cancelling trouble: Trouble) async throws -> StepEnd {
        if let silence = await self.cancelCopies(of: migration) {
            await self.shell.tell(
                migration,
                .warning(MigrationState.failed.rawValue, "a copy may go on: \(silence)")
            )
        }
        return .on(try await self.fail(migration, trouble, withItsCopies: true))
    }

    private func isProgressDue(of migration: KubeObject) -> Bool {
        let now = self.shell.environment.elapsed()
        return self.clocks.withLock { clocks in
            guard let clock = clocks[migration.key] else { return true }
            guard now - clock.written >= Self.progressInterval else { return false }
            clocks[migration.key]?.written = now
            return true
        }
    }

    /// Short at the beginning, as most volumes are small; ten seconds for one that takes its time.
    private func pollInterval(of migration: KubeObject) -> Duration {
        let now = self.shell.environment.elapsed()
        let begun = self.clocks.withLock { $0[migration.key]?.begun } ?? now
        return min(max((now - begun) / 4, .milliseconds(250)), .seconds(10))
    }

    // MARK: - Resources

    func applyResources(
        _ migration: KubeObject,
        _ facts: MigrationFacts,
        volumesOnly: Bool
    ) async throws -> StepEnd {
        let progress = self.progress(of: migration)
        let result: ResourceResult
        do {
            result = try await self.move(migration, facts, volumesOnly, progress)
        } catch {
            guard let trouble = error as? Trouble else { throw error }
            return try await self.wait(await progress.migration, trouble)
        }
        try Task.checkCancellation()
        let written = try await self.write(await progress.migration, result.notices) {
            status,
            now in
            status.resources = result.entries
            if let stop = result.stop {
                status.fail(stop, migration, now: now)
            } else {
                status.resourcesFinished = now
                status.conclude(migration, now: now)
            }
        }
        return .on(written)
    }

    private func progress(of migration: KubeObject) -> ResourceProgress {
        ResourceProgress(
            migration,
            every: Self.progressInterval,
            elapsed: self.shell.environment.elapsed
        ) { former, entries in
            try await self.write(former) { status, now in
                status.resources = entries
                status.applying(entries, migration, now: now)
            }
        }
    }

    private func move(
        _ migration: KubeObject,
        _ facts: MigrationFacts,
        _ volumesOnly: Bool,
        _ progress: ResourceProgress
    ) async throws -> ResourceResult {
        let config = try await self.config(facts.clusterPair, in: facts.namespace)
        let admin =
            facts.adminClusterPair.isEmpty
            ? config
            : try await self.config(facts.adminClusterPair, in: self.observer.adminNamespace)
        let pair = try await self.observer.object(facts.clusterPair, in: facts.namespace)
        let mappings = ClusterPairSpec(pair?["spec"]).projectMappings
        let (mover, movesServiceAccounts) = (self.mover, self.movesServiceAccounts)
        return try await self.remotes.with(config) { destination in
            try await self.remotes.with(admin) { adminDestination in
                try await mover.move(
                    ResourceJob(
                        migration: migration,
                        namespaces: facts.namespaces,
                        volumesOnly: volumesOnly,
                        movesServiceAccounts: movesServiceAccounts,
                        projectMappings: mappings,
                        destination: destination,
                        adminDestination: adminDestination,
                        heard: { await progress.heard($0) }
                    )
                )
            }
        }
    }

    /// The kubeconfig of a ClusterPair.
    private func config(_ name: String, in namespace: String) async throws -> JSON {
        guard let pair = try await self.observer.object(name, in: namespace) else {
            throw Trouble(.clusterPairNotFound, "clusterpair \(namespace)/\(name) not found")
        }
        return try await PairSpec(cluster: self.shell.cluster)
            .kubeconfig(of: pair) {
                Trouble(
                    .clusterPairNotReady,
                    "clusterpair \(namespace)/\(name) has no kubeconfig of the destination",
                    remedy: "godwit generate clusterpair there, apply it here"
                )
            }
    }
}
