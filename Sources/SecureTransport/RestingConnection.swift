// SPDX-License-Identifier: Apache-2.0

import Locks
import WireProtocol

/// A connection between two transfers: what the next one has to know of the last.
public struct RestingConnection: Sendable {
    let connection: TLSConnection
    let sent: FrameSequence
    let received: FrameSequence

    /// Whether the peer has neither gone nor said anything.
    fileprivate var isUsable: Bool {
        let readiness = Result { () throws(TransportError) in
            try self.connection.waitReadable(timeout: .zero)
        }
        return switch readiness {
        case .success(.timedOut): true
        case .success(.readable), .success(.woken), .failure: false
        }
    }

    /// Says goodbye.
    public func close() { self.connection.close() }
}

/// The connections of a client that wait for the next transfer to the same agent.
final class RestingConnections: Sendable {
    private struct Place: Hashable {
        let host: String
        let port: UInt16
    }

    private struct Resting {
        let place: Place
        let resting: RestingConnection
        let end: Deadline
    }

    /// The newest last.
    private let connections = Locked<[Resting]>([])

    /// Keeps a connection; where there are ``TransportLimits/restingConnections`` it is closed.
    func put(_ resting: RestingConnection, host: String, port: UInt16) {
        let isKept = self.connections.withLock { connections in
            guard connections.count < TransportLimits.restingConnections else { return false }
            let place = Place(host: host, port: port)
            let end = Deadline(after: TransportLimits.restingTime)
            connections.append(Resting(place: place, resting: resting, end: end))
            return true
        }
        if !isKept { resting.close() }
    }

    /// The connection that was used last; nil where none is left that can be used.
    func take(host: String, port: UInt16) -> RestingConnection? {
        let place = Place(host: host, port: port)
        while let found = self.removeLast(at: place) {
            if !found.end.hasPassed, found.resting.isUsable { return found.resting }
            found.resting.close()
        }
        return nil
    }

    private func removeLast(at place: Place) -> Resting? {
        self.connections.withLock { connections in
            connections.lastIndex { $0.place == place }.map { connections.remove(at: $0) }
        }
    }

    /// Closes all of them.
    func closeAll() {
        let all = self.connections.withLock { connections in
            let all = connections
            connections.removeAll()
            return all
        }
        for resting in all { resting.resting.close() }
    }
}
