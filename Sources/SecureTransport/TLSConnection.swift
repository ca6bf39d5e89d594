// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import COpenSSL
import Glibc
public import Identity
import Synchronization

/// What ended a wait for bytes of the peer.
public enum ReadReadiness: Hashable, Sendable {
    /// A read returns at least one byte without waiting.
    case readable
    /// Another thread has signalled the wake-up, which is clear again.
    case woken
    /// The time has passed.
    case timedOut
}

/// One TLS 1.3 connection between two sides that have proven who they are.
///
/// Blocking and for one thread at a time, which is checked: two calls at once trap. Only
/// `interrupt()` and the counters are for any thread. Whoever hands a connection to another
/// thread stops using it himself; that is what makes it Sendable.
///
/// After the first error every further call throws it again: TLS cannot go on behind a gap.
public final class TLSConnection: @unchecked Sendable {
    /// What the peer's certificate says.
    public let peer: PeerCertificate
    /// The name in the peer's certificate.
    public var peerName: SPIFFEName { self.peer.name }
    /// The peer's numeric address and port.
    public let peerAddress: String

    private let socket: Socket
    private let wire: WireBuffer
    private let ssl: OpaquePointer
    private let keyUpdateAfter: ByteCount
    private var writtenUnderKey = 0
    private var failure: TransportError?
    private var lastWaitWasWoken = false
    private let isInUse = Atomic<Bool>(false)
    private let keyUpdateCount = Atomic<Int>(0)

    /// The handshake on a connected socket; all of it before `deadline`.
    init(
        _ socket: Socket,
        _ context: TLSContext,
        _ expectation: PeerVerification.Expectation,
        keyUpdateAfter: ByteCount,
        until deadline: Deadline
    ) throws(TransportError) {
        let wire = WireBuffer(socket)
        guard let bio = wire.makeBIO() else {
            throw TransportError(.outOfResources, "cannot make a TLS connection")
        }
        guard let ssl = SSL_new(context.pointer) else {
            BIO_free(bio)
            throw TransportError(.outOfResources, "cannot make a TLS connection")
        }
        SSL_set_bio(ssl, bio, bio)
        let verification = PeerVerification(expectation)
        verification.attach(to: ssl)
        wire.deadline = deadline
        ERR_clear_error()
        let result = context.side == .client ? SSL_connect(ssl) : SSL_accept(ssl)
        // The object of the callback ends here; there is no renegotiation in TLS 1.3.
        SSL_set_ex_data(ssl, 0, nil)
        guard result == 1, wire.flush(), let peer = verification.peer else {
            let error =
                verification.rejection
                ?? Self.error(ssl, result, wire, "in the TLS handshake")
            SSL_free(ssl)
            if error.isRefusal { wire.drain(for: TransportLimits.refusalLinger) }
            socket.close()
            throw error
        }
        wire.deadline = nil
        socket.setSendTimeout(TransportLimits.writeTimeout)
        self.peer = peer
        self.peerAddress =
            Socket.address(of: socket.descriptor, isPeer: true)?.description ?? "unknown"
        self.socket = socket
        self.wire = wire
        self.ssl = ssl
        self.keyUpdateAfter = keyUpdateAfter
    }

    deinit { SSL_free(self.ssl) }

    // MARK: For any thread

    /// Ends the connection from any thread: blocked calls and later ones throw `interrupted`.
    public func interrupt() { self.socket.interrupt() }

    /// The connection begins to serve another transfer: its bytes are counted from here.
    public func beginUse() {
        self.wire.sentBytes.store(0, ordering: .relaxed)
        self.wire.receivedBytes.store(0, ordering: .relaxed)
    }

    /// Bytes on the wire for the present transfer, TLS overhead included.
    public var sentBytes: ByteCount {
        ByteCount(Int(clamping: self.wire.sentBytes.load(ordering: .relaxed)))
    }

    /// Bytes from the wire for the present transfer, TLS overhead included.
    public var receivedBytes: ByteCount {
        ByteCount(Int(clamping: self.wire.receivedBytes.load(ordering: .relaxed)))
    }

