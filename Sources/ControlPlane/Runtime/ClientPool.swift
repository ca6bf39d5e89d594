// SPDX-License-Identifier: Apache-2.0

/// Clients of other machines, one for each key, kept while they are in use and a while after.
///
/// A client has connections and a TLS context: to make one for each question costs more than most
/// questions.
actor ClientPool<Key: Hashable & Sendable, Client: Sendable> {
    /// One client; only the pool looks at it.
    private final class Entry {
        let client: Client
        var users = 0
        var lastUse = 0
        /// No longer for others: closed by its last user.
        var isForgotten = false

        init(_ client: Client) { self.client = client }
    }

    private let idleLimit: Int
    private let close: @Sendable (Client) async -> Void
    private var entries: [Key: Entry] = [:]
    private var uses = 0

    /// An empty pool.
    ///
    /// - Parameters:
    ///   - idleLimit: clients that are kept without being used; the longest unused goes first.
    ///   - close: ends a client.
    init(idleLimit: Int, close: @escaping @Sendable (Client) async -> Void) {
        self.idleLimit = idleLimit
        self.close = close
    }

    /// Clients that are kept now.
    var count: Int { self.entries.count }

    /// Runs `body` with the client of a key.
    ///
    /// - Parameters:
    ///   - key: which client.
    ///   - make: makes it where there is none.
    ///   - isStale: whether a failure may come of the client having been kept: then it is closed, and
    ///     `body` runs a second time with a new one. Only for what may be asked twice.
    ///   - body: uses it.
    /// - Returns: what `body` returns.
    /// - Throws: what `make` and `body` throw.
    func with<Result: Sendable, Failure: Error>(
        _ key: Key,
        make: @Sendable () throws(Failure) -> Client,
        isStale: @Sendable (Failure) -> Bool = { _ in false },
        use body: @Sendable (Client) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let isKept = self.entries[key] != nil
        let entry = try self.borrow(key, make)
        do throws(Failure) {
            let result = try await body(entry.client)
            await self.giveBack(entry)
            return result
        } catch {
            guard isKept, isStale(error) else {
                await self.giveBack(entry)
                throw error
            }
            self.forget(entry, key)
            await self.giveBack(entry)
        }
        let fresh = try self.borrow(key, make)
        do throws(Failure) {
            let result = try await body(fresh.client)
            await self.giveBack(fresh)
            return result
        } catch {
            await self.giveBack(fresh)
            throw error
        }
    }

    private func borrow<Failure: Error>(
        _ key: Key,
        _ make: () throws(Failure) -> Client
    ) throws(Failure) -> Entry {
        let entry: Entry
        if let known = self.entries[key] { entry = known } else { entry = Entry(try make()) }
        entry.users += 1
        self.entries[key] = entry
        return entry
    }

    private func forget(_ entry: Entry, _ key: Key) {
        entry.isForgotten = true
        // Another user may have put a new one there already.
        if self.entries[key] === entry { self.entries[key] = nil }
    }

    private func giveBack(_ entry: Entry) async {
        entry.users -= 1
        self.uses += 1
        entry.lastUse = self.uses
        if entry.isForgotten {
            if entry.users == 0 { await self.close(entry.client) }
            return
        }
        guard self.entries.count > self.idleLimit else { return }
        let idle = self.entries.filter { $0.value.users == 0 }
        guard idle.count > self.idleLimit,
            let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse })
        else { return }
        self.entries[oldest.key] = nil
        await self.close(oldest.value.client)
    }

    /// Closes every client; call once, when nothing uses one any more.
    func shutdown() async {
        let entries = self.entries.values
        self.entries = [:]
        for entry in entries { await self.close(entry.client) }
    }
}
