// SPDX-License-Identifier: Apache-2.0

// The agent's memory of what it was asked and what came of it: pairs, the transfer queue, history,
// events, settings. In SQLite, written ahead, and synced at each change that somebody is told of as
// done. It holds nothing that a volume needs: volumes, generations, keys and the trust of pairs lie
// in files of the pool, and an agent that finds no catalogue makes a new one and adopts them.

import GRDB

/// The tables of one agent.
///
/// Calls are short and block; safe from any thread.
public final class Catalogue: Sendable {
    let database: DatabaseQueue

    /// Opens the catalogue at `path`, or makes an empty one.
    ///
    /// - Throws: `.newer` for the file of a later release, `.damaged` for a file that is none.
    public init(path: String) throws(CatalogueError) {
        do {
            var configuration = Configuration()
            configuration.label = "catalogue"
            // A commit that was told as done survives a power cut (P10).
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            }
            self.database = try DatabaseQueue(path: path, configuration: configuration)
            let migrator = Schema.migrator
            if try self.database.read({ try migrator.hasBeenSuperseded($0) }) {
                throw CatalogueError(
                    .newer,
                    "open \(path)",
                    cause: "a newer release of godwit-agent wrote it"
                )
            }
            try migrator.migrate(self.database)
            let check = try self.database.read { database in
                try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
            }
            guard check == "ok" else {
                throw CatalogueError(.damaged, "open \(path)", cause: check ?? "no answer")
            }
        } catch { throw Self.told(error, "open \(path)") }
    }

    /// Closes the file; nothing may be called afterwards.
    public func close() { try? self.database.close() }

    // MARK: - Settings

    /// The value of a setting; nil where it was never set.
    public func setting(_ key: String) throws(CatalogueError) -> String? {
        try self.reading("read setting \(key)") { database in
            try String.fetchOne(
                database,
                sql: "SELECT value FROM setting WHERE key = ?",
                arguments: [key]
            )
        }
    }

    /// Sets or, with nil, removes a setting.
    public func set(_ key: String, to value: String?) throws(CatalogueError) {
        try self.writing("write setting \(key)") { database in
            guard let value else {
                try database.execute(
                    sql: "DELETE FROM setting WHERE key = ?",
                    arguments: [key]
                )
                return
            }
            try database.execute(
                sql: """
                    INSERT INTO setting (key, value) VALUES (?, ?)
                    ON CONFLICT (key) DO UPDATE SET value = excluded.value
                    """,
                arguments: [key, value]
            )
        }
    }

    // MARK: - Access

    func reading<Value: Sendable>(
        _ what: String,
        _ body: @Sendable (Database) throws -> Value
    ) throws(CatalogueError) -> Value {
        do { return try self.database.read(body) } catch { throw Self.told(error, what) }
    }

    @discardableResult
    func writing<Value: Sendable>(
        _ what: String,
        _ body: @Sendable (Database) throws -> Value
    ) throws(CatalogueError) -> Value {
        do { return try self.database.write(body) } catch { throw Self.told(error, what) }
    }

    /// Writes what a power cut may take back: nobody was told that it is there.
    ///
    /// A kill of the process takes nothing back, and the next change that is synced syncs this one too
    /// (https://www.sqlite.org/pragma.html#pragma_synchronous, NORMAL with a write-ahead log).
    func noting(
        _ what: String,
        _ body: @Sendable (Database) throws -> Void
    ) throws(CatalogueError) {
        do {
            try self.database.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = NORMAL")
                let outcome = Result {
                    try database.inTransaction {
                        try body(database)
                        return .commit
                    }
                }
                // Its failure is one of the call: what is told as done later must be synced (P10).
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try outcome.get()
            }
        } catch { throw Self.told(error, what) }
    }

    private static func told(_ error: any Error, _ what: String) -> CatalogueError {
        if let error = error as? CatalogueError { return error }
        guard let error = error as? DatabaseError else {
            return CatalogueError(.failed, what, cause: "\(error)")
        }
        let code: CatalogueError.Code =
            switch error.resultCode {
            case .SQLITE_NOTADB, .SQLITE_CORRUPT: .damaged
            case .SQLITE_CONSTRAINT: .exists
            default: .failed
            }
        return CatalogueError(code, what, cause: error.message ?? "\(error.resultCode)")
    }
}

extension Catalogue {
    /// Whether the next change that is told as done is synced; for tests.
    package var syncsCommits: Bool {
        get throws(CatalogueError) {
            try self.reading("ask for the syncs") { database in
                try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2
            }
        }
    }

    /// Notes a migration that this release does not have; so that tests can meet a later one.
    package func pretendMigration(_ identifier: String) throws(CatalogueError) {
        try self.writing("pretend a migration") { database in
            try database.execute(
                sql: "INSERT INTO grdb_migrations (identifier) VALUES (?)",
                arguments: [identifier]
            )
        }
    }
}
