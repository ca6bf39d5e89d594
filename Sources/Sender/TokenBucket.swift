// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Glibc
import Locks
public import WireProtocol

/// A speed: bytes for each second, at least one.
public struct ByteRate: Hashable, Comparable, Sendable {
    /// Bytes for each second.
    public let bytesPerSecond: Int

    /// A speed of `bytesPerSecond`; zero or less is our own mistake and traps.
    public init(bytesPerSecond: Int) {
        precondition(bytesPerSecond >= 1, "a rate cannot be \(bytesPerSecond) bytes a second")
        self.bytesPerSecond = bytesPerSecond
    }

    /// Orders by speed.
    public static func < (left: Self, right: Self) -> Bool {
        left.bytesPerSecond < right.bytesPerSecond
    }
}

/// A bandwidth limit as arithmetic: time comes in, waits come out.
///
/// Tokens are bytes and come in at the rate, up to the burst. Whoever finds any left takes all it
/// needs, if need be into debt, so a chunk larger than the burst passes too; the next one waits
/// until the debt is paid. On average no more than the rate passes, whatever the sizes.
package struct TokenBucket: Sendable {
    private var rate: ByteRate?
    private let leastBurst: Double
    private let grace: Duration
    private var balance: Double
    private var updated: MonotonicTime

    /// A bucket.
    ///
    /// - Parameters:
    ///   - rate: the limit; nil for none.
    ///   - burst: what may pass at once after a quiet time; at least 1.
    ///   - grace: what may pass at once is as much as this time brings, where that is more.
    ///   - isFull: false for a bucket that begins with a single byte, so that what passes is never
    ///     more than the rate allows and one chunk.
    ///   - now: the instant of its making.
    package init(
        rate: ByteRate?,
        burst: ByteCount,
        grace: Duration = .zero,
        isFull: Bool = true,
        now: MonotonicTime
    ) {
        precondition(burst > .zero, "a bucket without room lets nothing pass")
        self.rate = rate
        self.leastBurst = Double(burst.bytes)
        self.grace = grace
        self.balance = 1
        self.updated = now
        if isFull { self.balance = self.burst }
    }

    /// Takes `count` bytes, or says how long to wait before asking again.
    ///
    /// - Returns: zero when they were taken; otherwise nothing was taken, and after the wait there
    ///   will be something to take, unless another thread comes first.
    package mutating func take(_ count: ByteCount, now: MonotonicTime) -> Duration {
        self.refill(now)
        guard let rate = self.rate else { return .zero }
        guard self.balance > 0 else { return self.delay(behind: .zero, rate) }
        self.balance -= Double(count.bytes)
        return .zero
    }

    /// How long to wait before asking for what comes after `count` bytes of others.
    package mutating func delay(behind count: ByteCount, now: MonotonicTime) -> Duration {
        self.refill(now)
        guard let rate = self.rate else { return .zero }
        return self.delay(behind: count, rate)
    }

    private func delay(behind count: ByteCount, _ rate: ByteRate) -> Duration {
        // One byte above zero, and a nanosecond for rounding: a waiter that comes back in time
        // finds something.
        let missing = 1 - self.balance + Double(count.bytes)
        return .seconds(max(missing, 0) / Double(rate.bytesPerSecond)) + .nanoseconds(1)
    }

    /// Sets another limit from now on; debts stay and are paid at the new rate.
    package mutating func change(to rate: ByteRate?, now: MonotonicTime) {
        self.refill(now)
        // Without a limit nothing is counted: who sets one again starts with a full bucket.
        let isFull = rate == nil || self.rate == nil
        self.rate = rate
        self.balance = isFull ? self.burst : min(self.balance, self.burst)
    }

    /// The limit; nil for none.
    package var limit: ByteRate? { self.rate }

    private var burst: Double {
        guard let rate = self.rate else { return self.leastBurst }
        return max(self.leastBurst, self.grace / .seconds(1) * Double(rate.bytesPerSecond))
    }

    private mutating func refill(_ now: MonotonicTime) {
        guard self.updated < now else { return }
        let elapsed = now.elapsed(since: self.updated)
        self.updated = now
        guard let rate = self.rate else { return }
        let earned = elapsed / .seconds(1) * Double(rate.bytesPerSecond)
        self.balance = min(self.balance + earned, self.burst)
    }
}

