// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// The secret that ties data connections to the control connection that opened the transfer.
///
/// Random, made by the receiver for each session; never logged.
public struct JoinToken: Hashable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// A token of exactly 32 bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    public func matches(_ other: Self) -> Bool { ConstantTime.areEqual(self.bytes, other.bytes) }

    /// Never the bytes.
    public var description: String { "(secret)" }

    init(from reader: inout BodyReader, _ type: FrameType, _ field: String) throws(FrameError) {
        guard let token = Self(try reader.raw(32, field)) else {
            throw .truncated(type, field: field)
        }
        self = token
    }
}

/// The receiver's yes to an offer; where `rangeCount` is not 0, frames with the ranges follow.
public struct Accept: Hashable, Sendable {
    /// The transfer of the offer.
    public let transfer: TransferID

    /// What each data connection must show.
    public let token: JoinToken

    /// The data connections that the sender may open, at most as many as it wanted.
    public let streams: Int

    /// How far each stream may be ahead of what is durable.
    public let creditWindow: ByteCount

    /// The sum of the durable ranges that follow.
    public let durableBytes: ByteCount

    /// How many durable ranges follow.
    public let rangeCount: Int

    /// Whether an earlier, broken session of the same transfer is continued.
    public let isResumed: Bool

    /// The ticket that is kept with the stage: the offer's own, or that of the first session.
    public let ticket: ResumeTicket

    /// The acceptance with these parts.
    public init(
        transfer: TransferID,
        token: JoinToken,
        streams: Int,
        creditWindow: ByteCount = Limits.creditWindow,
        durableBytes: ByteCount = .zero,
        rangeCount: Int = 0,
        isResumed: Bool = false,
        ticket: ResumeTicket
    ) {
        precondition((1...Limits.streams).contains(streams), "\(streams) streams")
        precondition((0...Limits.rangesPerTransfer).contains(rangeCount), "\(rangeCount) ranges")
        self.transfer = transfer
        self.token = token
        self.streams = streams
        self.creditWindow = creditWindow
        self.durableBytes = durableBytes
        self.rangeCount = rangeCount
        self.isResumed = isResumed
        self.ticket = ticket
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        self.transfer = try reader.identifier(TransferID.self, "accept.transfer")
        self.token = try JoinToken(from: &reader, .accept, "accept.token")
        let streams = try reader.number(UInt8.self, "accept.streams")
        guard (1...Limits.streams).contains(Int(streams)) else {
            throw .badValue(field: "accept.streams", value: UInt64(streams))
        }
        self.streams = Int(streams)
        self.creditWindow = try reader.count(
            "accept.creditWindow",
            limit: Limits.maximumCreditWindow.bytes
        )
        guard self.creditWindow >= Limits.minimumCreditWindow else {
            throw .badValue(
                field: "accept.creditWindow",
                value: UInt64(self.creditWindow.bytes)
            )
        }
        self.durableBytes = try reader.count(
            "accept.durableBytes",
            limit: Geometry.maximumVolume.bytes
        )
        let rangeCount = try reader.number(UInt32.self, "accept.rangeCount")
        guard Int(rangeCount) <= Limits.rangesPerTransfer else {
            throw .badValue(field: "accept.rangeCount", value: UInt64(rangeCount))
        }
        self.rangeCount = Int(rangeCount)
        self.isResumed = try reader.flag("accept.resumed")
        self.ticket = try ResumeTicket(from: &reader, "accept.ticket")
        // No range means no byte, and only a resumed transfer has durable bytes.
        let isEmpty = rangeCount == 0
        guard isEmpty == (self.durableBytes == .zero), self.isResumed || isEmpty else {
            throw .badValue(field: "accept.rangeCount", value: UInt64(rangeCount))
        }
    }

    func write(to writer: inout BodyWriter) {
        writer.put(self.transfer)
        writer.put(raw: self.token.bytes)
        writer.put(UInt8(self.streams))
        writer.put(self.creditWindow)
        writer.put(self.durableBytes)
        writer.put(UInt32(self.rangeCount))
        writer.put(self.isResumed)
        self.ticket.write(to: &writer)
    }
}

/// Some of the durable ranges of a resumed transfer, ascending over all frames.
public struct Ranges: Hashable, Sendable {
    /// 1...4,000 ranges, ascending, disjoint.
    public let extents: [Extent]

    /// Whether no other frame of ranges follows.
    public let isLast: Bool

    /// The frame with these ranges.
    public init(_ extents: [Extent], isLast: Bool) {
        precondition(
            (1...Limits.rangesPerFrame).contains(extents.count),
            "\(extents.count) ranges do not fit a frame"
        )
        self.extents = extents
        self.isLast = isLast
    }

    init(from reader: inout BodyReader) throws(FrameError) {
        let count = try reader.number(UInt16.self, "ranges.count")
        guard (1...Limits.rangesPerFrame).contains(Int(count)),
            reader.remaining == 16 * Int(count) + 1
        else { throw .badValue(field: "ranges.count", value: UInt64(count)) }
        var extents: [Extent] = []
        extents.reserveCapacity(Int(count))
        for _ in 0..<count {
            let extent = try reader.range("ranges.range")
            if let previous = extents.last, extent.start < previous.end {
                throw .badValue(field: "ranges.start", value: UInt64(extent.start.bytes))
            }
            extents.append(extent)
        }
        self.extents = extents
        self.isLast = try reader.flag("ranges.last")
    }

    func write(to writer: inout BodyWriter) {
        writer.put(UInt16(self.extents.count))
        for extent in self.extents {
            writer.put(extent.start)
            writer.put(extent.end)
        }
        writer.put(self.isLast)
    }
}
