// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import Locks
import ObjectModel

/// Keeps a source quiet whose applications run elsewhere since a failover: nothing is sent from its
/// volumes, and what it runs is stopped, until somebody says otherwise.
///
/// A failover that reached the source says so with ``mark`` on the schedule. One that did not is found
/// when the source is back: the copy of its schedule at the destination carries ``activation``. That is
/// looked at when this process starts, when the schedule is suspended, which its own look at the copy
/// leads to, and when a run has failed, as those do for which the volumes there are not to be had any
/// more; a schedule that just runs costs nothing here.
final class SourceFence: Sendable {
    /// On a schedule: the UID of the Action that moved its applications; ``lifted`` where a person has
    /// ended the fence.
    static let mark = "\(StorkNames.group)/fence"
    /// The value of ``mark`` with which a person ends a fence.
    static let lifted = "lifted"
    /// On the copy of a schedule at a destination: the UID of the Action that activated it.
    static let activation = "\(StorkNames.group)/activated-by-action"
    /// As `metadata.managedFields` names it.
    static let manager = "godwit-fence"

    /// How soon a destination that did not answer is asked again.
    private static let retry = Duration.seconds(30)

    private let shell: ControllerShell
    private let driver: any VolumeDriver
    private let remotes: RemoteClusters
    private let local: any ResourceCluster
    private let writer: ObjectWriter
    /// What may mean that the copy was activated.
    private struct Sign: Hashable {
        var isSuspended: Bool
        /// The newest run that has failed.
        var failure: String?
    }

    /// A look at a copy.
    private struct Look {
        var sign: Sign
        var count = 1
        /// When it is looked again without another sign, since the start of this process.
        var next: Duration?
    }

    /// How soon it is looked again after a run has failed: a failover ends a run before it has come so
    /// far as to say that it did.
    private static let again: [Duration] = [.seconds(2), .seconds(10), .seconds(60)]

    /// The last look at the copy of each schedule.
    private let seen = Locked<[ObjectKey: Look]>([:])

    init(
        shell: ControllerShell,
        driver: any VolumeDriver,
        remotes: RemoteClusters,
        local: any ResourceCluster
    ) {
        self.shell = shell
        self.driver = driver
        self.remotes = remotes
        self.local = local
        self.writer = ObjectWriter(
            cluster: shell.cluster,
            resource: shell.resource,
            manager: Self.manager
        )
    }

    /// One look at one schedule.
    func reconcile(_ key: ObjectKey) async throws -> Requeue {
        guard let schedule = self.shell.object(key), !schedule.isBeingDeleted,
            !schedule.isMarked(.staticCopy)
        else {
            self.seen.withLock { $0[key] = nil }
            return .onChange
        }
        do {
            let next = try await self.lookIfDue(schedule)
            let requeue = try await self.follow(self.shell.object(key) ?? schedule)
            return next.map { .after($0) } ?? requeue
        } catch let error as ClusterError where error.isRetryable {
            return .after(Self.retry)
        } catch let trouble as Trouble where trouble.isPassing {
            return .after(Self.retry)
        } catch let trouble as VolumeTrouble {
            try await self.say(schedule, .unknown, trouble.reason.rawValue, trouble.description)
            return .after(Self.retry)
        }
    }

    /// Looks at the copy where something says so.
    ///
    /// - Returns: how soon to look again; nil for when something changes.
    private func lookIfDue(_ schedule: KubeObject) async throws -> Duration? {
        let key = schedule.key
        let sign = Self.sign(of: schedule)
        let elapsed = self.shell.environment.elapsed()
        var look = Look(sign: sign)
        if let former = self.seen.withLock({ $0[key] }), former.sign == sign {
            guard let next = former.next else { return nil }
            guard next <= elapsed else { return next - elapsed }
            look.count = former.count + 1
        }
        try await self.look(schedule)
        let isMarked = (self.shell.object(key) ?? schedule).annotations[Self.mark] != nil
        if sign.failure != nil, !isMarked, look.count <= Self.again.count {
            look.next = elapsed + Self.again[look.count - 1]
        }
        let seen = look
        self.seen.withLock { $0[key] = seen }
        return look.next.map { $0 - elapsed }
    }

    private static func sign(of schedule: KubeObject) -> Sign {
        var newest: (name: String, time: String)?
        for items in (schedule["status", "items"]?.object ?? [:]).values {
            for item in items.array ?? [] where item["status"] == "Failed" {
                let time = item["creationTimestamp"]?.string ?? ""
                guard time >= newest?.time ?? "" else { continue }
                newest = (item["name"]?.string ?? "", time)
            }
        }
        return Sign(
            isSuspended: schedule["spec", "suspend"]?.bool ?? false,
            failure: newest?.name
        )
    }

    // MARK: - A failover that did not reach us

