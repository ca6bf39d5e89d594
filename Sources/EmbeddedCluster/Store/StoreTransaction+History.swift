// SPDX-License-Identifier: Apache-2.0

import GRDB

extension StoreTransaction {
    /// Notes the newest version; a transaction that changed nothing writes nothing.
    func finish() throws {
        guard !self.changes.isEmpty else { return }
        try StoreCounter.version.write(self.version, self.database)
        try self.cutHistory()
    }

    /// Removes the oldest changes where the history has more than its bounds.
    ///
    /// Not at every commit: counting costs more than what a few changes take.
    private func cutHistory() throws {
        let interval = min(256, max(1, self.limits.historyChanges / 8))
        let first = self.changes.first?.version ?? self.version
        guard (first - 1) / interval != self.version / interval else { return }
        let compacted = try StoreCounter.compacted.read(self.database)
        var last = max(compacted, self.version - self.limits.historyChanges)
        // Newest first, up to the change with which there are too many bytes.
        let tooOld = try Int.fetchOne(
            self.database,
            sql: """
                SELECT version FROM (
                    SELECT version, SUM(size) OVER (ORDER BY version DESC) AS total
                    FROM change WHERE version > ?
                ) WHERE total > ? ORDER BY version DESC LIMIT 1
                """,
            arguments: [last, self.limits.historyBytes]
        )
        last = max(last, tooOld ?? 0)
        guard last > compacted else { return }
        try self.database.execute(
            sql: "DELETE FROM change WHERE version <= ?",
            arguments: [last]
        )
        try StoreCounter.compacted.write(last, self.database)
    }
}
