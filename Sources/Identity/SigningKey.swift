// SPDX-License-Identifier: Apache-2.0

import Crypto
import X509

/// A P-256 key that stays with the one who made it.
///
/// Secret: it has no description of itself.
public struct SigningKey: Sendable {
    let key: P256.Signing.PrivateKey

    /// A new key from the randomness of the system.
    public init() { self.key = P256.Signing.PrivateKey() }

    /// The key in a PEM text.
    ///
    /// - Throws: `malformed` for anything but a plain P-256 key.
    public init(pem: String) throws(IdentityError) {
        guard pem.utf8.count <= IdentityLimits.pemLength,
            let key = try? P256.Signing.PrivateKey(pemRepresentation: pem)
        else { throw IdentityError(.malformed, "the text is no P-256 private key in PEM") }
        self.key = key
    }

    /// The key as PEM; for a file that only the agent reads.
    public var pem: String { self.key.pemRepresentation }

    var certificateKey: Certificate.PrivateKey { Certificate.PrivateKey(self.key) }
    var publicKey: Certificate.PublicKey { Certificate.PublicKey(self.key.publicKey) }
}

extension SigningKey: CustomStringConvertible, CustomDebugStringConvertible {
    /// Nothing of the key.
    public var description: String { "(secret key)" }
    /// Nothing of the key.
    public var debugDescription: String { self.description }
}
