// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// One exec request over a connection of its own: the client for HTTP knows no WebSockets.
struct ExecRequest: Sendable {
    /// Bytes of one frame: kubelets send what they read at once, 32 KiB.
    private static let frameBytes = 1 << 20
    /// The newer first; neither needs more of us than the other.
    private static let protocols = "v5.channel.k8s.io, v4.channel.k8s.io"

    let url: URLComponents
    let serverName: String?
    let call: Call
    let identity: RequestIdentity
    let userAgent: String
    let limits: ClientLimits

    private var host: String { (self.url.host ?? "").trimmingCharacters(in: ["[", "]"]) }
    private var port: Int { self.url.port ?? (self.identity.tls == nil ? 80 : 443) }

    /// Runs the command to its end.
    ///
    /// Cancelling closes the connection; the command may go on.
    ///
    /// - Throws: `ClusterError` of a refusal or a bad stream, `CancellationError`, errors of NIO.
    func run() async throws -> ExecResult {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let result = loop.makePromise(of: ExecResult.self)
        let head = self.head
        let channel: any Channel
        do {
            let tls = try self.identity.tls.map { try NIOSSLContext(configuration: $0) }
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(.init(self.limits.connectTimeout))
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try self.prepare(channel, tls, head, result)
                    }
                }
                .connect(host: self.host, port: self.port).get()
        } catch {
            result.fail(error)
            throw error
        }
        return try await withTaskCancellationHandler {
            do { return try await result.futureResult.get() } catch {
                try Task.checkCancellation()
                throw error
            }
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private func prepare(
        _ channel: any Channel,
        _ tls: NIOSSLContext?,
        _ head: HTTPRequestHead,
        _ result: EventLoopPromise<ExecResult>
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls {
            let handler = try NIOSSLClientHandler(
                context: tls,
                serverHostname: self.certificateName
            )
            try pipeline.addHandler(handler)
        }
        let upgrader = NIOTypedWebSocketClientUpgrader<Void>(
            maxFrameSize: Self.frameBytes
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(ExecConnection(result))
            }
        }
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration<Void>(
            upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
                upgradeRequestHead: head,
                upgraders: [upgrader]
            ) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ExecRefusal(result))
                }
            }
        )
        configuration.leftOverBytesStrategy = .forwardBytes
        let upgraded = try pipeline.configureUpgradableHTTPClientPipeline(
            configuration: configuration
        )
        let alarm = channel.eventLoop.scheduleTask(in: .init(self.limits.requestTimeout)) {
            result.fail(DeadlinePassed())
            channel.close(promise: nil)
        }
        upgraded.whenComplete { outcome in
            alarm.cancel()
            guard case .failure(let error) = outcome else { return }
            // Whoever breaks off says why with its end, which comes in the same turn.
            result.fail(error)
            channel.close(promise: nil)
        }
    }

    /// An address has no name to ask for: its certificate is compared with where we are connected.
    private var certificateName: String? {
        if let name = self.serverName { return name }
        return (try? SocketAddress(ipAddress: self.host, port: 1)) == nil ? self.host : nil
    }

    private var head: HTTPRequestHead {
        let path = self.url.percentEncodedPath
        var head = HTTPRequestHead(
            version: .http1_1,
            method: .GET,
            uri: (path.hasSuffix("/") ? String(path.dropLast()) : path) + self.call.target
        )
        let name = self.host.contains(":") ? "[\(self.host)]" : self.host
        head.headers.add(name: "Host", value: "\(name):\(self.port)")
        head.headers.add(name: "User-Agent", value: self.userAgent)
        head.headers.add(name: "Sec-WebSocket-Protocol", value: Self.protocols)
        for (name, value) in self.identity.headers { head.headers.add(name: name, value: value) }
        return head
    }
}
