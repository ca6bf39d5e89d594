// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
public import VolumeStore
public import WireProtocol

/// Hears what a receiver does; called on its threads, so it must be quick and must not block.
public protocol ReceiverObserver: Sendable {
    /// Something happened.
    func received(_ event: ReceiverEvent)
}

/// What a receiver tells its observer.
public enum ReceiverEvent: Sendable {
    /// A peer did not get past the door: TLS, certificate, hello, or too many connections.
    case connectionRefused(address: String, reason: String)
    /// An offer was refused; nothing was changed (P4).
    case transferRefused(TransferStatus, Refusal)
    /// A transfer began, or goes on after a break.
    case transferStarted(TransferStatus)
    /// It got further; at most once a second.
    case transferProgressed(TransferStatus)
    /// It is over: committed, or with an error.
    case transferFinished(TransferStatus)
    /// Leaves of the visible generation do not hold what was proven when it became visible.
    case driftFound(TransferStatus, leaves: Int)
    /// A stage that nobody continued was thrown away.
    case stageExpired(VolumeID)
    /// A group that nobody asked about was given up.
    case holdExpired(HoldRecord)
    /// The service itself has a problem that an operator should know of.
    case serviceFailed(String)
}

/// One transfer at the receiver, as it stands.
public struct TransferStatus: Sendable {
    /// Where a transfer is.
    public enum State: String, Sendable {
        /// The offer is being looked at, or a stage is being read again.
        case preparing
        /// Data arrives.
        case receiving
        /// Everything came: sync, root, switch.
        case proving
        /// The target is durable and proven, and waits for the release of its group; the session is
        /// over.
        case prepared
        /// The target is visible.
        case committed
        /// The session is over and the target is not visible; `error` says why.
        case failed
    }

    /// Names the transfer in the logs of both sides.
    public let transfer: TransferID
    /// The volume.
    public let volume: VolumeID
    /// Its name at the source.
    public let name: String
    /// The source cluster.
    public let pair: PairIdentity
    /// Its address.
    public let peer: String
    /// How the target is reached.
    public let mode: TransferMode
    /// The generation that was visible when the transfer began.
    public let base: GenerationStamp?
    /// What is to become visible.
    public let target: TargetGeneration
    /// Where the transfer is.
    public var state: State
    /// The data connections that were granted.
    public var streams: Int
    /// Bytes that an earlier session had made durable.
    public var resumedBytes: ByteCount
    /// Read and verified, in charged bytes.
    public var receivedBytes: ByteCount
    /// Written to the stage, in charged bytes.
    public var appliedBytes: ByteCount
    /// Durable, in charged bytes.
    public var durableBytes: ByteCount
    /// On the wire of the data connections, TLS included.
    public var wireBytes: ByteCount
    /// Leaves of the base that were found to have drifted.
    public var driftedLeaves: Int
    /// What became visible.
    public var committed: GenerationStamp?
    /// Why the transfer ended without a commit.
    public var error: ErrorReport?
}
