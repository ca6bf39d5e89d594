// SPDX-License-Identifier: Apache-2.0

import SecureTransport
import Synchronization

/// Counts the threads of connections: who is in, who has not proven yet who he is.
final class ThreadRoll: Sendable {
    private struct Counts {
        var connections = 0
        var handshakes = 0
        var isClosed = false
    }

    private let limits: ReceiverLimits
    private let counts = Mutex(Counts())
    /// Signalled when a thread ends.
    let changed: Wakeup
    /// Signalled when the service stops.
    let closing: Wakeup

    init(limits: ReceiverLimits) throws(TransportError) {
        self.limits = limits
        self.changed = try Wakeup()
        self.closing = try Wakeup()
    }

    /// Counts a connection in, before its handshake; false when there is no place for it.
    func enter() -> Bool {
        self.counts.withLock { counts in
            guard !counts.isClosed, counts.connections < self.limits.connections,
                counts.handshakes < self.limits.handshakes
            else { return false }
            counts.connections += 1
            counts.handshakes += 1
            return true
        }
    }

    /// The peer has proven who it is, or has gone.
    func provenOrGone() { self.counts.withLock { $0.handshakes -= 1 } }

    /// Counts a connection out.
    func leave() {
        self.counts.withLock { $0.connections -= 1 }
        self.changed.signal()
    }

    func close() {
        self.counts.withLock { $0.isClosed = true }
        self.closing.signal()
    }

    var isClosed: Bool { self.counts.withLock { $0.isClosed } }

    var isEmpty: Bool { self.counts.withLock { $0.connections == 0 } }
}
