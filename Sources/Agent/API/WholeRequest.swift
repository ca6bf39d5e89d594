// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Hummingbird
import NIOCore

/// Reads each request to its end before its route sees it, and closes the connection of one that
/// takes too long for that (P6).
///
/// The server's own timeout is for silence: it begins anew with each byte of a body, so that a few
/// hundred strangers who drip would hold all connections for as long as they like.
struct WholeRequest: RouterMiddleware {
    typealias Context = APIContext

    /// From the end of the head to the end of the body.
    let limit: TimeAmount

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let channel = context.channel
        let closing = channel.eventLoop.scheduleTask(in: self.limit) {
            channel.close(promise: nil)
        }
        var request = request
        do {
            _ = try await request.collectBody(upTo: context.maxUploadSize)
        } catch {
            // The deadline stays: what is left of the body may drip on.
            return APIResponse.failure(
                APIError(
                    .invalidRequest,
                    "The body of the request cannot be read.",
                    cause: "\(error)",
                    try: "compare the versions: godwit version"
                )
            )
        }
        closing.cancel()
        return try await next(request, context)
    }
}
