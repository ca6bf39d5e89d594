// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import WireProtocol

/// What one direction of a connection carried, in order.
enum Assembled: Hashable {
    case control(ControlFrame)
    case data(DataHeader, payload: [UInt8])
    case skipped(type: UInt8, length: Int)
}

/// Puts frames together from bytes in pieces of any size, as a shell would with a blocking socket.
///
/// Never holds more than one header and one body; the body's length is believed after the header's
/// checksum and limits.
struct FrameAssembler: ~Copyable {
    private var buffer = ChunkBuffer(capacity: .kibibytes(72))
    private var filled = 0
    private var header: FrameHeader?
    private var sequence = FrameSequence()

    /// Whether the bytes so far end with a frame.
    var isBetweenFrames: Bool { self.filled == 0 }

    /// Takes all bytes; appends the frames that they complete.
    mutating func take(
        _ bytes: some Collection<UInt8>,
        into frames: inout [Assembled]
    )
        throws(FrameError)
    {
        var rest = Array(bytes)[...]
        let size = FrameHeader.encodedSize
        while !rest.isEmpty {
            let wanted = size + (self.header?.bodyLength ?? 0)
            let piece = rest.prefix(wanted - self.filled)
            rest = rest.dropFirst(piece.count)
            self.reserve(wanted)
            self.buffer.copy(Array(piece), at: self.filled)
            self.filled += piece.count
            guard self.filled == wanted else { return }
            guard let header = self.header else {
                let header = try FrameHeader.decode(self.buffer, at: 0)
                try self.sequence.accept(header)
                self.header = header
                continue
            }
            frames.append(try self.frame(header, body: size..<wanted))
            self.header = nil
            self.filled = 0
        }
    }

    /// Grows once for the rare large data frame, within the limit that the header was checked for.
    private mutating func reserve(_ count: Int) {
        guard count > self.buffer.capacity else { return }
        var larger = ChunkBuffer(capacity: ByteCount(FrameHeader.encodedSize) + Limits.dataBody)
        larger.copy(self.buffer, 0..<self.filled, at: 0)
        self.buffer = larger
    }

    private func frame(_ header: FrameHeader, body: Range<Int>) throws(FrameError) -> Assembled {
        guard let type = header.type else {
            return .skipped(type: header.typeNumber, length: header.bodyLength)
        }
        guard type == .data else {
            return .control(try ControlFrame.decode(type: type, body: self.buffer.array(body)))
        }
        let data = try DataHeader.decode(self.buffer, at: body.lowerBound)
        let payload = body.lowerBound + DataHeader.encodedSize..<body.upperBound
        return .data(data, payload: self.buffer.array(payload))
    }
}
