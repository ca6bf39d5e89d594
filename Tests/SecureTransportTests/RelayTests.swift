// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import Identity
import SecureTransport
import Testing
import WireProtocol

/// A network that delivers byte by byte.
@Suite struct RelayTests {
    private func ends() throws -> (client: TLSConnection, server: TLSConnection, relay: Relay) {
        let peers = try Peers()
        let listener = try listener(peers.server)
        let accepted = try listener.acceptOne()
        let relay = try Relay(to: listener.port)
        let client = try TLSClient(
            credentials: peers.client,
            expectedServer: .agent(of: destination)
        )
        let connection = try client.connect(host: "127.0.0.1", port: relay.port)
        return (connection, try accepted.get(), relay)
    }

    @Test func framesSurviveBeingCutIntoBytes() throws {
        let (client, server, relay) = try self.ends()
        let size = 40_000
        let header = DataHeader(offset: .zero, rawLength: size, codec: .none, checksum: 1)
        let sender = try Handover { () throws(TransportError) in
            var frames = FrameConnection(client)
            try frames.send(.ping(1))
            try frames.sendData(header, payload: pattern(size, seed: 1), 0..<size)
            frames.close()
        }
        var frames = FrameConnection(server)
        #expect(try frames.receive() == .control(.ping(1)))
        let range = FrameConnection.payloadOffset..<FrameConnection.payloadOffset + size
        #expect(try frames.receive() == .data(header, payload: range))
        let isSame = frames.receiveBuffer.matches(range, pattern(size, seed: 1), 0..<size)
        #expect(isSame)
        try sender.get()
        frames.close()
        relay.join()
    }

    @Test func halfARecordIsNotReadable() throws {
        let (client, server, relay) = try self.ends()
        relay.letPass(30)
        try client.write([UInt8](repeating: 7, count: 100))
        try client.flush()
        // Thirty of 122 bytes are here or will be: neither is a byte for us.
        #expect(try server.waitReadable(timeout: .milliseconds(50)) == .timedOut)
        relay.letPass(nil)
        #expect(try server.waitReadable(timeout: .seconds(10)) == .readable)
        var buffer = ChunkBuffer(capacity: ByteCount(100))
        try server.read(into: &buffer, 0..<100)
        let isSame = buffer.array(0..<100) == [UInt8](repeating: 7, count: 100)
        #expect(isSame)
        client.close()
        server.close()
        relay.join()
    }
}
