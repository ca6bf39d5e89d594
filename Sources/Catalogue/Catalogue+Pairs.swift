// SPDX-License-Identifier: Apache-2.0

import GRDB

extension Catalogue {
    /// Every pair, by name.
    public func pairs() throws(CatalogueError) -> [PairEntry] {
        try self.reading("list pairs") { database in
            try PairRow.fetchAll(database, sql: "SELECT * FROM pair ORDER BY name, direction")
                .map(\.record)
        }
    }

    /// The pair of this name; with one name in both directions, the outgoing one.
    public func pair(named name: String) throws(CatalogueError) -> PairEntry? {
        try self.reading("read pair \(name)") { database in
            try PairRow.fetchOne(
                database,
                sql: "SELECT * FROM pair WHERE name = ? ORDER BY direction DESC",
                arguments: [name]
            )?
            .record
        }
    }

    /// The pair with this cluster in one direction.
    public func pair(
        _ direction: PairEntry.Direction,
        cluster: String
    ) throws(CatalogueError) -> PairEntry? {
        try self.reading("read pair of \(cluster)") { database in
            try PairRow.fetchOne(
                database,
                sql: "SELECT * FROM pair WHERE direction = ? AND cluster = ?",
                arguments: [direction.rawValue, cluster]
            )?
            .record
        }
    }

    /// Adds a pair; `.exists` where its name or its cluster is there in the same direction.
    public func insert(_ pair: PairEntry) throws(CatalogueError) {
        try self.writing("add pair \(pair.name)") { try PairRow(pair).insert($0) }
    }

    /// Changes the facts of the pair with a cluster, or adds it.
    public func replace(_ pair: PairEntry) throws(CatalogueError) {
        try self.writing("change pair \(pair.name)") { database in
            try database.execute(
                sql: "DELETE FROM pair WHERE direction = ? AND (cluster = ? OR name = ?)",
                arguments: [pair.direction.rawValue, pair.cluster, pair.name]
            )
            try PairRow(pair).insert(database)
        }
    }

    /// Removes a pair; false where there was none.
    public func removePair(
        _ direction: PairEntry.Direction,
        named name: String
    ) throws(CatalogueError) -> Bool {
        try self.writing("remove pair \(name)") { database in
            try database.execute(
                sql: "DELETE FROM pair WHERE direction = ? AND name = ?",
                arguments: [direction.rawValue, name]
            )
            return database.changesCount > 0
        }
    }
}
