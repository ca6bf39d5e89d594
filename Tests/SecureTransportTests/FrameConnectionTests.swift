// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import SecureTransport
import Testing
import WireProtocol

@Suite struct FrameConnectionTests {
    static let sizes = [1, 512, 4096, 16_328, 16_329, 65_536, 100_001, 1 << 20]

    private static func header(of size: Int, at index: Int) -> DataHeader {
        DataHeader(
            offset: ByteOffset(index << 20),
            rawLength: size,
            codec: .none,
            checksum: UInt64(index)
        )
    }

    @Test func framesOfEveryKindArriveInOrder() throws {
        let ends = try Ends()
        let sender = try Handover { () throws(TransportError) in
            var frames = FrameConnection(ends.client)
            try frames.send(.ping(7))
            for (index, size) in Self.sizes.enumerated() {
                let payload = pattern(size, seed: UInt64(index))
                // Small ones may share the buffer: only the last one flushes.
                try frames.sendData(
                    Self.header(of: size, at: index),
                    payload: payload,
                    0..<size,
                    flush: false
                )
            }
            try frames.send(.drain)
        }
        var frames = FrameConnection(ends.server)
        #expect(try frames.receive() == .control(.ping(7)))
        for (index, size) in Self.sizes.enumerated() {
            let expected = FrameConnection.payloadOffset..<FrameConnection.payloadOffset + size
            #expect(
                try frames.receive()
                    == .data(Self.header(of: size, at: index), payload: expected)
            )
            let payload = pattern(size, seed: UInt64(index))
            let isSame = frames.receiveBuffer.matches(expected, payload, 0..<size)
            #expect(isSame, "payload of \(size) bytes")
        }
        #expect(try frames.receive() == .control(.drain))
        try sender.get()
    }

    @Test func aPartOfABufferIsSentFromWhereItLies() throws {
        let ends = try Ends()
        let sender = try Handover { () throws(TransportError) in
            var frames = FrameConnection(ends.client)
            let payload = pattern(200_000, seed: 9)
            for range in [100..<4196, 8192..<140_000] {
                try frames.sendData(
                    Self.header(of: range.count, at: 0),
                    payload: payload,
                    range
                )
            }
        }
        var frames = FrameConnection(ends.server)
        let payload = pattern(200_000, seed: 9)
        for range in [100..<4196, 8192..<140_000] {
            guard case .data(_, let received) = try frames.receive() else {
                Issue.record("no data frame")
                return
            }
            let isSame = frames.receiveBuffer.matches(received, payload, range)
            #expect(isSame)
        }
        try sender.get()
    }

    @Test func aControlThreadWaitsForFramesAndForOthers() throws {
        let ends = try Ends()
        let wakeup = try Wakeup()
        var server = FrameConnection(ends.server, carriesData: false)
        var client = FrameConnection(ends.client, carriesData: false)
        wakeup.signal()
        #expect(try server.waitReadable(timeout: nil, wakeup: wakeup) == .woken)
        // Two frames with one flush: the second one is found although the socket is empty.
        try client.send(.ping(1), flush: false)
        try client.send(.ping(2))
        for nonce in [UInt64(1), 2] {
            #expect(try server.waitReadable(timeout: .seconds(10), wakeup: wakeup) == .readable)
            #expect(try server.receive() == .control(.ping(nonce)))
        }
        #expect(try server.waitReadable(timeout: .zero, wakeup: wakeup) == .timedOut)
    }

    @Test func theLastWordSurvivesUnreadData() throws {
        let ends = try Ends()
        let sender = try Handover { () throws(TransportError) in
            var frames = FrameConnection(ends.client)
            let payload = pattern(1 << 20, seed: 1)
            for index in 0..<32 {
                try frames.sendData(
                    Self.header(of: 1 << 20, at: index),
                    payload: payload,
                    0..<(1 << 20)
                )
            }
            return try frames.receive()
        }
        var frames = FrameConnection(ends.server)
        let report = ErrorReport(code: .noSpace, text: "the pool is full")
        try frames.send(.error(report))
        frames.close(afterLastWord: true)
        #expect(try sender.get() == .control(.error(report)))
    }

    @Test func aPeerThatEndsBetweenFramesHasClosed() throws {
        let ends = try Ends()
        var client = FrameConnection(ends.client)
        try client.send(.ping(1))
        client.close()
        var server = FrameConnection(ends.server)
        #expect(try server.receive() == .control(.ping(1)))
        let error = #expect(throws: TransportError.self) { try server.receive() }
        #expect(error?.code == .closed)
    }
}

/// What a peer that has proven its name sends all the same (P7).
@Suite struct ViolationTests {
    /// What a receiver makes of these bytes and the end of the connection.
    private func received(
        _ bytes: [UInt8],
        carriesData: Bool = true
    ) throws -> Result<FrameConnection.Received, TransportError> {
        let ends = try Ends()
        let reader = try Handover { () throws(TransportError) in
            var frames = FrameConnection(ends.server, carriesData: carriesData)
            let first = Result { () throws(TransportError) in try frames.receive() }
            // Whatever it was: a second receive does not trap either.
            _ = Result { () throws(TransportError) in try frames.receive() }
            return try first.get()
        }
        try ends.client.write(bytes)
        ends.client.close()
        return reader.result
    }

    private func violation(
        _ bytes: [UInt8],
        carriesData: Bool = true
    ) throws -> FrameError? {
        guard case .failure(let error) = try self.received(bytes, carriesData: carriesData),
            case .violation(let violation) = error.code
        else { return nil }
        return violation
    }

