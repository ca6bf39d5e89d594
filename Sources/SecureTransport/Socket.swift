// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Glibc
import Locks
import Synchronization

/// The descriptor of a socket: closed exactly once, shut down from any thread.
///
/// `interrupt()` wakes whoever is blocked in a call on the socket. The lock keeps it from
/// hitting another file that got the number after a close.
final class Socket: Sendable {
    /// Valid until `close()`; for calls of the owning thread.
    let descriptor: Int32
    private let isOpen: Locked<Bool>
    private let interrupted = Atomic<Bool>(false)

    /// Takes over an open descriptor.
    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        self.isOpen = Locked(true)
    }

    deinit { self.close() }

    var wasInterrupted: Bool { self.interrupted.load(ordering: .acquiring) }

    /// Ends both directions: blocked calls return, later ones fail.
    func interrupt() {
        self.isOpen.withLock { isOpen in
            self.interrupted.store(true, ordering: .releasing)
            if isOpen { shutdown(self.descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Tells the peer that nothing follows; reading goes on.
    func finishSending() {
        self.isOpen.withLock { isOpen in
            if isOpen { shutdown(self.descriptor, Int32(SHUT_WR)) }
        }
    }

    func close() {
        self.isOpen.withLock { isOpen in
            if isOpen { Glibc.close(self.descriptor) }
            isOpen = false
        }
    }
}

// MARK: Options

extension Socket {
    /// What every connection of ours gets: no delay for small frames, and a vanished peer is seen.
    ///
    /// On loopback alone also the buffers and the congestion control that halve the
    /// cost there; a failure is ignored, they are about speed only.
    func prepare(isLoopback: Bool) {
        self.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        self.set(SOL_SOCKET, SO_KEEPALIVE, 1)
        self.set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, TransportLimits.keepAliveIdle)
        self.set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, TransportLimits.keepAliveInterval)
        self.set(Int32(IPPROTO_TCP), TCP_KEEPCNT, TransportLimits.keepAliveProbes)
        guard isLoopback else { return }
        let size = Int32(clamping: TransportLimits.loopbackSocketBuffer.bytes)
        self.set(SOL_SOCKET, SO_SNDBUF, size)
        self.set(SOL_SOCKET, SO_RCVBUF, size)
        let name = Array("cubic".utf8)
        setsockopt(
            self.descriptor,
            Int32(IPPROTO_TCP),
            TCP_CONGESTION,
            name,
            socklen_t(name.count)
        )
    }

    /// How long one receive may wait without a byte; nil waits without end.
    func setReceiveTimeout(_ duration: Duration?) { self.set(SO_RCVTIMEO, duration) }

    /// How long one send may wait without progress; nil waits without end.
    func setSendTimeout(_ duration: Duration?) { self.set(SO_SNDTIMEO, duration) }

    func setBlocking(_ isBlocking: Bool) {
        let flags = fcntl(self.descriptor, F_GETFL)
        _ = fcntl(
            self.descriptor,
            F_SETFL,
            isBlocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK
        )
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(
            self.descriptor,
            level,
            option,
            &value,
            socklen_t(MemoryLayout<Int32>.size)
        )
    }

    private func set(_ option: Int32, _ duration: Duration?) {
        let milliseconds = duration.map { max(Deadline.milliseconds($0), 1) } ?? 0
        var value = timeval(
            tv_sec: Int(milliseconds / 1000),
            tv_usec: Int(milliseconds % 1000) * 1000
        )
        setsockopt(
            self.descriptor,
            SOL_SOCKET,
            option,
            &value,
            socklen_t(MemoryLayout<timeval>.size)
        )
    }
}

// MARK: Making sockets

/// A numeric address and port.
struct SocketAddress: Sendable {
    let host: String
    let port: UInt16

    var isLoopback: Bool {
        self.host.hasPrefix("127.") || self.host == "::1" || self.host.hasPrefix("::ffff:127.")
    }

    var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    init?(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let flags = Int32(NI_NUMERICHOST | NI_NUMERICSERV)
        guard
            getnameinfo(
                address,
                length,
                &host,
                socklen_t(host.count),
                &port,
                socklen_t(port.count),
                flags
            )
                == 0,
            let number = UInt16(Self.text(port))
        else { return nil }
        self.host = Self.text(host)
        self.port = number
    }

    private static func text(_ characters: [CChar]) -> String {
        String(
            decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
    }
}

extension Socket {
    /// The own address, or the peer's.
    static func address(of descriptor: Int32, isPeer: Bool) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let result =
                    isPeer
                    ? getpeername(descriptor, address, &length)
                    : getsockname(descriptor, address, &length)
                return result == 0 ? SocketAddress(address, length) : nil
            }
        }
    }

    /// A blocking socket, connected to the first address of the host that answers.
    ///
    /// The interruption watches it until the caller says otherwise.
    static func connect(
        host: String,
        port: UInt16,
        until deadline: Deadline,
        _ interruption: ConnectInterruption
    ) throws(TransportError) -> Socket {
        var last = TransportError(.connectFailed, "no address for \(host)")
        var result: Socket?
        try self.withAddresses(host: host, port: port, isListening: false) { info in
            do throws(TransportError) {
                result = try self.connect(info, until: deadline, interruption)
            } catch {
                last = error
            }
            return result != nil
        }
        guard let result else { throw last }
        return result
    }

    private static func connect(
        _ info: addrinfo,
        until deadline: Deadline,
        _ interruption: ConnectInterruption
    ) throws(TransportError) -> Socket {
        guard let address = SocketAddress(info.ai_addr, info.ai_addrlen) else {
            throw TransportError(.connectFailed, "an address that is not internet protocol")
        }
        let socket = try self.make(info)
        try interruption.watch(socket)
        do throws(TransportError) {
            try socket.connect(info, address, until: deadline)
        } catch {
            interruption.release(socket)
            throw socket.wasInterrupted ? .interruptedConnecting : error
        }
        return socket
    }

    private func connect(
        _ info: addrinfo,
        _ address: SocketAddress,
        until deadline: Deadline
    ) throws(TransportError) {
        self.prepare(isLoopback: address.isLoopback)
        self.setBlocking(false)
        if Glibc.connect(self.descriptor, info.ai_addr, info.ai_addrlen) != 0 {
            guard errno == EINPROGRESS || errno == EINTR else {
                throw Self.connectError(address, errno)
            }
            var descriptors = [pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)]
            // Before the attempt had begun, an interruption had nothing to shut down.
            guard !self.wasInterrupted else { throw .interruptedConnecting }
            guard pollDescriptors(&descriptors, until: deadline) > 0 else {
                throw TransportError(.timedOut, "\(address.description) does not answer")
            }
            var failure: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(self.descriptor, SOL_SOCKET, SO_ERROR, &failure, &length)
            guard failure == 0 else { throw Self.connectError(address, failure) }
        }
        self.setBlocking(true)
    }

    private static func connectError(_ address: SocketAddress, _ number: Int32) -> TransportError {
        TransportError(
            .connectFailed,
            "cannot connect to \(address.description): \(systemMessage(number))"
        )
    }

    /// A listening, non-blocking socket.
    static func listen(host: String, port: UInt16) throws(TransportError) -> Socket {
        var last = TransportError(.listenFailed, "no address for \(host)")
        var result: Socket?
        try self.withAddresses(host: host, port: port, isListening: true) { info in
            do throws(TransportError) {
                let socket = try self.make(info)
                socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
                guard bind(socket.descriptor, info.ai_addr, info.ai_addrlen) == 0,
                    Glibc.listen(socket.descriptor, TransportLimits.backlog) == 0
                else {
                    throw TransportError(
                        .listenFailed,
                        "cannot listen on \(host), port \(port): \(systemMessage(errno))"
                    )
                }
                socket.setBlocking(false)
                result = socket
            } catch {
                last = error
            }
            return result != nil
        }
        guard let result else { throw last }
        return result
    }

    private static func make(_ info: addrinfo) throws(TransportError) -> Socket {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(info.ai_family, kind, info.ai_protocol)
        guard descriptor >= 0 else {
            throw TransportError(.outOfResources, "cannot make a socket: \(systemMessage(errno))")
        }
        return Socket(adopting: descriptor)
    }

    /// Calls `body` for each address until it returns true.
    private static func withAddresses(
        host: String,
        port: UInt16,
        isListening: Bool,
        _ body: (addrinfo) -> Bool
    ) throws(TransportError) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (isListening ? AI_PASSIVE : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0 else {
            throw TransportError(
                isListening ? .listenFailed : .connectFailed,
                "cannot find host \(host): \(String(cString: gai_strerror(result)))"
            )
        }
        defer { freeaddrinfo(list) }
        var next = list
        while let info = next {
            if body(info.pointee) { return }
            next = info.pointee.ai_next
        }
    }
}
