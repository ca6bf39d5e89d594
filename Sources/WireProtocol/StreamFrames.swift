// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// The number of a stream within its transfer, from 0.
public struct StreamIndex: Hashable, Comparable, Sendable {
    /// The zero-based number, in 0..<16.
    public let index: Int

    /// The stream with this number.
    public init(_ index: Int) {
        precondition((0..<Limits.streams).contains(index), "there is no stream \(index)")
        self.index = index
    }

    /// Orders by number.
    public static func < (left: Self, right: Self) -> Bool { left.index < right.index }

    init(from reader: inout BodyReader, _ field: String) throws(FrameError) {
        let number = try reader.number(UInt8.self, field)
        guard Int(number) < Limits.streams else {
            throw .badValue(field: field, value: UInt64(number))
        }
        self.index = Int(number)
    }

    func write(to writer: inout BodyWriter) { writer.put(UInt8(self.index)) }
}

/// Ties a data connection to a transfer.
public struct Join: Hashable, Sendable {
    /// The transfer.
    public let transfer: TransferID

    /// The token of the acceptance.
    public let token: JoinToken

    /// Which stream the connection will carry; each once in a session.
    public let stream: StreamIndex

    /// The join with these parts.
    public init(transfer: TransferID, token: JoinToken, stream: StreamIndex) {
        self.transfer = transfer
        self.token = token
        self.stream = stream
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.transfer = try reader.identifier(TransferID.self, "join.transfer")
        self.token = try JoinToken(from: &reader, .join, "join.token")
        self.stream = try StreamIndex(from: &reader, "join.stream")
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.transfer)
        writer.put(raw: self.token.bytes)
        self.stream.write(to: &writer)
    }
}

/// The receiver's yes to a join.
public struct Joined: Hashable, Sendable {
    /// The stream of the join.
    public let stream: StreamIndex

    /// What the sender may send before the first acknowledgement, in charged bytes.
    public let creditLimit: ByteCount

    /// The answer with these parts.
    public init(stream: StreamIndex, creditLimit: ByteCount) {
        self.stream = stream
        self.creditLimit = creditLimit
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.stream = try StreamIndex(from: &reader, "joined.stream")
        self.creditLimit = try reader.count("joined.creditLimit")
    }

    func write(to writer: inout BodyWriter) {
        self.stream.write(to: &writer)
        writer.put(self.creditLimit)
    }
}

/// A range of the target that holds only zeros.
public struct ZeroExtent: Hashable, Sendable {
    /// The range; it starts on a granule and ends on one or at the volume's end.
    public let extent: Extent

    /// The record of this range.
    public init(_ extent: Extent) { self.extent = extent }

    init(from reader: inout BodyReader) throws(FrameError) {
        let limit = Geometry.maximumVolume.bytes
        let start = try reader.count("zero.offset", limit: limit)
        guard start.bytes.isMultiple(of: Geometry.granule.bytes) else {
            throw .badValue(field: "zero.offset", value: UInt64(start.bytes))
        }
        // Both are at most the largest volume, so that the sum fits.
        let length = try reader.count("zero.length", limit: limit - start.bytes)
        guard length > .zero else { throw .badValue(field: "zero.length", value: 0) }
        self.extent = Extent(at: ByteOffset(start.bytes), length: length)
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.extent.start)
        writer.put(self.extent.length)
    }
}

/// What a stream, or all streams of a session, carried.
public struct StreamTotals: Hashable, Sendable {
    /// Bytes on the wire: four u64.
    public static let encodedSize = 32

    /// The number of data frames.
    public var dataFrames: Int

    /// The number of zero frames.
    public var zeroFrames: Int

    /// The sum of the data frames' lengths before compression.
    public var rawBytes: ByteCount

    /// The sum of the zero frames' lengths.
    public var zeroBytes: ByteCount

    /// These totals; nothing by default.
    public init(
        dataFrames: Int = 0,
        zeroFrames: Int = 0,
        rawBytes: ByteCount = .zero,
        zeroBytes: ByteCount = .zero
    ) {
        self.dataFrames = dataFrames
        self.zeroFrames = zeroFrames
        self.rawBytes = rawBytes
        self.zeroBytes = zeroBytes
    }

