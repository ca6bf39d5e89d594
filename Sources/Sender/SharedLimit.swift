// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
public import WireProtocol

/// The bandwidth that several transfers share, each as much as each other.
///
/// May be changed while they run; a thread that waits notices within 100 ms.
public final class SharedLimit: Sendable {
    private let bucket: Locked<FairBucket>

    /// A limit that nobody shares yet.
    ///
    /// - Parameters:
    ///   - limit: for all transfers together, on the wire; nil for none.
    ///   - now: the instant of its making.
    public init(limit: ByteRate?, now: MonotonicTime) {
        self.bucket = Locked(FairBucket(RateLimiter.bucket(limit, now: now)))
    }

    /// The limit; nil for none.
    public var limit: ByteRate? { self.bucket.withLock { $0.limit } }

    /// Sets another limit from now on; nil for none.
    public func change(to limit: ByteRate?, now: MonotonicTime) {
        self.bucket.withLock { $0.change(to: limit, now: now) }
    }

    /// The chunks that wait at this moment, of all transfers.
    public var waiting: Int { self.bucket.withLock { $0.waiting } }

    func join() -> FairBucket.Flow { self.bucket.withLock { $0.join() } }

    func leave(_ flow: FairBucket.Flow) { self.bucket.withLock { $0.leave(flow) } }

    /// Puts a request into the line; nil where there is no limit, and it may pass at once.
    func enter(_ flow: FairBucket.Flow, _ count: ByteCount) -> FairBucket.Ticket? {
        self.bucket.withLock { $0.limit == nil ? nil : $0.enter(flow, count) }
    }

    func poll(_ ticket: FairBucket.Ticket, now: MonotonicTime) -> Duration {
        self.bucket.withLock { $0.poll(ticket, now: now) }
    }

    func withdraw(_ ticket: FairBucket.Ticket) {
        self.bucket.withLock { $0.withdraw(ticket) }
    }
}
