// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import SecureTransport
import Testing

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
