// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import FoundationEssentials
import Identity
import SecureTransport
import Testing
import X509

/// Who is refused before any byte of an application (P8), one test each.
@Suite struct RefusalTests {
    let peers: Peers

    init() throws { self.peers = try Peers() }

    /// A client that connects and then waits for a byte of the application.
    private func meet(
        client: TLSCredentials,
        server: TLSCredentials? = nil,
        expecting name: SPIFFEName = .agent(of: destination),
        clientRules: BrokenRules = BrokenRules(),
        serverRules: BrokenRules = BrokenRules()
    ) throws -> (client: TransportError?, server: TransportError?) {
        let listener = try listener(server ?? self.peers.server, breaking: serverRules)
        // The server says one byte when the handshake is done: whoever gets it was let in.
        let accepted = try Handover { () throws(TransportError) in
            let connection = try listener.accept().handshake()
            try connection.write([1])
            try connection.flush()
        }
        let connecting = try TLSClient(
            credentials: client,
            expectedServer: name,
            breaking: clientRules
        )
        let called = try Handover { () throws(TransportError) in
            let connection = try connecting.connect(host: "127.0.0.1", port: listener.port)
            var buffer = ChunkBuffer(capacity: ByteCount(1))
            try connection.read(into: &buffer, 0..<1)
        }
        return (called.failure, accepted.failure)
    }

    @Test func aPairIsLetIn() throws {
        let met = try self.meet(client: self.peers.client)
        #expect(met.client == nil)
        #expect(met.server == nil)
    }

    @Test func aClientOfAnotherAuthorityIsRefused() throws {
        // Same names, other key: only the signature tells them apart.
        let stranger = try Peers().client
        let client = TLSCredentials(
            certificateChainPEM: stranger.certificateChainPEM,
            privateKeyPEM: stranger.privateKeyPEM,
            trustPEM: self.peers.client.trustPEM
        )
        let met = try self.meet(client: client)
        #expect(met.server?.code == .certificateRejected)
        #expect(met.server?.reason == .unknownAuthority)
        #expect(met.client?.code == .refusedByPeer)
        #expect(met.client?.reason == .unknownAuthority)
    }

    @Test func aServerOfAnotherAuthorityIsRefused() throws {
        let met = try self.meet(client: self.peers.client, server: try Peers().server)
        #expect(met.client?.code == .certificateRejected)
        #expect(met.client?.reason == .unknownAuthority)
        #expect(met.server?.code == .refusedByPeer)
        #expect(met.server?.reason == .unknownAuthority)
    }

    @Test func anExpiredCertificateIsRefused() throws {
        let expired = try Peers.pair(
            at: self.peers.authority,
            issued: Date().addingTimeInterval(-3600),
            lifetime: .seconds(60)
        )
        let met = try self.meet(client: expired)
        #expect(met.server?.code == .certificateRejected)
        #expect(met.server?.reason == .expired)
        #expect(met.client?.code == .refusedByPeer)
        #expect(met.client?.reason == .expired)
        #expect(met.client?.isRetryable == false)
    }

