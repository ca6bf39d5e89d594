// SPDX-License-Identifier: Apache-2.0

import GRDB

extension Catalogue {
    /// Finished transfers that are kept; older ones go.
    ///
    /// One a minute for a week.
    public static let historyLimit = 10_000

    /// The newest transfers, newest first.
    public func transfers(limit: Int) throws(CatalogueError) -> [TransferEntry] {
        try self.reading("list transfers") { database in
            try TransferRow.fetchAll(
                database,
                sql: "SELECT * FROM transfer ORDER BY created DESC, rowid DESC LIMIT ?",
                arguments: [limit]
            )
            .map(\.record)
        }
    }

    /// Every transfer that has not ended, oldest first.
    public func unfinishedTransfers() throws(CatalogueError) -> [TransferEntry] {
        try self.reading("list unfinished transfers") { database in
            try TransferRow.fetchAll(
                database,
                sql: """
                    SELECT * FROM transfer WHERE state IN ('queued', 'running', 'waiting')
                    ORDER BY created, rowid
                    """
            )
            .map(\.record)
        }
    }

    /// One transfer.
    public func transfer(_ id: String) throws(CatalogueError) -> TransferEntry? {
        try self.reading("read transfer \(id)") { database in
            try TransferRow.fetchOne(
                database,
                sql: "SELECT * FROM transfer WHERE id = ?",
                arguments: [id]
            )?
            .record
        }
    }

    /// Adds transfers, all or none.
    public func insert(_ transfers: [TransferEntry]) throws(CatalogueError) {
        try self.writing("add transfers") { database in
            for transfer in transfers { try TransferRow(transfer).insert(database) }
        }
    }

    /// Changes a transfer; when it ended, with the event that says so and the oldest history gone.
    ///
    /// Durable when it ended. After a power cut a transfer that had not is tried again whatever its last
    /// state was, so the states on the way are not synced.
    public func update(
        _ transfer: TransferEntry,
        event: EventEntry? = nil
    ) throws(CatalogueError) {
        let what = "change transfer \(transfer.id)"
        guard transfer.state.isFinal else {
            return try self.noting(what) { try Self.update(transfer, event, in: $0) }
        }
        try self.writing(what) { database in
            try Self.update(transfer, event, in: database)
            // Rows get one number after the other, and only the oldest ones go.
            try database.cachedStatement(
                sql: """
                    DELETE FROM transfer WHERE state IN ('succeeded', 'failed', 'cancelled')
                    AND rowid <= (SELECT max(rowid) FROM transfer) - ?
                    """
            )
            .execute(arguments: [Self.historyLimit])
        }
    }

    private static func update(
        _ transfer: TransferEntry,
        _ event: EventEntry?,
        in database: Database
    ) throws {
        try TransferRow(transfer).update(database)
        if let event { try Self.append(event, to: database) }
    }
}

extension Catalogue {
    /// Events that are kept; older ones go.
    public static let eventLimit = 10_000

    /// Adds an event; a power cut may take it back.
    public func append(_ event: EventEntry) throws(CatalogueError) {
        try self.noting("add event") { try Self.append(event, to: $0) }
    }

    /// The newest events, newest first; with an identity, those of one transfer.
    public func events(
        limit: Int,
        transfer: String? = nil
    ) throws(CatalogueError) -> [EventEntry] {
        try self.reading("list events") { database in
            try EventRow.fetchAll(
                database,
                sql: """
                    SELECT time, reason, message, volume, pair, transfer FROM event
                    WHERE ?1 IS NULL OR transfer = ?1 ORDER BY id DESC LIMIT ?2
                    """,
                arguments: [transfer, limit]
            )
            .map(\.record)
        }
    }

    private static func append(_ event: EventEntry, to database: Database) throws {
        try EventRow(event).insert(database)
        try database.cachedStatement(sql: "DELETE FROM event WHERE id <= ?")
            .execute(arguments: [database.lastInsertedRowID - Int64(Self.eventLimit)])
    }
}
