// SPDX-License-Identifier: Apache-2.0

import BlockDiff
package import BlockTypes

/// What a stage has been given: claimed, applied, durable.
///
/// ```
///  claim ──▶ claimed ──write, digest──▶ applied ──fdatasync, log──▶ durable
/// ```
/// Holds: `claimed` and `durable` are disjoint; everything applied is claimed. The ledger is behind
/// a mutex that is held for the bookkeeping alone, never across a read or a write.
package struct StageLedger {
    /// The extents that are remembered one by one.
    let limit: Int
    /// Given to a writer and not yet durable; bounded by the credit of the streams.
    private(set) var claimed = ExtentSet()
    /// Durable and in the log.
    private(set) var durable = ExtentSet()
    /// Applied since the last flush took them.
    private var applied: [StageLogRecord] = []
    /// Taken from the log and not yet merged into `durable`.
    private var restored = ExtentSet()
    /// Some durable extents are not in `durable`, because there are too many.
    private(set) var isTruncated = false
    /// Leaves whose base bytes do not have their stored digests.
    private(set) var drifted = ExtentSet()

    /// Nothing was given yet; so many extents are remembered one by one.
    package init(limit: Int) { self.limit = limit }

    /// Reserves an extent for one writer; false when a byte of it came before.
    mutating func claim(_ extent: Extent) -> Bool {
        guard !self.claimed.overlaps(extent), !self.durable.overlaps(extent) else { return false }
        self.claimed.insert(extent)
        return true
    }

    mutating func apply(_ record: StageLogRecord) { self.applied.append(record) }

    /// What a leaf that drifted is to the ledger.
    package enum Drift: Hashable, Sendable {
        /// It was noted before.
        case known
        /// It is noted now.
        case noted
        /// So many places have drifted that no more are remembered.
        case tooMuch
    }

    /// Notes that a leaf drifted.
    package mutating func noteDrift(_ leaf: Extent) -> Drift {
        guard !self.drifted.overlaps(leaf) else { return .known }
        guard self.drifted.count < ReplicaLimits.driftedPlaces else { return .tooMuch }
        self.drifted.insert(leaf)
        self.applied.append(StageLogRecord(.drifted, leaf))
        return .noted
    }

    /// What has been applied and not yet been made durable.
    mutating func takeApplied() -> [StageLogRecord] {
        let taken = self.applied
        self.applied = []
        self.applied.reserveCapacity(taken.count)
        return taken
    }

    /// Moves extents from claimed to durable; false when they do not fit any more.
    mutating func settle(_ extents: ExtentSet) -> Bool {
        self.claimed = self.claimed.subtracting(extents)
        guard self.canTrack(extents) else {
            self.isTruncated = true
            return false
        }
        self.durable.formUnion(extents)
        return true
    }

    /// Remembers no more of what becomes durable: the log does not name it either.
    mutating func stopTracking() { self.isTruncated = true }

    /// Takes up a record of the log; false when there are more than can be remembered.
    mutating func restore(_ record: StageLogRecord) -> Bool {
        if record.kind == .drifted { return true }
        guard self.durable.count + self.restored.count < self.limit else {
            return false
        }
        self.restored.insert(record.extent)
        // Merged now and then: one by one, a million scattered extents would take minutes.
        if self.restored.count >= ReplicaLimits.restoreBatch { self.finishRestoring() }
        return true
    }

    mutating func finishRestoring() {
        self.durable.formUnion(self.restored)
        self.restored = ExtentSet()
    }

    /// Whether so many more extents can be remembered one by one.
    func canTrack(_ extents: ExtentSet) -> Bool {
        !self.isTruncated && self.durable.count + extents.count <= self.limit
    }

    /// Gives up what was claimed and not applied: its writer is gone.
    mutating func releaseClaims() {
        precondition(self.applied.isEmpty, "\(self.applied.count) applied records are not durable")
        self.claimed = ExtentSet()
    }

    /// The parts of an extent that nobody has written.
    func gaps(in extent: Extent) -> [Extent] {
        self.durable.union(self.claimed).gaps(in: extent)
    }
}