    /// The totals of both; for totals that this side counted, which are bounded by the volume.
    public static func + (left: Self, right: Self) -> Self {
        Self(
            dataFrames: left.dataFrames + right.dataFrames,
            zeroFrames: left.zeroFrames + right.zeroFrames,
            rawBytes: left.rawBytes + right.rawBytes,
            zeroBytes: left.zeroBytes + right.zeroBytes
        )
    }

    /// Counts one frame more; its extent was checked against the volume.
    mutating func count(_ extent: Extent, _ kind: ExtentKind) {
        switch kind {
        case .data:
            self.dataFrames += 1
            self.rawBytes += extent.length
        case .zero:
            self.zeroFrames += 1
            self.zeroBytes += extent.length
        }
    }

    init(from reader: inout BodyReader, _ field: String) throws(FrameError) {
        self.dataFrames = try reader.tally("\(field).dataFrames")
        self.zeroFrames = try reader.tally("\(field).zeroFrames")
        self.rawBytes = try reader.count("\(field).rawBytes")
        self.zeroBytes = try reader.count("\(field).zeroBytes")
    }

    func write(to writer: inout BodyWriter) {
        writer.put(UInt64(self.dataFrames))
        writer.put(UInt64(self.zeroFrames))
        writer.put(self.rawBytes)
        writer.put(self.zeroBytes)
    }
}

/// How far a stream has got at the receiver; cumulative charged bytes, which never go back.
///
/// received ≥ applied ≥ durable (P3); the fourth level, committed, is a frame of its own.
public struct Ack: Hashable, Sendable {
    /// The stream.
    public let stream: StreamIndex

    /// Read from the connection and verified.
    public let received: ByteCount

    /// Written to the stage.
    public let applied: ByteCount

    /// Written, and a sync that began after that has returned.
    public let durable: ByteCount

    /// Up to where the sender may send.
    public let creditLimit: ByteCount

    /// The acknowledgement with these levels.
    public init(
        stream: StreamIndex,
        received: ByteCount,
        applied: ByteCount,
        durable: ByteCount,
        creditLimit: ByteCount
    ) {
        self.stream = stream
        self.received = received
        self.applied = applied
        self.durable = durable
        self.creditLimit = creditLimit
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.stream = try StreamIndex(from: &reader, "ack.stream")
        self.received = try reader.count("ack.received")
        self.applied = try reader.count("ack.applied")
        self.durable = try reader.count("ack.durable")
        self.creditLimit = try reader.count("ack.creditLimit")
        guard self.applied <= self.received else {
            throw .badValue(field: "ack.applied", value: UInt64(self.applied.bytes))
        }
        guard self.durable <= self.applied else {
            throw .badValue(field: "ack.durable", value: UInt64(self.durable.bytes))
        }
        guard self.creditLimit >= self.received else {
            throw .badValue(field: "ack.creditLimit", value: UInt64(self.creditLimit.bytes))
        }
    }

    func write(to writer: inout BodyWriter) {
        self.stream.write(to: &writer)
        writer.put(self.received)
        writer.put(self.applied)
        writer.put(self.durable)
        writer.put(self.creditLimit)
    }
}

/// The sender has sent everything: the proof that the receiver must come to, and what it must have.
public struct Commit: Hashable, Sendable {
    /// The root digest of the target, computed from the snapshot.
    public let root: RootDigest

    /// The sum of the end frames of all streams.
    public let totals: StreamTotals

    /// The commit with these parts.
    public init(root: RootDigest, totals: StreamTotals) {
        self.root = root
        self.totals = totals
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.root = try reader.root("commit.root")
        self.totals = try StreamTotals(from: &reader, "commit")
    }

    func write(to writer: inout BodyWriter) {
        writer.put(raw: self.root.bytes)
        self.totals.write(to: &writer)
    }
}

/// The target is proven, durable and visible (P2, P3): the sender may let go of the base.
public struct Committed: Hashable, Sendable {
    /// What the volume shows now.
    public let generation: GenerationStamp

    /// The statement about this generation.
    public init(_ generation: GenerationStamp) { self.generation = generation }
}
