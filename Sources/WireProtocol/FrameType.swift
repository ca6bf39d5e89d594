// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// What a frame is; the number is the type field of its header (docs/wire-format.md §6).
public enum FrameType: UInt8, Hashable, Sendable, CaseIterable {
    /// First frame of each side: version, kind of connection, features.
    case hello = 0x01
    /// Opens a transfer.
    case offer = 0x02
    /// The receiver takes the offer.
    case accept = 0x03
    /// What is durable already, of a resumed transfer.
    case ranges = 0x04
    /// The receiver does not take the offer.
    case refuse = 0x05
    /// Makes a data connection a stream of a session.
    case join = 0x06
    /// The receiver takes the stream.
    case joined = 0x07
    /// A chunk of the target.
    case data = 0x10
    /// A range of the target that is zero.
    case zero = 0x11
    /// Asks for digests of leaves of the base.
    case leafQuery = 0x12
    /// Answers a leaf query.
    case leafDigests = 0x13
    /// Asks for shares of granules of the base.
    case granuleQuery = 0x14
    /// Answers a granule query.
    case granuleDigests = 0x15
    /// A stream is complete.
    case end = 0x16
    /// How far a stream has got at the receiver.
    case ack = 0x20
    /// The session is complete: the root to be proven.
    case commit = 0x21
    /// The target is visible.
    case committed = 0x22
    /// Ends the transfer on purpose.
    case abort = 0x23
    /// The receiver is about to stop.
    case drain = 0x24
    /// Asks for a sign of life.
    case ping = 0x25
    /// Answers a ping.
    case pong = 0x26
    /// Last frame of a side: why it closes.
    case error = 0x27

    /// The name in `docs/wire-format.md` and in messages.
    public var name: String { String(describing: self) }

    /// The lengths that a body of this type can have, in bytes, its checksum included.
    ///
    /// Checked on the header alone, before anything is read or allocated for the body.
    public var bodyLengths: ClosedRange<Int> {
        let checksum = ControlFrame.checksumSize
        switch self {
        // Other major versions may add to the hello; the first four bytes stay what they are.
        case .hello: return (4 + checksum)...Limits.controlBody.bytes
        case .offer:
            let fixed = 16 + 16 + 16 + 32 + 5 + 1 + 8 + 16 + 8 + 2 + 2
            let most = fixed + GenerationStamp.encodedSize + Limits.nameLength + Limits.ticketLength
            return (fixed + checksum)...(most + checksum)
        case .accept:
            let fixed = 16 + 32 + 1 + 8 + 8 + 4 + 1 + 2
            return (fixed + checksum)...(fixed + Limits.ticketLength + checksum)
        case .ranges:
            return (3 + 16 + checksum)...(3 + 16 * Limits.rangesPerFrame + checksum)
        case .refuse:
            let fixed = 2 + 1 + 4 + 1 + 2
            let most = fixed + GenerationStamp.encodedSize + Limits.textLength
            return (fixed + checksum)...(most + checksum)
        case .join: return Self.exactly(16 + 32 + 1 + checksum)
        case .joined: return Self.exactly(1 + 8 + checksum)
        case .data: return (DataHeader.encodedSize + 1)...Limits.dataBody.bytes
        case .zero: return Self.exactly(16 + checksum)
        case .leafQuery: return Self.exactly(12 + checksum)
        case .leafDigests:
            return (12 + 16 + checksum)...(12 + 16 * Limits.leavesPerQuery + checksum)
        case .granuleQuery:
            return (2 + 8 + checksum)...(2 + 8 * Limits.leavesPerGranuleQuery + checksum)
        case .granuleDigests:
            let leaf = 8 + 16 * 16
            return (2 + leaf + checksum)...(2 + leaf * Limits.leavesPerGranuleQuery + checksum)
        case .end: return Self.exactly(StreamTotals.encodedSize + checksum)
        case .ack: return Self.exactly(1 + 4 * 8 + checksum)
        case .commit: return Self.exactly(32 + StreamTotals.encodedSize + checksum)
        case .committed: return Self.exactly(GenerationStamp.encodedSize + checksum)
        case .abort: return (2 + 1 + 2 + checksum)...(2 + 1 + 2 + Limits.textLength + checksum)
        case .drain: return Self.exactly(checksum)
        case .ping, .pong: return Self.exactly(8 + checksum)
        case .error:
            let fixed = 2 + 1 + 1 + 2
            return (fixed + checksum)...(fixed + 8 + Limits.textLength + checksum)
        }
    }

    private static func exactly(_ length: Int) -> ClosedRange<Int> { length...length }
}
