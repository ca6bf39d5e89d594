// SPDX-License-Identifier: Apache-2.0

import X509

/// A certificate that is not of our own authority, after TLS has checked it against another one.
public struct ForeignCertificate: Sendable {
    /// The DNS names that it is for.
    public let dnsNames: [String]

    /// The certificate in DER; only its form is checked here.
    ///
    /// - Throws: `malformed` for bytes that are no certificate.
    public init(der: [UInt8]) throws(IdentityError) {
        self.dnsNames = CertificateText.dnsNames(try CertificateText.certificate(der: der))
    }
}
