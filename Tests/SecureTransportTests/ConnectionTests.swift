// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Identity
import SecureTransport
import Synchronization
import Testing

@Suite struct ConnectionTests {
    static let chunk = 1 << 20

    @Test func bothEndsKnowEachOther() throws {
        let ends = try Ends()
        #expect(ends.client.peerName == .agent(of: destination))
        #expect(ends.server.peerName == .pair(of: source, at: destination))
        #expect(ends.server.peerAddress.hasPrefix("127.0.0.1:"))
    }

    @Test func manyMebibytesTravelBothWays() throws {
        let ends = try Ends()
        let count = 24
        let echo = try Handover { () throws(TransportError) in
            var buffer = ChunkBuffer(capacity: ByteCount(Self.chunk))
            for _ in 0..<count {
                try ends.server.read(into: &buffer, 0..<Self.chunk)
                try ends.server.write(buffer, 0..<Self.chunk)
            }
            try ends.server.flush()
        }
        let sending = pattern(Self.chunk, seed: 1)
        var received = ChunkBuffer(capacity: ByteCount(Self.chunk))
        // Two chunks are on their way while the next one is written.
        for index in 0..<count + 2 {
            if index < count {
                try ends.client.write(sending, 0..<Self.chunk)
                try ends.client.flush()
            }
            if index >= 2 {
                try ends.client.read(into: &received, 0..<Self.chunk)
                let isSame = received.matches(0..<Self.chunk, sending, 0..<Self.chunk)
                #expect(isSame)
            }
        }
        try echo.get()
        let payload = count * Self.chunk
        for bytes in [ends.client.sentBytes, ends.client.receivedBytes, ends.server.sentBytes] {
            // Records of 16 KiB have 22 bytes of their own, handshakes some thousand.
            #expect(bytes.bytes > payload && bytes.bytes < payload + payload / 200)
        }
    }

    @Test func readsAndWritesOfOddSizesMeet() throws {
        let ends = try Ends()
        let sizes = [1, 2, 31, 4096, 16_383, 16_384, 16_385, 65_537, 100_000, 1, 333_333]
        let total = sizes.reduce(0, +)
        let data = pattern(total, seed: 2)
        let writer = try Handover { () throws(TransportError) in
            let data = pattern(total, seed: 2)
            var offset = 0
            for size in sizes {
                try ends.client.write(data, offset..<offset + size)
                offset += size
            }
            try ends.client.write([])
            try ends.client.flush()
        }
        var received = ChunkBuffer(capacity: ByteCount(total))
        var offset = 0
        for size in sizes.reversed() {
            try ends.server.read(into: &received, offset..<offset + size)
            offset += size
        }
        try ends.server.read(into: &received, 0..<0)
        try writer.get()
        let isSame = received.matches(0..<total, data, 0..<total)
        #expect(isSame)
    }

    @Test func whatWaitsToBeSentGoesOutBeforeAWait() throws {
        let ends = try Ends()
        let answer = try Handover { () throws(TransportError) in
            var buffer = ChunkBuffer(capacity: ByteCount(1))
            try ends.server.read(into: &buffer, 0..<1)
            try ends.server.write([buffer[0] + 1])
            try ends.server.flush()
        }
        // No flush: a forgotten one must not stop both sides for ever.
        try ends.client.write([41])
        var buffer = ChunkBuffer(capacity: ByteCount(1))
        try ends.client.read(into: &buffer, 0..<1)
        #expect(buffer[0] == 42)
        try answer.get()
    }

    @Test func theWriteKeyIsReplacedAndTheDataStaysRight() throws {
        let ends = try Ends(keyUpdateAfter: .mebibytes(1))
        let count = 8
        let echo = try Handover { () throws(TransportError) in
            var buffer = ChunkBuffer(capacity: ByteCount(Self.chunk))
            for _ in 0..<count {
                try ends.server.read(into: &buffer, 0..<Self.chunk)
                try ends.server.write(buffer, 0..<Self.chunk)
                try ends.server.flush()
            }
        }
        var received = ChunkBuffer(capacity: ByteCount(Self.chunk))
        for index in 0..<count {
            let data = pattern(Self.chunk, seed: UInt64(index))
            try ends.client.write(data, 0..<Self.chunk)
            try ends.client.flush()
            try ends.client.read(into: &received, 0..<Self.chunk)
            let isSame = received.matches(0..<Self.chunk, data, 0..<Self.chunk)
            #expect(isSame)
        }
        try echo.get()
        #expect(ends.client.keyUpdates == count - 1)
        #expect(ends.server.keyUpdates == count - 1)
    }