    @Test func theReasonArrivesAlthoughTheClientHasSentAlready() throws {
        let expired = try Peers.pair(
            at: self.peers.authority,
            issued: Date().addingTimeInterval(-3600),
            lifetime: .seconds(60)
        )
        let listener = try listener(self.peers.server)
        let accepted = try listener.acceptOne()
        let client = try TLSClient(credentials: expired, expectedServer: .agent(of: destination))
        let connection = try client.connect(host: "127.0.0.1", port: listener.port)
        let data = pattern(1 << 20, seed: 1)
        try connection.write(data, 0..<(1 << 20))
        var buffer = ChunkBuffer(capacity: ByteCount(1))
        let error = #expect(throws: TransportError.self) {
            try connection.read(into: &buffer, 0..<1)
        }
        connection.close()
        #expect(error?.code == .refusedByPeer)
        #expect(error?.reason == .expired)
        #expect(accepted.failure?.reason == .expired)
    }

    @Test func aCertificateOfTomorrowIsRefused() throws {
        let early = try Peers.pair(
            at: self.peers.authority,
            issued: Date().addingTimeInterval(86_400)
        )
        let met = try self.meet(client: early)
        #expect(met.server?.reason == .notYetValid)
        #expect(met.client?.code == .refusedByPeer)
    }

    @Test func aClientWithoutCertificateIsRefused() throws {
        let met = try self.meet(
            client: self.peers.client,
            clientRules: BrokenRules(hidesCertificate: true)
        )
        #expect(met.server?.code == .certificateRejected)
        #expect(met.server?.reason == .noCertificate)
        #expect(met.client?.code == .refusedByPeer)
        #expect(met.client?.reason == .noCertificate)
    }

    @Test func aClientOfTLS12IsRefused() throws {
        let met = try self.meet(
            client: self.peers.client,
            clientRules: BrokenRules(speaksTLS12: true)
        )
        #expect(met.server?.code == .handshakeFailed)
        #expect(met.server?.reason == .protocolVersion)
        #expect(met.client?.code == .handshakeFailed)
        #expect(met.client?.reason == .protocolVersion)
    }

    @Test func aServerOfTLS12IsRefused() throws {
        let met = try self.meet(
            client: self.peers.client,
            serverRules: BrokenRules(speaksTLS12: true)
        )
        #expect(met.client?.code == .handshakeFailed)
        #expect(met.client?.reason == .protocolVersion)
    }

    @Test func aPairCannotServe() throws {
        let met = try self.meet(
            client: self.peers.client,
            server: self.peers.client,
            serverRules: BrokenRules(misusesCertificate: true)
        )
        #expect(met.client?.code == .certificateRejected)
        #expect(met.client?.reason == .wrongUsage)
    }

    @Test func anAgentCannotCallItself() throws {
        let met = try self.meet(
            client: self.peers.server,
            clientRules: BrokenRules(misusesCertificate: true)
        )
        #expect(met.server?.code == .certificateRejected)
        #expect(met.server?.reason == .wrongUsage)
        #expect(met.client?.code == .refusedByPeer)
    }

    @Test func anotherServerOfTheSameAuthorityIsRefused() throws {
        let met = try self.meet(client: self.peers.client, expecting: .agent(of: source))
        #expect(met.client?.code == .certificateRejected)
        #expect(met.client?.reason == .wrongName)
        #expect(met.server?.code == .refusedByPeer)
    }

    @Test func aPairOfAnotherDestinationIsRefusedEvenWhereItsAuthorityIsTrusted() throws {
        let other = try Peers(of: ClusterID(halves: Halves(high: 9, low: 9)))
        let server = TLSCredentials(
            certificateChainPEM: self.peers.server.certificateChainPEM,
            privateKeyPEM: self.peers.server.privateKeyPEM,
            trustPEM: self.peers.server.trustPEM + other.server.trustPEM
        )
        let client = TLSCredentials(
            certificateChainPEM: other.client.certificateChainPEM,
            privateKeyPEM: other.client.privateKeyPEM,
            trustPEM: self.peers.client.trustPEM
        )
        let met = try self.meet(client: client, server: server)
        #expect(met.server?.code == .certificateRejected)
        #expect(met.server?.reason == .wrongName)
        #expect(met.client?.code == .refusedByPeer)
    }

    static let pairName = GeneralName.uniformResourceIdentifier(
        SPIFFEName.pair(of: source, at: destination).description
    )
    static let otherName = GeneralName.uniformResourceIdentifier(
        SPIFFEName.pair(of: destination, at: destination).description
    )

    static let oddNames: [[GeneralName]] = [
        [], [.dnsName("localhost")], [pairName, otherName], [pairName, pairName],
        [.uniformResourceIdentifier("spiffe://x/pair/y")],
        [pairName, .uniformResourceIdentifier("https://example/")],
    ]

    @Test(arguments: Self.oddNames)
    func aCertificateWithoutExactlyOneNameIsRefused(names: [GeneralName]) throws {
        let client = try self.peers.oddClient(names: names, usages: [.clientAuth])
        let met = try self.meet(
            client: client,
            clientRules: BrokenRules(misusesCertificate: true)
        )
        #expect(met.server?.code == .certificateRejected)
        #expect(met.server?.reason == .wrongName)
    }

    @Test(arguments: [[], [.serverAuth], [.any], [.codeSigning]] as [[ExtendedKeyUsage.Usage]])
    func aCertificateThatIsNotForClientsIsRefused(usages: [ExtendedKeyUsage.Usage]) throws {
        let client = try self.peers.oddClient(names: [Self.pairName], usages: usages)
        let met = try self.meet(client: client)
        #expect(met.server?.code == .certificateRejected)
        #expect(met.server?.reason == .wrongUsage)
    }

    @Test func aCertificateForBothEndsIsForClientsToo() throws {
        let client = try self.peers.oddClient(
            names: [Self.pairName, .dnsName("node")],
            usages: [.serverAuth, .clientAuth]
        )
        let met = try self.meet(client: client)
        #expect(met.client == nil && met.server == nil)
    }
}

