// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Logging
import NIOCore
import NIOSSL

/// What a route knows of one request: where it comes from, and the connection's certificate.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
    }

    /// Bodies are names, numbers and one certificate.
    var maxUploadSize: Int { 256 << 10 }

    /// The numeric address of the other side.
    var address: String { self.channel.remoteAddress?.ipAddress ?? "local" }

    /// The certificate that TLS has checked against our CA; nil where none was shown.
    func certificate() async -> IssuedCertificate? {
        await self.shownCertificate().flatMap { try? IssuedCertificate(der: $0) }
    }

    /// The certificate that TLS has checked, in DER; nil where none was shown.
    func shownCertificate() async -> [UInt8]? {
        try? await self.channel.nioSSL_peerCertificate().get()?.toDERBytes()
    }
}

/// JSON answers, and failures as every client reads them.
enum APIResponse {
    /// Runs a route and turns what it returns or throws into an answer.
    static func of<Answer: Encodable & Sendable>(
        _ context: APIContext,
        _ body: () async throws -> Answer
    ) async -> Response {
        do {
            return Self.json(.ok, try await body())
        } catch let error as APIError {
            return Self.failure(error)
        } catch let error as any HTTPResponseError {
            return Self.failure(
                APIError(.invalidRequest, "The request is not understood.", cause: "\(error)")
            )
        } catch {
            context.logger.error("request failed", metadata: [LogKey.error: "\(error)"])
            return Self.failure(
                APIError(
                    .agentFailed,
                    "The agent failed to answer.",
                    cause: "\(error)",
                    try: "read the agent's log"
                )
            )
        }
    }

    static func failure(_ error: APIError) -> Response {
        var response = Self.json(.init(code: error.code.httpStatus), ErrorBody(error: error))
        if let seconds = error.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        return response
    }

    private static func json(_ status: HTTPResponse.Status, _ value: some Encodable) -> Response {
        guard let data = try? AgentJSON.data(of: value) else {
            return Response(status: .internalServerError)
        }
        return Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data))
        )
    }

    /// The JSON body of a request.
    static func body<Value: Decodable>(
        _ type: Value.Type = Value.self,
        of request: Request,
        _ context: APIContext
    ) async throws(APIError) -> Value {
        do {
            let buffer = try await request.body.collect(upTo: context.maxUploadSize)
            return try AgentJSON.value(type, from: Data(buffer.readableBytesView))
        } catch {
            throw APIError(
                .invalidRequest,
                "The body of the request cannot be read.",
                cause: "\(error)",
                try: "compare the versions: godwit version"
            )
        }
    }

    /// A part of the path.
    static func parameter(_ name: String, _ context: APIContext) throws(APIError) -> String {
        guard let text = context.parameters.get(name)?.removingPercentEncoding, !text.isEmpty
        else { throw APIError(.invalidRequest, "The path has no \(name).") }
        return text
    }
}

/// What is asked for most by probes: both answer without a certificate, and say nothing else.
struct HealthRoutes: Sendable {
    let isReady: @Sendable () -> Bool

    func add(to router: Router<APIContext>) {
        router.get("/livez") { _, _ in
            Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ok\n")))
        }
        router.get("/readyz") { _, _ in
            self.isReady()
                ? Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ok\n")))
                : Response(
                    status: .serviceUnavailable,
                    body: .init(byteBuffer: ByteBuffer(string: "not ready\n"))
                )
        }
    }
}

/// A path that no route has is a failure like every other one.
struct UnknownRoute: RouterMiddleware {
    typealias Context = APIContext

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do { return try await next(request, context) } catch let error as HTTPError {
            guard error.status == .notFound else { throw error }
            return APIResponse.failure(
                APIError(
                    .unknownRoute,
                    "There is nothing at \(request.uri.path).",
                    try: "compare the versions: godwit version"
                )
            )
        }
    }
}
