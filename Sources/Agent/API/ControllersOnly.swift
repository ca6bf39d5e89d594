// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Hummingbird
import Identity

/// Lets a request pass whose certificate is a controller's (P8).
///
/// TLS has checked that the cluster's authority issued it; agents have certificates of the same one,
/// and one agent may not command another.
struct ControllersOnly: RouterMiddleware {
    typealias Context = APIContext

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let shown = await context.shownCertificate()
        let names = shown.flatMap { try? ForeignCertificate(der: $0) }?.dnsNames ?? []
        guard names.contains(ControlCredentials.controllerName) else {
            return APIResponse.failure(
                APIError(
                    .peerNotTrusted,
                    "This needs the certificate of a controller.",
                    cause: "the DNS names of the one that was shown: \(names)",
                    try: "give the controller one for \(ControlCredentials.controllerName)"
                )
            )
        }
        return try await next(request, context)
    }
}
