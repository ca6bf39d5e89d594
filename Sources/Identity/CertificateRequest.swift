// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Crypto
import SwiftASN1
import X509

/// A request to certify a key (PKCS #10), whose sender has proven that the key is his.
///
/// The request says nothing about the name: the authority gives the name of the pair that was
/// proven by the pairing token, whatever the request asks for.
public struct CertificateRequest: Sendable {
    /// The request as it travels.
    public let der: [UInt8]
    let publicKey: Certificate.PublicKey

    /// A request for the key of a source cluster.
    public init(for key: SigningKey, of source: ClusterID) throws(IdentityError) {
        do {
            let subject = try DistinguishedName { CommonName("godwit \(source)") }
            let request = try CertificateSigningRequest(
                version: .v1,
                subject: subject,
                privateKey: key.certificateKey,
                attributes: CertificateSigningRequest.Attributes()
            )
            var serializer = DER.Serializer()
            try serializer.serialize(request)
            self.der = serializer.serializedBytes
            self.publicKey = key.publicKey
        } catch {
            throw IdentityError(.failed, "cannot make a certificate request: \(error)")
        }
    }

    /// A request from a peer.
    ///
    /// - Throws: `badRequest` unless it is signed by the P-256 key that it names.
    public init(untrusted der: [UInt8]) throws(IdentityError) {
        guard der.count <= IdentityLimits.requestLength else {
            throw IdentityError(
                .badRequest,
                "a certificate request of \(der.count) bytes is too long"
            )
        }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: der)
        } catch {
            throw IdentityError(.badRequest, "the certificate request cannot be read")
        }
        guard P256.Signing.PublicKey(request.publicKey) != nil else {
            throw IdentityError(.badRequest, "the certificate request is for another kind of key")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw IdentityError(
                .badRequest,
                "the certificate request is not signed with its own key"
            )
        }
        self.der = der
        self.publicKey = request.publicKey
    }
}
