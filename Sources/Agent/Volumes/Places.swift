// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Locks

/// A bounded number of places for work that others ask for and that takes long (P6).
final class Places: Sendable {
    private let count: Int
    private let free: Locked<Int>

    init(_ count: Int) {
        self.count = count
        self.free = Locked(count)
    }

    /// Runs `body` in a place of its own; refuses at once where none is free.
    func run<Value: Sendable>(
        _ body: () async throws(APIError) -> Value
    ) async throws(APIError) -> Value {
        let hasPlace = self.free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
        guard hasPlace else {
            throw APIError(
                .volumeInUse,
                "\(self.count) volumes are being verified here already.",
                try: "repeat it when one of them has ended",
                retryAfter: 60
            )
        }
        defer { self.free.withLock { $0 += 1 } }
        return try await body()
    }
}
