// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Locks
import SecureTransport

/// The threads of connections: who is in, who has not proven yet who he is, and how to end them.
final class ThreadRoll: Sendable {
    /// One thread's place.
    struct Place: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Roll {
        var next: UInt64 = 0
        var handshakes = 0
        var isClosed = false
        /// Those that wait for their next transfer.
        var resting: Set<Place> = []
        /// How to break off what each thread waits for.
        var interrupts: [Place: @Sendable () -> Void] = [:]
    }

    private let limits: ReceiverLimits
    private let roll = Locked(Roll())
    /// Signalled when a thread ends.
    let changed: Wakeup
    /// Signalled when the service stops.
    let closing: Wakeup

    init(limits: ReceiverLimits) throws(TransportError) {
        self.limits = limits
        self.changed = try Wakeup()
        self.closing = try Wakeup()
    }

    /// Counts a connection in, before its handshake; nil when there is no place for it.
    func enter(_ interrupt: @escaping @Sendable () -> Void) -> Place? {
        self.roll.withLock { roll in
            guard !roll.isClosed, roll.interrupts.count < self.limits.connections,
                roll.handshakes < self.limits.handshakes
            else { return nil }
            let place = Place(number: roll.next)
            roll.next += 1
            roll.handshakes += 1
            roll.interrupts[place] = interrupt
            return place
        }
    }

    /// The peer has proven who it is, or has gone.
    func provenOrGone() { self.roll.withLock { $0.handshakes -= 1 } }

    /// The connection is another object from now on.
    func replace(_ place: Place, _ interrupt: @escaping @Sendable () -> Void) {
        self.roll.withLock { $0.interrupts[place] = interrupt }
    }

    /// Lets a connection wait for its next transfer; false where enough of them do already, or the
    /// service stops.
    func rest(_ place: Place) -> Bool {
        self.roll.withLock { roll in
            guard !roll.isClosed, roll.resting.count < self.limits.restingConnections
            else { return false }
            roll.resting.insert(place)
            return true
        }
    }

    /// The connection's rest is over, one way or the other.
    func resume(_ place: Place) { self.roll.withLock { _ = $0.resting.remove(place) } }

    /// Counts a connection out; after the last one nobody needs memory soon.
    func leave(_ place: Place) {
        let isLast = self.roll.withLock { roll in
            roll.interrupts[place] = nil
            return roll.interrupts.isEmpty
        }
        if isLast { ChunkBuffer.trim() }
        self.changed.signal()
    }

    /// Lets nobody in any more, and ends those that rest.
    func close() {
        let resting = self.roll.withLock { roll in
            roll.isClosed = true
            return roll.resting.compactMap { roll.interrupts[$0] }
        }
        for interrupt in resting { interrupt() }
        self.closing.signal()
    }

    /// Breaks off every connection that is still there.
    func interruptAll() {
        for interrupt in self.roll.withLock({ Array($0.interrupts.values) }) { interrupt() }
    }

    var isClosed: Bool { self.roll.withLock { $0.isClosed } }

    var isEmpty: Bool { self.roll.withLock { $0.interrupts.isEmpty } }
}
