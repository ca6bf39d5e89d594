// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOHTTP1
import NIOSSL

/// Talks to another agent's port 9001 over TLS 1.3.
public struct PeerClient: Sendable {
    /// Whom the connection believes.
    public enum Trust: Sendable {
        /// Nobody yet: only for reading which CA to pin, never for a secret.
        case nobody
        /// The server must chain to this CA (PEM); we show no certificate.
        case authority(String)
        /// The server must chain to the CA and we show a certificate, all in PEM.
        case mutual(authority: String, certificate: String, privateKey: String)
    }

    let connection: HTTPConnection

    /// A client of the agent at `host`:`port`.
    public init(host: String, port: Int, trust: Trust) throws(APIError) {
        let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let tls = try Self.tls(trust, place: place)
        self.connection = HTTPConnection(base: "https://\(place)", tls: tls) { error in
            Self.told(error, place: place)
        }
    }

    /// Closes the connections; call once, at the end.
    public func close() async { await self.connection.close() }

    /// Sends a request without a body.
    public func get<Answer: Decodable & Sendable>(
        _ path: String,
        timeout: Duration = .seconds(15)
    ) async throws(APIError) -> Answer {
        try await self.connection.call(.GET, path, timeout: timeout)
    }

    /// Sends a request with a JSON body.
    public func post<Answer: Decodable & Sendable>(
        _ path: String,
        _ body: some Encodable & Sendable,
        timeout: Duration = .seconds(15)
    ) async throws(APIError) -> Answer {
        let data: Data
        do { data = try AgentJSON.data(of: body) } catch {
            throw APIError(.invalidRequest, "The request cannot be written.", cause: "\(error)")
        }
        return try await self.connection.call(.POST, path, body: data, timeout: timeout)
    }

    private static func tls(_ trust: Trust, place: String) throws(APIError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        // The library's default is TLS 1.0.
        tls.minimumTLSVersion = .tlsv13
        do {
            switch trust {
            case .nobody:
                tls.certificateVerification = .none
            case .authority(let authority):
                try Self.pin(authority, in: &tls)
            case .mutual(let authority, let certificate, let privateKey):
                try Self.pin(authority, in: &tls)
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8))
                    .map { .certificate($0) }
                tls.privateKey = .privateKey(
                    try NIOSSLPrivateKey(bytes: Array(privateKey.utf8), format: .pem)
                )
            }
        } catch {
            throw APIError(
                .stateDamaged,
                "The certificates for \(place) cannot be used.",
                cause: "\(error)",
                try: "delete the pair and pair again"
            )
        }
        return tls
    }

    /// Names are URIs here, not host names: the chain to the pinned CA is what counts, and only
    /// the CA's own agent has a certificate for serving.
    private static func pin(_ authority: String, in tls: inout TLSConfiguration) throws {
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8))
        )
        tls.certificateVerification = .noHostnameVerification
    }

    private static func told(_ error: any Error, place: String) -> APIError {
        if error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError {
            return APIError(
                .peerNotTrusted,
                "The agent at \(place) is not the one that was paired.",
                cause: "TLS: \(error)",
                try: "check ip and port; after a reinstallation, delete the pair and pair again"
            )
        }
        return APIError(
            .peerUnreachable,
            "Cannot reach the agent at \(place).",
            cause: "\(error)",
            try: "check that godwit-agent runs there and that no firewall drops the port",
            retryAfter: 5
        )
    }
}
