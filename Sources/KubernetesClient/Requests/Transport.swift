// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Sends requests to one server over one pool of connections.
///
/// HTTP/1.1 only: each watch has its own connection, so that one that stalls holds up no other.
final class Transport: Sendable {
    /// Shorter than the idle times of servers: a connection that the server closes while a request is
    /// on its way would leave open whether the request was done.
    private static let idleTimeout = TimeAmount.seconds(20)

    private let client: HTTPClient
    private let base: String
    private let host: String?
    private let place: String
    private let userAgent: String
    private let limits: ClientLimits

    /// - Throws: ``KubeconfigError`` where the server is no URL.
    init(
        _ connection: ClusterConnection,
        _ limits: ClientLimits,
        userAgent: String
    ) throws(KubeconfigError) {
        guard let url = URLComponents(string: connection.server), let host = url.host,
            !host.isEmpty
        else {
            throw KubeconfigError(
                source: connection.source,
                "the server \"\(connection.server)\" is no URL",
                try: "write server: https://HOST:PORT"
            )
        }
        var configuration = HTTPClient.Configuration()
        configuration.timeout = .init(
            connect: .init(limits.connectTimeout),
            read: .init(limits.watchTimeout + limits.watchSlack)
        )
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.connectionPool.idleTimeout = Self.idleTimeout
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = limits.connections
        // One attempt of ours is one attempt to connect: repetitions are ours, and counted.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = Self.keepAlive
        var base = connection.server
        if let name = connection.serverName {
            // The URL gets the name for the certificate, and the name gets the real address.
            configuration.dnsOverride = [name: host.trimmingCharacters(in: ["[", "]"])]
            var renamed = url
            renamed.host = name
            base = renamed.string ?? base
        }
        self.base = base
        self.host = connection.serverName == nil ? nil : Self.hostHeader(host, url.port)
        self.place = Self.hostHeader(host, url.port)
        self.userAgent = userAgent
        self.limits = limits
        self.client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Ends all requests.
    func shutdown() async { try? await self.client.shutdown() }

    // Without this the library traps in debug builds where a client was forgotten.
    deinit { self.client.shutdown { _ in } }

    /// One attempt: the whole answer, whatever its status.
    func send(_ call: Call, as identity: RequestIdentity) async throws(ClusterError) -> Answer {
        let limit = call.timeout ?? self.limits.requestTimeout
        let request = self.request(call, identity)
        do {
            return try await withDeadline(limit) { [client, limits] in
                let response = try await client.execute(request, deadline: .distantFuture)
                let buffer = try await response.body.collect(upTo: limits.answerBytes)
                return Answer(
                    status: Int(response.status.code),
                    body: Array(buffer.readableBytesView),
                    retryAfter: Self.retryAfter(response.headers),
                    warnings: response.headers["Warning"]
                )
            }
        } catch { throw self.told(error, call, limit) }
    }

    /// Opens a stream: the head is here, the body follows.
    func open(
        _ call: Call,
        as identity: RequestIdentity
    ) async throws(ClusterError) -> HTTPClientResponse {
        let limit = call.timeout ?? self.limits.requestTimeout
        let request = self.request(call, identity)
        do {
            return try await withDeadline(limit) { [client] in
                try await client.execute(request, deadline: .distantFuture)
            }
        } catch { throw self.told(error, call, limit) }
    }

    /// The error that a refused stream carries.
    func refusal(_ response: HTTPClientResponse) async -> ClusterError {
        let body = try? await withDeadline(self.limits.requestTimeout) { [limits] in
            Array(try await response.body.collect(upTo: limits.answerBytes).readableBytesView)
        }
        return ClusterError(
            statusCode: Int(response.status.code),
            body: body ?? [],
            retryAfter: Self.retryAfter(response.headers)
        )
    }

    /// What went wrong, in words of ours.
    func told(_ error: any Error, _ call: Call, _ limit: Duration) -> ClusterError {
        let what = "\(call.method.rawValue) \(call.path)"
        switch error {
        case is CancellationError:
            return ClusterError(.cancelled, "\(what) was cancelled")
        case is DeadlinePassed:
            return ClusterError(
                .timeout,
                "no answer to \(what) from \(self.place) within \(limit.components.seconds) s"
            )
        case is NIOTooManyBytesError:
            let bound = self.limits.answerBytes
            return ClusterError(.tooLarge, "the answer to \(what) has more than \(bound) bytes")
        case let error as HTTPClientError where error == .cancelled || error == .alreadyShutdown:
            return ClusterError(.cancelled, "\(what) was cancelled")
        case let error as HTTPClientError where Self.isBeforeSending(error):
            return ClusterError(.unreachable, "no connection to \(self.place): \(error)")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return self.refused
        case let error as NIOConnectionError:
            return Self.isRefused(error)
                ? self.refused
                : ClusterError(.unreachable, "no connection to \(self.place): \(error)")
        case is BoringSSLError, is NIOSSLError, is NIOSSLExtraError:
            return self.toldOfTLS(error)
        default:
            return ClusterError(
                .connectionLost,
                "the connection to \(self.place) broke during \(what): \(error)"
            )
        }
    }

    private var refused: ClusterError {
        ClusterError(
            .unreachable,
            "the connection to \(self.place) was refused - is this the right host and port?"
        )
    }

    /// A handshake that a side refused is for a person; one that just ended is not.
    private func toldOfTLS(_ error: any Error) -> ClusterError {
        let text = "\(error)"
        if text.contains("eofDuringHandshake") || text.contains("uncleanShutdown") {
            return ClusterError(
                .connectionLost,
                "the connection to \(self.place) ended without a word: \(text)"
            )
        }
        return ClusterError(
            .untrusted,
            "no trust between \(self.place) and us: \(text); compare certificate-authority, "
                + "tls-server-name, the dates of both certificates, and the clocks"
        )
    }

    private static func isBeforeSending(_ error: HTTPClientError) -> Bool {
        error == .connectTimeout || error == .tlsHandshakeTimeout
            || error == .getConnectionFromPoolTimeout
    }

    private static func isRefused(_ error: NIOConnectionError) -> Bool {
        !error.connectionErrors.isEmpty
            && error.connectionErrors.allSatisfy {
                ($0.error as? IOError)?.errnoCode == ECONNREFUSED
            }
    }

    private func request(_ call: Call, _ identity: RequestIdentity) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: self.base + call.target)
        request.method = HTTPMethod(rawValue: call.method.rawValue)
        request.headers.add(name: "Accept", value: call.accept)
        request.headers.add(name: "User-Agent", value: self.userAgent)
        if let host = self.host { request.headers.add(name: "Host", value: host) }
        for (name, value) in identity.headers { request.headers.add(name: name, value: value) }
        if let body = call.body {
            request.headers.add(name: "Content-Type", value: call.contentType)
            request.body = .bytes(body)
        }
        request.tlsConfiguration = identity.tls
        return request
    }

    /// Seconds; the other form of the header, a date, no API server writes.
    private static func retryAfter(_ headers: HTTPHeaders) -> Duration? {
        headers.first(name: "Retry-After").flatMap { Int($0) }
            .flatMap {
                $0 >= 0 ? .seconds($0) : nil
            }
    }

    private static func hostHeader(_ host: String, _ port: Int?) -> String {
        let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }

    /// A machine that vanishes says nothing: without this a watch would find out minutes later.
    @Sendable private static func keepAlive(_ channel: any Channel) -> EventLoopFuture<Void> {
        // 15 s of silence, then three questions 5 s apart: half a minute in all.
        channel.setOption(.socketOption(.so_keepalive), value: 1)
            .and(channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 15))
            .and(channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 5))
            .and(channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3))
            .map { _ in }
    }
}
