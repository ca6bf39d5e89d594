// SPDX-License-Identifier: Apache-2.0

import Locks

/// One answer for all who ask the same at the same time, and for those who come a while later where
/// that is allowed.
///
/// One request is under way at a time. Who comes while it is waits for the next one, which serves all
/// who wait by then: nobody gets an answer to a request that was sent before the question, but for
/// ``keptFor``. Cancelling a task ends its own wait and request alone.
public final class SharedAnswer<Value: Sendable>: Sendable {
    private struct Answer {
        let number: Int
        let sent: ContinuousClock.Instant
        let result: Result<Value, ClusterError>
    }

    private struct State {
        var sent = 0
        var askers = 0
        var last: Answer?
    }

    /// How old an answer may be for those who do not ask for a new one; zero for those alone who wait
    /// at the same time.
    public let keptFor: Duration
    private let instant: @Sendable () -> ContinuousClock.Instant
    private let gate = RequestGate(1)
    private let state = Locked(State())

    /// Nothing is asked yet.
    ///
    /// - Parameters:
    ///   - keptFor: how old an answer may be.
    ///   - instant: a clock that nobody sets.
    public init(
        keptFor: Duration,
        instant: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.keptFor = keptFor
        self.instant = instant
    }

    /// Who waits for an answer now.
    var waiting: Int { self.state.withLock { $0.askers } }

    /// The answer.
    ///
    /// - Parameters:
    ///   - isNew: whether it must have been asked for after this call.
    ///   - ask: asks, where there is no answer that will do.
    /// - Returns: the answer.
    /// - Throws: ``ClusterError``: what `ask` throws, and `cancelled`.
    public func value(
        isNew: Bool = false,
        _ ask: @escaping @Sendable () async throws(ClusterError) -> Value
    ) async throws(ClusterError) -> Value {
        let oldest = isNew ? .zero : self.keptFor
        let (asked, kept) = self.state.withLock { state in
            (state.sent, self.fresh(state.last, oldest))
        }
        if let kept { return kept }
        self.state.withLock { $0.askers += 1 }
        defer {
            self.state.withLock { state in
                state.askers -= 1
                if state.askers == 0, self.keptFor == .zero { state.last = nil }
            }
        }
        do {
            return try await self.gate.pass {
                if let answer = self.answer(after: asked, oldest) { return try answer.get() }
                return try await self.send(ask)
            }
        } catch let error as ClusterError { throw error } catch {
            throw ClusterError(.cancelled, "the wait for an answer was cancelled")
        }
    }

    private func fresh(_ answer: Answer?, _ oldest: Duration) -> Value? {
        guard oldest > .zero, let answer, self.instant() - answer.sent <= oldest else { return nil }
        return try? answer.result.get()
    }

    /// The answer that others have got while we stood in the line.
    private func answer(after number: Int, _ oldest: Duration) -> Result<Value, ClusterError>? {
        self.state.withLock { state in
            guard let last = state.last else { return nil }
            if last.number > number { return last.result }
            return self.fresh(last, oldest).map { .success($0) }
        }
    }

    private func send(
        _ ask: @Sendable () async throws(ClusterError) -> Value
    ) async throws(ClusterError) -> Value {
        let number = self.state.withLock { state in
            state.sent += 1
            return state.sent
        }
        let sent = self.instant()
        let result: Result<Value, ClusterError>
        do throws(ClusterError) { result = .success(try await ask()) } catch {
            // The end of one task is none of the others'.
            guard error.reason != .cancelled else { throw error }
            result = .failure(error)
        }
        self.state.withLock { $0.last = Answer(number: number, sent: sent, result: result) }
        return try result.get()
    }
}
