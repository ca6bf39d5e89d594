// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import Glibc
import SecureTransport
import Testing

/// Every wait for another side has an end (P6).
@Suite struct SilentServerTests {
    private let scratch: Scratch

    init() throws { self.scratch = try Scratch() }

    @Test func anAnswerThatStopsInItsMiddleEndsAtTheTimeout() async throws {
        let server = try HalfServer("\(self.scratch.path)/agent.sock")
        let client = try AgentClient(at: self.scratch.path)
        let error = await #expect(throws: APIError.self) {
            let _: VersionInfo = try await client.get(AgentRoute.version, timeout: .seconds(1))
        }
        #expect(error?.id == .waitTimedOut)
        server.close()
        await client.close()
    }
}

/// Answers with a head that promises a body, and with half of that.
private final class HalfServer: Sendable {
    private let listening: Int32

    init(_ path: String) throws {
        let listening = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listening = listening
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listening, generic, length) == 0 && listen(listening, 1) == 0
            }
        }
        try #require(isBound, "no socket at \(path)")
        _ = try DataThread.spawn(name: "half-server") {
            let connection = accept(listening, nil, nil)
            guard connection >= 0 else { return }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"version\""
            _ = send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
            // Until the client gives up.
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
            Glibc.close(connection)
        }
    }

    func close() {
        shutdown(self.listening, Int32(SHUT_RDWR))
        Glibc.close(self.listening)
    }
}
