// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs
import WireProtocol

/// Bytes of frames, right ones and wrong ones.
enum WireBytes {
    static func number(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: 0, to: value.bitWidth, by: 8)
            .map {
                UInt8(truncatingIfNeeded: value >> $0)
            }
    }

    /// A header with any contents and the checksum that fits them.
    static func header(
        magic: UInt32 = FrameHeader.magic,
        type: UInt8,
        flags: UInt8 = 0,
        reserved: UInt16 = 0,
        length: Int,
        tail: UInt32 = 0,
        sequence: UInt64 = 0
    ) -> [UInt8] {
        var bytes = self.number(magic)
        bytes += [type, flags]
        bytes += self.number(reserved)
        bytes += self.number(UInt32(length))
        bytes += self.number(tail)
        bytes += self.number(sequence)
        return bytes + self.number(Checksum.xxh3(bytes))
    }

    /// A frame of any type around a body, to which its checksum is added.
    static func frame(type: FrameType, body: [UInt8]) -> [UInt8] {
        let whole = body + self.number(Checksum.xxh3(body))
        return self.header(type: type.rawValue, length: whole.count) + whole
    }

    /// A valid control frame with some bytes of its body replaced, and checksums that fit.
    static func changed(_ frame: ControlFrame, at offset: Int, to bytes: [UInt8]) -> [UInt8] {
        var body = Array(frame.encoded().dropLast(ControlFrame.checksumSize))
        body.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        return self.frame(type: frame.type, body: body)
    }

    /// A valid control frame whose body is cut or continued, with checksums that fit.
    static func resized(_ frame: ControlFrame, by count: Int) -> [UInt8] {
        var body = Array(frame.encoded().dropLast(ControlFrame.checksumSize))
        if count < 0 { body.removeLast(-count) } else { body += Array(repeating: 0, count: count) }
        return self.frame(type: frame.type, body: body)
    }

    /// A data frame with any 24 bytes before its payload.
    static func data(
        offset: UInt64 = 0,
        length: UInt32 = 4096,
        codec: UInt8 = 0,
        reserved: [UInt8] = [0, 0, 0],
        payload: [UInt8] = Array(repeating: 0x41, count: 64)
    ) -> [UInt8] {
        var body = self.number(offset)
        body += self.number(length)
        body += [codec]
        body += reserved
        body += self.number(Checksum.xxh3(payload))
        body += payload
        return self.header(type: FrameType.data.rawValue, length: body.count) + body
    }

    /// A data frame.
    static func data(_ header: DataHeader, _ payload: [UInt8], sequence: UInt64 = 0) -> [UInt8] {
        var buffer = ChunkBuffer(capacity: ByteCount(DataHeader.encodedSize))
        header.encode(into: &buffer, at: 0)
        let body = buffer.array(0..<DataHeader.encodedSize) + payload
        return FrameHeader(type: .data, bodyLength: body.count, sequence: sequence).encoded() + body
    }

    /// The same frame with another place in its connection.
    static func renumbered(_ frame: [UInt8], _ sequence: UInt64) -> [UInt8] {
        var head = Array(frame[..<16])
        head += self.number(sequence)
        head += self.number(Checksum.xxh3(head))
        return head + frame[32...]
    }
}
