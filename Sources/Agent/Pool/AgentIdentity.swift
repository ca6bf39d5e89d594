// SPDX-License-Identifier: Apache-2.0

import AgentAPI
import BlockTypes
import Foundation
import Identity
import Locks
import VolumeStore

/// Who this agent is: its authority, its server certificate, its token, its secret.
///
/// Files under `identity/` in the pool, each mode 0600: `authority.json` (certificate and key),
/// `token.json`, `secret.json`. Made once; the server certificate is made at each start, since
/// the authority is here.
final class AgentIdentity: Sendable {
    let authority: CertificateAuthority
    /// Seals resume tickets; never leaves the pool.
    let secret: [UInt8]

    private struct Changing {
        var token: PairingToken
        var server: TLSCredentials
        var renewal: Date
    }

    private let changing: Locked<Changing>
    private let directory: String
    private let now: @Sendable () -> Date

    private struct AuthorityRecord: StateRecord {
        static let format = 1
        var certificate: String
        var privateKey: String
    }

    private struct SecretRecord: StateRecord {
        static let format = 1
        var value: String
    }

    init(
        directory: String,
        now: @escaping @Sendable () -> Date
    ) throws(APIError) {
        self.directory = directory
        self.now = now
        do {
            try PoolDirectory.make(directory)
            self.authority = try Self.authority(in: directory, now())
            let token = try Self.secret(
                "\(directory)/token.json",
                bytes: PairingToken.length
            )
            self.secret = try Self.secret("\(directory)/secret.json", bytes: 32)
            guard let token = PairingToken(Hexadecimal.text(of: token)) else {
                throw StoreError(
                    .corrupt,
                    "the token has a wrong length",
                    path: "\(directory)/token.json"
                )
            }
            let (server, renewal) = try Self.server(of: self.authority, now())
            self.changing = Locked(Changing(token: token, server: server, renewal: renewal))
        } catch {
            throw APIError(
                .stateDamaged,
                "The identity of this agent cannot be used.",
                cause: "\(error)",
                try: "restore \(directory) from a backup; without it, pair again"
            )
        }
    }

    var cluster: ClusterID { self.authority.cluster }
    var token: PairingToken { self.changing.withLock { $0.token } }

    /// What both servers show; a new certificate when the old one nears its end.
    var server: TLSCredentials {
        let now = self.now()
        return self.changing.withLock { changing in
            if now >= changing.renewal, let new = try? Self.server(of: self.authority, now) {
                (changing.server, changing.renewal) = new
            }
            return changing.server
        }
    }

    /// Makes a new token; durable when it returns.
    func resetToken() throws(APIError) -> PairingToken {
        var generator = SystemRandomNumberGenerator()
        let token = PairingToken.random(using: &generator)
        do {
            try StateFile.store(
                SecretRecord(value: token.text),
                to: "\(self.directory)/token.json"
            )
        } catch { throw APIError(error, "The new token cannot be stored; the old one holds.") }
        self.changing.withLock { $0.token = token }
        return token
    }

    /// Makes the server certificate anew; for SIGHUP.
    func renewServer() {
        let now = self.now()
        guard let new = try? Self.server(of: self.authority, now) else { return }
        self.changing.withLock { ($0.server, $0.renewal) = new }
    }

    private static func authority(
        in directory: String,
        _ now: Date
    ) throws -> CertificateAuthority {
        let path = "\(directory)/authority.json"
        if let record = try StateFile.load(AuthorityRecord.self, from: path) {
            return try CertificateAuthority(
                certificatePEM: record.certificate,
                privateKeyPEM: record.privateKey
            )
        }
        var generator = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority.create(
            for: ClusterID.random(using: &generator),
            at: now
        )
        let record = AuthorityRecord(
            certificate: authority.certificate.pem,
            privateKey: authority.privateKeyPEM
        )
        try StateFile.store(record, to: path)
        return authority
    }

    private static func secret(_ path: String, bytes count: Int) throws -> [UInt8] {
        if let record = try StateFile.load(SecretRecord.self, from: path) {
            guard let bytes = Hexadecimal.bytes(of: record.value), bytes.count == count else {
                throw StoreError(.corrupt, "the secret has a wrong length", path: path)
            }
            return bytes
        }
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try StateFile.store(SecretRecord(value: Hexadecimal.text(of: bytes)), to: path)
        return bytes
    }

    private static func server(
        of authority: CertificateAuthority,
        _ now: Date
    ) throws(IdentityError) -> (TLSCredentials, Date) {
        let key = SigningKey()
        let certificate = try authority.certifyAgent(key, at: now)
        let credentials = try certificate.credentials(
            key: key,
            trusting: authority.certificate
        )
        return (credentials, certificate.renewalPoint)
    }
}
