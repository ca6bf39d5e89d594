// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Glibc
import Identity
import SecureTransport
import TestSupport
import Testing

/// Connections that are given up while they are being made.
///
/// Each allows an hour, so that a wait that cannot be broken off is seen as a test that hangs.
@Suite(.timeLimit(.minutes(10))) struct InterruptionTests {
    /// As `/proc/net/tcp` writes it.
    private enum ConnectionState: String {
        case established = "01"
        case synSent = "02"
    }

    private static let patience = Duration.seconds(3600)

    private func client() throws -> TLSClient {
        try TLSClient(credentials: Peers().client, expectedServer: .agent(of: destination))
    }

    private func connecting(
        to port: UInt16,
        _ interruption: ConnectInterruption
    ) throws -> Handover<TLSConnection> {
        let client = try self.client()
        return try Handover { () throws(TransportError) in
            try client.connect(
                host: "127.0.0.1",
                port: port,
                timeout: Self.patience,
                interruption: interruption
            )
        }
    }

    /// Returns once a connection to the port is in the state.
    private func waitFor(_ state: ConnectionState, to port: UInt16) throws {
        let digits = String(port, radix: 16, uppercase: true)
        let remote = "0100007F:" + String(repeating: "0", count: 4 - digits.count) + digits
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let found = try KernelTable.lines(of: "/proc/net/tcp")
                .contains { line in
                    let fields = line.split(separator: " ")
                    return fields.count > 3 && fields[2] == remote && fields[3] == state.rawValue
                }
            if found { return }
            sched_yield()
        }
        Issue.record("no connection to \(remote) came to state \(state)")
    }

    @Test func aHostThatNeverAnswersIsGivenUpAtOnce() throws {
        // The kernel completes one connection for a backlog of none, and ignores the next.
        let (listening, port) = try Loopback.listen(backlog: 0)
        defer { close(listening) }
        let first = try Loopback.connect(to: port)
        defer { close(first) }
        let interruption = ConnectInterruption()
        let connecting = try self.connecting(to: port, interruption)
        try self.waitFor(.synSent, to: port)
        interruption.interrupt()
        #expect(connecting.failure?.code == .interrupted)
    }

    @Test func aPeerThatIsSilentInTheHandshakeIsGivenUpAtOnce() throws {
        let (listening, port) = try Loopback.listen(backlog: 1)
        defer { close(listening) }
        let interruption = ConnectInterruption()
        let connecting = try self.connecting(to: port, interruption)
        try self.waitFor(.established, to: port)
        interruption.interrupt()
        #expect(connecting.failure?.code == .interrupted)
    }

    @Test func afterAnInterruptionNoConnectionIsBegun() throws {
        let (listening, port) = try Loopback.listen(backlog: 1)
        defer { close(listening) }
        let interruption = ConnectInterruption()
        interruption.interrupt()
        #expect(try self.connecting(to: port, interruption).failure?.code == .interrupted)
    }

    @Test func aConnectionThatIsMadeOutlivesTheInterruption() throws {
        let peers = try Peers()
        let listener = try listener(peers.server)
        let accepted = try listener.acceptOne()
        let interruption = ConnectInterruption()
        let client = try TLSClient(
            credentials: peers.client,
            expectedServer: .agent(of: destination)
        )
        let connection = try client.connect(
            host: "127.0.0.1",
            port: listener.port,
            interruption: interruption
        )
        interruption.interrupt()
        let server = try accepted.get()
        try server.write([1, 2, 3])
        try server.flush()
        var buffer = ChunkBuffer(capacity: ByteCount(3))
        try connection.read(into: &buffer, 0..<3)
        #expect(buffer.array(0..<3) == [1, 2, 3])
    }
}
