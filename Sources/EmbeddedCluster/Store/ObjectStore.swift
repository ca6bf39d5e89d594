// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Kinds
import Locks
public import ObjectModel

/// The objects of an embedded cluster, with the semantics of a Kubernetes API server, in SQLite.
///
/// Every answer to a write comes after the write is on the disk. Calls may be made from any task;
/// cancelling the task of a write does not undo it. Somebody has to run ``run(ticks:)``: it collects
/// garbage, empties namespaces, binds volumes and sends bookmarks.
public final class ObjectStore: Sendable {
    /// What the store refuses to exceed.
    public let limits: StoreLimits
    let environment: StoreEnvironment
    let pool: DatabasePool
    let hub: WatchHub
    let wake = WakeSignal()
    private let registry: Locked<KindRegistry>
    private let queue: CommitQueue

    /// Opens the store at a path, or makes one with the namespaces that every cluster has.
    ///
    /// - Parameters:
    ///   - path: of the database; two files with longer names beside it belong to it.
    ///   - kinds: what is served without a definition.
    ///   - definitions: CustomResourceDefinitions that every cluster of this program has.
    ///   - environment: time and randomness.
    ///   - limits: what the store refuses to exceed.
    /// - Throws: `.internalError` for a file that is damaged, that a newer release wrote, or that
    ///   cannot be opened.
    public init(
        path: String,
        kinds: KindRegistry = .builtIn,
        definitions: [KubeObject] = ObjectStore.ownDefinitions,
        environment: StoreEnvironment = .system,
        limits: StoreLimits = StoreLimits()
    ) async throws(APIStatus) {
        self.environment = environment
        self.limits = limits
        do {
            self.pool = try Self.opened(path)
            let version = try await self.pool.read { try StoreCounter.version.read($0) }
            self.hub = WatchHub(published: version, limits: limits)
        } catch { throw Self.told(error) }
        let registry = Locked(kinds)
        let hub = self.hub
        let wake = self.wake
        self.registry = registry
        self.queue = CommitQueue(self.pool, limit: limits.writesPerCommit) { database in
            StoreTransaction(
                database,
                version: try StoreCounter.version.read(database),
                kinds: registry.withLock { $0 },
                environment: environment,
                limits: limits
            )
        } finish: { transaction in
            let kinds = transaction.kinds
            registry.withLock { $0 = kinds }
            hub.publish(transaction.changes, version: transaction.version)
            if transaction.needsCollection { wake.signal() }
        }
        try await self.write { transaction in try transaction.start(definitions) }
    }

    /// The CustomResourceDefinitions of the kinds that Godwit brings: served without being applied.
    public static let ownDefinitions: [KubeObject] = StorkKinds.all.map {
        $0.customResourceDefinition()
    }

    private static func opened(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "objects"
        let pool = try DatabasePool(path: path, configuration: configuration)
        // After the pool is there: GRDB sets NORMAL when it opens one, and NORMAL loses the last
        // commits in a power cut.
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        let migrator = StoreSchema.migrator
        if try pool.read({ try migrator.hasBeenSuperseded($0) }) {
            throw APIStatus(.internalError, "a newer release wrote \(path)")
        }
        try migrator.migrate(pool)
        let check = try pool.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
        guard check == "ok" else {
            throw APIStatus(.internalError, "\(path) is damaged: \(check ?? "no answer")")
        }
        return pool
    }

    /// Ends every watch and closes the file; nothing may be called afterwards.
    public func close() {
        self.hub.close()
        self.wake.close()
        try? self.pool.close()
    }

    /// The kinds that are served now.
    public var kinds: KindRegistry { self.registry.withLock { $0 } }

    /// The newest resourceVersion that was given.
    public var resourceVersion: String { "\(self.hub.published)" }

    // MARK: Access

    /// Does a write; it is on the disk when this returns.
    func write<Value: Sendable>(
        isDryRun: Bool = false,
        _ body: @escaping @Sendable (StoreTransaction) throws -> Value
    ) async throws(APIStatus) -> Value {
        let result: Result<Value, APIStatus> = await withCheckedContinuation { continuation in
            self.queue.add(
                CommitQueue.Write(
                    perform: { transaction in
                        let value = try body(transaction)
                        return CommitQueue.Outcome(isKept: !isDryRun) {
                            continuation.resume(returning: .success(value))
                        }
                    },
                    fail: { continuation.resume(returning: .failure(Self.told($0))) }
                )
            )
        }
        return try result.get()
    }

    /// Reads one consistent state.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(APIStatus) -> Value {
        do { return try await self.pool.read(body) } catch { throw Self.told(error) }
    }

    static func told(_ error: any Error) -> APIStatus {
        switch error {
        case let status as APIStatus: status
        case let error as DatabaseError:
            APIStatus(.internalError, "the store failed: \(error.message ?? "\(error.resultCode)")")
        case is CancellationError: APIStatus(.timeout, "the request was cancelled")
        default: APIStatus(.internalError, "\(error)")
        }
    }

    /// Changes of a kind after a version, and the version up to which they are complete.
    func history(
        of resource: String,
        after version: Int,
        limit: Int
    ) async throws(APIStatus) -> (changes: [StoredChange], through: Int) {
        try await self.read { database in
            let compacted = try StoreCounter.compacted.read(database)
            guard version >= compacted else {
                throw APIStatus.expired("too old resource version: \(version) (\(compacted + 1))")
            }
            let last = try StoreCounter.version.read(database)
            return (
                try StoredChange.changes(
                    database,
                    of: resource,
                    after: version,
                    through: last,
                    limit: limit
                ), last
            )
        }
    }

    /// How far a commit is pushed before it is told: 2 is to the disk; so that tests can see it.
    package func syncLevel() async throws -> Int {
        try await self.pool.writeWithoutTransaction { database in
            try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? 0
        }
    }
}
