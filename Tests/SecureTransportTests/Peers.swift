// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import FoundationEssentials
import Identity
import Locks
import SecureTransport
import SwiftASN1
import Testing
import X509

let destination = ClusterID(halves: Halves(high: 1, low: 2))
let source = ClusterID(halves: Halves(high: 3, low: 4))

/// One destination with its authority, and the credentials of its agent and of a pair.
struct Peers: Sendable {
    let authority: CertificateAuthority
    let server: TLSCredentials
    let client: TLSCredentials

    init(of cluster: ClusterID = destination) throws {
        self.authority = try CertificateAuthority.create(for: cluster, at: Date())
        self.server = try Self.agent(of: self.authority)
        self.client = try Self.pair(at: self.authority)
    }

    static func agent(of authority: CertificateAuthority) throws -> TLSCredentials {
        let key = SigningKey()
        return try authority.certifyAgent(key, at: Date())
            .credentials(key: key, trusting: authority.certificate)
    }

    static func pair(
        at authority: CertificateAuthority,
        issued: Date = Date(),
        lifetime: Duration = .seconds(600)
    ) throws -> TLSCredentials {
        let key = SigningKey()
        let request = try CertificateRequest(for: key, of: source)
        return try authority.certifyPair(request, of: source, at: issued, lifetime: lifetime)
            .credentials(key: key, trusting: authority.certificate)
    }

    /// Credentials of a client that the authority would never issue, but signed by it.
    func oddClient(
        names: [GeneralName],
        usages: [ExtendedKeyUsage.Usage]
    ) throws -> TLSCredentials {
        let issuer = try Certificate(pemEncoded: self.authority.certificate.pem)
        let signer = try Certificate.PrivateKey(pemEncoded: self.authority.privateKeyPEM)
        let key = SigningKey()
        let publicKey = try Certificate.PrivateKey(pemEncoded: key.pem).publicKey
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: Date().addingTimeInterval(-60),
            notValidAfter: Date().addingTimeInterval(600),
            issuer: issuer.subject,
            subject: DistinguishedName { CommonName("odd") },
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                if !usages.isEmpty { try ExtendedKeyUsage(usages) }
                if !names.isEmpty { SubjectAlternativeNames(names) }
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: issuer.publicKey).keyIdentifier
                )
            },
            issuerPrivateKey: signer
        )
        return TLSCredentials(
            certificateChainPEM: try certificate.serializeAsPEM().pemString,
            privateKeyPEM: key.pem,
            trustPEM: self.authority.certificate.pem
        )
    }
}

/// A result that one thread leaves and another one fetches.
final class Handover<Value: Sendable>: Sendable {
    private let slot: Slot<Value>
    private let thread: DataThread.Joinable

    /// Runs `body` on a thread of its own.
    init(_ body: @escaping @Sendable () throws(TransportError) -> Value) throws {
        let slot = Slot<Value>()
        self.slot = slot
        self.thread = try DataThread.spawn(name: "test-peer") {
            slot.value.withLock { $0 = Result { () throws(TransportError) in try body() } }
        }
    }

    /// What `body` returned or threw, once it has ended.
    var result: Result<Value, TransportError> {
        self.thread.join()
        guard let result = self.slot.value.withLock({ $0 }) else {
            preconditionFailure("the thread has ended without a result")
        }
        return result
    }

    func get() throws -> Value { try self.result.get() }

    /// The error of `body`; nil where it succeeded.
    var failure: TransportError? {
        switch self.result {
        case .success: nil
        case .failure(let error): error
        }
    }
}

private final class Slot<Value: Sendable>: Sendable {
    let value = Locked<Result<Value, TransportError>?>(nil)
}

/// A listener on a free port of 127.0.0.1.
func listener(
    _ credentials: TLSCredentials,
    keyUpdateAfter: ByteCount = TransportLimits.keyUpdate,
    breaking rules: BrokenRules = BrokenRules()
) throws -> TLSListener {
    try TLSListener(
        host: "127.0.0.1",
        port: 0,
        keyUpdateAfter: keyUpdateAfter,
        breaking: rules
    ) { credentials }
}

extension TLSListener {
    /// Accepts one peer on a thread of its own, handshake included.
    func acceptOne(timeout: Duration = .seconds(10)) throws -> Handover<TLSConnection> {
        try Handover { () throws(TransportError) in
            try self.accept().handshake(timeout: timeout)
        }
    }
}

/// Both ends of one connection.
struct Ends: Sendable {
    let client: TLSConnection
    let server: TLSConnection

    /// Made once: certificates are not what these tests are about.
    private static let peers = Result { try Peers() }

    init(keyUpdateAfter: ByteCount = TransportLimits.keyUpdate) throws {
        let peers = try Self.peers.get()
        let listener = try listener(peers.server, keyUpdateAfter: keyUpdateAfter)
        let accepted = try listener.acceptOne()
        let client = try TLSClient(
            credentials: peers.client,
            expectedServer: .agent(of: destination),
            keyUpdateAfter: keyUpdateAfter
        )
        self.client = try client.connect(host: "127.0.0.1", port: listener.port)
        self.server = try accepted.get()
    }
}

/// Bytes that differ at every place and are the same in every run.
func pattern(_ count: Int, seed: UInt64) -> ChunkBuffer {
    var buffer = ChunkBuffer(capacity: ByteCount(count + 8))
    var state = seed
    for offset in stride(from: 0, to: count, by: 8) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        buffer.store(state ^ state >> 29, at: offset)
    }
    return buffer
}