    @Test func anInterruptEndsAReadThatWaits() throws {
        let ends = try Ends()
        let reader = try Handover { () throws(TransportError) in
            var buffer = ChunkBuffer(capacity: ByteCount(1))
            try ends.server.read(into: &buffer, 0..<1)
        }
        ends.server.interrupt()
        #expect(reader.failure?.code == .interrupted)
        // And every later call.
        let error = #expect(throws: TransportError.self) { try ends.server.write([1]) }
        #expect(error?.code == .interrupted)
    }

    @Test func anInterruptEndsAWriteThatWaits() throws {
        let ends = try Ends()
        let writer = try Handover { () throws(TransportError) in
            let data = pattern(Self.chunk, seed: 3)
            // Nobody reads: after some MiB the socket is full for ever.
            while true { try ends.client.write(data, 0..<Self.chunk) }
        }
        while ends.client.sentBytes.bytes < Self.chunk {}
        ends.client.interrupt()
        #expect(writer.failure?.code == .interrupted)
    }

    @Test func anInterruptEndsAWait() throws {
        let ends = try Ends()
        let waiter = try Handover { () throws(TransportError) in
            try ends.server.waitReadable(timeout: nil)
        }
        ends.server.interrupt()
        #expect(waiter.failure?.code == .interrupted)
    }

    @Test func aReadTimesOutWhereThePeerIsSilent() throws {
        let ends = try Ends()
        ends.server.setReadTimeout(.milliseconds(20))
        var buffer = ChunkBuffer(capacity: ByteCount(1))
        let error = #expect(throws: TransportError.self) {
            try ends.server.read(into: &buffer, 0..<1)
        }
        #expect(error?.code == .timedOut)
        #expect(error?.isRetryable == true)
    }

    @Test func aWriteTimesOutWhereThePeerDoesNotRead() throws {
        let ends = try Ends()
        ends.client.setWriteTimeout(.milliseconds(50))
        let data = pattern(Self.chunk, seed: 4)
        let error = #expect(throws: TransportError.self) {
            for _ in 0..<1000 { try ends.client.write(data, 0..<Self.chunk) }
        }
        #expect(error?.code == .timedOut)
    }

    @Test func thePeersGoodbyeIsSeenAfterItsLastByte() throws {
        let ends = try Ends()
        try ends.client.write([7])
        ends.client.close()
        var buffer = ChunkBuffer(capacity: ByteCount(2))
        try ends.server.read(into: &buffer, 0..<1)
        #expect(buffer[0] == 7)
        let error = #expect(throws: TransportError.self) {
            try ends.server.read(into: &buffer, 0..<1)
        }
        #expect(error?.code == .closed)
        let own = #expect(throws: TransportError.self) { try ends.client.write([1]) }
        #expect(own?.code == .closed)
    }

    @Test func aLastWordArrivesAlthoughNobodyReadWhatCameBefore() throws {
        let ends = try Ends()
        let writer = try Handover { () throws(TransportError) in
            let data = pattern(Self.chunk, seed: 5)
            for _ in 0..<64 { try ends.client.write(data, 0..<Self.chunk) }
            try ends.client.flush()
            var buffer = ChunkBuffer(capacity: ByteCount(1))
            try ends.client.read(into: &buffer, 0..<1)
            ends.client.close()
            return buffer[0]
        }
        try ends.server.write([99])
        try ends.server.flush()
        ends.server.close(draining: .seconds(10))
        #expect(try writer.get() == 99)
    }

    @Test func oneStreamGoesFast() throws {
        let ends = try Ends()
        let count = 512
        let reader = try Handover { () throws(TransportError) in
            var buffer = ChunkBuffer(capacity: ByteCount(Self.chunk))
            for _ in 0..<count { try ends.server.read(into: &buffer, 0..<Self.chunk) }
        }
        let data = pattern(Self.chunk, seed: 6)
        let clock = ContinuousClock()
        let time = try clock.measure {
            for _ in 0..<count {
                try ends.client.write(data, 0..<Self.chunk)
                try ends.client.flush()
            }
            try reader.get()
        }
        let seconds = time / .seconds(1)
        print("one stream: \(Double(count * Self.chunk) / seconds / 1e9) GB/s over TLS on loopback")
    }
}

