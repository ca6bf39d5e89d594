// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

extension MigrationStatus {
    /// Notes the end of the volumes, once.
    mutating func endVolumes(now: Timestamp) {
        if self.volumesFinished == nil { self.volumesFinished = now }
    }

    /// Notes the end of it all, with the totals.
    ///
    /// - Parameters:
    ///   - state: how it ended.
    ///   - created: the Migration.
    ///   - now: the time of day.
    mutating func end(_ state: MigrationState, created: Timestamp?, now: Timestamp) {
        self.stage = .final
        self.status = state
        self.finished = now
        let counted = self.resources.filter { $0.status != .purged }
        let arrived = self.volumes.filter { $0.status == .successful }
        var summary = MigrationSummary()
        summary.volumes = self.volumes.count
        summary.volumesDone = arrived.count
        summary.resources = counted.count
        summary.resourcesDone = counted.count { $0.status == .successful }
        summary.bytes = arrived.reduce(0) {
            $0.addingReportingOverflow($1.bytesTransferred ?? 0).partialValue
        }
        if let created, let volumes = self.volumesFinished {
            summary.volumeSeconds = max(volumes.seconds(since: created), 0)
        }
        if let resources = self.resourcesFinished, let start = self.volumesFinished ?? created {
            summary.resourceSeconds = max(resources.seconds(since: start), 0)
        }
        self.summary = summary
    }

    /// Sets `Succeeded`.
    mutating func set(
        _ truth: Condition.Status,
        _ reason: String,
        _ message: String,
        generation: Int,
        now: Timestamp
    ) {
        self.observedGeneration = generation
        let finding = Finding(ConditionType.succeeded, truth, reason, message)
        self.conditions.set(finding, generation: generation, now: now)
    }

    /// The reason of `Succeeded` while a rule is run before the volumes are copied.
    static let ruleReason = "RunningRule"

    /// The reason of `Succeeded` while volumes are copied.
    static let copyingReason = "CopyingVolumes"

    /// Says how far the copies are, or what holds them up.
    mutating func copying(
        _ look: MigrationVolumes.Look,
        _ migration: KubeObject,
        now: Timestamp
    ) {
        let done = look.entries.count { $0.status == .successful }
        self.set(
            .unknown,
            look.trouble?.reason.rawValue ?? Self.copyingReason,
            look.trouble?.text ?? "\(done) of \(look.entries.count) volumes are copied.",
            generation: migration.generation,
            now: now
        )
    }

    /// Notes what beginning the copies came to.
    mutating func take(
        _ look: MigrationVolumes.Look,
        of migration: KubeObject,
        now: Timestamp
    ) {
        self.volumes = look.entries
        if let freeze = look.freeze {
            // A Migration may be made again under its name; what it showed before stays known.
            let tail = "-\(freeze.group.prefix(8))"
            self.recoveryPoint = MigrationPoint(
                name: migration.name.prefix(253 - tail.count) + tail,
                group: freeze.group,
                time: freeze.time,
                isAtomic: freeze.isAtomic
            )
        }
        self.copying(look, migration, now: now)
    }

    /// The reason of `Succeeded` while objects are made.
    static let applyingReason = "ApplyingResources"

    /// Says how far the objects are.
    mutating func applying(
        _ entries: [MigratedResource],
        _ migration: KubeObject,
        now: Timestamp
    ) {
        let done = entries.count { $0.status == .successful }
        self.set(
            .unknown,
            Self.applyingReason,
            "\(done) of \(entries.count) objects are made at the destination.",
            generation: migration.generation,
            now: now
        )
    }

    /// Says what is in the way.
    mutating func wait(for trouble: Trouble, _ migration: KubeObject, now: Timestamp) {
        self.set(
            .unknown,
            trouble.reason.rawValue,
            trouble.text,
            generation: migration.generation,
            now: now
        )
    }

    /// The end without success.
    mutating func fail(_ trouble: Trouble, _ migration: KubeObject, now: Timestamp) {
        self.end(.failed, created: Self.creation(of: migration), now: now)
        self.set(
            .no,
            trouble.reason.rawValue,
            trouble.text,
            generation: migration.generation,
            now: now
        )
    }

    /// The end, as the resources say it.
    mutating func conclude(_ migration: KubeObject, now: Timestamp) {
        let failed = self.resources.filter { $0.status != .successful && $0.status != .purged }
        let created = Self.creation(of: migration)
        guard let first = failed.first else {
            self.end(.successful, created: created, now: now)
            self.set(
                .yes,
                MigrationState.successful.rawValue,
                "Everything that was asked for is moved.",
                generation: migration.generation,
                now: now
            )
            return
        }
        self.end(.partialSuccess, created: created, now: now)
        self.set(
            .no,
            MigrationState.partialSuccess.rawValue,
            "\(failed.count) objects were not moved. \(first.kind) "
                + "\(first.namespace)/\(first.name): \(first.reason) Try: mend what the reasons in "
                + "status.resources name, then migrate again",
            generation: migration.generation,
            now: now
        )
    }

    private static func creation(of migration: KubeObject) -> Timestamp? {
        migration.creationTimestamp.flatMap { Timestamp($0) }
    }
}
