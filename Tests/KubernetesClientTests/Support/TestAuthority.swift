// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// An authority that lives for one test, and the certificates that it gives.
struct TestAuthority {
    struct Issued {
        let certificate: [UInt8]
        let privateKey: [UInt8]
    }

    private let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    private let name: DistinguishedName
    /// The certificate as PEM.
    let certificate: [UInt8]

    init(_ name: String = "test") throws {
        let subject = try DistinguishedName { CommonName(name) }
        self.name = subject
        let certificate = try Self.make(
            subject,
            by: (subject, self.key),
            of: self.key.publicKey,
            until: Date(timeIntervalSinceNow: 3600)
        ) {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            KeyUsage(keyCertSign: true)
        }
        self.certificate = Array(try certificate.serializeAsPEM().pemString.utf8)
    }

    /// A certificate for a server on 127.0.0.1, or under another name.
    func server(name: String? = nil, until end: Date? = nil) throws -> Issued {
        let address = GeneralName.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))
        return try self.issue("server", [name.map { .dnsName($0) } ?? address], end)
    }

    /// A certificate for a user.
    func client(_ name: String = "admin", until end: Date? = nil) throws -> Issued {
        try self.issue(name, [], end)
    }

    private func issue(_ name: String, _ names: [GeneralName], _ end: Date?) throws -> Issued {
        let key = P256.Signing.PrivateKey()
        let certificate = try Self.make(
            try DistinguishedName { CommonName(name) },
            by: (self.name, self.key),
            of: Certificate.PrivateKey(key).publicKey,
            until: end ?? Date(timeIntervalSinceNow: 3600)
        ) {
            BasicConstraints.notCertificateAuthority
            KeyUsage(digitalSignature: true)
            try ExtendedKeyUsage(names.isEmpty ? [.clientAuth] : [.serverAuth])
            if !names.isEmpty { SubjectAlternativeNames(names) }
        }
        return Issued(
            certificate: Array(try certificate.serializeAsPEM().pemString.utf8),
            privateKey: Array(key.pemRepresentation.utf8)
        )
    }

    private static func make(
        _ subject: DistinguishedName,
        by issuer: (name: DistinguishedName, key: Certificate.PrivateKey),
        of publicKey: Certificate.PublicKey,
        until end: Date,
        @ExtensionsBuilder extensions: () throws -> Result<Certificate.Extensions, any Error>
    ) throws -> Certificate {
        try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: min(Date(timeIntervalSinceNow: -3600), end.addingTimeInterval(-60)),
            notValidAfter: end,
            issuer: issuer.name,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(try extensions().get()),
            issuerPrivateKey: issuer.key
        )
    }
}

extension TestAuthority.Issued {
    /// TLS of a server with this certificate, which may want one of its callers too.
    func serverTLS(callersOf authority: TestAuthority? = nil) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(self.certificate)
                .map {
                    .certificate($0)
                },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: self.privateKey, format: .pem))
        )
        if let authority {
            tls.certificateVerification = .noHostnameVerification
            tls.trustRoots = .certificates(
                try NIOSSLCertificate.fromPEMBytes(authority.certificate)
            )
        }
        return tls
    }
}
