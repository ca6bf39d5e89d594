// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import Codecs

/// Every frame but the data frame, decoded: a value of this type cannot be malformed.
///
/// Whether it may come now is for the machines to say. A body ends with the XXH3-64 of the bytes
/// before, so that a fault of memory shows here and not as a wrong decision.
public enum ControlFrame: Hashable, Sendable {
    /// First frame of each side: version, kind of connection, features.
    case hello(Hello)
    /// Opens a transfer.
    case offer(Offer)
    /// The receiver takes the offer.
    case accept(Accept)
    /// What is durable already, of a resumed transfer.
    case ranges(Ranges)
    /// The receiver does not take the offer.
    case refuse(Refusal)
    /// Makes a data connection a stream of a session.
    case join(Join)
    /// The receiver takes the stream.
    case joined(Joined)
    /// A range of the target that is zero.
    case zero(ZeroExtent)
    /// Asks for digests of leaves of the base.
    case leafQuery(LeafQuery)
    /// Answers a leaf query.
    case leafDigests(LeafDigests)
    /// Asks for shares of granules of the base.
    case granuleQuery(GranuleQuery)
    /// Answers a granule query.
    case granuleDigests(GranuleDigests)
    /// A stream is complete.
    case end(StreamTotals)
    /// How far a stream has got at the receiver.
    case ack(Ack)
    /// The session is complete: the root to be proven.
    case commit(Commit)
    /// The target is visible.
    case committed(Committed)
    /// Ends the transfer on purpose.
    case abort(Abort)
    /// The receiver is about to stop.
    case drain
    /// Asks for a sign of life.
    case ping(UInt64)
    /// Answers a ping.
    case pong(UInt64)
    /// Last frame of a side: why it closes.
    case error(ErrorReport)

    /// The bytes of the checksum that ends each body: 8.
    public static let checksumSize = 8

    /// The number that the header gives.
    public var type: FrameType {
        switch self {
        case .hello: .hello
        case .offer: .offer
        case .accept: .accept
        case .ranges: .ranges
        case .refuse: .refuse
        case .join: .join
        case .joined: .joined
        case .zero: .zero
        case .leafQuery: .leafQuery
        case .leafDigests: .leafDigests
        case .granuleQuery: .granuleQuery
        case .granuleDigests: .granuleDigests
        case .end: .end
        case .ack: .ack
        case .commit: .commit
        case .committed: .committed
        case .abort: .abort
        case .drain: .drain
        case .ping: .ping
        case .pong: .pong
        case .error: .error
        }
    }

    /// The body, with its checksum at the end.
    public func encoded() -> [UInt8] {
        var writer = BodyWriter()
        switch self {
        case .hello(let hello): hello.write(to: &writer)
        case .offer(let offer): offer.write(to: &writer)
        case .accept(let accept): accept.write(to: &writer)
        case .ranges(let ranges): ranges.write(to: &writer)
        case .refuse(let refusal): refusal.write(to: &writer)
        case .join(let join): join.write(to: &writer)
        case .joined(let joined): joined.write(to: &writer)
        case .zero(let zero): zero.write(to: &writer)
        case .leafQuery(let query): query.write(to: &writer)
        case .leafDigests(let digests): digests.write(to: &writer)
        case .granuleQuery(let query): query.write(to: &writer)
        case .granuleDigests(let digests): digests.write(to: &writer)
        case .end(let totals): totals.write(to: &writer)
        case .ack(let ack): ack.write(to: &writer)
        case .commit(let commit): commit.write(to: &writer)
        case .committed(let committed): committed.generation.write(to: &writer)
        case .abort(let abort): abort.write(to: &writer)
        case .drain: break
        case .ping(let nonce), .pong(let nonce): writer.put(nonce)
        case .error(let report): report.write(to: &writer)
        }
        writer.put(Checksum.xxh3(writer.bytes))
        return writer.bytes
    }

    /// Header and body, ready to be written.
    public func encodedFrame(sequence: UInt64, flags: FrameFlags = []) -> [UInt8] {
        let body = self.encoded()
        let header = FrameHeader(
            type: self.type,
            flags: flags,
            bodyLength: body.count,
            sequence: sequence
        )
        return header.encoded() + body
    }

    /// The frame in a body that was received whole.
    ///
    /// - Returns: the frame; encoding it gives the same bytes again.
    /// - Throws: what is wrong with the body. The session that sent it ends; retrying cannot help.
    public static func decode(type: FrameType, body: [UInt8]) throws(FrameError) -> Self {
        let lengths = type.bodyLengths
        guard body.count <= lengths.upperBound else {
            throw .bodyTooLong(type, length: body.count, limit: lengths.upperBound)
        }
        guard body.count >= lengths.lowerBound else {
            throw .bodyTooShort(type, length: body.count, minimum: lengths.lowerBound)
        }
        let end = body.count - Self.checksumSize
        var stored: UInt64 = 0
        for index in 0..<8 { stored |= UInt64(body[end + index]) << (8 * index) }
        guard stored == Checksum.xxh3(Array(body[..<end])) else { throw .badBodyChecksum(type) }
        var reader = BodyReader(type, body, end: end)
        let frame = try Self(type, from: &reader)
        try reader.finish()
        return frame
    }

    private init(_ type: FrameType, from reader: inout BodyReader) throws(FrameError) {
        switch type {
        case .hello: self = .hello(try Hello(from: &reader))
        case .offer: self = .offer(try Offer(from: &reader))
        case .accept: self = .accept(try Accept(from: &reader))
        case .ranges: self = .ranges(try Ranges(from: &reader))
        case .refuse: self = .refuse(try Refusal(from: &reader))
        case .join: self = .join(try Join(from: &reader))
        case .joined: self = .joined(try Joined(from: &reader))
        case .data: throw .misplaced(.data)
        case .zero: self = .zero(try ZeroExtent(from: &reader))
        case .leafQuery: self = .leafQuery(try LeafQuery(from: &reader))
        case .leafDigests: self = .leafDigests(try LeafDigests(from: &reader))
        case .granuleQuery: self = .granuleQuery(try GranuleQuery(from: &reader))
        case .granuleDigests: self = .granuleDigests(try GranuleDigests(from: &reader))
        case .end: self = .end(try StreamTotals(from: &reader, "end"))
        case .ack: self = .ack(try Ack(from: &reader))
        case .commit: self = .commit(try Commit(from: &reader))
        case .committed:
            self = .committed(Committed(try GenerationStamp(from: &reader, "committed")))
        case .abort: self = .abort(try Abort(from: &reader))
        case .drain: self = .drain
        case .ping: self = .ping(try reader.number(UInt64.self, "ping.nonce"))
        case .pong: self = .pong(try reader.number(UInt64.self, "pong.nonce"))
        case .error: self = .error(try ErrorReport(from: &reader))
        }
    }
}
