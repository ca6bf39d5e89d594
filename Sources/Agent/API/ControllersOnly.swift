// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import Hummingbird
import Identity
import NIOCore
import NIOSSL

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
        let names = await Self.names(context)
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

    private static func names(_ context: APIContext) async -> [String] {
        guard let shown = try? await context.channel.nioSSL_peerCertificate().get(),
            let bytes = try? shown.toDERBytes(),
            let certificate = try? ForeignCertificate(der: bytes)
        else { return [] }
        return certificate.dnsNames
    }
}
