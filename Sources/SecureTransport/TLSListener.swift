// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import COpenSSL
import Glibc
public import Identity
import Locks
import Synchronization

/// Listens for pairs; hands out sockets on which nothing has been said yet.
///
/// The handshake is the work of another thread: a silent or hostile peer holds up nobody else.
public final class TLSListener: Sendable {
    /// The port, also where 0 was asked for.
    public let port: UInt16

    private let socket: Socket
    private let closing: Wakeup
    private let isClosed = Atomic<Bool>(false)
    private let contexts: ServerContexts

    /// Listens on the address; `credentials` is asked at each handshake, so renewed ones take
    /// effect without a restart.
    ///
    /// - Throws: `listenFailed`, or `badCredentials` where those of now cannot be used.
    public convenience init(
        host: String,
        port: UInt16,
        keyUpdateAfter: ByteCount = TransportLimits.keyUpdate,
        credentials: @escaping @Sendable () -> TLSCredentials
    ) throws(TransportError) {
        try self.init(
            host: host,
            port: port,
            keyUpdateAfter: keyUpdateAfter,
            breaking: BrokenRules(),
            credentials: credentials
        )
    }

    package init(
        host: String,
        port: UInt16,
        keyUpdateAfter: ByteCount = TransportLimits.keyUpdate,
        breaking rules: BrokenRules,
        credentials: @escaping @Sendable () -> TLSCredentials
    ) throws(TransportError) {
        self.contexts = ServerContexts(credentials, keyUpdateAfter, rules)
        _ = try self.contexts.current()
        self.closing = try Wakeup()
        self.socket = try Socket.listen(host: host, port: port)
        guard let address = Socket.address(of: self.socket.descriptor, isPeer: false) else {
            throw TransportError(.listenFailed, "the listening socket has no address")
        }
        self.port = address.port
    }

    /// Waits for the next peer; throws `interrupted` after `close()`.
    ///
    /// Lasting shortages (descriptors, memory) are waited out, since giving up would make the
    /// agent deaf.
    public func accept() throws(TransportError) -> AcceptedSocket {
        while !self.isClosed.load(ordering: .acquiring) {
            var descriptors = [
                pollfd(fd: self.socket.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: self.closing.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = pollDescriptors(&descriptors, until: nil)
            guard descriptors[1].revents == 0 else { break }
            let descriptor = accept4(
                self.socket.descriptor,
                nil,
                nil,
                Int32(SOCK_CLOEXEC.rawValue)
            )
            if descriptor >= 0 {
                return AcceptedSocket(Socket(adopting: descriptor), self.contexts)
            }
            switch errno {
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                var wait = [pollfd(fd: self.closing.descriptor, events: Int16(POLLIN), revents: 0)]
                _ = pollDescriptors(&wait, until: Deadline(after: TransportLimits.acceptPause))
            case _:
                // The peer has gone again, or another thread was faster.
                continue
            }
        }
        throw TransportError(.interrupted, "the listener is closed")
    }

    /// Ends `accept()` on every thread, now and later; accepted sockets live on.
    public func close() {
        self.isClosed.store(true, ordering: .releasing)
        self.closing.signal()
        self.socket.interrupt()
    }
}

/// A peer that has connected and not yet said who it is.
public final class AcceptedSocket: Sendable {
    /// The peer's numeric address and port.
    public let peerAddress: String
    private let socket: Socket
    private let contexts: ServerContexts
    private let isTaken = Atomic<Bool>(false)

    fileprivate init(_ socket: Socket, _ contexts: ServerContexts) {
        let address = Socket.address(of: socket.descriptor, isPeer: true)
        socket.prepare(isLoopback: address?.isLoopback ?? false)
        self.peerAddress = address?.description ?? "unknown"
        self.socket = socket
        self.contexts = contexts
    }

    /// Lets the peer prove who it is; for once, and on a thread that may block so long.
    ///
    /// - Throws: the reason of the refusal; the socket is closed then. No byte of the
    ///   application has been read or written.
    public func handshake(
        timeout: Duration = TransportLimits.handshakeTimeout
    ) throws(TransportError) -> TLSConnection {
        guard !self.isTaken.exchange(true, ordering: .acquiringAndReleasing) else {
            throw TransportError(.closed, "the socket was closed, or its handshake has been made")
        }
        let deadline = Deadline(after: timeout)
        let context = try self.contexts.current()
        guard let ownName = context.ownName else {
            throw TransportError(.badCredentials, "the own certificate has no name of ours")
        }
        return try TLSConnection(
            self.socket,
            context,
            .pair(of: ownName.trustDomain),
            keyUpdateAfter: self.contexts.keyUpdateAfter,
            until: deadline
        )
    }

    /// Ends a handshake, and the connection that came of it, from any thread.
    public func interrupt() { self.socket.interrupt() }

    /// Closes without a word, instead of a handshake; one that has begun is interrupted.
    public func close() {
        // A descriptor that another thread uses is never closed under it.
        if self.isTaken.exchange(true, ordering: .acquiringAndReleasing) {
            self.socket.interrupt()
        } else {
            self.socket.close()
        }
    }
}

/// The context of the credentials in force; made again only when they have changed.
private final class ServerContexts: Sendable {
    let keyUpdateAfter: ByteCount
    private let credentials: @Sendable () -> TLSCredentials
    private let rules: BrokenRules
    private let cached = Locked<(TLSCredentials, TLSContext)?>(nil)

    init(
        _ credentials: @escaping @Sendable () -> TLSCredentials,
        _ keyUpdateAfter: ByteCount,
        _ rules: BrokenRules
    ) {
        self.credentials = credentials
        self.rules = rules
        self.keyUpdateAfter = keyUpdateAfter
    }

    func current() throws(TransportError) -> TLSContext {
        let wanted = self.credentials()
        if let (known, context) = self.cached.withLock({ $0 }), known == wanted { return context }
        let context = try TLSContext(.server, wanted, breaking: self.rules)
        self.cached.withLock { $0 = (wanted, context) }
        return context
    }
}
