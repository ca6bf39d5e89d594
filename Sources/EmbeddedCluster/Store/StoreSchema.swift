// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The tables, one migration for each format of the store.
///
/// A migration is never edited after a release; a new format is a new one at the end.
enum StoreSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE object (
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        uid TEXT NOT NULL,
                        version INTEGER NOT NULL,
                        body BLOB NOT NULL,
                        UNIQUE (resource, namespace, name)
                    );
                    CREATE INDEX objectUID ON object (uid);
                    CREATE INDEX objectNamespace ON object (namespace);
                    CREATE TABLE change (
                        version INTEGER NOT NULL PRIMARY KEY,
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        size INTEGER NOT NULL,
                        body BLOB NOT NULL,
                        former BLOB
                    );
                    CREATE INDEX changeKey ON change (resource, namespace, name, version);
                    CREATE TABLE owner (
                        dependent TEXT NOT NULL,
                        owner TEXT NOT NULL,
                        PRIMARY KEY (dependent, owner)
                    ) WITHOUT ROWID;
                    CREATE INDEX ownerUID ON owner (owner);
                    CREATE TABLE deleting (uid TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
                    CREATE TABLE suspect (uid TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
                    CREATE TABLE unsettled (
                        resource TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        PRIMARY KEY (resource, namespace, name)
                    ) WITHOUT ROWID;
                    CREATE TABLE allocation (
                        kind TEXT NOT NULL,
                        value TEXT NOT NULL,
                        uid TEXT NOT NULL,
                        PRIMARY KEY (kind, value)
                    ) WITHOUT ROWID;
                    CREATE INDEX allocationUID ON allocation (uid);
                    CREATE TABLE counter (
                        name TEXT NOT NULL PRIMARY KEY,
                        value INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    INSERT INTO counter (name, value) VALUES ('version', 1), ('compacted', 0);
                    """
            )
        }
        return migrator
    }
}
