// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import SwiftASN1
import X509

/// A certificate of an agent or a pair: its one name and how long it is good.
public struct IssuedCertificate: Sendable {
    /// The certificate as PEM.
    public let pem: String
    /// The certificate as DER.
    public let der: [UInt8]
    /// The one URI name.
    public let name: SPIFFEName
    /// From when on it is valid.
    public let notBefore: Date
    /// Until when it is valid.
    public let notAfter: Date
    let certificate: Certificate

    /// The certificate in a PEM text; only its form is checked here.
    public init(pem: String) throws(IdentityError) {
        try self.init(CertificateText.certificate(pem: pem))
    }

    /// The certificate in DER; only its form is checked here.
    public init(der: [UInt8]) throws(IdentityError) {
        try self.init(CertificateText.certificate(der: der))
    }

    init(_ certificate: Certificate) throws(IdentityError) {
        let names = CertificateText.uriNames(certificate)
        guard names.count == 1, let name = names.first.flatMap({ SPIFFEName($0) }) else {
            throw IdentityError(
                .malformed,
                "the certificate does not carry exactly one name of ours: \(names)"
            )
        }
        self.certificate = certificate
        self.der = try CertificateText.der(certificate)
        self.pem = try CertificateText.pem(certificate)
        self.name = name
        self.notBefore = certificate.notValidBefore
        self.notAfter = certificate.notValidAfter
    }

    /// When to get the next one: after two thirds of the validity.
    ///
    /// The last third is for failed attempts.
    public var renewalPoint: Date {
        let validity = self.notAfter.timeIntervalSince(self.notBefore)
        return self.notBefore.addingTimeInterval(validity * 2 / 3)
    }

    /// Whether it is time for the next one, or past it.
    public func needsRenewal(at now: Date) -> Bool { now >= self.renewalPoint }

    /// Whether the certificate is for this key.
    public func isFor(_ key: SigningKey) -> Bool { self.certificate.publicKey == key.publicKey }

    /// What a TLS connection needs, for the holder of the key who trusts this authority.
    ///
    /// - Throws: `keyMismatch` where the certificate is for another key.
    public func credentials(
        key: SigningKey,
        trusting authority: AuthorityCertificate
    ) throws(IdentityError) -> TLSCredentials {
        guard self.isFor(key) else {
            throw IdentityError(.keyMismatch, "the certificate of \(self.name) has another key")
        }
        return TLSCredentials(
            certificateChainPEM: self.pem,
            privateKeyPEM: key.pem,
            trustPEM: authority.pem
        )
    }
}

/// Certificates as texts and bytes.
enum CertificateText {
    static func certificate(pem: String) throws(IdentityError) -> Certificate {
        guard pem.utf8.count <= IdentityLimits.pemLength else {
            throw IdentityError(.malformed, "the PEM text is too long")
        }
        do {
            return try Certificate(pemEncoded: pem)
        } catch {
            throw IdentityError(.malformed, "the text is no certificate in PEM")
        }
    }

    static func certificate(der: [UInt8]) throws(IdentityError) -> Certificate {
        guard der.count <= IdentityLimits.pemLength else {
            throw IdentityError(.malformed, "the certificate is too long")
        }
        do {
            return try Certificate(derEncoded: der)
        } catch {
            throw IdentityError(.malformed, "the bytes are no certificate")
        }
    }

    static func der(_ certificate: Certificate) throws(IdentityError) -> [UInt8] {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        } catch {
            throw IdentityError(.failed, "cannot encode a certificate: \(error)")
        }
    }

    static func pem(_ certificate: Certificate) throws(IdentityError) -> String {
        do {
            return try certificate.serializeAsPEM().pemString + "\n"
        } catch {
            throw IdentityError(.failed, "cannot encode a certificate: \(error)")
        }
    }

    /// The DNS names among the alternative names; none where those cannot be read.
    static func dnsNames(_ certificate: Certificate) -> [String] {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            guard case .dnsName(let text) = name else { return nil }
            return text
        }
    }

    /// The URI names among the alternative names; none where those cannot be read.
    static func uriNames(_ certificate: Certificate) -> [String] {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            guard case .uniformResourceIdentifier(let text) = name else { return nil }
            return text
        }
    }
}
