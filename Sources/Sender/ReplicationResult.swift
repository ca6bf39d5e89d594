// SPDX-License-Identifier: Apache-2.0

public import BlockDiff
public import BlockTypes

/// What a run shipped, in the words of reports.
public enum ReplicationOutcome: String, Hashable, Sendable, CaseIterable {
    /// Every allocated byte was read and proven.
    case full
    /// What differed from the base.
    case incremental
    /// Nothing differed from the base.
    case none
}

/// What a run did that ended in a commit.
public struct ReplicationResult: Hashable, Sendable {
    /// The volume's identity.
    public var volume: VolumeID
    /// What was shipped.
    public var outcome: ReplicationOutcome
    /// How, as it was offered.
    public var mode: TransferMode
    /// Why it was full; nil for an incremental run.
    public var fullReason: FullReason?
    /// Successful runs of this volume and pair, this one included: every seventh is full.
    public var run: UInt64
    /// The generation that it started from; nil where none was needed.
    public var base: GenerationNumber?
    /// The generation that the destination shows now; its root is the proof (P2).
    public var target: Generation
    /// What told what to look at.
    public var changeSource: ChangeSourceKind
    /// Change sources that this run caught missing a change (P9).
    public var distrusted: [ChangeSourceKind]
    /// Leaves of the destination's base that did not have their recorded digest; a full verify
    /// replaces their bytes.
    public var driftedLeaves: Int
    /// The counters at the end.
    public var progress: ReplicationProgress
    /// Data connections.
    public var streams: Int
    /// From the start of the run to the commit.
    public var duration: Duration

    /// The duration in seconds.
    public var seconds: Double {
        let (seconds, attoseconds) = self.duration.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

/// What happens during a run, for logs and events.
public enum ReplicationEvent: Hashable, Sendable {
    /// Waiting in line for data threads.
    case queued
    /// A snapshot was frozen, or an earlier one is gone on with.
    case frozen(GenerationNumber, isResumed: Bool)
    /// The destination accepted; `resumed` bytes are durable there already, and `sent` bytes of data
    /// travelled in this run before.
    case started(TransferID, TransferMode, ChangeSourceKind?, resumed: ByteCount, sent: ByteCount)
    /// A change source missed a change and is not used any more (P9).
    case changeSourceDistrusted(ChangeSourceKind, LeafIndex)
    /// The destination's base does not hold what it should.
    case driftFound(leaves: Int)
    /// The run goes on in full.
    case fallenBack(FullReason, String)
    /// An attempt failed and another one follows.
    case retrying(ReplicationError, attempt: Int, after: Duration)
    /// The destination committed.
    case committed(GenerationNumber)
}

/// Watches a run.
///
/// Called on the run's own threads: return soon.
public protocol ReplicationObserver: Sendable {
    /// Something happened.
    func replication(_ transfer: TransferID, _ event: ReplicationEvent)
}

/// Watches nothing.
public struct SilentObserver: ReplicationObserver {
    /// An observer that does nothing.
    public init() {}

    /// Does nothing.
    public func replication(_ transfer: TransferID, _ event: ReplicationEvent) {}
}
