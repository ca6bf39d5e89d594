// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel

/// Performs what ``ScheduleDecision`` decides, one step at a time, each written before the next.
final class ScheduleController: Sendable {
    /// As `metadata.managedFields` names it.
    static let manager = "godwit-schedule"
    /// Steps of one look; a schedule that needs more goes to the end of the line.
    private static let stepLimit = 8
    /// Characters that the name of an object may have.
    private static let nameLimit = 253

    private let shell: ControllerShell
    private let observer: ScheduleObserver
    private let copies: StandbyCopies
    private let writer: ObjectWriter
    /// For what the copy at the destination was tried last: a try is repeated when that changes.
    private let tried = Locked<[ObjectKey: String]>([:])

    init(shell: ControllerShell, observer: ScheduleObserver, copies: StandbyCopies) {
        self.shell = shell
        self.observer = observer
        self.copies = copies
        self.writer = ObjectWriter(
            cluster: shell.cluster,
            resource: shell.resource,
            manager: Self.manager
        )
    }

    /// What one step left behind.
    private enum StepEnd: Sendable {
        /// The next step is due, on this version.
        case on(KubeObject)
        case over(Requeue)
    }

    /// One look at one MigrationSchedule.
    func reconcile(_ key: ObjectKey) async throws -> Requeue {
        guard var schedule = self.shell.object(key) else {
            self.tried.withLock { $0[key] = nil }
            return .onChange
        }
        for _ in 0..<Self.stepLimit {
            switch try await self.step(schedule) {
            case .on(let written): schedule = written
            case .over(let requeue): return requeue
            }
        }
        return .after(.zero)
    }

    private func step(_ schedule: KubeObject) async throws -> StepEnd {
        let now = self.shell.environment.now()
        var facts = try await self.observer.facts(of: schedule, now: now)
        facts.isCopyDue = self.isCopyDue(schedule, facts)
        switch ScheduleDecision.step(facts) {
        case .nothing: return .over(.onChange)
        case .addFinalizer: return .on(try await self.hold(schedule, true))
        case .release(let names):
            for name in names { try await self.delete(name, of: schedule) }
            _ = try await self.hold(schedule, false)
            return .over(.onChange)
        case .create(let item): return try await self.create(item, schedule, facts)
        case .prune(let names, let status):
            for name in names where facts.runs[name] != nil {
                try await self.delete(name, of: schedule)
            }
            return .on(try await self.write(schedule, status))
        case .keepCopy: return .on(try await self.keepCopy(schedule, facts))
        case .begin(let type): return .on(try await self.begin(type, schedule, facts))
        case .settle(let status, let notices, let look):
            _ = try await self.write(schedule, status, notices)
            guard let look else { return .over(.onChange) }
            return .over(.after(.microseconds(max(look.microseconds - now.microseconds, 0))))
        case .record(let status, let notices):
            return .on(try await self.write(schedule, status, notices))
        }
    }

    // MARK: - Writing

    private func write(
        _ schedule: KubeObject,
        _ status: MigrationScheduleStatus,
        _ notices: [Notice] = []
    ) async throws -> KubeObject {
        let written = try await self.writer.write(status: status.json, of: schedule)
        self.shell.note(written, insteadOf: schedule)
        for notice in notices { await self.shell.tell(schedule, notice) }
        return written
    }

    private func hold(_ schedule: KubeObject, _ isHeld: Bool) async throws -> KubeObject {
        let written = try await self.writer.write(
            finalizer: StorkNames.finalizer,
            isPresent: isHeld,
            on: schedule
        )
        self.shell.note(written, insteadOf: schedule)
        return written
    }

    private func delete(_ name: String, of schedule: KubeObject) async throws {
        let key = ObjectKey(schedule.namespace, name)
        guard let migration = self.observer.migration(key) else { return }
        do {
            try await self.shell.cluster.remove(StorkResource.migrations, key, uid: migration.uid)
        } catch {
            await self.shell.tell(
                schedule,
                .warning(
                    MigrationState.failed.rawValue,
                    "Error pruning old migrations: \(error)"
                )
            )
            throw error
        }
    }

