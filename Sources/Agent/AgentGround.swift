// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Catalogue
import Foundation
import Logging
import VolumeStore

/// What lies in the pool, opened: the ground that the other parts of an agent stand on.
struct AgentGround: Sendable {
    let live: LiveConfiguration
    let pool: Pool
    let catalogue: Catalogue
    let journal: Journal
    let identity: AgentIdentity
    let registry: PairRegistry
    let sources: SourceStore
    let replicas: ReplicaStore
    let holds: HoldStore
    let groups: GroupStore

    /// Takes the pool and opens it; what is damaged and not needed is put aside and told.
    init(
        _ configuration: AgentConfiguration,
        _ environment: AgentEnvironment
    ) throws(APIError) {
        guard let path = configuration.pool, !path.isEmpty else {
            throw APIError(
                .invalidConfiguration,
                "No pool directory is given.",
                try: "godwit-agent run --pool DIR, or 'pool: DIR' in the file"
            )
        }
        let now = environment.now
        self.live = LiveConfiguration(configuration)
        self.pool = try Pool(path, now: now())
        let (catalogue, wasReplaced) = try Self.catalogue(self.pool, now())
        self.catalogue = catalogue
        self.journal = Journal(catalogue: catalogue, logger: environment.logger, now: now)
        if wasReplaced {
            self.journal.note(
                "CatalogueReplaced",
                "the catalogue was damaged and put aside; volumes and pairs were adopted "
                    + "from their files, transfers that had not ended have to be asked for again",
                level: .warning
            )
        }
        self.identity = try AgentIdentity(directory: self.pool.identity, now: now)
        self.registry = try PairRegistry(
            directory: "\(self.pool.identity)/pairs",
            catalogue: catalogue
        )
        (self.sources, self.replicas) = try Self.stores(self.pool, self.live)
        (self.holds, self.groups) = try Self.groups(self.pool, self.sources, self.replicas)
        let sources = self.sources.faults
        // What does not say which role it has is found by both.
        let replicas = self.replicas.faults.filter { fault in
            !sources.contains { $0.directory == fault.directory }
        }
        for fault in sources + replicas + self.holds.faults + self.groups.faults {
            self.journal.note(
                "VolumeFaulty",
                "\(fault.directory) cannot be used: \(fault.error)",
                level: .error
            )
        }
    }

    /// Opens the catalogue; a damaged one is put aside, since it holds nothing that is needed.
    private static func catalogue(_ pool: Pool, _ now: Date) throws(APIError) -> (Catalogue, Bool) {
        do { return (try Catalogue(path: pool.catalogue), false) } catch
            where error.code == .damaged
        {
            let aside = "\(pool.catalogue).damaged-\(Int(now.timeIntervalSince1970))"
            do {
                try PoolDirectory.rename(pool.catalogue, to: aside)
                for suffix in ["-wal", "-shm"] { try PoolDirectory.remove(pool.catalogue + suffix) }
                return (try Catalogue(path: pool.catalogue), true)
            } catch {
                throw APIError(
                    .catalogueFailed,
                    "The damaged catalogue cannot be put aside.",
                    cause: "\(error)",
                    try: "remove \(pool.catalogue) yourself"
                )
            }
        } catch { throw APIError(error) }
    }

    private static func groups(
        _ pool: Pool,
        _ sources: SourceStore,
        _ replicas: ReplicaStore
    ) throws(APIError) -> (HoldStore, GroupStore) {
        do {
            return (
                try HoldStore(pool: pool.path, replicas: replicas),
                try GroupStore(pool: pool.path, sources: sources)
            )
        } catch { throw APIError(error, "The groups of \(pool.path) cannot be read.") }
    }

    private static func stores(
        _ pool: Pool,
        _ live: LiveConfiguration
    ) throws(APIError) -> (SourceStore, ReplicaStore) {
        do {
            return (
                try SourceStore(pool: pool.path),
                try ReplicaStore(
                    pool: pool.path,
                    options: ReplicaOptions(keptGenerations: live.current.keepGenerations)
                )
            )
        } catch { throw APIError(error, "The volumes of \(pool.path) cannot be read.") }
    }
}
