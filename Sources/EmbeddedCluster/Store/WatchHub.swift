// SPDX-License-Identifier: Apache-2.0

import Locks
import ObjectModel

/// Tells every watch what was committed.
///
/// Publishing never waits: a watch whose buffer is full is ended with 410, as the real server does,
/// and its client lists again.
final class WatchHub: Sendable {
    private struct State {
        var published: Int
        var watchers: [String: [Int: Watcher]] = [:]
        var count = 0
        var nextID = 0
        var isClosed = false
    }

    private let state: Locked<State>
    private let limits: StoreLimits

    init(published: Int, limits: StoreLimits) {
        self.state = Locked(State(published: published))
        self.limits = limits
    }

    /// The newest resourceVersion that watches were told.
    var published: Int { self.state.withLock { $0.published } }

    /// A watcher that gets every change from now on.
    func watcher(_ filter: WatchFilter, takesBookmarks: Bool) throws(APIStatus) -> Watcher {
        let limits = self.limits
        let watcher = self.state.withLock { state -> Watcher? in
            guard !state.isClosed, state.count < limits.watchers else { return nil }
            state.nextID += 1
            state.count += 1
            let watcher = Watcher(
                state.nextID,
                filter,
                takesBookmarks: takesBookmarks,
                limit: limits.watcherChanges
            )
            state.watchers[filter.kind.storage, default: [:]][state.nextID] = watcher
            return watcher
        }
        guard let watcher else {
            var status = APIStatus(
                .tooManyRequests,
                "there are \(limits.watchers) watches already, or the server is closing"
            )
            status.retryAfterSeconds = 1
            throw status
        }
        return watcher
    }

    func remove(_ watcher: Watcher) {
        self.state.withLock { state in
            let storage = watcher.filter.kind.storage
            guard state.watchers[storage]?.removeValue(forKey: watcher.id) != nil else { return }
            if state.watchers[storage]?.isEmpty == true { state.watchers[storage] = nil }
            state.count -= 1
        }
    }

    func publish(_ changes: [StoredChange], version: Int) {
        let watchers = self.state.withLock { $0.watchers }
        for change in changes {
            for watcher in watchers[change.resource, default: [:]].values { watcher.offer(change) }
        }
        // Last: a bookmark of this version must not overtake its changes.
        self.state.withLock { $0.published = version }
    }

    /// Tells every watch that wants it how far it has come.
    func bookmark() {
        let (version, watchers) = self.state.withLock { ($0.published, $0.watchers) }
        for watcher in watchers.values.flatMap(\.values) { watcher.offerBookmark(version) }
    }

    /// Ends every watch, and refuses new ones.
    func close() {
        let watchers = self.state.withLock { state in
            state.isClosed = true
            return state.watchers
        }
        for watcher in watchers.values.flatMap(\.values) { watcher.end() }
    }
}

/// The buffer of one watch.
final class Watcher: Sendable {
    private struct State {
        var events: [WatchEvent] = []
        /// Events that were taken already, at the front of `events`.
        var taken = 0
        var bookmark: Int?
        var isOverrun = false
        var isEnded = false
        var waiting: CheckedContinuation<Void, Never>?

        var hasNews: Bool {
            self.taken < self.events.count || self.bookmark != nil || self.isOverrun || self.isEnded
        }

        mutating func wake() -> CheckedContinuation<Void, Never>? {
            defer { self.waiting = nil }
            return self.waiting
        }
    }

    let id: Int
    let filter: WatchFilter
    private let takesBookmarks: Bool
    private let limit: Int
    private let state = Locked(State())

    init(_ id: Int, _ filter: WatchFilter, takesBookmarks: Bool, limit: Int) {
        self.id = id
        self.filter = filter
        self.takesBookmarks = takesBookmarks
        self.limit = limit
    }

    func offer(_ change: StoredChange) {
        guard let event = self.filter.event(change) else { return }
        let limit = self.limit
        self.change { state in
            guard !state.isOverrun else { return }
            if state.events.count - state.taken >= limit {
                state.isOverrun = true
                state.events = []
                state.taken = 0
            } else {
                state.events.append(event)
            }
        }
    }

    func offerBookmark(_ version: Int) {
        guard self.takesBookmarks else { return }
        self.change { $0.bookmark = version }
    }

    func end() { self.change { $0.isEnded = true } }

    private func change(_ body: (inout sending State) -> Void) {
        let waiting = self.state.withLock { state in
            body(&state)
            return state.hasNews ? state.wake() : nil
        }
        waiting?.resume()
    }

    /// The next event, without waiting; nil when the watch is over.
    private enum Taken {
        case event(WatchEvent)
        case nothing
        case end
    }

    private func take() -> Taken {
        let filter = self.filter
        return self.state.withLock { state in
            if state.isEnded { return .end }
            if state.isOverrun {
                state.isEnded = true
                return .event(
                    WatchEvent(
                        .expired(
                            "too old resource version: the watch was too slow and lost changes"
                        )
                    )
                )
            }
            if state.taken < state.events.count {
                let event = state.events[state.taken]
                state.taken += 1
                if state.taken == state.events.count {
                    state.events.removeAll(keepingCapacity: false)
                    state.taken = 0
                }
                return .event(event)
            }
            if let version = state.bookmark {
                state.bookmark = nil
                return .event(filter.bookmark(version))
            }
            return .nothing
        }
    }

    /// Waits for the next event; nil when the watch is over or the task is cancelled.
    func next() async -> WatchEvent? {
        while true {
            switch self.take() {
            case .event(let event): return event
            case .end: return nil
            case .nothing: await self.wait()
            }
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = self.state.withLock { state in
                    state.waiting = continuation
                    return state.hasNews ? state.wake() : nil
                }
                now?.resume()
            }
        } onCancel: {
            self.end()
        }
    }
}
