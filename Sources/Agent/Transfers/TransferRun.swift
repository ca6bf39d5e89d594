// SPDX-License-Identifier: Apache-2.0

import AgentAPI

/// One try of one transfer, on a thread of its own.
protocol TransferRun: Sendable {
    /// Blocks until the destination has committed, or the try has failed.
    func run() throws(RunFailure) -> TransferReport
    /// Removes what the try left over, after its outcome was told; blocks.
    func tidy()
    /// Ends the try soon, from any thread; what is durable at the destination stays.
    func cancel()
    var progress: TransferProgress { get }
    /// What the try waits for inside itself; nil while it gets on.
    var trouble: APIError? { get }
    /// Whether it still waits for threads.
    var isQueued: Bool { get }
    /// Bytes per second; nil for none.
    func limit(to bytesPerSecond: UInt64?)
}

/// Makes tries; the sender's threads do the work, tests give their own.
protocol TransferRunner: Sendable {
    /// Asks what has to be known before a try; what is asked for may become more, never less.
    func prepare(_ request: ReplicateRequest) async throws(RunFailure) -> ReplicateRequest

    /// Nothing runs, and nothing can begin at once: what is kept for the next try can go.
    func rest()

    func makeRun(
        _ transfer: String,
        _ request: ReplicateRequest,
        limit: UInt64?
    ) throws(RunFailure) -> any TransferRun
}

/// What keeps the transfers of a group together, asked before and after each try.
protocol TransferGate: Sendable {
    /// Lets a try begin, or says why it may not.
    func admit(_ request: ReplicateRequest) async throws(RunFailure)
    /// Whether what a try brought waits at the destination for the release of its group.
    func isHeld(_ request: ReplicateRequest) async -> Bool
    /// A transfer has ended, for good.
    func ended(_ request: ReplicateRequest)
}

/// Why a try failed, and whether another one can help.
struct RunFailure: Error {
    let error: APIError
    let isRetryable: Bool
    /// How long the other side asked us to stay away, in seconds.
    let retryAfter: Double?
    /// What the try did until then.
    var report: TransferReport?

    init(
        _ error: APIError,
        isRetryable: Bool = false,
        retryAfter: Double? = nil,
        report: TransferReport? = nil
    ) {
        self.error = error
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
        self.report = report
    }
}

/// The waits between tries: 1, 2, 4 … seconds, a minute at most.
enum RetryPolicy {
    static let longest = 60.0

    static func wait(after attempt: Int, asked: Double?) -> Double {
        let doubled = Double(1 << min(max(attempt - 1, 0), 6))
        return max(min(doubled, Self.longest), min(asked ?? 0, 600))
    }
}
