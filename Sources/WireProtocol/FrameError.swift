// SPDX-License-Identifier: Apache-2.0

/// Why bytes of the peer are not a frame of this protocol; their session ends (P7).
public enum FrameError: Error, Hashable, Sendable {
    /// The header does not begin with "GDWT": this is another protocol, or a frame border was lost.
    case badMagic(UInt32)

    /// The header does not have its checksum; nothing in it can be believed.
    case badHeaderChecksum

    /// A flag is set that version 1 does not know.
    case badFlags(UInt8)

    /// A reserved field of the header or of a body is not zero.
    case badReserved(field: String, value: UInt64)

    /// A type that this side does not know and that is not marked as one to skip.
    case unknownType(UInt8)

    /// A frame that belongs to the other kind of connection, or a data frame where none can be.
    case misplaced(FrameType)

    /// The body is longer than any body of its type.
    case bodyTooLong(FrameType, length: Int, limit: Int)

    /// An optional frame of an unknown type is longer than any control frame.
    case skippedTooLong(type: UInt8, length: Int, limit: Int)

    /// The body is shorter than any body of its type.
    case bodyTooShort(FrameType, length: Int, minimum: Int)

    /// The body ends inside a field.
    case truncated(FrameType, field: String)

    /// The body goes on after its last field.
    case trailingBytes(FrameType, count: Int)

    /// The body does not have its checksum.
    case badBodyChecksum(FrameType)

    /// A field has a value that it cannot have.
    case badValue(field: String, value: UInt64)

    /// A text is not UTF-8, has control characters, or has characters its field does not allow.
    case badText(field: String)

    /// A frame was lost, repeated or put out of order.
    case badSequence(expected: UInt64, got: UInt64)

    /// The hello of another major version; nothing after the version was read.
    case versionMismatch(ours: WireVersion, theirs: WireVersion)

    /// The code that tells the peer.
    public var code: ProtocolCode {
        switch self {
        case .versionMismatch: .versionMismatch
        case .badMagic, .badHeaderChecksum, .badFlags, .badReserved, .unknownType, .misplaced,
            .bodyTooLong, .skippedTooLong, .bodyTooShort, .truncated, .trailingBytes,
            .badBodyChecksum, .badValue, .badText, .badSequence:
            .violation
        }
    }

    /// The report that tells the peer before the connection closes.
    public var report: ErrorReport { ErrorReport(code: self.code, text: self.description) }
}

extension FrameError: CustomStringConvertible {
    /// What is wrong, with the values that were found.
    public var description: String {
        switch self {
        case .badMagic(let value): "the header begins with 0x\(String(value, radix: 16)), not GDWT"
        case .badHeaderChecksum: "the header does not have its checksum"
        case .badFlags(let value): "flags 0x\(String(value, radix: 16)) are not known"
        case .badReserved(let field, let value): "reserved field \(field) is \(value), not 0"
        case .unknownType(let type): "frame type 0x\(String(type, radix: 16)) is not known"
        case .misplaced(let type): "a \(type.name) frame cannot be here"
        case .bodyTooLong(let type, let length, let limit):
            "a \(type.name) body of \(length) bytes is over the limit of \(limit)"
        case .skippedTooLong(let type, let length, let limit):
            "a body of \(length) bytes of type 0x\(String(type, radix: 16)) is over \(limit)"
        case .bodyTooShort(let type, let length, let minimum):
            "a \(type.name) body of \(length) bytes is under the minimum of \(minimum)"
        case .truncated(let type, let field): "the \(type.name) body ends inside of \(field)"
        case .trailingBytes(let type, let count):
            "the \(type.name) body has \(count) bytes after its last field"
        case .badBodyChecksum(let type): "the \(type.name) body does not have its checksum"
        case .badValue(let field, let value): "\(field) cannot be \(value)"
        case .badText(let field): "\(field) is not a text that this field allows"
        case .badSequence(let expected, let got): "frame number \(got) came instead of \(expected)"
        case .versionMismatch(let ours, let theirs):
            "this side speaks protocol \(ours), the peer \(theirs): upgrade the older one"
        }
    }
}
