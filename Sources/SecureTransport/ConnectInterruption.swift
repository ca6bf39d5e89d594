// SPDX-License-Identifier: Apache-2.0

import Locks

/// Breaks off connections while they are being made, from any thread.
///
/// A connection that is made has `interrupt()` of its own; before that, the thread that makes it waits
/// in ``TLSClient`` for a host that may never answer.
public final class ConnectInterruption: Sendable {
    private struct State {
        var isInterrupted = false
        var sockets: [ObjectIdentifier: Socket] = [:]
    }

    private let state = Locked(State())

    /// One that has not happened.
    public init() {}

    /// Breaks off what is being connected, and whatever is begun later: it throws `interrupted`.
    public func interrupt() {
        let sockets = self.state.withLock { state in
            state.isInterrupted = true
            return Array(state.sockets.values)
        }
        for socket in sockets { socket.interrupt() }
    }

    /// From now on an interruption ends what is done with the socket.
    func watch(_ socket: Socket) throws(TransportError) {
        let isInterrupted = self.state.withLock { state in
            if !state.isInterrupted { state.sockets[ObjectIdentifier(socket)] = socket }
            return state.isInterrupted
        }
        guard !isInterrupted else { throw .interruptedConnecting }
    }

    /// The socket is a connection now, or was given up.
    func release(_ socket: Socket) {
        self.state.withLock { $0.sockets[ObjectIdentifier(socket)] = nil }
    }
}

extension TransportError {
    static let interruptedConnecting = Self(.interrupted, "the connecting was interrupted")
}
