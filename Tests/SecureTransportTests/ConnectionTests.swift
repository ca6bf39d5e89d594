// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Identity
import SecureTransport
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