/// Peers that do not speak TLS 1.3 at all.
@Suite struct RawPeerTests {
    private func refusal(
        of bytes: [UInt8],
        finishing: Bool = false,
        timeout: Duration = .seconds(10)
    ) throws -> (error: TransportError?, answer: [UInt8]) {
        let listener = try listener(Peers().server)
        let accepted = try listener.acceptOne(timeout: timeout)
        let peer = try RawPeer(port: listener.port)
        peer.send(bytes)
        if finishing { peer.finishSending() }
        let answer = peer.receiveAll()
        return (accepted.failure, answer)
    }

    @Test func theFirstMessageOfTLS12GetsAnAlertOnly() throws {
        let refused = try self.refusal(of: helloOfTLS12)
        #expect(refused.error?.code == .handshakeFailed)
        #expect(refused.error?.reason == .protocolVersion)
        // Alert record, fatal, protocol_version (RFC 8446 §6).
        #expect(refused.answer.count == 7)
        #expect(refused.answer.first == 0x15)
        #expect(refused.answer.suffix(2) == [2, 70])
    }

    @Test(arguments: [
        Array("GDWT garbage that is no TLS record at all, but long enough\n".utf8),
        Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8),
        Array("CONNECT x:9010 HTTP/1.1\r\n\r\n".utf8),
        Array("SSH-2.0-OpenSSH_9.2\r\n".utf8),
        [UInt8](repeating: 0, count: 64), [UInt8](repeating: 0xff, count: 64),
        [0x16, 0x03, 0x01, 0xff, 0xff] + [UInt8](repeating: 1, count: 100),
    ])
    func bytesWithoutTLSAreRefused(bytes: [UInt8]) throws {
        let refused = try self.refusal(of: bytes)
        #expect(refused.error?.code == .handshakeFailed)
        #expect(refused.error?.reason == .notTLS)
        #expect(refused.answer.count <= 7, "an alert at most: \(refused.answer)")
    }

    @Test func everyDamagedByteOfAHelloIsSurvived() throws {
        let listener = try listener(Peers().server)
        for index in helloOfTLS12.indices {
            let accepted = try listener.acceptOne()
            var bytes = helloOfTLS12
            bytes[index] ^= 0xff
            let peer = try RawPeer(port: listener.port)
            peer.send(bytes)
            peer.finishSending()
            _ = peer.receiveAll()
            #expect(accepted.failure != nil, "byte \(index)")
        }
    }

    @Test func aPeerThatLeavesAtOnceIsNoHandshake() throws {
        let refused = try self.refusal(of: [], finishing: true)
        #expect(refused.error?.code == .closed)
    }

    @Test func aSilentPeerTimesOut() throws {
        let refused = try self.refusal(of: [], timeout: .milliseconds(50))
        #expect(refused.error?.code == .timedOut)
        #expect(refused.answer.isEmpty)
    }

    @Test func aDrippingPeerTimesOutAllTheSame() throws {
        let listener = try listener(Peers().server)
        let accepted = try listener.acceptOne(timeout: .milliseconds(200))
        let peer = try RawPeer(port: listener.port)
        // A record of 16 KiB that begins well; each byte comes 5 ms after the one before.
        let start: [UInt8] = [0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3f, 0xfc, 0x03, 0x03]
        var sent = 0
        while !peer.isClosed(within: 5), sent < 10_000 {
            guard peer.send([sent < start.count ? start[sent] : 0]) else { break }
            sent += 1
        }
        #expect(accepted.failure?.code == .timedOut)
        #expect(sent < 10_000)
    }

    @Test func aHandshakeCanBeInterrupted() throws {
        let listener = try listener(Peers().server)
        let peer = try RawPeer(port: listener.port)
        let accepted = try listener.accept()
        let handshake = try Handover { () throws(TransportError) in try accepted.handshake() }
        accepted.interrupt()
        #expect(handshake.failure?.code == .interrupted)
        #expect(peer.receiveAll().isEmpty)
    }

    @Test func aServerWithoutTLSIsRefused() throws {
        // The other way round: our client meets a listener that speaks something else.
        let peers = try Peers()
        let listener = try listener(peers.server)
        let client = try TLSClient(
            credentials: peers.client,
            expectedServer: .agent(of: destination)
        )
        let called = try Handover { () throws(TransportError) in
            try client.connect(
                host: "127.0.0.1",
                port: listener.port,
                timeout: .milliseconds(100)
            )
        }
        let accepted = try listener.accept()
        #expect(called.failure?.code == .timedOut)
        accepted.close()
    }
}
