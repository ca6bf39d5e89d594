// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import FoundationEssentials
import Identity
import Locks
import SecureTransport
import Testing

@Suite struct ListenerTests {
    @Test func closingEndsAccept() throws {
        let listener = try listener(Peers().server)
        let accepting = try Handover { () throws(TransportError) in try listener.accept() }
        listener.close()
        #expect(accepting.failure?.code == .interrupted)
        let error = #expect(throws: TransportError.self) { try listener.accept() }
        #expect(error?.code == .interrupted)
    }

    @Test func aTakenPortIsRefused() throws {
        let peers = try Peers()
        let first = try listener(peers.server)
        let error = #expect(throws: TransportError.self) {
            try TLSListener(host: "127.0.0.1", port: first.port) { peers.server }
        }
        #expect(error?.code == .listenFailed)
        #expect(error?.what.contains("\(first.port)") == true)
    }

    @Test func aPortWithoutListenerIsRefused() throws {
        let peers = try Peers()
        let port = try listener(peers.server).port
        let client = try TLSClient(
            credentials: peers.client,
            expectedServer: .agent(of: destination)
        )
        let error = #expect(throws: TransportError.self) {
            try client.connect(host: "127.0.0.1", port: port)
        }
        #expect(error?.code == .connectFailed)
        #expect(error?.isRetryable == true)
    }

    @Test func renewedCredentialsServeTheNextHandshake() throws {
        let old = try Peers()
        let new = try Peers()
        let current = Locked(old.server)
        let listener = try TLSListener(host: "127.0.0.1", port: 0) { current.withLock { $0 } }
        for peers in [old, new] {
            current.withLock { $0 = peers.server }
            let accepted = try listener.acceptOne()
            let client = try TLSClient(
                credentials: peers.client,
                expectedServer: .agent(of: destination)
            )
            _ = try client.connect(host: "127.0.0.1", port: listener.port)
            #expect(try accepted.get().peerName == .pair(of: source, at: destination))
        }
    }

    @Test func aPeersCertificateTellsFromWhenOnItIsValid() throws {
        let peers = try Peers()
        let listener = try listener(peers.server)
        let accepted = try listener.acceptOne()
        let issued = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down) - 30)
        let client = try TLSClient(
            credentials: try Peers.pair(at: peers.authority, issued: issued),
            expectedServer: .agent(of: destination)
        )
        _ = try client.connect(host: "127.0.0.1", port: listener.port)
        // Backdated, as every certificate of an authority is.
        let start = Int64(issued.timeIntervalSince1970) - 300
        #expect(try accepted.get().peer.validFrom == start)
    }

    @Test func aSocketHasOneHandshake() throws {
        let peers = try Peers()
        let listener = try listener(peers.server)
        let peer = try RawPeer(port: listener.port)
        let accepted = try listener.accept()
        accepted.close()
        for _ in 0..<2 {
            let error = #expect(throws: TransportError.self) { try accepted.handshake() }
            #expect(error?.code == .closed)
        }
        #expect(peer.receiveAll().isEmpty)
    }

    @Test func oneSilentPeerHoldsUpNobody() throws {
        let peers = try Peers()
        let listener = try listener(peers.server)
        let silent = try RawPeer(port: listener.port)
        let waiting = try listener.accept()
        let handshake = try Handover { () throws(TransportError) in try waiting.handshake() }
        let accepted = try listener.acceptOne()
        let client = try TLSClient(
            credentials: peers.client,
            expectedServer: .agent(of: destination)
        )
        _ = try client.connect(host: "127.0.0.1", port: listener.port)
        _ = try accepted.get()
        waiting.interrupt()
        #expect(handshake.failure?.code == .interrupted)
        silent.finishSending()
    }

    @Test func credentialsThatCannotBeUsedAreRefusedAtOnce() throws {
        let peers = try Peers()
        let broken = [
            TLSCredentials(certificateChainPEM: "", privateKeyPEM: "", trustPEM: ""),
            TLSCredentials(
                certificateChainPEM: peers.client.certificateChainPEM,
                privateKeyPEM: peers.server.privateKeyPEM,
                trustPEM: peers.client.trustPEM
            ),
            TLSCredentials(
                certificateChainPEM: peers.client.certificateChainPEM,
                privateKeyPEM: peers.client.privateKeyPEM,
                trustPEM: peers.client.trustPEM + "-----BEGIN CERTIFICATE-----\nx\n"
            ),
            peers.server,
        ]
        for credentials in broken {
            let error = #expect(throws: TransportError.self) {
                try TLSClient(credentials: credentials, expectedServer: .agent(of: destination))
            }
            #expect(error?.code == .badCredentials)
        }
        let error = #expect(throws: TransportError.self) {
            try TLSListener(host: "127.0.0.1", port: 0) { peers.client }
        }
        #expect(error?.code == .badCredentials)
    }

    @Test func aHostThatDoesNotExistIsRefused() throws {
        let peers = try Peers()
        let client = try TLSClient(
            credentials: peers.client,
            expectedServer: .agent(of: destination)
        )
        let error = #expect(throws: TransportError.self) {
            try client.connect(host: "no such host", port: 1)
        }
        #expect(error?.code == .connectFailed)
    }
}
