// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOSSL
import ObjectModel
import ServiceLifecycle

/// What the server knows of one request: the connection it came on.
struct ClusterContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
    }

    var maxUploadSize: Int { HTTPLimits.body }
}

/// The HTTP around ``ClusterAPI``: who asks, bodies within their limits, answers as bytes.
struct ClusterResponder: HTTPResponder {
    typealias Context = ClusterContext

    let api: ClusterAPI
    let authority: ClusterAuthority
    let now: @Sendable () -> Date
    /// Whether the store and the server are both up.
    let isReady: @Sendable () -> Bool

    func respond(to request: Request, context: ClusterContext) async throws -> Response {
        do throws(APIStatus) {
            guard let target = RequestTarget(path: request.uri.path) else {
                let user = try await self.user(request, context)
                throw user == nil ? APIStatus.unauthorized : APIStatus.noResource
            }
            // Probes have no credentials, and learn nothing that is not public.
            if case .health(let name) = target { return self.health(name, request) }
            if target == .version { return Self.response(200, self.api.versionDocument, context) }
            guard let user = try await self.user(request, context) else { throw .unauthorized }
            let answer = try await self.api.answer(
                try await self.whole(request, context, target, user)
            )
            return self.response(answer, request, context)
        } catch {
            if error.code >= 500 {
                context.logger.error("request failed", metadata: ["error": "\(error.message)"])
            }
            return Self.response(
                error.code,
                error.json,
                context,
                retryAfter: error.retryAfterSeconds
            )
        }
    }

    private func health(_ name: String, _ request: Request) -> Response {
        let isReady = name == "livez" || self.isReady()
        var text = isReady ? "ok" : "not ready"
        if request.uri.query?.contains("verbose") == true {
            text =
                "[\(isReady ? "+" : "-")]store \(text)\n\(name) check \(isReady ? "passed" : "failed")"
        }
        return Response(
            status: isReady ? .ok : .serviceUnavailable,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    // MARK: Who asks

    /// By the token where one is shown, else by the certificate; nil for a stranger.
    ///
    /// - Throws: `unauthorized` for a token that is nobody's, whatever the certificate says.
    private func user(
        _ request: Request,
        _ context: ClusterContext
    ) async throws(APIStatus) -> ClusterUser? {
        if let field = request.headers[.authorization] {
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer",
                let user = self.api.tokens.user(of: parts[1].trimming(\.isWhitespace))
            else { throw .unauthorized }
            return user
        }
        guard let shown = try? await context.channel.nioSSL_peerCertificate().get(),
            let bytes = try? shown.toDERBytes()
        else { return nil }
        return self.authority.user(of: bytes, now: self.now())
    }

    // MARK: Bodies

    /// Reads a request to its end, and closes the connection of one that takes too long for it.
    ///
    /// The server's own timeout is for silence: a client that drips would hold its connection for
    /// ever (P6).
    private func whole(
        _ request: Request,
        _ context: ClusterContext,
        _ target: RequestTarget,
        _ user: ClusterUser
    ) async throws(APIStatus) -> APIRequest {
        var body: [UInt8] = []
        if request.method == .get {
            // Left unread, since a watch looks at the connection for its end.
            let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
            guard length == 0, request.headers[.transferEncoding] == nil else {
                throw APIStatus(.badRequest, "a GET request has no body")
            }
        } else {
            body = try await Self.body(request, context)
        }
        return APIRequest(
            method: request.method.rawValue,
            target: target,
            options: QueryOptions(request.uri.query),
            accepted: MediaType.accepted(request.headers[.accept]),
            contentType: request.headers[.contentType].flatMap { MediaType($0) },
            body: body,
            user: user,
            address: request.head.authority ?? ""
        )
    }

    private static func body(
        _ request: Request,
        _ context: ClusterContext
    ) async throws(APIStatus) -> [UInt8] {
        let channel = context.channel
        let closing = channel.eventLoop.scheduleTask(in: HTTPLimits.wholeBody) {
            channel.close(promise: nil)
        }
        do {
            let buffer = try await request.body.collect(upTo: HTTPLimits.body)
            closing.cancel()
            return Array(buffer.readableBytesView)
        } catch {
            // The deadline stays: what is left of the body may drip on.
            guard (error as? any HTTPResponseError)?.status == .contentTooLarge else {
                throw APIStatus(.badRequest, "the body of the request cannot be read: \(error)")
            }
            throw APIStatus(
                .requestEntityTooLarge,
                "the body of the request is larger than \(HTTPLimits.body) bytes"
            )
        }
    }

    // MARK: Answers

    private func response(
        _ answer: APIAnswer,
        _ request: Request,
        _ context: ClusterContext
    ) -> Response {
        switch answer {
        case .document(let code, let json, let type, let warnings):
            return Self.response(code, json, context, type, warnings)
        case .emptySchemas:
            return Response(status: .ok, headers: [.contentType: APIAnswer.schemasType])
        case .watch(let watch, let presentation, let seconds):
            return WatchStream(
                watch: watch,
                presentation: presentation,
                seconds: seconds,
                request: request,
                channel: context.channel
            )
            .response
        }
    }

    private static func response(
        _ code: Int,
        _ json: JSON,
        _ context: ClusterContext,
        _ type: String = "application/json",
        _ warnings: [String] = [],
        retryAfter: Int? = nil
    ) -> Response {
        var headers: HTTPFields = [.contentType: type, .cacheControl: "no-cache, private"]
        if let retryAfter { headers[.retryAfter] = "\(retryAfter)" }
        for warning in warnings {
            let text = warning.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
            headers.append(HTTPField(name: .warning, value: "299 - \"\(text)\""))
        }
        return Response(
            status: .init(code: code),
            headers: headers,
            body: SlowReader.body(json.bytes + [0x0a], context.channel)
        )
    }
}

extension HTTPField.Name {
    /// Of RFC 7234, which kubectl prints.
    fileprivate static var warning: Self { Self("Warning") ?? .cacheControl }
}
