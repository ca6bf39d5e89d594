// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

extension ActionController {
    // MARK: - What is known

    func facts(of action: KubeObject) async throws(ClusterError) -> ActionFacts {
        let spec = ActionSpec(action["spec"])
        var facts = ActionFacts(
            spec: spec,
            status: ActionStatus(action["status"], of: spec.type),
            now: self.shell.environment.now()
        )
        facts.isBeingDeleted = action.isBeingDeleted
        facts.hasFinalizer = action.finalizers.contains(StorkNames.finalizer)
        guard facts.status.stage != .final || facts.isBeingDeleted else { return facts }
        let key = ObjectKey(action.namespace, spec.schedule)
        if let schedule = try await self.local.find(StorkResource.migrationSchedules, key) {
            facts.schedule = try await self.schedule(schedule)
            if facts.status.stage == .initial, facts.hasFinalizer {
                facts.missingRight = try await ActionRights(cluster: self.local)
                    .missing(for: spec.type, in: facts.namespaces)
            }
        }
        facts.points = try await self.standing(of: key)
            .map { object, spec in
                let available = [Condition](object["status", "conditions"])[ConditionType.available]
                return ActionFacts.Point(
                    name: object.name,
                    time: spec.time,
                    isGone: available?.status == .no
                )
            }
            .sorted { ($0.time, $0.name) > ($1.time, $1.name) }
        return facts
    }

    private func schedule(
        _ object: KubeObject
    ) async throws(ClusterError) -> ActionFacts.Schedule {
        let spec = MigrationSpec(object["spec", "template", "spec"])
        var namespaces = Set(spec.namespaces)
        if !spec.namespaceSelectors.isEmpty {
            for namespace in try await self.local.listed(BuiltIn.namespaces, namespace: nil)
            where spec.selects(namespace.name, labels: namespace.labels) {
                namespaces.insert(namespace.name)
            }
        }
        return ActionFacts.Schedule(
            isStaticCopy: object.isMarked(.staticCopy),
            isActivated: object["status", "applicationActivated"]?.bool ?? false,
            namespaces: namespaces.sorted(),
            includesVolumes: spec.includesVolumes
        )
    }

    /// The RecoveryPoints of a schedule by their names.
    func points(
        of schedule: ObjectKey
    ) async throws(ClusterError) -> [String: RecoveryPointSpec] {
        let standing = try await self.standing(of: schedule).map { ($0.name, $1) }
        return Dictionary(standing) { first, _ in first }
    }

    private func standing(
        of schedule: ObjectKey
    ) async throws(ClusterError) -> [(KubeObject, RecoveryPointSpec)] {
        try await self.local
            .listed(StorkResource.recoveryPoints, namespace: schedule.namespace)
            .compactMap { object in
                guard let spec = RecoveryPointSpec(object["spec"]), spec.schedule == schedule.name
                else { return nil }
                return (object, spec)
            }
    }

    func applications(_ facts: ActionFacts) async throws(ClusterError) -> [ApplicationName] {
        try await ApplicationActivation(self.local).applications(in: facts.namespaces)
    }

    // MARK: - The way

