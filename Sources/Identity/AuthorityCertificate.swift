// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Crypto
public import FoundationEssentials
import X509

/// The certificate of a destination's authority, as a source gets and keeps it.
public struct AuthorityCertificate: Sendable {
    /// The certificate as PEM.
    public let pem: String
    /// The certificate as DER.
    public let der: [UInt8]
    /// The cluster whose authority it is.
    public let cluster: ClusterID
    /// Until when it is valid.
    public let notAfter: Date
    let certificate: Certificate

    /// The certificate in a PEM text.
    ///
    /// - Throws: `malformed` unless it is the self-signed certificate of an authority of ours.
    public init(pem: String) throws(IdentityError) {
        try self.init(CertificateText.certificate(pem: pem))
    }

    /// The certificate in DER, from a peer.
    ///
    /// - Throws: `malformed` unless it is the self-signed certificate of an authority of ours.
    public init(der: [UInt8]) throws(IdentityError) {
        try self.init(CertificateText.certificate(der: der))
    }

    init(_ certificate: Certificate) throws(IdentityError) {
        let names = CertificateText.uriNames(certificate)
        guard names.count == 1, let text = names.first, text.hasPrefix(Self.scheme),
            let cluster = ClusterID(text.dropFirst(Self.scheme.count)),
            Self.name(of: cluster) == text
        else { throw IdentityError(.malformed, "the certificate is of no authority of ours") }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints,
            P256.Signing.PublicKey(certificate.publicKey) != nil,
            certificate.issuer == certificate.subject,
            certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else { throw IdentityError(.malformed, "the certificate is not self-signed by P-256") }
        self.certificate = certificate
        self.der = try CertificateText.der(certificate)
        self.pem = try CertificateText.pem(certificate)
        self.cluster = cluster
        self.notAfter = certificate.notValidAfter
    }

    /// The SHA-256 of the DER: what both sides of a pairing bind their proofs to.
    public var fingerprint: [UInt8] { Array(SHA256.hash(data: self.der)) }

    /// Checks that this authority signed the certificate, for this name and this time.
    ///
    /// For the moments outside of a TLS handshake: a new pair's certificate, and the server's
    /// certificate that was seen before its authority was known.
    ///
    /// - Throws: `notCertified` with the reason.
    public func check(
        _ issued: IssuedCertificate,
        isOf name: SPIFFEName,
        at now: Date
    ) throws(IdentityError) {
        let certificate = issued.certificate
        guard issued.name == name else {
            throw IdentityError(.notCertified, "the certificate is of \(issued.name), not \(name)")
        }
        guard certificate.issuer == self.certificate.subject,
            self.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else {
            throw IdentityError(
                .notCertified,
                "the certificate of \(name) is not signed by the authority of \(self.cluster)"
            )
        }
        guard now >= issued.notBefore, now <= issued.notAfter,
            now >= self.certificate.notValidBefore, now <= self.notAfter
        else {
            throw IdentityError(
                .notCertified,
                "the certificate of \(name) is not valid at this time"
            )
        }
        let usage: ExtendedKeyUsage.Usage =
            switch name.role {
            case .agent: .serverAuth
            case .pair: .clientAuth
            }
        guard let usages = try? certificate.extensions.extendedKeyUsage, usages.contains(usage)
        else {
            throw IdentityError(
                .notCertified,
                "the certificate of \(name) is made for another use"
            )
        }
    }

    static func name(of cluster: ClusterID) -> String { Self.scheme + "\(cluster)" }

    private static let scheme = "spiffe://"
}
