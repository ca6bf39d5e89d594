// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Glibc
import Hummingbird
import Logging
import NIOCore
import TestSupport
import Testing

@testable import Agent

/// A stranger may not hold a connection by sending a request byte by byte (P6).
@Suite struct DrippedRequestTests {
    /// Bytes of a stranger, one in 20 ms: five minutes, for a machine that is busy with other tests.
    private static let patience = 15_000
    private static let head = "POST /v1/body HTTP/1.1\r\nHost: a\r\n"

    /// Serves one route that reads its body and one that does not, for as long as `body` runs.
    private func serving<Value: Sendable>(
        within limit: TimeAmount,
        _ body: @escaping @Sendable (UInt16) throws -> Value
    ) async throws -> Value {
        let router = Router(context: APIContext.self)
        router.add(middleware: WholeRequest(limit: limit))
        router.add(middleware: UnknownRoute())
        router.post("/v1/body") { request, context in
            let bytes = try await request.body.collect(upTo: context.maxUploadSize)
            return "\(bytes.readableBytes) bytes"
        }
        let (ports, port) = AsyncStream<UInt16>.makeStream()
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                port.yield(UInt16(clamping: channel.localAddress?.port ?? 0))
            },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            for await port in ports {
                defer { group.cancelAll() }
                return try await onThread("stranger") { () throws(APIError) in
                    Result { try body(port) }
                }
                .get()
            }
            throw CancellationError()
        }
    }

    /// Sends a head, and then bytes until the server closes or there are no more; how many it took.
    private static func drip(_ head: String, atMost count: Int, to port: UInt16) throws -> Int {
        let connection = try Loopback.connect(to: port)
        defer { close(connection) }
        try #require(send(connection, head, head.utf8.count, Int32(MSG_NOSIGNAL)) > 0)
        var answer = [UInt8](repeating: 0, count: 4096)
        for sent in 0..<count {
            var ready = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
            if poll(&ready, 1, 20) == 1, recv(connection, &answer, answer.count, 0) <= 0 {
                return sent
            }
            guard send(connection, "x", 1, Int32(MSG_NOSIGNAL)) == 1 else { return sent }
        }
        return count
    }

    @Test(arguments: ["POST /v1/body", "POST /v1/unknown", "GET /v1/body"])
    func aBodyThatComesByteByByteEndsTheConnectionInTime(_ line: String) async throws {
        let head = "\(line) HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        let sent = try await self.serving(within: .milliseconds(200)) { port in
            try Self.drip(head, atMost: Self.patience, to: port)
        }
        #expect(sent < Self.patience)
    }

    @Test func aBodyThatIsTooLargeDoesNotGetMoreTime() async throws {
        let large = String(repeating: "x", count: 300 << 10)
        let head = Self.head + "Content-Length: 1000000\r\n\r\n" + large
        let sent = try await self.serving(within: .milliseconds(200)) { port in
            try Self.drip(head, atMost: Self.patience, to: port)
        }
        #expect(sent < Self.patience)
    }

    @Test func aRequestThatIsWholeInTimeIsAnswered() async throws {
        let answer = try await self.serving(within: .seconds(60)) { port in
            let connection = try Loopback.connect(to: port)
            defer { close(connection) }
            let request = Self.head + "Connection: close\r\nContent-Length: 3\r\n\r\nabc"
            try #require(send(connection, request, request.utf8.count, Int32(MSG_NOSIGNAL)) > 0)
            var text = ""
            var bytes = [UInt8](repeating: 0, count: 4096)
            while case let count = recv(connection, &bytes, bytes.count, 0), count > 0 {
                text += String(decoding: bytes[0..<count], as: UTF8.self)
            }
            return text
        }
        #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("3 bytes"), "\(answer)")
    }
}
