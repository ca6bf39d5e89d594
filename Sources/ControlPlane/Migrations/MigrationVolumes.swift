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

    /// What the copies came to.
    struct Look: Sendable {
        var entries: [MigratedVolume]
        var notices: [Notice] = []
        /// Why some copies do not get on, or cannot be looked at, now.
        var trouble: Trouble?
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

    private func task(of claim: ObjectKey) -> String {
        VolumeCopy.task(
            uid: self.migration.uid,
            namespace: claim.namespace,
            claim: claim.name
        )
    }

    private func copy(_ entry: MigratedVolume) -> VolumeCopy {
        VolumeCopy(
            task: self.task(of: ObjectKey(entry.namespace, entry.claim)),
            volume: entry.volume,
            remote: self.remote,
            cadence: self.cadence
        )
    }

    /// Begins every copy; one that can never begin is a failed entry, and the others go on.
    ///
    /// - Throws: ``Trouble`` that passes: nothing is lost by beginning all of them again.
    func start(_ entries: [MigratedVolume]) async throws(Trouble) -> Look {
        var look = Look(entries: [])
        for entry in entries {
            do throws(VolumeTrouble) {
                try await self.driver.start(self.copy(entry))
                look.entries.append(entry)
            } catch {
                guard !error.isPassing else { throw Trouble(error) }
                let (failed, notice) = entry.failing(Trouble(error), stage: "Backup")
                look.entries.append(failed)
                if let notice { look.notices.append(notice) }
            }
        }
        return look
    }

    /// Asks how far the copies are.
    func follow(_ entries: [MigratedVolume]) async -> Look {
        var look = Look(entries: [])
        for entry in entries {
            guard !entry.status.isFinal else {
                look.entries.append(entry)
                continue
            }
            do throws(VolumeTrouble) {
                let copy = self.copy(entry)
                guard let progress = try await self.driver.progress(of: copy) else {
                    // The storage has forgotten it, as after its own loss of state: once more.
                    try await self.driver.start(copy)
                    look.entries.append(entry)
                    continue
                }
                let (next, notice) = entry.following(progress)
                look.entries.append(next)
                if let notice { look.notices.append(notice) }
                if let trouble = progress.waitsFor {
                    look.trouble = look.trouble ?? Trouble(trouble)
                }
            } catch {
                if error.isPassing {
                    look.entries.append(entry)
                    look.trouble = look.trouble ?? Trouble(error)
                } else {
                    let (failed, notice) = entry.failing(Trouble(error), stage: "Backup")
                    look.entries.append(failed)
                    if let notice { look.notices.append(notice) }
                }
            }
        }
        return look
    }

    /// Ends the copies that run; as many as can be.
    ///
    /// - Returns: why some could not be ended.
    func cancel(_ entries: [MigratedVolume]) async -> VolumeTrouble? {
        var trouble: VolumeTrouble?
        for entry in entries where !entry.status.isFinal {
            do throws(VolumeTrouble) { try await self.driver.cancel(self.copy(entry)) } catch {
                trouble = error
            }
        }
        return trouble
    }
}

/// The volumes of a driver, for the collection.
struct DriverVolumes: VolumeOwnership {
    let driver: any VolumeDriver

    func owns(_ volume: KubeObject) -> Bool { self.driver.volume(of: volume) != nil }

    func atDestination(_ volume: KubeObject) -> KubeObject { self.driver.atDestination(volume) }
}
