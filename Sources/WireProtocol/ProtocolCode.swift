// SPDX-License-Identifier: Apache-2.0

/// Why a side refuses, aborts or closes: one number on the wire for each reason.
///
/// A case exists only where the other side would act differently on it. New codes come with a minor
/// version and are used only where both sides have negotiated it.
public enum ProtocolCode: UInt16, Hashable, Sendable, CaseIterable {
    /// The peer broke the protocol.
    case violation = 1
    /// The two sides speak different major versions.
    case versionMismatch = 2
    /// One side requires a feature that the other does not have.
    case missingFeature = 3
    /// This certificate or token does not open this volume or transfer.
    case notAuthorised = 4
    /// All places for transfers are taken.
    case busy = 5
    /// The agent is about to stop.
    case draining = 6
    /// The pool has no room for the target generation.
    case noSpace = 7
    /// The receiver has no generation that an incremental could build on.
    case needsFull = 8
    /// The visible generation is not the base of the offer.
    case wrongBase = 9
    /// The volume belongs to another history here.
    case lineageFork = 10
    /// The target is not newer than the visible generation.
    case staleGeneration = 11
    /// The target is already the visible generation.
    case alreadyCommitted = 12
    /// The target is smaller than the base, and the offer does not allow it.
    case shrinkNotAllowed = 13
    /// The volume is larger than this side can hold.
    case sizeLimit = 14
    /// The resume ticket was not sealed by this sender for this transfer.
    case badTicket = 15
    /// There is another session for the same transfer.
    case duplicateTransfer = 16
    /// The staged generation does not have the sender's root digest.
    case rootMismatch = 17
    /// Reading, writing or syncing the volume failed.
    case storeFailed = 18
    /// Someone cancelled the transfer.
    case cancelled = 19
    /// A connection broke before its last frame.
    case streamLost = 20
    /// A base does not hold the bytes that its digests promise.
    case driftFound = 21
    /// A bug: this side lost track of its own state.
    case internalFailure = 22
    /// The peer said nothing in time.
    case timedOut = 23
    /// A payload does not decompress or does not have its checksum.
    case corruptData = 24
    /// The replica was promoted: applications write it there, and nobody may replace it.
    case activeElsewhere = 25

    /// The name in `docs/wire-format.md`, in logs and in statuses.
    public var name: String { String(describing: self) }

    /// Whether the same request may succeed later although nobody changes it.
    public var isRetryable: Bool {
        switch self {
        case .busy, .draining, .noSpace, .duplicateTransfer, .rootMismatch, .storeFailed,
            .streamLost, .internalFailure, .timedOut, .corruptData:
            true
        case .violation, .versionMismatch, .missingFeature, .notAuthorised, .needsFull, .wrongBase,
            .lineageFork, .staleGeneration, .alreadyCommitted, .shrinkNotAllowed, .sizeLimit,
            .badTicket, .cancelled, .driftFound, .activeElsewhere:
            false
        }
    }

    /// What the code means, in one line.
    public var meaning: String {
        switch self {
        case .violation: "the peer broke the protocol"
        case .versionMismatch: "the two sides speak different major versions"
        case .missingFeature: "one side requires a feature that the other does not have"
        case .notAuthorised: "this certificate or token does not open this volume or transfer"
        case .busy: "all places for transfers are taken"
        case .draining: "the agent is about to stop"
        case .noSpace: "the pool has no room for the target generation"
        case .needsFull: "the receiver has no generation that an incremental could build on"
        case .wrongBase: "the visible generation is not the base of the offer"
        case .lineageFork: "the volume belongs to another history here"
        case .staleGeneration: "the target is not newer than the visible generation"
        case .alreadyCommitted: "the target is already the visible generation"
        case .shrinkNotAllowed:
            "the target is smaller than the base, and the offer does not allow it"
        case .sizeLimit: "the volume is larger than this side can hold"
        case .badTicket: "the resume ticket was not sealed by this sender for this transfer"
        case .duplicateTransfer: "there is another session for the same transfer"
        case .rootMismatch: "the staged generation does not have the sender's root digest"
        case .storeFailed: "reading, writing or syncing the volume failed"
        case .cancelled: "someone cancelled the transfer"
        case .streamLost: "a connection broke before its last frame"
        case .driftFound: "a base does not hold the bytes that its digests promise"
        case .internalFailure: "a bug: this side lost track of its own state"
        case .timedOut: "the peer said nothing in time"
        case .corruptData: "a payload does not decompress or does not have its checksum"
        case .activeElsewhere: "the replica was promoted and is active there"
        }
    }
}