    /// Marks a schedule whose applications were moved while nobody here could be asked.
    private func look(_ schedule: KubeObject) async throws {
        let former = schedule.annotations[Self.mark]
        guard former != Self.lifted, let config = try await self.config(of: schedule) else {
            return
        }
        let key = schedule.key
        let namespaces = try await self.namespaces(of: schedule)
        typealias Active = (mark: String, applications: [ApplicationName])
        let active = try await self.remotes.with(config) { client -> Active? in
            let copy = try await client.find(StorkResource.migrationSchedules, key)
            guard let copy, copy.isMarked(.staticCopy),
                copy["status", "applicationActivated"]?.bool == true,
                let mark = copy.annotations[Self.activation]
            else { return nil }
            let names = try await ApplicationActivation(client).applications(in: namespaces)
            return (mark, names)
        }
        guard let active, active.mark != former else { return }
        var patch: JSON = ["spec": ["suspend": true]]
        patch.set(.string(active.mark), at: "metadata", "annotations", Self.mark)
        let written = try await self.local.change(
            StorkResource.migrationSchedules,
            key,
            patch,
            isStatus: false
        )
        self.shell.note(written, insteadOf: schedule)
        try await ApplicationStop(self.local).stop(active.applications, mark: active.mark)
        await self.shell.tell(
            schedule,
            .warning(
                "Fenced",
                "the applications run in the other cluster since a failover: \(active.applications.count) "
                    + "of them were stopped here. Try: fail back; or, to give up what runs there, "
                    + "kubectl annotate migrationschedule \(key.name) \(Self.mark)=\(Self.lifted) "
                    + "--overwrite"
            )
        )
    }

    private func config(of schedule: KubeObject) async throws -> JSON? {
        let name = schedule["spec", "template", "spec", "clusterPair"]?.string ?? ""
        let key = ObjectKey(schedule.namespace, name)
        guard let pair = try await self.local.find(StorkResource.clusterPairs, key) else {
            return nil
        }
        switch try await PairSpec(cluster: self.shell.cluster).scheduler(of: pair) {
        case .reached(let config): return config
        case .unusable(let trouble): throw trouble
        case .notWanted: return nil
        }
    }

    private func namespaces(of schedule: KubeObject) async throws -> [String] {
        let spec = MigrationSpec(schedule["spec", "template", "spec"])
        guard !spec.namespaceSelectors.isEmpty else { return spec.namespaces }
        return try await self.local.listed(BuiltIn.namespaces, namespace: nil)
            .filter { spec.selects($0.name, labels: $0.labels) }
            .map(\.name)
    }

    // MARK: - The volumes

    /// Fences the volumes of a schedule that is marked, and ends that when it is not marked any more.
    private func follow(_ schedule: KubeObject) async throws -> Requeue {
        let mark = schedule.annotations[Self.mark]
        let known = [Condition](schedule["status", "conditions"])[ConditionType.fenced]
        let isFenced = known?.status == .yes
        let isWanted = mark != nil && mark != Self.lifted
        guard isWanted != isFenced else { return .onChange }
        for volume in try await self.volumes(of: schedule) {
            do throws(VolumeTrouble) {
                if isWanted {
                    try await self.driver.fence(volume)
                } else {
                    try await self.driver.unfence(volume)
                }
            } catch {
                // It is a copy already, as after the way back: nothing is sent from it.
                guard error.reason == .volumeNotFound else { throw error }
            }
        }
        try await self.say(
            schedule,
            isWanted ? .yes : .no,
            isWanted ? "FailedOver" : "Lifted",
            isWanted
                ? "The applications run in the other cluster since a failover; nothing is sent from "
                    + "here."
                : "The volumes are sent again."
        )
        return .onChange
    }

    private func volumes(of schedule: KubeObject) async throws -> [String] {
        var volumes: [String] = []
        for namespace in try await self.namespaces(of: schedule) {
            for claim in try await self.local.listed(BuiltIn.claims, namespace: namespace) {
                let name = claim["spec", "volumeName"]?.string ?? ""
                guard !name.isEmpty,
                    let volume = try await self.local.find(
                        BuiltIn.volumes,
                        ObjectKey("", name)
                    ),
                    let handle = self.driver.volume(of: volume)
                else { continue }
                volumes.append(handle)
            }
        }
        return volumes
    }

    private func say(
        _ schedule: KubeObject,
        _ truth: Condition.Status,
        _ reason: String,
        _ message: String
    ) async throws {
        var status = schedule["status"] ?? [:]
        var conditions = [Condition](status["conditions"])
        let finding = Finding(ConditionType.fenced, truth, reason, message)
        let now = self.shell.environment.now()
        conditions.set(finding, generation: schedule.generation, now: now)
        status.set(.array(conditions.map(\.json)), at: "conditions")
        let written = try await self.writer.write(status: status, of: schedule)
        self.shell.note(written, insteadOf: schedule)
    }
}