    /// How long writes and flushes have waited for the network, the encryption not counted.
    ///
    /// Only for the thread that writes, between its calls.
    public var writeWaits: Duration { self.wire.sendWaits }

    /// How often the key of our writing direction was replaced.
    public var keyUpdates: Int { self.keyUpdateCount.load(ordering: .relaxed) }

    // MARK: Reading

    /// How long one read may wait without a byte from the peer; nil waits without end.
    ///
    /// Nil at first: a stream may rest for hours while the sender compares. A peer that has
    /// vanished is found by TCP keep-alive.
    public func setReadTimeout(_ duration: Duration?) { self.socket.setReceiveTimeout(duration) }

    /// How long one write may wait without progress; nil waits without end.
    public func setWriteTimeout(_ duration: Duration?) { self.socket.setSendTimeout(duration) }

    /// Bytes that are decrypted already: a read of no more than these needs no network.
    public var pendingBytes: Int { Int(SSL_pending(self.ssl)) }

    /// Fills the whole range.
    ///
    /// - Throws: `closed` where the peer ends before that, `timedOut`, `interrupted`, and
    ///   `refusedByPeer` where a server refuses our certificate after the handshake.
    public func read(
        into buffer: inout ChunkBuffer,
        _ range: Range<Int>
    ) throws(TransportError) {
        try self.begin()
        defer { self.end() }
        try buffer.withUnsafeMutableBytes(range) { target throws(TransportError) in
            guard let base = target.baseAddress else { return }
            var done = 0
            while done < target.count {
                var count = 0
                self.prepareCall()
                let result = SSL_read_ex(self.ssl, base + done, target.count - done, &count)
                guard result == 1 else { throw self.fail(result, "reading") }
                done += count
            }
        }
    }

    /// Waits until a read has something to return, or another thread wakes this one.
    ///
    /// Sends what is buffered before it waits. A wake-up and a peer that never stops sending
    /// take turns, neither starves.
    public func waitReadable(
        timeout: Duration?,
        wakeup: Wakeup? = nil
    ) throws(TransportError) -> ReadReadiness {
        try self.begin()
        defer { self.end() }
        try self.flushWire()
        let deadline = timeout.map { Deadline(after: $0) }
        if !self.lastWaitWasWoken, wakeup?.clear() == true {
            self.lastWaitWasWoken = true
            return .woken
        }
        self.lastWaitWasWoken = false
        while true {
            if try self.hasDecryptedBytes() { return .readable }
            var descriptors = [
                pollfd(fd: self.socket.descriptor, events: Int16(POLLIN), revents: 0)
            ]
            if let wakeup {
                descriptors.append(
                    pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
                )
            }
            guard pollDescriptors(&descriptors, until: deadline) > 0 else { return .timedOut }
            if descriptors.count > 1, descriptors[1].revents != 0, wakeup?.clear() == true {
                self.lastWaitWasWoken = true
                return .woken
            }
        }
    }

    /// Decrypts what has arrived, without waiting.
    ///
    /// A key update or half a record is no byte.
    private func hasDecryptedBytes() throws(TransportError) -> Bool {
        if SSL_pending(self.ssl) > 0 { return true }
        self.wire.isNonBlocking = true
        defer { self.wire.isNonBlocking = false }
        var byte: UInt8 = 0
        var count = 0
        self.prepareCall()
        let result = SSL_peek_ex(self.ssl, &byte, 1, &count)
        if result == 1 { return true }
        if self.wire.stop == .wouldBlock { return false }
        throw self.fail(result, "reading")
    }

    // MARK: Writing

    /// Encrypts the range and sends it when the buffer is full, or at `flush()`.
    public func write(
        _ buffer: borrowing ChunkBuffer,
        _ range: Range<Int>
    ) throws(TransportError) {
        try buffer.withUnsafeBytes(range) { source throws(TransportError) in
            try self.write(source)
        }
    }