@Suite struct WaitTests {
    @Test func anotherThreadWakesAWait() throws {
        let ends = try Ends()
        let wakeup = try Wakeup()
        let waiter = try Handover { () throws(TransportError) in
            try ends.server.waitReadable(timeout: nil, wakeup: wakeup)
        }
        wakeup.signal()
        wakeup.signal()
        #expect(try waiter.get() == .woken)
        #expect(!wakeup.clear())
    }

    @Test func aSignalBeforeTheWaitIsNotLost() throws {
        let ends = try Ends()
        let wakeup = try Wakeup()
        wakeup.signal()
        #expect(try ends.server.waitReadable(timeout: nil, wakeup: wakeup) == .woken)
        #expect(try ends.server.waitReadable(timeout: .zero, wakeup: wakeup) == .timedOut)
    }

    @Test func aWaitEndsWithItsTime() throws {
        let ends = try Ends()
        #expect(try ends.server.waitReadable(timeout: .zero) == .timedOut)
        #expect(try ends.server.waitReadable(timeout: .milliseconds(5)) == .timedOut)
    }

    @Test func bytesInTheBuffersCountAsReadable() throws {
        let ends = try Ends()
        // Two records that arrive with one system call: the second is in our own buffer when the
        // first has been read, and the socket is empty.
        try ends.client.write([1, 2])
        try ends.client.write([3])
        try ends.client.flush()
        var buffer = ChunkBuffer(capacity: ByteCount(1))
        #expect(try ends.server.waitReadable(timeout: .seconds(10)) == .readable)
        for byte in 1...3 {
            #expect(try ends.server.waitReadable(timeout: .zero) == .readable)
            try ends.server.read(into: &buffer, 0..<1)
            #expect(buffer[0] == UInt8(byte))
        }
        #expect(try ends.server.waitReadable(timeout: .zero) == .timedOut)
    }

    @Test func aWakeUpAndABusyPeerTakeTurns() throws {
        let ends = try Ends()
        let wakeup = try Wakeup()
        try ends.client.write([1])
        try ends.client.flush()
        #expect(try ends.server.waitReadable(timeout: .seconds(10)) == .readable)
        var seen: [ReadReadiness] = []
        for _ in 0..<4 {
            wakeup.signal()
            seen.append(try ends.server.waitReadable(timeout: nil, wakeup: wakeup))
        }
        #expect(seen == [.woken, .readable, .woken, .readable])
    }

    @Test func aKeyUpdateAloneIsNotReadable() throws {
        let ends = try Ends(keyUpdateAfter: ByteCount(1))
        try ends.client.write([1])
        try ends.client.write([2])
        try ends.client.flush()
        var buffer = ChunkBuffer(capacity: ByteCount(2))
        try ends.server.read(into: &buffer, 0..<2)
        #expect(ends.client.keyUpdates == 1)
        #expect(try ends.server.waitReadable(timeout: .zero) == .timedOut)
    }

    @Test func thePeersGoodbyeEndsAWait() throws {
        let ends = try Ends()
        ends.client.close()
        let error = #expect(throws: TransportError.self) {
            try ends.server.waitReadable(timeout: nil)
        }
        #expect(error?.code == .closed)
    }

    @Test func aWakeupCanBeWaitedForAlone() throws {
        let wakeup = try Wakeup()
        #expect(!wakeup.wait(timeout: .zero))
        let waiter = try Handover { () throws(TransportError) in wakeup.wait(timeout: nil) }
        wakeup.signal()
        #expect(try waiter.get())
    }
}

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
        let current = Mutex(old.server)
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
