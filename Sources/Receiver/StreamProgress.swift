// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import SecureTransport
import Synchronization
import WireProtocol

/// How far one stream has got: counted by its data thread, read by the others of the transfer.
///
/// Holds: durable ≤ applied ≤ received (P3). They only grow, and a reader loads them in this order,
/// so that what it sees holds too. Applied − flushed ≤ 16 MiB: a kill between the sync of a flush and
/// its log forgets no more of what is durable (P5).
final class StreamProgress: Sendable {
    let stream: StreamIndex
    private let received = Atomic<Int>(0)
    private let applied = Atomic<Int>(0)
    private let durable = Atomic<Int>(0)
    private let credit: Atomic<Int>
    /// What the last flush took.
    private let flushed = Atomic<Int>(0)
    private let window: Int
    /// Wakes the data thread that waits for the next flush.
    let room: Wakeup

    init(_ stream: StreamIndex, window: ByteCount, room: Wakeup) {
        self.stream = stream
        self.room = room
        self.window = window.bytes
        self.credit = Atomic(window.bytes)
    }

    /// Up to where the sender may send; announced by the control connection.
    var creditLimit: ByteCount { ByteCount(self.credit.load(ordering: .acquiring)) }

    /// Written to the stage.
    var appliedBytes: ByteCount { ByteCount(self.applied.load(ordering: .acquiring)) }

    /// Applied bytes that no flush has taken yet.
    var unflushedBytes: ByteCount {
        // The mark first: it only follows what was applied.
        let flushed = self.flushed.load(ordering: .acquiring)
        return ByteCount(self.applied.load(ordering: .acquiring) - flushed)
    }

    /// Whether so many bytes may be applied before a flush takes those that wait.
    func hasRoom(for charge: ByteCount) -> Bool {
        let waiting = self.unflushedBytes
        return waiting == .zero || waiting + charge <= Limits.durableStep
    }

    /// A flush has taken what was applied up to here; whoever waits for that goes on.
    func noteTaken(_ total: ByteCount) {
        self.flushed.store(total.bytes, ordering: .releasing)
        self.room.signal()
    }

    var receivedBytes: ByteCount { ByteCount(self.received.load(ordering: .acquiring)) }

    var durableBytes: ByteCount { ByteCount(self.durable.load(ordering: .acquiring)) }

    func noteReceived(_ total: ByteCount) { self.received.store(total.bytes, ordering: .releasing) }

    func noteApplied(_ total: ByteCount) { self.applied.store(total.bytes, ordering: .releasing) }

    func noteDurable(_ total: ByteCount) {
        precondition(
            total <= self.appliedBytes,
            "P3: durable \(total.bytes) ran ahead of applied \(self.appliedBytes.bytes)"
        )
        self.durable.store(total.bytes, ordering: .releasing)
    }

    /// The acknowledgement of now; the credit is extended before the sender can hear of it.
    func acknowledgement() -> Ack {
        let durable = self.durable.load(ordering: .acquiring)
        let applied = self.applied.load(ordering: .acquiring)
        let received = self.received.load(ordering: .acquiring)
        let limit = durable + self.window
        self.credit.store(limit, ordering: .releasing)
        return Ack(
            stream: self.stream,
            received: ByteCount(received),
            applied: ByteCount(applied),
            durable: ByteCount(durable),
            creditLimit: ByteCount(limit)
        )
    }
}
