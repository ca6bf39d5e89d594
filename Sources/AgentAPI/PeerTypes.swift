// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// What anybody may read on port 9001 before pairing: which CA the agent answers for.
///
/// Not believed as it stands. The source pins TLS to this CA and the proofs bind it (P8): in the
/// hands of a man in the middle it fails there.
public struct PairingAuthority: Codable, Hashable, Sendable {
    /// The agent's cluster identity, 32 hexadecimal digits.
    public let cluster: String
    /// The CA certificate in PEM.
    public let authority: String
    /// The version of the release.
    public let version: String
    /// The time of day there, which certificates need to agree; nil from releases that do not say it.
    public let time: Date?

    /// The answer of the agent `cluster`.
    public init(cluster: String, authority: String, version: String, time: Date? = nil) {
        self.cluster = cluster
        self.authority = authority
        self.version = version
        self.time = time
    }
}

/// The source's first message: who it is and what it wants certified.
public struct PairingStartRequest: Codable, Hashable, Sendable {
    /// The agent's cluster identity, 32 hexadecimal digits.
    public let cluster: String
    /// The name that people use.
    public let name: String
    /// 32 random bytes in hexadecimal digits.
    public let nonce: String
    /// The certificate signing request: DER in hexadecimal digits.
    public let request: String

    /// The first message of one pairing.
    public init(cluster: String, name: String, nonce: String, request: String) {
        self.cluster = cluster
        self.name = name
        self.nonce = nonce
        self.request = request
    }
}

/// The destination's answer: its nonce, and its proof that it knows the token.
public struct PairingStartResponse: Codable, Hashable, Sendable {
    /// Names this pairing; it ends soon.
    public let session: String
    /// The agent's cluster identity, 32 hexadecimal digits.
    public let cluster: String
    /// 32 random bytes in hexadecimal digits.
    public let nonce: String
    /// HMAC-SHA-256 in hexadecimal digits, over a transcript with the CA and the request.
    public let proof: String

    /// The answer that opens one pairing session.
    public init(session: String, cluster: String, nonce: String, proof: String) {
        self.session = session
        self.cluster = cluster
        self.nonce = nonce
        self.proof = proof
    }
}

/// The source's proof that it knows the token, and the way back to it.
public struct PairingFinishRequest: Codable, Hashable, Sendable {
    /// Names the pairing session.
    public let session: String
    /// HMAC-SHA-256 in hexadecimal digits.
    public let proof: String
    /// Where the source's own API and data ports are, for the way back.
    public let apiPort: Int
    /// The port that takes data.
    public let dataPort: Int
    /// The source's own CA in PEM: who the cluster is, and for the way back.
    public let authority: String
    /// The transcript signed with that CA's key, in hexadecimal digits.
    public let signature: String

    /// The last message of one pairing.
    public init(
        session: String,
        proof: String,
        apiPort: Int,
        dataPort: Int,
        authority: String,
        signature: String
    ) {
        self.session = session
        self.proof = proof
        self.apiPort = apiPort
        self.dataPort = dataPort
        self.authority = authority
        self.signature = signature
    }
}

/// The certificate that opens 9010 and the pair's part of 9001.
public struct PairingFinishResponse: Codable, Hashable, Sendable {
    /// The source's certificate in PEM.
    public let certificate: String
    /// The port that takes data.
    public let dataPort: Int

    /// The answer that ends one pairing.
    public init(certificate: String, dataPort: Int) {
        self.certificate = certificate
        self.dataPort = dataPort
    }
}

/// Asks, with the certificate that still holds, for the next one.
public struct CertificateRenewRequest: Codable, Hashable, Sendable {
    /// A certificate signing request of a new key: DER in hexadecimal digits.
    public let request: String

    /// A request for the next certificate.
    public init(request: String) { self.request = request }
}

/// The next certificate, and where data goes now.
public struct CertificateRenewResponse: Codable, Hashable, Sendable {
    /// The certificate in PEM.
    public let certificate: String
    /// The port that takes data.
    public let dataPort: Int

    /// The answer to a renewal.
    public init(certificate: String, dataPort: Int) {
        self.certificate = certificate
        self.dataPort = dataPort
    }
}

/// What a peer may know of a replica that it owns.
public struct PeerVolume: Codable, Hashable, Sendable {
    /// The identity, 32 hexadecimal digits.
    public let id: String
    /// The name that people use.
    public let name: String
    /// The size in bytes.
    public let sizeBytes: UInt64
    /// Every generation that is kept, oldest first.
    public let generations: [GenerationInfo]

    /// The facts of one replica.
    public init(id: String, name: String, sizeBytes: UInt64, generations: [GenerationInfo]) {
        self.id = id
        self.name = name
        self.sizeBytes = sizeBytes
        self.generations = generations
    }
}
