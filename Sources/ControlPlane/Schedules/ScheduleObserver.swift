// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import Kinds
import KubernetesClient
import ObjectModel

/// Looks at everything that a decision on a MigrationSchedule needs: all of it is in memory.
struct ScheduleObserver: Sendable {
    let cluster: any ClusterAccess
    /// The Migrations as the watch has told.
    let migration: @Sendable (ObjectKey) -> KubeObject?
    /// The ClusterPairs as the watch has told.
    let pair: @Sendable (ObjectKey) -> KubeObject?
    /// The NamespacedSchedulePolicies as the watch has told.
    let namespacedPolicy: @Sendable (ObjectKey) -> KubeObject?
    /// The SchedulePolicies as the watch has told.
    let policy: @Sendable (ObjectKey) -> KubeObject?
    /// Of policies that name none.
    let zone: ScheduleZone

    func facts(of schedule: KubeObject, now: Timestamp) async throws -> ScheduleFacts {
        let spec = MigrationScheduleSpec(schedule["spec"])
        var facts = ScheduleFacts(
            name: schedule.name,
            policy: self.policy(spec.policyName, in: schedule.namespace),
            now: now
        )
        facts.status = MigrationScheduleStatus(schedule["status"])
        facts.isBeingDeleted = schedule.isBeingDeleted
        facts.hasFinalizer = schedule.finalizers.contains(StorkNames.finalizer)
        facts.isStaticCopy = StandbyCopies.isStaticCopy(schedule)
        facts.isSuspended = spec.isSuspended
        facts.generation = schedule.generation
        facts.syncNow = StorkNames.Annotation.syncNow.value(in: schedule.annotations)
        for item in facts.status.items.values.joined() {
            facts.runs[item.name] = try await self.run(item, of: schedule)
        }
        return facts
    }

    /// A Migration that the watch does not tell of is asked for before it is taken for deleted.
    private func run(
        _ item: ScheduledRun,
        of schedule: KubeObject
    ) async throws(ClusterError) -> ScheduleFacts.Run? {
        let key = ObjectKey(schedule.namespace, item.name)
        var found = self.migration(key)
        if found == nil, item.status == .inProgress {
            do { found = try await self.cluster.read(StorkResource.migrations, key) } catch {
                guard error.reason == .notFound else { throw error }
            }
        }
        guard let found, Self.isRun(found, of: schedule) else { return nil }
        let status = MigrationStatus(found["status"])
        return ScheduleFacts.Run(
            state: Self.state(status),
            finished: status.finished,
            frozen: status.recoveryPoint?.time,
            bytes: status.summary?.bytes ?? 0,
            volumes: status.isFinal ? status.volumes.map(Self.volume) : [],
            progress: status.isFinal ? nil : Self.progress(status)
        )
    }

    /// The numbers come from an object that anybody may have written.
    private static func progress(_ status: MigrationStatus) -> ScheduleFacts.Progress? {
        guard let since = status.recoveryPoint?.time else { return nil }
        var progress = ScheduleFacts.Progress(since: since, done: 0, total: 0)
        for volume in status.volumes {
            guard let total = volume.bytesTotal, let done = volume.bytesDone, done >= 0,
                case (let totals, false) = progress.total.addingReportingOverflow(max(total, done))
            else { return nil }
            progress.total = totals
            // Never more than the total.
            progress.done += volume.status == .successful ? max(total, done) : done
        }
        return progress
    }

    private static func volume(_ entry: MigratedVolume) -> ScheduleFacts.Volume {
        ScheduleFacts.Volume(
            claim: ObjectKey(entry.namespace, entry.claim),
            volume: entry.volume,
            generation: entry.generation,
            bytes: entry.bytesTransferred ?? 0,
            hasArrived: entry.status == .successful
        )
    }

    static func isRun(_ migration: KubeObject, of schedule: KubeObject) -> Bool {
        migration.ownerReferences.contains { $0.uid == schedule.uid }
    }

    private static func state(_ status: MigrationStatus) -> MigrationState {
        if status.isFinal { return status.status }
        return status.stage == .initial && status.status == .initial ? .initial : .inProgress
    }

    // MARK: - Policies

    private func policy(_ name: String, in namespace: String) -> ScheduleFacts.Policy {
        let object =
            self.namespacedPolicy(ObjectKey(namespace, name)) ?? self.policy(ObjectKey("", name))
        return Self.policy(name, object, self.zone)
    }

    /// What an object that was found under a policy's name, or none, leads to.
    ///
    /// The zone is that of policies that name none.
    static func policy(
        _ name: String,
        _ object: KubeObject?,
        _ zone: ScheduleZone
    ) -> ScheduleFacts.Policy {
        guard let object else {
            return .unusable(
                Trouble(
                    .policyNotFound,
                    "schedulepolicy \(name) not found in cache",
                    remedy: "create a SchedulePolicy of that name: godwit create schedulepolicy"
                )
            )
        }
        do throws(ScheduleError) {
            let policy = try SchedulePolicy(object["policy"])
            guard let name = policy.timeZone else { return .usable(policy, zone) }
            guard let zone = ScheduleZone(knownAs: name) else {
                throw ScheduleError(description: "Invalid timeZone (\(name)) in policy")
            }
            return .usable(policy, zone)
        } catch {
            return .unusable(
                Trouble(
                    .policyInvalid,
                    error.description,
                    remedy: "correct \(object.kind) \(name)",
                    isPassing: false
                )
            )
        }
    }
}

extension ScheduleZone {
    /// A zone of the data base that this machine has; nil where it has none of the name.
    public init?(knownAs name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        // As it was written: UTC is GMT otherwise.
        self.init(zone, named: name)
    }

    /// The zone of a `TimeZone`, under its own name or another one.
    public init(_ zone: TimeZone, named name: String? = nil) {
        self.init(name ?? zone.identifier) {
            zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0.seconds)))
        }
    }
}
