// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ObjectModel

@testable import KubernetesClient

/// An HTTP server on a free port of 127.0.0.1 that answers what a test wants.
///
/// It speaks HTTP over real connections and knows nothing of Kubernetes.
final class FakeServer: Sendable {
    struct Request: Sendable {
        let method: String
        /// Path and query as they came.
        let target: String
        let headers: HTTPHeaders
        let body: [UInt8]
        /// The caller's certificate (DER), where TLS asked for one.
        let caller: [UInt8]?

        var path: String { String(self.target.prefix { $0 != "?" }) }
        var json: JSON? { try? JSON(parsing: self.body) }

        /// The value of a parameter of the query, unescaped.
        func parameter(_ name: String) -> String? {
            let query = self.target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
            for pair in query.split(separator: "&") where pair.hasPrefix("\(name)=") {
                return String(pair.dropFirst(name.count + 1)).removingPercentEncoding
            }
            return nil
        }
    }

    enum Reply: Sendable {
        case answer(Int, JSON, headers: HTTPHeaders = [:])
        case text(Int, String)
        /// A body that goes on; the connection ends with it where it breaks.
        case stream(AsyncStream<[UInt8]>, breaks: Bool = false)
        /// Nothing until the caller goes.
        case silence
        /// The connection ends without a word.
        case hangUp

        static func ok(_ json: JSON) -> Self { .answer(200, json) }

        static func failure(_ code: Int, _ reason: String, headers: HTTPHeaders = [:]) -> Self {
            .answer(
                code,
                [
                    "kind": "Status", "apiVersion": "v1", "status": "Failure",
                    "reason": .string(reason), "code": JSON(code), "message": "as the test wants",
                ],
                headers: headers
            )
        }
    }

    typealias Handler = @Sendable (Request) async -> Reply

    let usesTLS: Bool
    private let handler: Handler
    private let place = Locked(0)
    private let seen = Locked([Request]())
    private let connections = Locked([any Channel]())
    /// One element for each connection that ended.
    let endedConnections: AsyncStream<Void>
    private let ended: AsyncStream<Void>.Continuation

    private init(usesTLS: Bool, handler: @escaping Handler) {
        self.usesTLS = usesTLS
        self.handler = handler
        (self.endedConnections, self.ended) = AsyncStream.makeStream()
    }

    /// The requests so far, in the order in which they were whole.
    var requests: [Request] { self.seen.withLock { $0 } }
    var port: Int { self.place.withLock { $0 } }

    /// Runs a server while `body` runs.
    static func run<Result: Sendable>(
        tls: TLSConfiguration? = nil,
        port: Int = 0,
        _ handler: @escaping Handler,
        during body: @Sendable (FakeServer) async throws -> Result
    ) async throws -> Result {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let server = FakeServer(usesTLS: tls != nil, handler: handler)
        let listening = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                server.connections.withLock { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try pipeline.addHandler(FakeConnection(server))
                }
            }
            .bind(host: "127.0.0.1", port: port)
            .get()
        server.place.withLock { $0 = listening.localAddress?.port ?? 0 }
        defer {
            listening.close(promise: nil)
            for channel in server.connections.withLock({ $0 }) { channel.close(promise: nil) }
        }
        return try await body(server)
    }

    func connectionEnded() { self.ended.yield() }

    /// Lets the test answer a request, and sends that.
    func answer(_ request: Request, on channel: any Channel) async {
        self.seen.withLock { $0.append(request) }
        do {
            switch await self.handler(request) {
            case .answer(let code, let json, let headers):
                try await Self.write(code, json.bytes, headers, channel)
            case .text(let code, let text):
                try await Self.write(code, Array(text.utf8), [:], channel)
            case .stream(let chunks, let breaks):
                try await Self.stream(chunks, breaks, channel)
            case .silence: break
            case .hangUp: try await channel.close()
            }
        } catch {
            // The caller is gone.
            channel.close(promise: nil)
        }
    }

    /// Sends chunks as they come, until they end or the caller goes.
    private static func stream(
        _ chunks: AsyncStream<[UInt8]>,
        _ breaks: Bool,
        _ channel: any Channel
    ) async throws {
        var head = HTTPResponseHead(version: .http1_1, status: .ok)
        head.headers.add(name: "Connection", value: "close")
        head.headers.add(name: "Transfer-Encoding", value: "chunked")
        try await channel.writeAndFlush(HTTPServerResponsePart.head(head)).get()
        for await chunk in chunks {
            let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: chunk)))
            try await channel.writeAndFlush(part).get()
        }
        if !breaks { try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get() }
        try await channel.close()
    }

    private static func write(
        _ code: Int,
        _ body: [UInt8],
        _ headers: HTTPHeaders,
        _ channel: any Channel
    ) async throws {
        var headers = headers
        headers.add(name: "Content-Type", value: "application/json")
        headers.add(name: "Content-Length", value: "\(body.count)")
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: code),
            headers: headers
        )
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: body)))
        channel.write(part, promise: nil)
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil)).get()
    }

    // MARK: Clients

    /// A client of this server, without TLS unless an authority is given.
    func client(
        authority: TestAuthority? = nil,
        user: UserCredentials = UserCredentials(),
        limits: ClientLimits = ClientLimits(),
        environment: ClientEnvironment = testEnvironment(),
        _ change: (inout ClusterConnection) -> Void = { _ in }
    ) throws -> KubernetesClient {
        let scheme = authority == nil ? "http" : "https"
        var connection = ClusterConnection(server: "\(scheme)://127.0.0.1:\(self.port)", user: user)
        connection.authority = authority.map { .data($0.certificate) }
        change(&connection)
        return try KubernetesClient(connection, environment: environment, limits: limits)
    }
}

/// One connection: gathers a request, and ends its answer when the caller goes.
private final class FakeConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let server: FakeServer
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var answering: Task<Void, Never>?

    init(_ server: FakeServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let bytes): self.body += Array(bytes.readableBytesView)
        case .end:
            guard let head = self.head else { return }
            let (channel, server, body) = (context.channel, self.server, self.body)
            self.head = nil
            self.body = []
            self.answering = Task {
                var caller: [UInt8]?
                if server.usesTLS {
                    let certificate = try? await channel.nioSSL_peerCertificate().get()
                    caller = try? certificate?.toDERBytes()
                }
                let request = FakeServer.Request(
                    method: head.method.rawValue,
                    target: head.uri,
                    headers: head.headers,
                    body: body,
                    caller: caller
                )
                await server.answer(request, on: channel)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.answering?.cancel()
        self.server.connectionEnded()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// The kinds that the tests use.
enum TestKind {
    static let configMap = APIResource(GroupVersion("", "v1"), "ConfigMap", plural: "configmaps")
    static let node = APIResource(
        GroupVersion("", "v1"),
        "Node",
        plural: "nodes",
        isNamespaced: false
    )

    static func configMap(_ name: String, version: String = "1") -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "namespace": "shop", "name": .string(name), "resourceVersion": .string(version),
                "uid": .string("uid-\(name)"),
            ],
        ]
    }
}
