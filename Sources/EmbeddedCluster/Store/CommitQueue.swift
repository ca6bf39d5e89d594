// SPDX-License-Identifier: Apache-2.0

import GRDB
import Locks

/// Puts the writes that wait into one commit, so that they share one flush of the disk.
///
/// Order: each write runs in its own savepoint, then the commit is on the disk, then watches are
/// told, and then the writers get their answers: nothing is acknowledged before it is durable.
final class CommitQueue: Sendable {
    /// A write that waits.
    struct Write: Sendable {
        /// Does it; the answer is given by calling what is returned, after the commit.
        let perform: @Sendable (StoreTransaction) throws -> Outcome
        /// Says that it failed.
        let fail: @Sendable (any Error) -> Void
    }

    /// What a write did.
    struct Outcome: Sendable {
        /// Whether to keep it; a dry run is not kept.
        let isKept: Bool
        let answer: @Sendable () -> Void
    }

    private struct State {
        var waiting: [Write] = []
        var isRunning = false
    }

    private let state = Locked(State())
    private let pool: DatabasePool
    private let limit: Int
    private let begin: @Sendable (Database) throws -> StoreTransaction
    private let finish: @Sendable (StoreTransaction) -> Void

    /// `begin` makes the transaction of a commit, and `finish` is called when it is on the disk.
    init(
        _ pool: DatabasePool,
        limit: Int,
        begin: @escaping @Sendable (Database) throws -> StoreTransaction,
        finish: @escaping @Sendable (StoreTransaction) -> Void
    ) {
        self.pool = pool
        self.limit = limit
        self.begin = begin
        self.finish = finish
    }

    func add(_ write: Write) {
        let isFirst = self.state.withLock { state in
            state.waiting.append(write)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard isFirst else { return }
        self.pool.asyncWriteWithoutTransaction { database in self.drain(database) }
    }

    private func drain(_ database: Database) {
        while let batch = self.next() { self.commit(batch, database) }
    }

    private func next() -> [Write]? {
        self.state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            let batch = Array(state.waiting.prefix(self.limit))
            state.waiting.removeFirst(batch.count)
            return batch
        }
    }

    private func commit(_ batch: [Write], _ database: Database) {
        var answers: [@Sendable () -> Void] = []
        do {
            var transaction: StoreTransaction?
            try database.inTransaction(.immediate) {
                let current = try self.begin(database)
                transaction = current
                for write in batch { answers.append(self.perform(write, current)) }
                try current.finish()
                return .commit
            }
            if let transaction { self.finish(transaction) }
            for answer in answers { answer() }
        } catch {
            for write in batch { write.fail(error) }
        }
    }

    /// Does one write; a failure undoes it alone.
    private func perform(
        _ write: Write,
        _ transaction: StoreTransaction
    ) -> @Sendable () -> Void {
        let mark = transaction.mark
        do {
            var answer: @Sendable () -> Void = {}
            try transaction.database.inSavepoint {
                let outcome = try write.perform(transaction)
                answer = outcome.answer
                if !outcome.isKept { transaction.rollBack(to: mark) }
                return outcome.isKept ? .commit : .rollback
            }
            return answer
        } catch {
            transaction.rollBack(to: mark)
            return { write.fail(error) }
        }
    }
}
