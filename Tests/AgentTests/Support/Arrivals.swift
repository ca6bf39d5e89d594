// SPDX-License-Identifier: Apache-2.0

import Locks

/// Things that arrive one after the other: tests wait for one of them, never for some time.
final class Arrivals<Element: Sendable>: Sendable {
    private struct Waiter {
        let number: Int
        let from: Int
        let matches: @Sendable (Element) -> Bool
        let found: @Sendable (Element?) -> Void
    }

    private struct State {
        var all: [Element] = []
        var waiters: [Waiter] = []
        var asked = 0
        var isOver = false
    }

    struct Ended: Error, CustomStringConvertible { let description: String }

    private let state = Locked(State())

    /// What has arrived so far.
    var all: [Element] { self.state.withLock { $0.all } }

    /// One more.
    func append(_ element: Element) {
        let served = self.state.withLock { state in
            state.all.append(element)
            let count = state.all.count
            var served: [Waiter] = []
            state.waiters.removeAll { waiter in
                guard waiter.from < count, waiter.matches(element) else { return false }
                served.append(waiter)
                return true
            }
            return served
        }
        for waiter in served { waiter.found(element) }
    }

    /// Nothing more will arrive.
    func finish() {
        let waiters = self.state.withLock { state in
            state.isOver = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.found(nil) }
    }

    /// The first one from a place on that fits; waits for it.
    ///
    /// - Throws: `Ended` when nothing more comes, with what came last.
    func first(
        from place: Int = 0,
        where matches: @escaping @Sendable (Element) -> Bool
    ) async throws -> Element {
        let number = self.nextNumber()
        // A test that has taken too long is cancelled: then the wait ends too.
        let element = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.add(number, from: place, matches) { continuation.resume(returning: $0) }
                if Task.isCancelled { self.giveUp(number) }
            }
        } onCancel: {
            self.giveUp(number)
        }
        if let element { return element }
        let last = self.all.suffix(8).map { "\($0)" }
        throw Ended(description: "it ended without that:\n\(last.joined(separator: "\n"))")
    }

    /// Calls `found` once: with the first one that fits, or with nil when nothing more comes.
    func call(
        from place: Int = 0,
        _ matches: @escaping @Sendable (Element) -> Bool,
        _ found: @escaping @Sendable (Element?) -> Void
    ) {
        self.add(self.nextNumber(), from: place, matches, found)
    }

    private func nextNumber() -> Int {
        self.state.withLock { state in
            state.asked += 1
            return state.asked
        }
    }

    private func add(
        _ number: Int,
        from place: Int,
        _ matches: @escaping @Sendable (Element) -> Bool,
        _ found: @escaping @Sendable (Element?) -> Void
    ) {
        let known = self.state.withLock { state -> Element?? in
            if let element = state.all.dropFirst(place).first(where: matches) { return element }
            if state.isOver { return .some(nil) }
            state.waiters.append(
                Waiter(number: number, from: place, matches: matches, found: found)
            )
            return nil
        }
        if let known { found(known) }
    }

    private func giveUp(_ number: Int) {
        let waiter = self.state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.number == number }) else {
                return nil
            }
            return state.waiters.remove(at: index)
        }
        waiter?.found(nil)
    }
}
