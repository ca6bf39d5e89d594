// SPDX-License-Identifier: Apache-2.0

import Locks

/// Wakes the one task that waits for work; signals that come while it works are kept as one.
final class WakeSignal: Sendable {
    private struct State {
        var isSet = true
        var isClosed = false
        var waiting: CheckedContinuation<Void, Never>?

        mutating func taken() -> CheckedContinuation<Void, Never>? {
            defer { self.waiting = nil }
            return self.waiting
        }
    }

    private let state = Locked(State())

    func signal() {
        let waiting = self.state.withLock { state in
            state.isSet = true
            return state.taken()
        }
        waiting?.resume()
    }

    func close() {
        let waiting = self.state.withLock { state in
            state.isClosed = true
            return state.taken()
        }
        waiting?.resume()
    }

    /// Waits for a signal; false when there will be none any more, or the task is cancelled.
    func wait() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = self.state.withLock { state in
                    guard !state.isSet, !state.isClosed else { return true }
                    state.waiting = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            self.signal()
        }
        let isClosed = self.state.withLock { state in
            state.isSet = false
            return state.isClosed
        }
        return !isClosed && !Task.isCancelled
    }
}
