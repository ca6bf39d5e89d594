// SPDX-License-Identifier: Apache-2.0

/// What one side of a TLS connection needs: who it is, its key, and whom it believes.
public struct TLSCredentials: Hashable, Sendable {
    /// The own certificate first, then those between it and the authority; PEM.
    public let certificateChainPEM: String
    /// The secret key of the own certificate; PEM.
    public let privateKeyPEM: String
    /// The certificates of the authorities that may have signed the peer's; PEM, one or more.
    public let trustPEM: String

    /// Credentials from PEM texts; they are checked where they are used.
    public init(certificateChainPEM: String, privateKeyPEM: String, trustPEM: String) {
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.trustPEM = trustPEM
    }
}

extension TLSCredentials: CustomStringConvertible, CustomDebugStringConvertible {
    /// Nothing of the key.
    public var description: String { "TLS credentials (secret)" }
    /// Nothing of the key.
    public var debugDescription: String { self.description }
}
