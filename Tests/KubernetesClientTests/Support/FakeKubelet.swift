// SPDX-License-Identifier: Apache-2.0

import KubernetesClient
import Locks
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import ObjectModel

/// A server with TLS on a free port of 127.0.0.1 that takes exec requests and sends what a test wants.
final class FakeKubelet: Sendable {
    /// Something that goes over the connection.
    enum Step: Sendable {
        /// A whole message on a channel.
        case message(UInt8, [UInt8])
        /// A part of a message.
        case part(WebSocketOpcode, [UInt8], isLast: Bool)
        /// Bytes that are no frame.
        case raw([UInt8])
        case close
        /// The end of the connection without a word.
        case hangUp

        static func output(_ text: String) -> Self { .message(1, Array(text.utf8)) }
        static func errors(_ text: String) -> Self { .message(2, Array(text.utf8)) }
        static func verdict(_ text: String) -> Self { .message(3, Array(text.utf8)) }
    }

    static let success = #"{"metadata":{},"status":"Success"}"#

    static func exit(_ code: Int) -> String {
        #"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code","#
            + #""reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"\#(code)"}]}}"#
    }

    private let authority: TestAuthority
    private let steps: [Step]
    private let place = Locked(0)
    private let seen = Locked([HTTPRequestHead]())
    private let connections = Locked([any Channel]())
    /// One element for each connection that ended.
    let endedConnections: AsyncStream<Void>
    private let ended: AsyncStream<Void>.Continuation

    /// The requests so far.
    var requests: [HTTPRequestHead] { self.seen.withLock { $0 } }

    private init(_ authority: TestAuthority, _ steps: [Step]) {
        self.authority = authority
        self.steps = steps
        (self.endedConnections, self.ended) = AsyncStream.makeStream()
    }

    /// Runs a server while `body` runs.
    static func run<Result: Sendable>(
        _ steps: [Step],
        during body: @Sendable (FakeKubelet) async throws -> Result
    ) async throws -> Result {
        let authority = try TestAuthority()
        let tls = try NIOSSLContext(
            configuration: try authority.server().serverTLS(callersOf: authority)
        )
        let server = FakeKubelet(authority, steps)
        let listening = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { server.prepare($0, tls) }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        server.place.withLock { $0 = listening.localAddress?.port ?? 0 }
        defer {
            listening.close(promise: nil)
            for channel in server.connections.withLock({ $0 }) { channel.close(promise: nil) }
        }
        return try await body(server)
    }

    private func prepare(_ channel: any Channel, _ tls: NIOSSLContext) -> EventLoopFuture<Void> {
        self.connections.withLock { $0.append(channel) }
        channel.closeFuture.whenComplete { _ in self.ended.yield() }
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, head in
                self.seen.withLock { $0.append(head) }
                let headers: HTTPHeaders = ["Sec-WebSocket-Protocol": "v5.channel.k8s.io"]
                return channel.eventLoop.makeSucceededFuture(headers)
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture { try self.play(on: channel) }
            }
        )
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(NIOSSLServerHandler(context: tls))
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
            )
        }
    }

    private func play(on channel: any Channel) throws {
        let encoder = try channel.pipeline.syncOperations.context(
            handlerType: WebSocketFrameEncoder.self
        )
        for step in self.steps {
            switch step {
            case .message(let number, let bytes):
                self.write(.binary, [number] + bytes, true, channel)
            case .part(let opcode, let bytes, let isLast):
                self.write(opcode, bytes, isLast, channel)
            case .raw(let bytes):
                encoder.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
            case .close: self.write(.connectionClose, [0x03, 0xe8], true, channel)
            case .hangUp: channel.close(promise: nil)
            }
        }
    }

    private func write(
        _ opcode: WebSocketOpcode,
        _ bytes: [UInt8],
        _ isLast: Bool,
        _ channel: any Channel
    ) {
        let frame = WebSocketFrame(fin: isLast, opcode: opcode, data: ByteBuffer(bytes: bytes))
        channel.writeAndFlush(frame, promise: nil)
    }

    /// Runs a command with a client of this server, whose certificate and token it has.
    func exec(
        _ command: [String] = ["sh", "-c", "true"],
        trusting other: TestAuthority? = nil,
        limits: ClientLimits = ClientLimits()
    ) async throws -> ExecResult {
        let client = try self.client(trusting: other, limits)
        let result: Result<ExecResult, any Error>
        do {
            result = .success(
                try await client.run(command, inPod: ObjectKey("shop", "db-0"), container: "main")
            )
        } catch { result = .failure(error) }
        await client.shutdown()
        return try result.get()
    }

    private func client(
        trusting other: TestAuthority?,
        _ limits: ClientLimits
    ) throws -> KubernetesClient {
        let own = try self.authority.client()
        var user = UserCredentials()
        user.certificate = .data(own.certificate)
        user.privateKey = .data(own.privateKey)
        user.token = .data(Array("secret".utf8))
        return try KubernetesClient(
            ClusterConnection(
                server: "https://127.0.0.1:\(self.place.withLock { $0 })/base",
                authority: .data((other ?? self.authority).certificate),
                user: user
            ),
            environment: testEnvironment(),
            limits: limits
        )
    }
}
