// SPDX-License-Identifier: Apache-2.0

import Locks

/// Lets a number of tasks in at once; the others wait in line, and leave it when cancelled.
final class RequestGate: Sendable {
    private struct State {
        var free: Int
        var nextNumber = 0
        var line: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []
        /// Who was cancelled before standing in the line.
        var cancelled: Set<Int> = []
    }

    private let state: Locked<State>

    init(_ capacity: Int) {
        precondition(capacity > 0, "a gate for \(capacity) lets nobody in")
        self.state = Locked(State(free: capacity))
    }

    /// Runs `body` when there is room.
    func pass<Value: Sendable>(
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await self.enter()
        defer { self.leave() }
        return try await body()
    }

    private func enter() async throws {
        let number = self.state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                self.stand(number, continuation)
            }
        } onCancel: {
            self.cancel(number)
        }
        self.state.withLock { _ = $0.cancelled.remove(number) }
    }

    private enum Step {
        case go
        case refuse
        case wait
    }

    private func stand(_ number: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let step = self.state.withLock { state -> Step in
            if state.cancelled.remove(number) != nil { return .refuse }
            guard state.free == 0 else {
                state.free -= 1
                return .go
            }
            state.line.append((number, continuation))
            return .wait
        }
        switch step {
        case .go: continuation.resume()
        case .refuse: continuation.resume(throwing: CancellationError())
        case .wait: break
        }
    }

    private func cancel(_ number: Int) {
        let waiting = self.state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let place = state.line.firstIndex(where: { $0.number == number }) else {
                state.cancelled.insert(number)
                return nil
            }
            return state.line.remove(at: place).continuation
        }
        waiting?.resume(throwing: CancellationError())
    }

    private func leave() {
        let next = self.state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.line.isEmpty else {
                state.free += 1
                return nil
            }
            return state.line.removeFirst().continuation
        }
        next?.resume()
    }
}
