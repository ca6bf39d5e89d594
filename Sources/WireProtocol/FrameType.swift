// SPDX-License-Identifier: Apache-2.0

import BlockTypes

/// What a frame is; the number is the type field of its header (docs/wire-format.md §6).
public enum FrameType: UInt8, Hashable, Sendable, CaseIterable {
    case hello = 0x01
    case offer = 0x02
    case accept = 0x03
    case ranges = 0x04
    case refuse = 0x05
    case join = 0x06
    case joined = 0x07
    case data = 0x10
    case zero = 0x11
    case leafQuery = 0x12
    case leafDigests = 0x13
    case granuleQuery = 0x14
    case granuleDigests = 0x15
    case end = 0x16
    case ack = 0x20
    case commit = 0x21
    case committed = 0x22
    case abort = 0x23
    case drain = 0x24
    case ping = 0x25
    case pong = 0x26
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