    /// Encrypts the bytes and sends them when the buffer is full, or at `flush()`.
    public func write(_ bytes: [UInt8]) throws(TransportError) {
        // The closure of an array rethrows any error: the typed one travels beside it.
        let result = bytes.withUnsafeBytes { source in
            Result { () throws(TransportError) in try self.write(source) }
        }
        try result.get()
    }

    private func write(_ source: UnsafeRawBufferPointer) throws(TransportError) {
        try self.begin()
        defer { self.end() }
        guard let base = source.baseAddress, !source.isEmpty else { return }
        try self.updateKeyIfDue()
        var count = 0
        self.prepareCall()
        let result = SSL_write_ex(self.ssl, base, source.count, &count)
        guard result == 1 else { throw self.fail(result, "writing") }
        self.writtenUnderKey += source.count
    }

    /// Hands everything written so far to the network.
    public func flush() throws(TransportError) {
        try self.begin()
        defer { self.end() }
        try self.flushWire()
    }

    private func flushWire() throws(TransportError) {
        self.wire.clearStop()
        guard self.wire.flush() else { throw self.fail(0, "writing") }
    }

    private func updateKeyIfDue() throws(TransportError) {
        guard self.writtenUnderKey >= self.keyUpdateAfter.bytes else { return }
        self.prepareCall()
        let result = SSL_key_update(self.ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
        guard result == 1 else { throw self.fail(result, "updating the key") }
        self.writtenUnderKey = 0
        self.keyUpdateCount.add(1, ordering: .relaxed)
    }

    // MARK: Ending

    /// Says goodbye and closes; never throws and waits a second at most for each step.
    ///
    /// With `draining`, what still arrives is thrown away for so long: a socket that is closed
    /// over unread bytes resets the connection, and the peer may lose our last frame by that.
    public func close(draining: Duration = .zero) {
        guard !self.isInUse.exchange(true, ordering: .acquiring) else {
            preconditionFailure("a connection is closed while another thread uses it")
        }
        defer { self.end() }
        if self.failure == nil {
            self.prepareCall()
            self.wire.deadline = Deadline(after: .seconds(1))
            SSL_shutdown(self.ssl)
            _ = self.wire.flush()
            ERR_clear_error()
            self.failure = TransportError(.closed, "this side has closed the connection")
        }
        if draining > .zero { self.wire.drain(for: draining) }
        self.socket.close()
    }

    // MARK: Each call

    private func begin() throws(TransportError) {
        guard !self.isInUse.exchange(true, ordering: .acquiring) else {
            preconditionFailure("a connection is used by two threads at once")
        }
        if let failure = self.failure {
            self.isInUse.store(false, ordering: .releasing)
            throw failure
        }
    }

    private func end() { self.isInUse.store(false, ordering: .releasing) }

    private func prepareCall() {
        self.wire.clearStop()
        ERR_clear_error()
    }

    private func fail(_ result: Int32, _ what: String) -> TransportError {
        let error = Self.error(self.ssl, result, self.wire, what)
        self.failure = error
        return error
    }

    /// Why a call stopped: first what the socket says, then what TLS says.
    private static func error(
        _ ssl: OpaquePointer,
        _ result: Int32,
        _ wire: WireBuffer,
        _ what: String
    ) -> TransportError {
        if wire.socket.wasInterrupted {
            return TransportError(.interrupted, "the connection was interrupted")
        }
        switch wire.stop {
        case .timedOut?, .wouldBlock?:
            return TransportError(.timedOut, "the peer is silent: timed out \(what)")
        case .ended?:
            return TransportError(.closed, "the peer closed the connection while \(what)")
        case .failed(let number)?:
            return TransportError(
                .closed,
                "the connection broke while \(what): \(systemMessage(number))"
            )
        case nil:
            break
        }
        if SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN {
            return TransportError(.closed, "the peer closed the connection")
        }
        return OpenSSLError.cause()?.transportError
            ?? TransportError(.closed, "the connection broke while \(what)")
    }
}