    // MARK: - Beginning a run

    /// The item comes first: whoever finds it without its Migration makes that.
    private func begin(
        _ type: ScheduleType,
        _ schedule: KubeObject,
        _ facts: ScheduleFacts
    ) async throws -> KubeObject {
        guard case .usable(_, let zone) = facts.policy else { return schedule }
        var status = facts.status
        var notices: [Notice] = []
        let (verdict, standing) = await self.standing(of: schedule, &status, facts)
        try Task.checkCancellation()
        notices += verdict
        if case .copy(_, isActivated: true) = standing,
            MigrationScheduleSpec(schedule["spec"]).suspendsItself
        {
            return try await self.suspend(schedule)
        }
        let created = Timestamp(seconds: facts.now.seconds)
        let name = self.name(type, zone.stamp(created), schedule, status)
        status.items[type, default: []].append(ScheduledRun(name: name, created: created))
        if facts.wantsSync { status.syncNow = facts.syncNow }
        return try await self.write(schedule, status, notices)
    }

    /// `<schedule>-<type>-<time>`; where clocks were set back, a number comes after it.
    private func name(
        _ type: ScheduleType,
        _ stamp: String,
        _ schedule: KubeObject,
        _ status: MigrationScheduleStatus
    ) -> String {
        let known = Set(status.items.values.joined().map(\.name))
        var number = 1
        while true {
            let suffix = number == 1 ? "" : "-\(number)"
            let end = "-\(type.rawValue.lowercased())-\(stamp)\(suffix)"
            let name = String(schedule.name.prefix(Self.nameLimit - end.utf8.count)) + end
            let key = ObjectKey(schedule.namespace, name)
            guard known.contains(name) || self.observer.migration(key) != nil else { return name }
            number += 1
        }
    }

    private func create(
        _ item: ScheduledRun,
        _ schedule: KubeObject,
        _ facts: ScheduleFacts
    ) async throws -> StepEnd {
        do {
            _ = try await self.shell.cluster.make(
                StorkResource.migrations,
                Self.migration(item, of: schedule),
                manager: Self.manager
            )
            // Its Migration is told by the watch.
            return .over(.onChange)
        } catch {
            if error.reason == .alreadyExists {
                let key = ObjectKey(schedule.namespace, item.name)
                let found = try await self.shell.cluster.read(StorkResource.migrations, key)
                if ScheduleObserver.isRun(found, of: schedule) { return .over(.onChange) }
            } else if error.isRetryable || error.reason == .cancelled {
                throw error
            }
            return .on(try await self.fail(item, error, schedule, facts))
        }
    }

    private func fail(
        _ item: ScheduledRun,
        _ error: ClusterError,
        _ schedule: KubeObject,
        _ facts: ScheduleFacts
    ) async throws -> KubeObject {
        var status = facts.status
        for type in ScheduleType.allCases {
            guard let place = status.items[type]?.firstIndex(where: { $0.name == item.name })
            else { continue }
            status.items[type]?[place].status = .failed
            status.items[type]?[place].finished = facts.now
        }
        let text = "Error triggering migration for schedule(\(schedule.name)): \(error)"
        return try await self.write(
            schedule,
            status,
            [.warning(MigrationState.failed.rawValue, text)]
        )
    }

    static func migration(_ item: ScheduledRun, of schedule: KubeObject) -> KubeObject {
        var migration = KubeObject(
            StorkResource.migrations.groupVersionKind,
            ObjectKey(schedule.namespace, item.name),
            ["spec": MigrationScheduleSpec(schedule["spec"]).template]
        )
        var annotations = schedule.annotations.filter { !StandbyCopies.isPrivate($0.key) }
        annotations[StorkNames.Annotation.migrationScheduleName.key] = schedule.name
        migration.annotations = annotations
        migration.set(
            .array([OwnerReference(to: schedule).json]),
            at: "metadata",
            "ownerReferences"
        )
        return migration
    }

