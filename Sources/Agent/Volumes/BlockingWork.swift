// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import SecureTransport

/// Runs work that blocks on a thread of its own, and waits for it without holding a thread of
/// Swift concurrency: two blocked calls there would stop a machine with two cores.
func onThread<Value: Sendable>(
    _ name: String,
    _ body: @escaping @Sendable () throws(APIError) -> Value
) async throws(APIError) -> Value {
    let result: Result<Value, APIError> = await withCheckedContinuation { continuation in
        do {
            _ = try DataThread.spawn(name: name) {
                continuation.resume(returning: Result { () throws(APIError) in try body() })
            }
        } catch {
            continuation.resume(
                returning: .failure(
                    APIError(
                        .agentFailed,
                        "No thread can be started.",
                        cause: "\(error)",
                        try: "stop other work on this machine, or lower limits.threads"
                    )
                )
            )
        }
    }
    return try result.get()
}
