// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Bare sockets on 127.0.0.1, for peers that no library of ours would be.
///
/// Who asks for a descriptor closes it.
package enum Loopback {
    package struct Failure: Error {
        package let call: String
        package let number: Int32
    }

    /// A free port that the system gives nobody who asks for any, so that a server can come back to it.
    ///
    /// It lies below `net.ipv4.ip_local_port_range`, which begins at 32,768 unless somebody changed it.
    ///
    /// - Throws: what the last of a hundred tries failed with.
    package static func lastingPort() throws -> UInt16 {
        var tries = 100
        while true {
            do {
                let port = UInt16.random(in: 20_000..<32_000)
                close(try Self.listen(backlog: 1, port: port).descriptor)
                return port
            } catch {
                tries -= 1
                guard tries > 0 else { throw error }
            }
        }
    }

    /// A socket that listens, and its port: a free one, unless it is named.
    package static func listen(
        backlog: Int32,
        port: UInt16 = 0
    ) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listens = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, backlog) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard listens else { throw Self.failure(of: "listen", closing: descriptor) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// A socket that is connected to a port.
    package static func connect(to port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else { throw Self.failure(of: "connect", closing: descriptor) }
        return descriptor
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func failure(of call: String, closing descriptor: Int32) -> Failure {
        let failure = Failure(call: call, number: errno)
        close(descriptor)
        return failure
    }
}