/// The bandwidth limit that the data threads of one or more transfers share.
///
/// May be changed while they run; a thread that waits notices within 100 ms.
public final class RateLimiter: Sendable {
    /// What may pass at once after a quiet time: one chunk.
    private static let burst = Geometry.maximumChunk

    /// What a fast limit allows at once: a thread that wakes so much too late loses nothing of it.
    private static let grace = Duration.milliseconds(20)

    /// The longest sleep before a waiting thread looks again, for a new limit or a cancellation.
    private static let nap = Duration.milliseconds(100)

    private let bucket: Locked<TokenBucket>
    private let shared: (limit: SharedLimit, flow: FairBucket.Flow)?
    private let now: @Sendable () -> MonotonicTime
    private let sleep: @Sendable (Duration) -> Void

    /// A limiter.
    ///
    /// - Parameters:
    ///   - limit: for all threads together, on the wire; nil for none.
    ///   - shared: the limit that holds for other transfers too; nil for none.
    ///   - now: a clock that never goes back.
    ///   - sleep: blocks the calling thread; nil for the system's own sleep.
    public init(
        limit: ByteRate?,
        sharing shared: SharedLimit? = nil,
        now: @escaping @Sendable () -> MonotonicTime,
        sleep: (@Sendable (Duration) -> Void)? = nil
    ) {
        self.bucket = Locked(Self.bucket(limit, now: now()))
        self.shared = shared.map { ($0, $0.join()) }
        self.now = now
        self.sleep = sleep ?? Self.sleepThread
    }

    deinit { if let (limit, flow) = self.shared { limit.leave(flow) } }

    static func bucket(_ limit: ByteRate?, now: MonotonicTime) -> TokenBucket {
        TokenBucket(
            rate: limit,
            burst: Self.burst,
            grace: Self.grace,
            isFull: false,
            now: now
        )
    }

    /// The limit of this transfer alone; nil for none.
    public var limit: ByteRate? { self.bucket.withLock { $0.limit } }

    /// Sets another limit from now on; nil for none.
    public func change(to limit: ByteRate?) {
        let now = self.now()
        self.bucket.withLock { $0.change(to: limit, now: now) }
    }

    /// Blocks the calling thread until `count` bytes may pass.
    ///
    /// - Parameters:
    ///   - count: the bytes about to be written.
    ///   - isCancelled: asked before each nap; true ends the wait.
    /// - Returns: whether they may pass; false when cancelled.
    public func pass(_ count: ByteCount, isCancelled: () -> Bool) -> Bool {
        let passes = self.wait(isCancelled) { now in
            self.bucket.withLock { $0.take(count, now: now) }
        }
        guard passes, let (limit, flow) = self.shared,
            let ticket = limit.enter(flow, count)
        else { return passes }
        guard self.wait(isCancelled, until: { limit.poll(ticket, now: $0) }) else {
            limit.withdraw(ticket)
            return false
        }
        return true
    }

    /// Naps until a question is answered with zero; false when cancelled before.
    private func wait(
        _ isCancelled: () -> Bool,
        until question: (MonotonicTime) -> Duration
    ) -> Bool {
        while true {
            let wait = question(self.now())
            guard wait > .zero else { return true }
            if isCancelled() { return false }
            self.sleep(min(wait, Self.nap))
        }
    }

    private static func sleepThread(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        // A signal may end it early; the caller looks at the clock anyway.
        nanosleep(&time, nil)
    }
}
