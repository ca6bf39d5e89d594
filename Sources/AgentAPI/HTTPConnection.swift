// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// One HTTP client with one place to talk to: JSON in, JSON out, failures as ``APIError``.
struct HTTPConnection: Sendable {
    /// The largest answer that is read into memory: far above any list of this release.
    static let maximumBody = 16 << 20

    let client: HTTPClient
    let base: String
    /// How a failure to connect is told.
    let unreachable: @Sendable (any Error) -> APIError

    /// - Parameters:
    ///   - base: scheme, host and port.
    ///   - tls: nil for the library's default.
    ///   - places: where a host is to be found instead of under its name.
    ///   - unreachable: see the property.
    init(
        base: String,
        tls: TLSConfiguration?,
        places: [String: String] = [:],
        unreachable: @escaping @Sendable (any Error) -> APIError
    ) {
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        // A proof reads for hours before its first byte: the deadline of each call is the limit.
        configuration.timeout = .init(connect: .seconds(5))
        // One attempt of ours is one connection attempt: retries are the caller's, and counted.
        configuration.connectionPool.retryConnectionEstablishment = false
        // A third of what agents allow: a connection that the agent closes while a request is on its
        // way would leave open whether the request was done.
        configuration.connectionPool.idleTimeout = .seconds(20)
        configuration.redirectConfiguration = .disallow
        configuration.dnsOverride = places
        self.client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: configuration
        )
        self.base = base
        self.unreachable = unreachable
    }

    func call<Answer: Decodable>(
        _ method: HTTPMethod,
        _ path: String,
        body: Data? = nil,
        timeout: Duration
    ) async throws(APIError) -> Answer {
        let (status, data) = try await self.exchange(method, path, body, timeout)
        guard (200..<300).contains(status) else {
            throw Self.failure(status: status, body: data)
        }
        do { return try AgentJSON.value(Answer.self, from: data) } catch {
            throw APIError(
                .agentFailed,
                "The answer to \(method.rawValue) \(path) cannot be read.",
                cause: "\(error)",
                try: "compare the versions: godwit version"
            )
        }
    }

    func close() async { try? await self.client.shutdown() }

    private typealias Response = (status: Int, body: Data)

    private func exchange(
        _ method: HTTPMethod,
        _ path: String,
        _ body: Data?,
        _ timeout: Duration
    ) async throws(APIError) -> Response {
        var request = HTTPClientRequest(url: self.base + path)
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(body)
        }
        do {
            return try await self.answer(to: request, within: timeout)
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            throw APIError(
                .waitTimedOut,
                "No answer to \(method.rawValue) \(path) within \(timeout.components.seconds) s.",
                cause: "the other side is busy or stopped; what was asked may still go on",
                try: "godwit transfer list"
            )
        } catch { throw self.unreachable(error) }
    }

    /// The whole answer, its body too.
    ///
    /// The library's own deadline ends with the head of the answer: a peer that stops in its body
    /// would hold the caller for ever, and with it the renewal of every other pair.
    private func answer(
        to request: HTTPClientRequest,
        within timeout: Duration
    ) async throws -> Response {
        try await withThrowingTaskGroup(of: Response.self) { group in
            group.addTask {
                let response = try await self.client.execute(request, deadline: .distantFuture)
                let buffer = try await response.body.collect(upTo: Self.maximumBody)
                return (Int(response.status.code), Data(buffer.readableBytesView))
            }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw HTTPClientError.deadlineExceeded
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private static func failure(status: Int, body: Data) -> APIError {
        if let told = try? AgentJSON.value(ErrorBody.self, from: body) { return told.error }
        return APIError(
            .agentFailed,
            "The agent answered \(status) without saying why.",
            cause: String(decoding: body.prefix(200), as: UTF8.self),
            try: "read the agent's log"
        )
    }
}

/// A path segment with every character escaped that could end it.
func escaped(_ segment: String) -> String {
    var allowed = CharacterSet.alphanumerics
    allowed.insert(charactersIn: "-._~")
    return segment.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
}
