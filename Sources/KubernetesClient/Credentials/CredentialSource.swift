// SPDX-License-Identifier: Apache-2.0

import Foundation
import Locks
import NIOSSL
import ObjectModel

/// As whom one request goes out: headers and the configuration of TLS.
struct RequestIdentity: Sendable {
    var headers: [(name: String, value: String)] = []
    /// Nil for servers without TLS.
    var tls: TLSConfiguration?
    /// What the plug-in gave for this request, if one was used.
    var exec: ExecCredential?

    /// When the certificate that it shows ended, in seconds since 1970; nil where it holds, or where
    /// there is none.
    func certificateEnd(before now: Timestamp) -> Timestamp? {
        guard case .certificate(let certificate)? = self.tls?.certificateChain.first else {
            return nil
        }
        let end = Timestamp(seconds: Int(certificate.notValidAfter))
        return end <= now ? end : nil
    }
}

/// Makes the identity of each request out of a connection: files that changed are read again,
/// plug-ins are run when their credentials are over.
final class CredentialSource: Sendable {
    /// The bytes that a TLS configuration is made of.
    private struct Material: Equatable {
        var authority: [UInt8]?
        var certificate: [UInt8]?
        var privateKey: [UInt8]?
    }

    private let connection: ClusterConnection
    private let usesTLS: Bool
    private let authority: WatchedBytes?
    private let certificate: WatchedBytes?
    private let privateKey: WatchedBytes?
    private let token: WatchedBytes?
    private let exec: ExecCredentials?
    private let made = Locked((material: Material, tls: TLSConfiguration)?.none)

    init(_ connection: ClusterConnection, _ environment: ClientEnvironment) {
        self.connection = connection
        self.usesTLS = connection.server.hasPrefix("https://")
        self.authority = connection.authority.map(WatchedBytes.init)
        self.certificate = connection.user.certificate.map(WatchedBytes.init)
        self.privateKey = connection.user.privateKey.map(WatchedBytes.init)
        self.token = connection.user.token.map(WatchedBytes.init)
        self.exec = connection.user.exec.map { ExecCredentials($0, environment) }
    }

    /// The identity for the next request.
    ///
    /// - Parameter refused: what the last request went out with, where the server did not take it.
    /// - Returns: headers and TLS.
    /// - Throws: ``ClusterError`` where a file cannot be read or a plug-in gives nothing.
    func identity(refused: RequestIdentity? = nil) async throws(ClusterError) -> RequestIdentity {
        var identity = RequestIdentity()
        var material = Material(
            authority: try self.authority?.current(),
            certificate: try self.certificate?.current(),
            privateKey: try self.privateKey?.current()
        )
        if let exec = self.exec {
            let given = try await exec.current(refused: refused?.exec)
            identity.exec = given
            if let certificate = given.certificate {
                material.certificate = certificate
                material.privateKey = given.privateKey
            }
        }
        if let authorization = try self.authorization(identity.exec) {
            identity.headers.append(("Authorization", authorization))
        }
        if let other = self.connection.user.impersonation {
            identity.headers.append(("Impersonate-User", other.user))
            identity.headers += other.groups.map { ("Impersonate-Group", $0) }
            if let uid = other.uid { identity.headers.append(("Impersonate-Uid", uid)) }
        }
        if self.usesTLS { identity.tls = try self.configuration(material) }
        return identity
    }

    /// Whether asking again can give another identity than the one that was refused.
    var isRenewable: Bool { self.exec != nil || self.connection.user.token != nil }

    private func authorization(_ exec: ExecCredential?) throws(ClusterError) -> String? {
        if let token = exec?.token { return "Bearer \(token)" }
        if let token = try self.token?.current() {
            let text = String(decoding: token, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            return text.isEmpty ? nil : "Bearer \(text)"
        }
        guard let basic = self.connection.user.basic else { return nil }
        return "Basic \(Data("\(basic.name):\(basic.password)".utf8).base64EncodedString())"
    }

    /// The configuration for these bytes, made again only when they change: the pool of connections
    /// goes by it.
    private func configuration(_ material: Material) throws(ClusterError) -> TLSConfiguration {
        let known = self.made.withLock { made in made?.material == material ? made?.tls : nil }
        if let known { return known }
        let tls = try self.make(material)
        self.made.withLock { $0 = (material, tls) }
        return tls
    }

    private func make(_ material: Material) throws(ClusterError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        // The library's own minimum is 1.0; no API server in use needs less than 1.2.
        tls.minimumTLSVersion = .tlsv12
        if self.connection.isInsecure { tls.certificateVerification = .none }
        if let authority = material.authority {
            tls.trustRoots = .certificates(
                try self.parse("certificate-authority") {
                    try NIOSSLCertificate.fromPEMBytes(authority)
                }
            )
        }
        if let certificate = material.certificate, let key = material.privateKey {
            tls.certificateChain =
                try self.parse("client-certificate") {
                    try NIOSSLCertificate.fromPEMBytes(certificate)
                }
                .map { .certificate($0) }
            let parsed = try self.parse("client-key") {
                [try NIOSSLPrivateKey(bytes: key, format: .pem)]
            }
            tls.privateKey = parsed.first.map { .privateKey($0) }
        }
        return tls
    }

    private func parse<Value>(
        _ field: String,
        _ body: () throws -> [Value]
    ) throws(ClusterError) -> [Value] {
        guard let parsed = try? body(), !parsed.isEmpty else {
            throw ClusterError(
                .credentials,
                "\(self.connection.source): \(field) holds no PEM text that can be used"
                    + "; write what is between and with its BEGIN and END lines"
            )
        }
        return parsed
    }
}
