// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Crypto
import X509

/// What the two sides of a pairing have said, and the proofs that they know the same token.
///
/// A pairing, each line one message, over a connection whose server nobody knows yet:
///
///     source → destination   source cluster, source nonce, certificate request
///     destination → source   destination cluster, destination nonce, authority certificate,
///                            proof of .destination
///     source → destination   proof of .source, its own authority certificate and signature
///     destination → source   the certificate
///
/// Both proofs cover everything above, so somebody in the middle who puts in an authority or a
/// request of his own makes both fail, and without the token he cannot make one. The role keeps a
/// proof from being sent back as the other one; the nonces keep an old one from being used again.
/// The source also checks that the connection's own certificate is signed by that authority.
///
/// The token says that somebody may pair, not who it is: several sources know it. A source says
/// that it is its cluster with a signature of the authority whose name that is, and a destination
/// that knows the cluster's authority takes no other one.
public struct PairingTranscript: Sendable {
    /// Who proves.
    public enum Role: UInt8, Sendable {
        case source = 1
        case destination = 2
    }

    private let bytes: [UInt8]

    /// The transcript of one pairing, as this side has seen it.
    public init(
        source: ClusterID,
        sourceNonce: PairingNonce,
        request: CertificateRequest,
        destination: ClusterID,
        destinationNonce: PairingNonce,
        authority: AuthorityCertificate
    ) {
        // Every part has a fixed length, so no two transcripts have the same bytes.
        self.bytes =
            Array("godwit pairing v1\n".utf8)
            + source.bytes + sourceNonce.bytes + Array(SHA256.hash(data: request.der))
            + destination.bytes + destinationNonce.bytes + authority.fingerprint
    }

    /// The proof of one side that it knows the token: 32 bytes.
    public func proof(of role: Role, under token: PairingToken) -> [UInt8] {
        Array(
            HMAC<SHA256>
                .authenticationCode(
                    for: [role.rawValue] + self.bytes,
                    using: SymmetricKey(data: token.bytes)
                )
        )
    }

    /// Whether the bytes are the other side's proof; compared in constant time.
    public func isProof(_ proof: [UInt8], of role: Role, under token: PairingToken) -> Bool {
        HMAC<SHA256>
            .isValidAuthenticationCode(
                proof,
                authenticating: [role.rawValue] + self.bytes,
                using: SymmetricKey(data: token.bytes)
            )
    }

    /// The source's signature with the key of its own authority: 64 bytes.
    public func signature(by authority: CertificateAuthority) throws(IdentityError) -> [UInt8] {
        do {
            return Array(try authority.key.key.signature(for: self.signedBytes).rawRepresentation)
        } catch {
            throw IdentityError(.failed, "cannot sign the pairing: \(error)")
        }
    }

    /// Whether the bytes are such a signature, with the key of this authority.
    public func isSigned(_ signature: [UInt8], by authority: AuthorityCertificate) -> Bool {
        guard let key = P256.Signing.PublicKey(authority.certificate.publicKey),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
        else { return false }
        return key.isValidSignature(signature, for: self.signedBytes)
    }

    private var signedBytes: [UInt8] { Array("godwit source authority v1\n".utf8) + self.bytes }
}
