// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// What the shell of a ``ReceiverSession`` does next.
public enum ReceiverAction: Hashable, Sendable {
    /// Nothing.
    case none
    /// Write these frames to the control connection.
    case send([ControlFrame])
    /// Look whether the offer fits what is here, and call `decided(_:)`.
    case decide(Offer)
    /// Sync everything, compute the root, compare; then `committed(_:)` or `failed(_:)` (P2, P3).
    case prove(Commit)
    /// The sender ended the transfer: discard the stage if it says so; close.
    case aborted(Abort)
    /// Send the last frame, if there is one, and close all connections of the session.
    case close(Closing)
}

/// The receiver's answer to an offer.
public enum OfferDecision: Hashable, Sendable {
    /// The stage is prepared.
    case accept(Acceptance)
    /// Nothing was changed.
    case refuse(Refusal)
}

/// What the receiver has prepared for a transfer.
public struct Acceptance: Hashable, Sendable {
    /// What each data connection must show; new random bytes for each session.
    public let token: JoinToken

    /// The data connections that the sender may open.
    public let streams: Int

    /// How far each stream may be ahead of what is durable.
    public let creditWindow: ByteCount

    /// What an earlier, broken session of this transfer left durable; ascending, disjoint.
    public let durable: [Extent]

    /// The ticket that is kept with the stage.
    public let ticket: ResumeTicket

    /// Whether an earlier session is continued, also where nothing of it is durable.
    public let isResumed: Bool

    /// An acceptance; with durable ranges only where `isResumed`.
    public init(
        token: JoinToken,
        streams: Int,
        creditWindow: ByteCount = Limits.creditWindow,
        durable: [Extent] = [],
        isResumed: Bool = false,
        ticket: ResumeTicket
    ) {
        precondition((1...Limits.streams).contains(streams), "\(streams) streams")
        precondition(
            creditWindow >= Limits.minimumCreditWindow
                && creditWindow <= Limits.maximumCreditWindow,
            "a credit window of \(creditWindow.bytes) bytes"
        )
        precondition(isResumed || durable.isEmpty, "only a resumed transfer has durable ranges")
        self.token = token
        self.streams = streams
        self.creditWindow = creditWindow
        self.durable = durable
        self.isResumed = isResumed
        self.ticket = ticket
    }

    /// The frames that tell the sender; ranges beyond the limit are left out and travel again.
    func frames(for transfer: TransferID) -> [ControlFrame] {
        let told = self.durable.prefix(Limits.rangesPerTransfer)
        let bytes = told.reduce(ByteCount.zero) { $0 + $1.length }
        var frames: [ControlFrame] = [
            .accept(
                Accept(
                    transfer: transfer,
                    token: self.token,
                    streams: self.streams,
                    creditWindow: self.creditWindow,
                    durableBytes: bytes,
                    rangeCount: told.count,
                    isResumed: self.isResumed,
                    ticket: self.ticket
                )
            )
        ]
        for start in stride(from: 0, to: told.count, by: Limits.rangesPerFrame) {
            let end = min(start + Limits.rangesPerFrame, told.count)
            frames.append(.ranges(Ranges(Array(told[start..<end]), isLast: end == told.count)))
        }
        return frames
    }
}

/// Whether a data connection becomes a stream of a session.
public enum Admission: Hashable, Sendable {
    /// It does, on these terms: `ReceiverStream.joined(_:)`.
    case admitted(StreamTerms)
    /// It does not, and the session goes on: `ReceiverStream.failed(_:)`.
    case rejected(ErrorReport)
}

/// What a data connection must keep to.
public struct StreamTerms: Hashable, Sendable {
    /// Which stream it carries.
    public let stream: StreamIndex

    /// The bytes of the target.
    public let size: ByteCount

    /// The codecs that chunks may have.
    public let codecs: CodecSet

    /// Whether the sender may ask about the base, that is, whether there is one.
    public let allowsQueries: Bool

    /// What may come before the first acknowledgement, in charged bytes.
    public let creditLimit: ByteCount

    /// The terms with these parts.
    public init(
        stream: StreamIndex,
        size: ByteCount,
        codecs: CodecSet,
        allowsQueries: Bool,
        creditLimit: ByteCount
    ) {
        self.stream = stream
        self.size = size
        self.codecs = codecs
        self.allowsQueries = allowsQueries
        self.creditLimit = creditLimit
    }

    /// The number of leaves of the target, the last of which may be short.
    var leafCount: Int {
        ByteOffset(self.size.bytes).roundedUp(to: Geometry.leaf).bytes / Geometry.leaf.bytes
    }
}