    /// A frame as another implementation could send it, with any type and length.
    private func frame(
        type: UInt8,
        flags: UInt8 = 0,
        length: Int,
        sequence: UInt64 = 0,
        body: [UInt8] = []
    ) -> [UInt8] {
        var buffer = ChunkBuffer(capacity: ByteCount(FrameHeader.encodedSize))
        buffer.store(FrameHeader.magic, at: 0)
        buffer.store(type, at: 4)
        buffer.store(flags, at: 5)
        buffer.store(UInt32(length), at: 8)
        buffer.store(sequence, at: 16)
        buffer.store(Checksum.xxh3(buffer, 0..<24), at: 24)
        return buffer.array(0..<FrameHeader.encodedSize) + body
    }

    @Test func garbageIsAViolation() throws {
        let violation = try self.violation(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        guard case .badMagic? = violation else {
            Issue.record("\(String(describing: violation))")
            return
        }
    }

    @Test func everyDamagedByteOfAHeaderIsAViolation() throws {
        let bytes = ControlFrame.ping(5).encodedFrame(sequence: 0)
        for index in 0..<FrameHeader.encodedSize {
            var damaged = bytes
            damaged[index] ^= 0xff
            #expect(try self.violation(damaged) != nil, "byte \(index)")
        }
    }

    @Test func everyDamagedByteOfABodyIsAViolation() throws {
        let bytes = ControlFrame.ping(5).encodedFrame(sequence: 0)
        for index in FrameHeader.encodedSize..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 0x01
            #expect(try self.violation(damaged) == .badBodyChecksum(.ping))
        }
    }

    @Test func aFrameOutOfOrderIsAViolation() throws {
        let bytes = ControlFrame.ping(5).encodedFrame(sequence: 1)
        #expect(try self.violation(bytes) == .badSequence(expected: 0, got: 1))
    }

    @Test(arguments: [1 << 20 + 25, Int(UInt32.max)])
    func aBodyOverItsLimitIsRefusedBeforeItIsRead(length: Int) throws {
        let bytes = self.frame(type: FrameType.data.rawValue, length: length)
        guard case .bodyTooLong(.data, length, _)? = try self.violation(bytes) else {
            Issue.record("accepted a body of \(length) bytes")
            return
        }
    }

    @Test func aDataFrameOnAControlConnectionIsAViolation() throws {
        let bytes = self.frame(type: FrameType.data.rawValue, length: 1 << 20)
        #expect(try self.violation(bytes, carriesData: false) == .misplaced(.data))
    }

    @Test func anUnknownTypeIsAViolationUnlessItIsOptional() throws {
        let body = [UInt8](repeating: 9, count: 100)
        let required = self.frame(type: 0x7f, length: 100, body: body)
        #expect(try self.violation(required) == .unknownType(0x7f))
        let optional = self.frame(type: 0x7f, flags: 1, length: 100, body: body)
        #expect(try self.received(optional).get() == .skipped)
    }

    @Test func afterASkippedFrameTheNextOneIsRight() throws {
        let ends = try Ends()
        var frames = FrameConnection(ends.server, carriesData: false)
        let body = [UInt8](repeating: 9, count: 65_536)
        try ends.client.write(self.frame(type: 0x7f, flags: 1, length: 65_536, body: body))
        try ends.client.write(ControlFrame.ping(3).encodedFrame(sequence: 1))
        try ends.client.flush()
        #expect(try frames.receive() == .skipped)
        #expect(try frames.receive() == .control(.ping(3)))
    }

    @Test func aFrameThatIsCutIsTheEnd() throws {
        let bytes = ControlFrame.ping(5).encodedFrame(sequence: 0)
        for count in [0, 1, 31, 32, 40, bytes.count - 1] {
            guard case .failure(let error) = try self.received(Array(bytes[..<count])) else {
                Issue.record("accepted \(count) bytes")
                continue
            }
            #expect(error.code == .closed)
        }
    }

    @Test func damagedDataHeadersAreViolations() throws {
        let good: [UInt8] =
            [0, 0x10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0]
        // Place that is no granule or beyond every volume, length 0 or too long, codec, reserved.
        let changes: [(Int, UInt8)] = [
            (0, 1), (7, 0x80), (8, 0), (11, 1), (12, 99), (13, 1), (15, 1),
        ]
        for (index, value) in changes {
            var body = good
            body[index] = value
            let bytes = self.frame(type: FrameType.data.rawValue, length: 25, body: body + [0])
            #expect(try self.violation(bytes) != nil, "byte \(index)")
        }
        let bytes = self.frame(type: FrameType.data.rawValue, length: 25, body: good + [0])
        #expect(throws: Never.self) { try self.received(bytes).get() }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func randomBytesNeverTrap(seed: UInt64) throws {
        let buffer = pattern(4096, seed: seed)
        let bytes = buffer.array(0..<4096)
        #expect(try self.violation(bytes) != nil, "seed \(seed)")
        // And behind a header that is right, for every type that carries a body.
        for type in FrameType.allCases where type != .data {
            let length = min(type.bodyLengths.upperBound, 4096)
            guard length >= type.bodyLengths.lowerBound else { continue }
            let frame = self.frame(
                type: type.rawValue,
                length: length,
                body: Array(bytes[..<length])
            )
            #expect(try self.violation(frame) != nil, "seed \(seed), \(type.name)")
        }
    }
}
