// SPDX-License-Identifier: Apache-2.0

import Locks

/// Opens once, and lets all go that wait for it.
package final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var nextNumber = 0
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        /// Who was cancelled before waiting.
        var cancelled: Set<Int> = []
    }

    private let state = Locked(State())

    /// A closed one.
    package init() {}

    /// Whether it was opened.
    package var isOpen: Bool { self.state.withLock { $0.isOpen } }

    /// Opens it for good.
    package func open() {
        let waiting = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for (_, continuation) in waiting { continuation.resume() }
    }

    /// Waits until it is open.
    ///
    /// - Throws: `CancellationError`.
    package func wait() async throws {
        let number = self.state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { self.stand(number, $0) }
        } onCancel: {
            self.cancel(number)
        }
        self.state.withLock { _ = $0.cancelled.remove(number) }
    }

    private func stand(_ number: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let result = self.state.withLock { state -> Result<Void, any Error>? in
            if state.cancelled.remove(number) != nil { return .failure(CancellationError()) }
            if state.isOpen { return .success(()) }
            state.waiting[number] = continuation
            return nil
        }
        if let result { continuation.resume(with: result) }
    }

    private func cancel(_ number: Int) {
        let waiting = self.state.withLock { state in
            let waiting = state.waiting.removeValue(forKey: number)
            if waiting == nil, !state.isOpen { state.cancelled.insert(number) }
            return waiting
        }
        waiting?.resume(throwing: CancellationError())
    }
}
