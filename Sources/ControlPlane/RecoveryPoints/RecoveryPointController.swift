// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// Says of each RecoveryPoint whether its generations are still kept here, and deletes those of which
/// nothing is left.
///
/// A key is a series of ``RecoveryPointIndex``. A look asks the storage once for each volume of the
/// series, and the cluster for nothing; it comes when the series has grown, and else once an hour.
final class RecoveryPointController: Sendable {
    /// As `metadata.managedFields` names it.
    static let manager = "godwit-recoverypoint"

    private let shell: ControllerShell
    private let driver: any VolumeDriver
    private let index: RecoveryPointIndex
    private let actions: @Sendable () -> [KubeObject]
    private let writer: ObjectWriter

    /// - Parameters:
    ///   - shell: of the RecoveryPoints.
    ///   - driver: knows what is kept.
    ///   - index: knows which points are of a series.
    ///   - actions: all Actions as the watch has told.
    init(
        shell: ControllerShell,
        driver: any VolumeDriver,
        index: RecoveryPointIndex,
        actions: @escaping @Sendable () -> [KubeObject]
    ) {
        self.shell = shell
        self.driver = driver
        self.index = index
        self.actions = actions
        self.writer = ObjectWriter(
            cluster: shell.cluster,
            resource: shell.resource,
            manager: Self.manager
        )
    }

    /// One look at one series.
    func reconcile(_ series: ObjectKey) async throws -> Requeue {
        guard let known = self.index[series] else { return .onChange }
        let objects = known.names.compactMap { name -> KubeObject? in
            let object = self.shell.object(ObjectKey(series.namespace, name))
            return object?.isBeingDeleted == true ? nil : object
        }
        let points = Self.points(objects)
        guard !points.isEmpty else { return .onChange }
        let age = self.shell.environment.elapsed() - known.grown
        let isNew = points.contains { $0.available == nil }
        guard !isNew || age >= RecoveryPointDecision.settling else {
            return .after(RecoveryPointDecision.settling - age)
        }
        let facts = RecoveryPointFacts(
            points: points,
            kept: await self.kept(of: points),
            inUse: self.inUse(in: series.namespace),
            now: self.shell.environment.now(),
            sinceGrowth: age
        )
        try Task.checkCancellation()
        let steps = RecoveryPointDecision.steps(
            facts,
            jitter: self.shell.environment.jitter()
        )
        for object in objects { try await self.perform(steps, on: object, facts.now) }
        return .after(steps.pause)
    }

    /// The newest first.
    private static func points(_ objects: [KubeObject]) -> [RecoveryPointFacts.Point] {
        objects
            .compactMap { object -> RecoveryPointFacts.Point? in
                guard let spec = RecoveryPointSpec(object["spec"]) else { return nil }
                let conditions = [Condition](object["status", "conditions"])
                return RecoveryPointFacts.Point(
                    name: object.name,
                    spec: spec,
                    available: conditions[ConditionType.available]
                )
            }
            .sorted { ($0.spec.time, $0.name) > ($1.spec.time, $1.name) }
    }

    private func kept(
        of points: [RecoveryPointFacts.Point]
    ) async -> [String: RecoveryPointFacts.Kept] {
        var kept: [String: RecoveryPointFacts.Kept] = [:]
        for volume in Set(points.flatMap { $0.spec.volumes.map(\.volume) }).sorted() {
            do throws(VolumeTrouble) {
                kept[volume] =
                    try await self.driver.states(of: volume).map { .states($0) } ?? .noVolume
            } catch { kept[volume] = .unknown(error) }
        }
        return kept
    }

    private func inUse(in namespace: String) -> Set<String> {
        var names: Set<String> = []
        for action in self.actions() where action.namespace == namespace {
            let spec = ActionSpec(action["spec"])
            let status = ActionStatus(action["status"], of: spec.type)
            guard status.stage != .final else { continue }
            if let name = spec.recoveryPoint { names.insert(name) }
            if let name = status.point?.name { names.insert(name) }
        }
        return names
    }

    private func perform(
        _ steps: RecoveryPointSteps,
        on object: KubeObject,
        _ now: Timestamp
    ) async throws {
        guard !steps.deletions.contains(object.name) else {
            try await self.shell.cluster.remove(self.shell.resource, object.key, uid: object.uid)
            return
        }
        guard let finding = steps.findings[object.name] else { return }
        var conditions = [Condition](object["status", "conditions"])
        conditions.set(finding, generation: object.generation, now: now)
        let status: JSON = [
            "conditions": .array(conditions.map(\.json)),
            "observedGeneration": JSON(object.generation),
        ]
        do throws(ClusterError) {
            let written = try await self.writer.write(status: status, of: object)
            self.shell.note(written, insteadOf: object)
        } catch {
            // Somebody has deleted it meanwhile.
            guard error.reason == .notFound else { throw error }
        }
    }
}
