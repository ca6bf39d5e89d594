// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Crypto
public import FoundationEssentials
import Glibc
import SwiftASN1
import X509

/// The authority of one destination cluster: certifies its own agent and the pairs it accepts.
///
/// A value without files: the agent keeps the two PEM texts. The key never leaves the agent.
public struct CertificateAuthority: Sendable {
    /// What others get to see of it.
    public let certificate: AuthorityCertificate
    let key: SigningKey

    /// A new authority with a new key.
    public static func create(
        for cluster: ClusterID,
        at now: Date,
        lifetime: Duration = IdentityLimits.authorityLifetime
    ) throws(IdentityError) -> Self {
        let key = SigningKey()
        let subject = try Self.subject("Godwit authority \(cluster)")
        let certificate = try Self.make(
            subject: subject,
            issuer: subject,
            of: key.publicKey,
            by: key,
            Validity(from: now, lifetime: lifetime)
        ) {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            SubjectAlternativeNames([
                .uniformResourceIdentifier(AuthorityCertificate.name(of: cluster))
            ])
            SubjectKeyIdentifier(hash: key.publicKey)
        }
        return Self(certificate: try AuthorityCertificate(certificate), key: key)
    }

    private init(certificate: AuthorityCertificate, key: SigningKey) {
        self.certificate = certificate
        self.key = key
    }

    /// The authority in its two PEM texts.
    ///
    /// - Throws: `malformed` or `keyMismatch`.
    public init(certificatePEM: String, privateKeyPEM: String) throws(IdentityError) {
        let certificate = try AuthorityCertificate(pem: certificatePEM)
        let key = try SigningKey(pem: privateKeyPEM)
        guard certificate.certificate.publicKey == key.publicKey else {
            throw IdentityError(.keyMismatch, "the authority's certificate has another key")
        }
        self.init(certificate: certificate, key: key)
    }

    /// The cluster whose authority it is.
    public var cluster: ClusterID { self.certificate.cluster }

    /// The key as PEM; for a file that only the agent reads.
    public var privateKeyPEM: String { self.key.pem }

    /// A certificate for the servers of this cluster's own agent.
    ///
    /// `hosts` are names and addresses under which tools outside of Godwit reach it; our own
    /// peers look at the SPIFFE name only.
    public func certifyAgent(
        _ key: SigningKey,
        hosts: [String] = [],
        at now: Date,
        lifetime: Duration = IdentityLimits.serverLifetime
    ) throws(IdentityError) -> IssuedCertificate {
        try self.issue(
            .agent(of: self.cluster),
            key.publicKey,
            .serverAuth,
            Validity(from: now, lifetime: lifetime),
            hosts: hosts
        )
    }

    /// A certificate for a source cluster, whose right to it has been proven (``PairingTranscript``)
    /// or which renews an own one.
    public func certifyPair(
        _ request: CertificateRequest,
        of source: ClusterID,
        at now: Date,
        lifetime: Duration = IdentityLimits.pairLifetime
    ) throws(IdentityError) -> IssuedCertificate {
        try self.issue(
            .pair(of: source, at: self.cluster),
            request.publicKey,
            .clientAuth,
            Validity(from: now, lifetime: lifetime),
            hosts: []
        )
    }

    private func issue(
        _ name: SPIFFEName,
        _ publicKey: Certificate.PublicKey,
        _ usage: ExtendedKeyUsage.Usage,
        _ validity: Validity,
        hosts: [String]
    ) throws(IdentityError) -> IssuedCertificate {
        let authority = self.certificate.certificate
        let names = [.uniformResourceIdentifier("\(name)")] + hosts.map { Self.generalName($0) }
        let subject = try Self.subject("godwit \(Self.holder(of: name))")
        let certificate = try Self.make(
            subject: subject,
            issuer: authority.subject,
            of: publicKey,
            by: self.key,
            validity
        ) {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([usage])
            SubjectAlternativeNames(names)
            SubjectKeyIdentifier(hash: publicKey)
            AuthorityKeyIdentifier(
                keyIdentifier: SubjectKeyIdentifier(hash: self.key.publicKey).keyIdentifier
            )
        }
        return try IssuedCertificate(certificate)
    }

    // MARK: Making certificates

    /// From when until when; backdated, since two clocks never agree.
    private struct Validity {
        let start: Date
        let end: Date

        init(from now: Date, lifetime: Duration) {
            self.start = now.addingTimeInterval(-Self.seconds(IdentityLimits.backdating))
            self.end = now.addingTimeInterval(Self.seconds(lifetime))
        }

        private static func seconds(_ duration: Duration) -> TimeInterval {
            TimeInterval(duration.components.seconds)
        }
    }

    private static func make(
        subject: DistinguishedName,
        issuer: DistinguishedName,
        of publicKey: Certificate.PublicKey,
        by key: SigningKey,
        _ validity: Validity,
        @ExtensionsBuilder extensions: () throws -> Result<Certificate.Extensions, any Error>
    ) throws(IdentityError) -> Certificate {
        do {
            return try Certificate(
                version: .v3,
                serialNumber: Certificate.SerialNumber(),
                publicKey: publicKey,
                notValidBefore: validity.start,
                notValidAfter: validity.end,
                issuer: issuer,
                subject: subject,
                extensions: try extensions().get(),
                issuerPrivateKey: key.certificateKey
            )
        } catch {
            throw IdentityError(.failed, "cannot make a certificate: \(error)")
        }
    }

    private static func subject(_ name: String) throws(IdentityError) -> DistinguishedName {
        do {
            return try DistinguishedName { CommonName(name) }
        } catch {
            throw IdentityError(.failed, "cannot name a certificate: \(error)")
        }
    }

    private static func holder(of name: SPIFFEName) -> String {
        switch name.role {
        case .agent: "agent \(name.trustDomain)"
        case .pair(let source): "pair \(source)"
        }
    }

    /// An address where the text is one, else a host name.
    private static func generalName(_ host: String) -> GeneralName {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            return .ipAddress(
                ASN1OctetString(contentBytes: withUnsafeBytes(of: four) { [UInt8]($0)[...] })
            )
        }
        var six = in6_addr()
        if inet_pton(AF_INET6, host, &six) == 1 {
            return .ipAddress(
                ASN1OctetString(contentBytes: withUnsafeBytes(of: six) { [UInt8]($0)[...] })
            )
        }
        return .dnsName(host)
    }
}