    func stopOtherSide(
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws -> StageOutcome {
        let isBack = facts.spec.type == .failback
        // As it was when this was begun: waiting makes nothing stale.
        let (zone, since) = (self.zone, facts.status.stageTime ?? facts.now)
        let isFit = try await self.asking(action, facts) { side in
            guard isBack else {
                _ = try await side.found()
                return .done
            }
            guard case .unfit(let trouble) = try await side.newestRun(in: zone, now: since) else {
                return .done
            }
            return .failed(trouble)
        }
        guard isFit == .done else { return isFit }
        let applications = try await self.applications(facts)
        try await self.noteChange(action, facts)
        return try await self.asking(action, facts) { side in
            if let name = try await side.suspend().first {
                return .waiting(
                    "Migration \(name) is still running there: it is let come to its end first"
                )
            }
            if isBack {
                switch try await side.newestRun(in: zone, now: since) {
                case .current: break
                case .running(let name):
                    return .waiting("the end of Migration \(name) is not noted there yet")
                case .unfit(let trouble): return .failed(trouble)
                }
            }
            try await side.stop(applications)
            return .done
        }
    }

    /// Remembers, before the first change there, that there is something to take back.
    private func noteChange(_ action: KubeObject, _ facts: ActionFacts) async throws {
        guard !facts.status.hasChangedOtherSide else { return }
        let finding = Finding(
            ConditionType.otherSideChanged,
            .yes,
            "Stopping",
            "The schedule there is suspended, and what it migrates is stopped."
        )
        try await self.note(finding, action, facts)
    }

    func awaitPods(_ action: KubeObject, _ facts: ActionFacts) async throws -> StageOutcome {
        let namespaces = facts.namespaces
        return try await self.asking(action, facts) { side in
            let pods = try await side.podsWithVolumes(namespaces)
            return pods.isEmpty ? .done : .waiting("pod \(pods[0]) still uses a volume there")
        }
    }

    func migrateLast(_ action: KubeObject, _ facts: ActionFacts) async throws -> StageOutcome {
        let spec = facts.spec
        let namespaces = facts.namespaces
        let name = OtherSide.lastMileName(spec.schedule, spec.type, uid: action.uid)
        let outcome = try await self.asking(action, facts) { side in
            let status = try await side.migrate(name, namespaces)
            guard status.isFinal else {
                return .waiting("Migration \(name): \(status.stage.rawValue)")
            }
            switch status.status {
            case .successful: return .done
            case .initial, .pending, .inProgress, .purged, .failed, .partialSuccess:
                let why = status.conditions[ConditionType.succeeded]?.message ?? ""
                return .failed(
                    Trouble(
                        .lastMileFailed,
                        "Migration \(name) ended as \(status.status.rawValue): \(why)",
                        remedy: "mend that, then create the Action again",
                        isPassing: false
                    )
                )
            }
        }
        guard outcome == .done else { return outcome }
        // The state that it brought is the one that is shown.
        let points = try await self.points(of: ObjectKey(action.namespace, spec.schedule))
        let brought = points.filter { $0.value.migration == name }
            .max { $0.value.time < $1.value.time }
        if let brought {
            _ = try await self.write(action, facts) { status, _ in
                status.point = ActionStatus.Point(
                    name: brought.key,
                    time: brought.value.time,
                    lossSeconds: 0
                )
            }
        }
        return .done
    }

    // MARK: - This side

    func startHere(_ action: KubeObject, _ facts: ActionFacts) async throws -> StageOutcome {
        let status = ActionStatus(self.current(action)["status"], of: facts.spec.type)
        if facts.status.sourceReached == true {
            let fenced = try await self.asking(action, facts) { side in
                try await side.fence()
                return .done
            }
            // The applications there are stopped: the fence can come later.
            if case .failed(let trouble) = fenced { return .failed(trouble) }
        }
        do {
            if let name = status.point?.name {
                let points = try await self.points(
                    of: ObjectKey(action.namespace, facts.spec.schedule)
                )
                guard let point = points[name] else {
                    return .failed(
                        Trouble(
                            .noRecoveryPoint,
                            "RecoveryPoint \(name) is gone",
                            remedy: "perform it again: godwit get recoverypoints",
                            isPassing: false
                        )
                    )
                }
                try await self.promote(point, facts.namespaces)
            }
        } catch let trouble as VolumeTrouble {
            guard trouble.isPassing else { return .failed(Trouble(trouble)) }
            return .waiting(trouble.description)
        }
        return try await self.activate(action, facts)
    }

    /// Makes what a RecoveryPoint names writable; what is promoted already stays as it is.
    private func promote(
        _ point: RecoveryPointSpec,
        _ namespaces: [String]
    ) async throws(VolumeTrouble) {
        let volumes = point.volumes.filter { namespaces.contains($0.claim.namespace) }
        var states: [String: VolumeFreeze.Frozen] = [:]
        for volume in volumes {
            states[volume.volume] = VolumeFreeze.Frozen(
                generation: volume.generation,
                snapshot: volume.snapshot
            )
        }
        try await self.driver.settle(states)
        for volume in volumes {
            guard let state = states[volume.volume] else { continue }
            try await self.driver.promote(volume.volume, to: state)
        }
    }

    private func activate(
        _ action: KubeObject,
        _ facts: ActionFacts
    ) async throws -> StageOutcome {
        do throws(ClusterError) {
            // By this the controllers of a source that comes back know that they have to stop.
            var patch: JSON = [:]
            patch.set(.string(action.uid), at: "metadata", "annotations", SourceFence.activation)
            _ = try await self.local.change(
                StorkResource.migrationSchedules,
                ObjectKey(action.namespace, facts.spec.schedule),
                patch,
                isStatus: false
            )
            let result = try await ApplicationActivation(self.local)
                .run(.activate, namespaces: facts.namespaces)
            guard let failure = result.failures.first else { return .done }
            return .waiting(failure)
        } catch {
            return StageOutcome(here: error)
        }
    }
}

extension ActionStatus {
    /// Whether there is something to take back in the other cluster.
    var hasChangedOtherSide: Bool {
        self.conditions[ConditionType.otherSideChanged]?.status == .yes
    }
}
