// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The tables, one migration for each format of the catalogue.
///
/// A migration is never edited after a release; a new format is a new one at the end.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE pair (
                        name TEXT NOT NULL,
                        direction TEXT NOT NULL,
                        cluster TEXT NOT NULL,
                        host TEXT,
                        apiPort INTEGER,
                        dataPort INTEGER,
                        disasterRecovery BOOLEAN NOT NULL,
                        created DATETIME NOT NULL,
                        PRIMARY KEY (direction, name),
                        UNIQUE (direction, cluster)
                    );
                    CREATE TABLE transfer (
                        id TEXT NOT NULL PRIMARY KEY,
                        volume TEXT NOT NULL,
                        pair TEXT NOT NULL,
                        state TEXT NOT NULL,
                        attempt INTEGER NOT NULL,
                        created DATETIME NOT NULL,
                        started DATETIME,
                        finished DATETIME,
                        nextAttempt DATETIME,
                        request TEXT NOT NULL,
                        report TEXT,
                        error TEXT
                    );
                    CREATE INDEX transferState ON transfer (state);
                    CREATE TABLE event (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        time DATETIME NOT NULL,
                        reason TEXT NOT NULL,
                        message TEXT NOT NULL,
                        volume TEXT,
                        pair TEXT,
                        transfer TEXT
                    );
                    CREATE INDEX eventTransfer ON event (transfer);
                    CREATE TABLE setting (
                        key TEXT NOT NULL PRIMARY KEY,
                        value TEXT NOT NULL
                    );
                    """
            )
        }
        return migrator
    }
}

/// A record with the name of its table; the records themselves know nothing of the database.
protocol Row: Codable, FetchableRecord, PersistableRecord {
    associatedtype Record: Codable
    var record: Record { get }
    init(_ record: Record)
}

extension Row {
    init(from decoder: any Decoder) throws { self.init(try Record(from: decoder)) }
    func encode(to encoder: any Encoder) throws { try self.record.encode(to: encoder) }
}

struct PairRow: Row {
    static let databaseTableName = "pair"
    let record: PairEntry
    init(_ record: PairEntry) { self.record = record }
}

struct TransferRow: Row {
    static let databaseTableName = "transfer"
    let record: TransferEntry
    init(_ record: TransferEntry) { self.record = record }
}

struct EventRow: Row {
    static let databaseTableName = "event"
    let record: EventEntry
    init(_ record: EventEntry) { self.record = record }
}
