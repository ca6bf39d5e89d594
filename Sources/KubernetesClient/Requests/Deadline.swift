// SPDX-License-Identifier: Apache-2.0

/// What took longer than it was allowed to.
struct DeadlinePassed: Error {}

/// Runs `body`, and cancels it after a time.
///
/// Real time always: this is the limit of a wait for someone else, not a step of ours.
///
/// - Throws: ``DeadlinePassed``, or what `body` throws.
func withDeadline<Value: Sendable>(
    _ limit: Duration,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: body)
        group.addTask {
            try await Task.sleep(for: limit)
            throw DeadlinePassed()
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}
