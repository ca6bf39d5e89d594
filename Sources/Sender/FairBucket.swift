// SPDX-License-Identifier: Apache-2.0

package import BlockTypes
package import WireProtocol

/// A bandwidth limit that several flows share, as arithmetic: time comes in, waits come out.
///
/// Start-time fair queueing. Each request gets the place where its flow's former one ended, counted
/// in bytes, but none before the place that was let through last; requests are let through in the order of
/// their places. So flows that always want more get the same number of bytes, whatever the sizes of
/// their chunks and the number of their threads, and one that was quiet does not catch up.
package struct FairBucket: Sendable {
    /// One of those who share.
    package struct Flow: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    /// One request that waits.
    package struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Request {
        let ticket: Ticket
        let count: ByteCount
        let place: Int
    }

    private var bucket: TokenBucket
    private var line: [Request] = []
    private var passed: Set<Ticket> = []
    /// Where the last request of each flow ended.
    private var ends: [Flow: Int] = [:]
    /// The place of the request that was let through last.
    private var reached = 0
    private var issued: UInt64 = 0

    /// A full bucket without flows.
    package init(_ bucket: TokenBucket) { self.bucket = bucket }

    /// The limit of all together; nil for none.
    package var limit: ByteRate? { self.bucket.limit }

    /// Sets another limit from now on; who waits has its place still.
    package mutating func change(to rate: ByteRate?, now: MonotonicTime) {
        self.bucket.change(to: rate, now: now)
    }

    /// Takes one more in.
    package mutating func join() -> Flow {
        self.issued += 1
        return Flow(number: self.issued)
    }

    /// Forgets one that wants nothing any more.
    package mutating func leave(_ flow: Flow) { self.ends[flow] = nil }

    /// Puts a request into the line; ask with ``poll(_:now:)`` until it has passed.
    package mutating func enter(_ flow: Flow, _ count: ByteCount) -> Ticket {
        self.issued += 1
        let ticket = Ticket(number: self.issued)
        let place = max(self.reached, self.ends[flow] ?? 0)
        self.ends[flow] = place + count.bytes
        let request = Request(ticket: ticket, count: count, place: place)
        let index = self.line.firstIndex { $0.place > place } ?? self.line.endIndex
        self.line.insert(request, at: index)
        return ticket
    }

    /// Whether a request has passed.
    ///
    /// Lets through whatever may pass, so that nobody waits for a thread that is late.
    ///
    /// - Returns: zero when it has, and the ticket is used up; otherwise how long to wait before
    ///   asking again.
    package mutating func poll(_ ticket: Ticket, now: MonotonicTime) -> Duration {
        while let first = self.line.first, self.bucket.take(first.count, now: now) == .zero {
            self.reached = first.place
            self.passed.insert(first.ticket)
            self.line.removeFirst()
        }
        if self.passed.remove(ticket) != nil { return .zero }
        let ahead = self.line.prefix { $0.ticket != ticket }
            .reduce(ByteCount.zero) { $0 + $1.count }
        return self.bucket.delay(behind: ahead, now: now)
    }

    /// Takes a request back that nobody asks for any more.
    package mutating func withdraw(_ ticket: Ticket) {
        self.passed.remove(ticket)
        self.line.removeAll { $0.ticket == ticket }
    }

    /// The requests that wait.
    package var waiting: Int { self.line.count }
}