    // MARK: - The copy at the destination

    private func isCopyDue(_ schedule: KubeObject, _ facts: ScheduleFacts) -> Bool {
        guard !facts.isBeingDeleted, !facts.isStaticCopy, !facts.isSuspended,
            let token = self.token(schedule, facts)
        else { return false }
        return self.tried.withLock { $0[schedule.key] } != token
            && facts.status.staticCopyHash != StandbyCopies.hash(of: schedule)
    }

    /// Changes with everything that may make a try end otherwise; nil without a pair.
    private func token(_ schedule: KubeObject, _ facts: ScheduleFacts) -> String? {
        let name = MigrationScheduleSpec(schedule["spec"]).template["clusterPair"]?.string ?? ""
        guard let pair = self.observer.pair(ObjectKey(schedule.namespace, name)) else { return nil }
        let success = facts.status.lastSuccess?.description ?? ""
        return "\(schedule.generation) \(pair.uid) \(pair.resourceVersion) \(success)"
    }

    private func keepCopy(
        _ schedule: KubeObject,
        _ facts: ScheduleFacts
    ) async throws -> KubeObject {
        var status = facts.status
        let (notices, standing) = await self.standing(of: schedule, &status, facts)
        try Task.checkCancellation()
        let token = self.token(schedule, facts)
        self.tried.withLock { $0[schedule.key] = token }
        if case .copy(_, isActivated: true) = standing,
            MigrationScheduleSpec(schedule["spec"]).suspendsItself
        {
            return try await self.suspend(schedule)
        }
        return try await self.write(schedule, status, notices)
    }

    /// What stands there, noted in the status; nil where that could not be found out.
    private func standing(
        of schedule: KubeObject,
        _ status: inout MigrationScheduleStatus,
        _ facts: ScheduleFacts
    ) async -> (notices: [Notice], standing: StandbyCopies.Standing?) {
        let trouble: Trouble
        do {
            let standing = try await self.copies.refresh(schedule)
            if case .copy(let hash, _) = standing {
                if !hash.isEmpty { status.staticCopyHash = hash }
                status.set(
                    Finding(
                        ConditionType.staticCopyReady,
                        .yes,
                        "Copied",
                        "The destination has a suspended copy of the schedule."
                    ),
                    facts
                )
            }
            return ([], standing)
        } catch let error as Trouble { trouble = error } catch {
            trouble = Trouble(.clusterFailed, "\(error)")
        }
        let former = status.conditions[ConditionType.staticCopyReady]?.reason
        status.set(
            Finding(
                ConditionType.staticCopyReady,
                .no,
                trouble.reason.rawValue,
                trouble.text
            ),
            facts
        )
        // The first migration makes the namespace, and the ClusterPair tells of itself.
        let isTold =
            former == trouble.reason.rawValue
            || [.namespaceNotFound, .clusterPairNotReady].contains(trouble.reason)
        return (
            isTold ? [] : [.warning(MigrationState.failed.rawValue, trouble.text)], nil
        )
    }

    private func suspend(_ schedule: KubeObject) async throws -> KubeObject {
        let patch: JSON = [
            "metadata": ["resourceVersion": .string(schedule.resourceVersion)],
            "spec": ["suspend": true],
        ]
        let written = try await self.shell.cluster.merge(
            self.shell.resource,
            schedule.key,
            patch,
            isStatus: false,
            manager: Self.manager
        )
        self.shell.note(written, insteadOf: schedule)
        await self.shell.tell(
            schedule,
            .warning(
                "Suspended",
                "Suspending migration schedule since migrated apps on remote cluster are active"
            )
        )
        return written
    }
}
