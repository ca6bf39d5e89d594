// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// Whether anybody listens on a port: connects, and hangs up without a word.
public enum PortProbe {
    /// A firewall that drops packets answers nothing, ever.
    static let patience: Int32 = 5000

    /// Blocks for five seconds at most for each address of the host.
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - port: of TCP.
    /// - Throws: `GW2001` with the reason and what to look at.
    public static func connect(_ host: String, _ port: Int) throws(APIError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let found = getaddrinfo(host, "\(port)", &hints, &list)
        guard found == 0, let first = list else {
            throw Self.unreachable(
                host,
                port,
                String(cString: gai_strerror(found)),
                "check the name \(host)"
            )
        }
        defer { freeaddrinfo(list) }
        var reason: Int32 = 0
        var entry: UnsafeMutablePointer<addrinfo>? = first
        while let address = entry?.pointee {
            reason = Self.attempt(address)
            if reason == 0 { return }
            entry = address.ai_next
        }
        throw Self.unreachable(host, port, Self.words(reason), Self.remedy(reason, host, port))
    }

    /// The error number of one attempt; 0 where somebody answered.
    private static func attempt(_ address: addrinfo) -> Int32 {
        let kind = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.ai_family, kind, address.ai_protocol)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return 0 }
        guard errno == EINPROGRESS else { return errno }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let ready = poll(&waiting, 1, Self.patience)
        guard ready > 0 else { return ready == 0 ? ETIMEDOUT : errno }
        var number: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) == 0 else {
            return errno
        }
        return number
    }

    private static func words(_ number: Int32) -> String {
        number == ETIMEDOUT
            ? "no answer within \(Self.patience / 1000) s" : String(cString: strerror(number))
    }

    private static func remedy(_ number: Int32, _ host: String, _ port: Int) -> String {
        switch number {
        case ETIMEDOUT: "let TCP \(port) to \(host) through the firewalls in between"
        case ECONNREFUSED: "start godwit-agent on \(host), or correct its port"
        default: "check the route from here to \(host)"
        }
    }

    private static func unreachable(
        _ host: String,
        _ port: Int,
        _ cause: String,
        _ remedy: String
    ) -> APIError {
        APIError(
            .peerUnreachable,
            "port \(port) of \(host) cannot be reached",
            cause: cause,
            try: remedy
        )
    }
}
