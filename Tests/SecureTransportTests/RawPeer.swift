// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// A peer without TLS, for bytes that no library of ours would send.
final class RawPeer: Sendable {
    private let descriptor: Int32

    /// Connects to 127.0.0.1.
    init(port: UInt16) throws {
        self.descriptor = try Loopback.connect(to: port)
    }

    deinit { close(self.descriptor) }

    /// Sends the bytes; false where the other side is gone.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(self.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Everything until the other side closes.
    func receiveAll() -> [UInt8] {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(self.descriptor, &part, part.count, 0)
            guard count > 0 else { return all }
            all += part[..<count]
        }
    }

    /// Waits so long for the other side to close; true if it has.
    func isClosed(within milliseconds: Int32) -> Bool {
        var descriptors = [pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)]
        return poll(&descriptors, 1, milliseconds) > 0
    }

    func finishSending() { shutdown(self.descriptor, Int32(SHUT_WR)) }
}

/// The first message of a client that knows no newer version than TLS 1.2.
///
/// Version 3.3 and two cipher suites, without the extension that offers TLS 1.3.
let helloOfTLS12: [UInt8] = {
    let random = [UInt8](repeating: 0x5a, count: 32)
    let body: [UInt8] =
        [0x03, 0x03] + random + [0x00]  // version, random, no session
        + [0x00, 0x04, 0xc0, 0x2b, 0xc0, 0x2f]  // ECDHE with AES-128-GCM
        + [0x01, 0x00]  // no compression
        + [0x00, 0x12]  // extensions: groups, signature algorithms
        + [0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17]
        + [0x00, 0x0d, 0x00, 0x06, 0x00, 0x04, 0x04, 0x03, 0x08, 0x04]
    let message: [UInt8] = [0x01, 0x00, 0x00, UInt8(body.count)] + body
    return [0x16, 0x03, 0x01, 0x00, UInt8(message.count)] + message
}()
