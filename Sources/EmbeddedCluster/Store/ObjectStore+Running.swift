// SPDX-License-Identifier: Apache-2.0

extension ObjectStore {
    /// Objects that one commit of the collector looks at, so that writers get their turn.
    private static let collectorBatch = 64

    /// Does everything that follows from what is stored, until the store is at rest.
    ///
    /// Garbage goes, namespaces and definitions that are being deleted are emptied, claims are bound
    /// to their volumes, and the history is cut to its bounds.
    ///
    /// - Throws: what the database says; the next call goes on where this one ended.
    public func converge() async throws(APIStatus) {
        while try await self.write({ try $0.collect(limit: Self.collectorBatch) }) > 0 {}
    }

    /// Keeps the store at rest until the ticks end, the task is cancelled or the store is closed.
    ///
    /// - Parameters:
    ///   - ticks: each sends a bookmark to the watches that want it, and repeats what failed.
    ///   - failed: hears what the database says when a round fails.
    public func run(
        ticks: AsyncStream<Void>,
        failed: @escaping @Sendable (APIStatus) -> Void = { _ in }
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while await self.wake.wait() {
                    do throws(APIStatus) { try await self.converge() } catch { failed(error) }
                }
            }
            group.addTask {
                for await _ in ticks {
                    self.hub.bookmark()
                    self.wake.signal()
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
