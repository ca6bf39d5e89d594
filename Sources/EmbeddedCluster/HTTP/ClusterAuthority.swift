// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Glibc
import SwiftASN1
import X509

/// A certificate and its key, both as PEM.
struct CertificatePair: Hashable, Sendable {
    let certificate: String
    let key: String
}

/// The authority of one embedded cluster: certifies its server and its users.
///
/// Not the authority of the pairs (`Identity`): that one's certificates open volumes, these open
/// the API, and neither may open the other.
struct ClusterAuthority: Sendable {
    /// Years, since every kubeconfig that was handed out trusts it.
    static let authorityDays = 3650
    /// Of the server's and the users' certificates; a third before the end they are made anew.
    static let leafDays = 365
    /// Two clocks never agree.
    private static let backdatingSeconds: TimeInterval = 300

    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey
    /// What clients trust.
    let pem: String

    /// A new authority.
    init(now: Date) throws {
        self.key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName("godwit embedded cluster") }
        let publicKey = Certificate.PublicKey(self.key.publicKey)
        self.certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-Self.backdatingSeconds),
            notValidAfter: now.addingTimeInterval(Self.seconds(days: Self.authorityDays)),
            issuer: subject,
            subject: subject,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            },
            issuerPrivateKey: Certificate.PrivateKey(self.key)
        )
        self.pem = try self.certificate.serializeAsPEM().pemString
    }

    /// The authority of two PEM texts; throws where they are none, or do not belong together.
    init(_ pair: CertificatePair) throws {
        self.certificate = try Certificate(pemEncoded: pair.certificate)
        self.key = try P256.Signing.PrivateKey(pemRepresentation: pair.key)
        guard self.certificate.publicKey == Certificate.PublicKey(self.key.publicKey) else {
            throw KeyMismatch()
        }
        self.pem = pair.certificate
    }

    private struct KeyMismatch: Error, CustomStringConvertible {
        let description = "the key is not the certificate's"
    }

    var pair: CertificatePair {
        CertificatePair(certificate: self.pem, key: self.key.pemRepresentation)
    }

    private static func seconds(days: Int) -> TimeInterval { TimeInterval(days) * 86_400 }

    // MARK: Issuing

    /// A certificate for the server under these names and addresses.
    func server(hosts: [String], now: Date) throws -> CertificatePair {
        let subject = try DistinguishedName { CommonName("godwit embedded server") }
        let names = SubjectAlternativeNames(hosts.map(Self.generalName))
        return try self.issue(subject, now) {
            try ExtendedKeyUsage([.serverAuth])
            names
        }
    }

    /// A certificate that names a user and their groups.
    func client(_ user: ClusterUser, now: Date) throws -> CertificatePair {
        typealias Types = ASN1ObjectIdentifier.RDNAttributeType
        var attributes = user.groups.map {
            RelativeDistinguishedName.Attribute(type: Types.organizationName, utf8String: $0)
        }
        attributes.append(.init(type: Types.commonName, utf8String: user.name))
        let subject = DistinguishedName(attributes.map { RelativeDistinguishedName($0) })
        return try self.issue(subject, now) { try ExtendedKeyUsage([.clientAuth]) }
    }

    private func issue(
        _ subject: DistinguishedName,
        _ now: Date,
        @ExtensionsBuilder use: () throws -> Result<Certificate.Extensions, any Error>
    ) throws -> CertificatePair {
        let key = P256.Signing.PrivateKey()
        var extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            AuthorityKeyIdentifier(
                keyIdentifier: SubjectKeyIdentifier(hash: self.certificate.publicKey).keyIdentifier
            )
        }
        for part in try use().get() { try extensions.append(part) }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: now.addingTimeInterval(-Self.backdatingSeconds),
            notValidAfter: now.addingTimeInterval(Self.seconds(days: Self.leafDays)),
            issuer: self.certificate.subject,
            subject: subject,
            extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(self.key)
        )
        return CertificatePair(
            certificate: try certificate.serializeAsPEM().pemString,
            key: key.pemRepresentation
        )
    }

    /// An address where the text is one, else a host name.
    private static func generalName(_ host: String) -> GeneralName {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            let bytes = withUnsafeBytes(of: four) { [UInt8]($0)[...] }
            return .ipAddress(ASN1OctetString(contentBytes: bytes))
        }
        var six = in6_addr()
        if inet_pton(AF_INET6, host, &six) == 1 {
            let bytes = withUnsafeBytes(of: six) { [UInt8]($0)[...] }
            return .ipAddress(ASN1OctetString(contentBytes: bytes))
        }
        return .dnsName(host)
    }

    // MARK: Checking

    /// Whether a certificate that we issued is to be used on: ours, its key's, of these names, and
    /// more than a third of its time is left.
    func isUsable(_ pair: CertificatePair, hosts: [String], now: Date) -> Bool {
        guard let certificate = try? Certificate(pemEncoded: pair.certificate),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: pair.key),
            certificate.publicKey == Certificate.PublicKey(key.publicKey),
            self.hasSigned(certificate)
        else { return false }
        let names = (try? certificate.extensions.subjectAlternativeNames).map { Array($0) } ?? []
        let length = certificate.notValidAfter.timeIntervalSince(certificate.notValidBefore)
        return names == hosts.map(Self.generalName)
            && now >= certificate.notValidBefore
            && now < certificate.notValidAfter.addingTimeInterval(-length / 3)
    }

    /// Who holds a certificate that TLS has checked already; nil where it does not hold now.
    ///
    /// A connection may outlive the certificate with which it began.
    func user(of der: [UInt8], now: Date) -> ClusterUser? {
        guard let certificate = try? Certificate(derEncoded: der), self.hasSigned(certificate),
            now >= certificate.notValidBefore, now <= certificate.notValidAfter,
            let usage = try? certificate.extensions.extendedKeyUsage, usage.contains(.clientAuth)
        else { return nil }
        var name: String?
        var groups: [String] = []
        for attribute in certificate.subject.flatMap({ Array($0) }) {
            let value = String(attribute.value) ?? ""
            switch attribute.type {
            case .RDNAttributeType.commonName: name = value
            case .RDNAttributeType.organizationName: groups.append(value)
            default: continue
            }
        }
        return name.map { ClusterUser(name: $0, groups: groups) }
    }

    /// Who is named by a certificate in PEM.
    func user(of pair: CertificatePair, now: Date) -> ClusterUser? {
        guard let document = try? PEMDocument(pemString: pair.certificate) else { return nil }
        return self.user(of: document.derBytes, now: now)
    }

    private func hasSigned(_ certificate: Certificate) -> Bool {
        certificate.issuer == self.certificate.subject
            && self.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }
}
