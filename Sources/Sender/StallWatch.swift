// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import WireProtocol

/// Notices that nothing moves any more, although the peer answers (P6).
///
/// Any progress begins the wait anew, however small it is: slow links and slow disks are no stall.
struct StallWatch {
    /// What moves while a transfer gets on.
    struct Reading: Hashable {
        /// What each stream has received, applied and made durable at the destination.
        var acks: [Ack?]
        /// Bytes of the data connections, in both directions.
        var wire: ByteCount
    }

    let limit: Duration
    private var last: Reading?
    private var since: MonotonicTime?

    init(limit: Duration) { self.limit = limit }

    /// Looks at the transfer.
    ///
    /// - Parameters:
    ///   - now: when the reading was made.
    ///   - isWaiting: whether a data thread waits for the destination; else whatever takes long is ours.
    ///   - reading: what moves.
    /// - Returns: how long nothing has moved, once that is too long.
    mutating func look(at now: MonotonicTime, isWaiting: Bool, _ reading: Reading) -> Duration? {
        guard isWaiting, reading == self.last, let since = self.since else {
            self.last = reading
            self.since = isWaiting ? now : nil
            return nil
        }
        let wait = now.elapsed(since: since)
        return wait >= self.limit ? wait : nil
    }
}
