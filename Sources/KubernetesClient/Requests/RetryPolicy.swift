// SPDX-License-Identifier: Apache-2.0

/// When a failed request is sent again: only where that cannot do anything twice.
struct RetryPolicy: Sendable {
    let attempts: Int
    let firstBackoff: Duration
    let longestBackoff: Duration

    init(_ limits: ClientLimits) {
        self.attempts = limits.attempts
        self.firstBackoff = limits.firstBackoff
        self.longestBackoff = limits.longestBackoff
    }

    /// How long to wait before the request is sent again; nil where it is not.
    ///
    /// - Parameters:
    ///   - error: what came of the last attempt.
    ///   - isRead: whether the request changes nothing.
    ///   - attempt: the number of the last attempt, from 1.
    ///   - jitter: from 0 to 1.
    /// - Returns: a time from 0 up to the longest backoff and one first one.
    func wait(
        after error: ClusterError,
        isRead: Bool,
        attempt: Int,
        jitter: Double
    ) -> Duration? {
        guard attempt < self.attempts, Self.isSafe(error, isRead: isRead) else { return nil }
        if let asked = error.retryAfter {
            // Never earlier than asked: a wait that is too long for us is the caller's decision.
            guard asked <= self.longestBackoff else { return nil }
            return asked + self.firstBackoff * jitter
        }
        return self.backoff(attempt, jitter: jitter)
    }

    /// Doubles with each attempt, up to the longest; jitter takes up to a half of it away.
    func backoff(_ attempt: Int, jitter: Double) -> Duration {
        let doublings = min(max(attempt, 1) - 1, 20)
        let full = min(self.firstBackoff * (1 << doublings), self.longestBackoff)
        return full * (1 - jitter / 2)
    }

    private static func isSafe(_ error: ClusterError, isRead: Bool) -> Bool {
        switch error.reason {
        case .unreachable: true
        // The server has said that it did nothing.
        case .tooManyRequests: isRead || error.retryAfter != nil
        case .connectionLost, .serviceUnavailable, .internalError: isRead
        // Ours has waited long enough; the server's own word for it is an answer with a status.
        case .timeout: isRead && error.statusCode != nil
        case .badRequest, .unauthorized, .forbidden, .notFound, .alreadyExists, .conflict, .gone,
            .invalid, .tooLarge, .methodNotAllowed, .notAcceptable, .unsupportedMediaType,
            .untrusted, .credentials, .badAnswer, .cancelled, .unknown:
            false
        }
    }
}
