// SPDX-License-Identifier: Apache-2.0

import Kinds
import KubernetesClient
import ObjectModel

/// The volumes of one Migration: which they are, and their copies.
struct MigrationVolumes: Sendable {
    let cluster: any ClusterAccess
    let driver: any VolumeDriver
    let migration: KubeObject
    let remote: String
    let cadence: Cadence
    /// How often the volumes were frozen in vain.
    let freezes: Int

    /// What the copies came to.
    struct Look: Sendable {
        var entries: [MigratedVolume]
        var notices: [Notice] = []
        /// Why some copies do not get on, or cannot be looked at, now.
        var trouble: Trouble?
        /// When and how the volumes were frozen, where this look has told.
        var freeze: VolumeFreeze?
        /// Copies that are proven at the destination and wait there for the others.
        var prepared = 0
        /// Whether the storage has forgotten the group, as after its own loss of state.
        var isForgotten = false

        /// Whether nothing more happens to the copies before the group is committed or ended.
        var isSettled: Bool {
            self.prepared + self.entries.count(where: \.status.isFinal) == self.entries.count
        }

        /// Whether a copy has failed, and with it the group.
        var hasFailed: Bool { self.entries.contains { $0.status == .failed } }
    }

    /// The claims whose volumes the driver moves.
    func selected(
        _ options: CollectionOptions
    ) async throws(ClusterError) -> [MigratedVolume] {
        var objects: [KubeObject] = []
        for namespace in options.namespaces.sorted() {
            objects += try await self.cluster.all(BuiltIn.claims, namespace: namespace)
        }
        objects += try await self.persistentVolumes(of: objects)
        let collector = ResourceCollector(options, volumes: DriverVolumes(driver: self.driver))
        return collector.claims(among: objects)
            .compactMap { claim, volume in
                self.driver.volume(of: volume)
                    .map { MigratedVolume.started(claim.key, $0, task: self.task(of: claim.key)) }
            }
    }

    /// From so many claims on the volumes are listed: below, a cluster has thousands of others.
    private static let listFrom = 32

    private func persistentVolumes(
        of claims: [KubeObject]
    ) async throws(ClusterError) -> [KubeObject] {
        let names = Set(claims.compactMap { $0["spec", "volumeName"]?.string })
            .filter { !$0.isEmpty }
        guard names.count < Self.listFrom else {
            return try await self.cluster.all(BuiltIn.volumes, namespace: nil)
        }
        var volumes: [KubeObject] = []
        for name in names.sorted() {
            do {
                volumes.append(try await self.cluster.read(BuiltIn.volumes, ObjectKey("", name)))
            } catch {
                // A claim may name what is gone: then it is not Bound, and stays.
                guard error.reason == .notFound else { throw error }
            }
        }
        return volumes
    }

    private var groupTask: String {
        VolumeGroup.task(uid: self.migration.uid, freezes: self.freezes)
    }

    private func task(of claim: ObjectKey) -> String {
        "\(self.groupTask)-\(claim.namespace)-\(claim.name)"
    }

    private func group(_ entries: [MigratedVolume]) -> VolumeGroup {
        VolumeGroup(
            task: self.groupTask,
            remote: self.remote,
            cadence: self.cadence,
            copies: entries.map { entry in
                VolumeCopy(
                    task: self.task(of: ObjectKey(entry.namespace, entry.claim)),
                    volume: entry.volume
                )
            }
        )
    }

    /// Freezes the volumes together and begins their copies.
    ///
    /// Where one of them can never begin, none does: they belong together.
    ///
    /// - Throws: ``Trouble`` that passes: nothing is lost by beginning again.
    func start(_ entries: [MigratedVolume]) async throws(Trouble) -> Look {
        var look = Look(entries: entries)
        guard !entries.isEmpty else { return look }
        do throws(VolumeTrouble) {
            let freeze = try await self.driver.begin(self.group(entries))
            look.freeze = freeze
            look.entries = entries.map { $0.frozen(as: freeze.volumes[$0.volume]) }
        } catch {
            guard !error.isPassing else { throw Trouble(error) }
            self.fail(&look, error)
            // A part of it may have begun, at another agent.
            _ = await self.cancel(entries)
        }
        return look
    }

    private func fail(_ look: inout Look, _ trouble: VolumeTrouble) {
        for index in look.entries.indices {
            let entry = look.entries[index]
            let isCause = trouble.volume.map { $0 == entry.volume } ?? true
            let (failed, notice) =
                isCause ? entry.failing(Trouble(trouble), stage: "Backup") : entry.leftBehind()
            look.entries[index] = failed
            if let notice { look.notices.append(notice) }
        }
    }

    /// Asks how far the copies are.
    func follow(_ entries: [MigratedVolume]) async -> Look {
        var look = Look(entries: entries)
        guard !entries.isEmpty else { return look }
        do throws(VolumeTrouble) {
            guard let progress = try await self.driver.progress(of: self.group(entries)) else {
                look.isForgotten = true
                return look
            }
            for (index, progress) in progress.enumerated() { look.take(progress, at: index) }
        } catch {
            if error.isPassing { look.trouble = Trouble(error) } else { self.fail(&look, error) }
        }
        return look
    }

    /// Has the destination show what is prepared there.
    func commit(_ entries: [MigratedVolume]) async throws(VolumeTrouble) {
        try await self.driver.commit(self.group(entries))
    }

    /// Ends the copies that run; as many as can be.
    ///
    /// - Returns: why some could not be ended.
    func cancel(_ entries: [MigratedVolume]) async -> VolumeTrouble? {
        guard entries.contains(where: { $0.status != .successful }) else { return nil }
        do throws(VolumeTrouble) {
            try await self.driver.cancel(self.group(entries))
            return nil
        } catch { return error }
    }
}

extension MigrationVolumes.Look {
    /// Ends what is prepared, because something else has failed.
    mutating func leaveBehind() {
        for index in self.entries.indices where !self.entries[index].status.isFinal {
            let (failed, notice) = self.entries[index].leftBehind()
            self.entries[index] = failed
            if let notice { self.notices.append(notice) }
        }
    }

    fileprivate mutating func take(_ progress: VolumeProgress, at index: Int) {
        guard !self.entries[index].status.isFinal else { return }
        let (next, notice) = self.entries[index].following(progress)
        self.entries[index] = next
        if let notice { self.notices.append(notice) }
        if progress.state == .prepared { self.prepared += 1 }
        if let trouble = progress.waitsFor { self.trouble = self.trouble ?? Trouble(trouble) }
    }
}

/// The volumes of a driver, for the collection.
struct DriverVolumes: VolumeOwnership {
    let driver: any VolumeDriver

    func owns(_ volume: KubeObject) -> Bool { self.driver.volume(of: volume) != nil }

    func atDestination(_ volume: KubeObject) -> KubeObject { self.driver.atDestination(volume) }
}
