// SPDX-License-Identifier: Apache-2.0

public import BlockTypes
import Synchronization

/// What a run does at the moment.
public enum ReplicationPhase: Int, Hashable, Sendable, CaseIterable {
    /// Waiting in line for data threads.
    case queued = 0
    /// Making the snapshot.
    case freezing = 1
    /// Connecting and offering.
    case connecting = 2
    /// Data connections are at work.
    case streaming = 3
    /// Waiting for the destination's proof and switch.
    case committing = 4
    /// Waiting before the next attempt.
    case waiting = 5
    /// Over, whatever the outcome.
    case finished = 6
}

/// Where a run is: one consistent-enough reading of its counters.
public struct ReplicationProgress: Hashable, Sendable {
    /// What it does.
    public var phase: ReplicationPhase
    /// The volume's size; zero before it is known.
    public var volumeBytes: ByteCount
    /// How far the change source has got, of the volume's size.
    public var coveredBytes: ByteCount
    /// Bytes read from the target snapshot, without audits.
    public var readBytes: ByteCount
    /// Bytes read to audit the change source (P9).
    public var auditedBytes: ByteCount
    /// Bytes shipped as data, before compression.
    public var changedBytes: ByteCount
    /// Bytes shipped as zero extents, or skipped as zeros by a full copy.
    public var zeroBytes: ByteCount
    /// What compression saved.
    public var compressedAwayBytes: ByteCount
    /// Bytes of all connections, both directions, with everything around them.
    public var wireBytes: ByteCount
    /// Bytes that were durable at the destination before, and were not sent again (P5).
    public var resumedBytes: ByteCount
    /// The attempt, from 1.
    public var attempt: Int

    /// Bytes that did not have to travel because the destination has them.
    public var sameBytes: ByteCount {
        let others = self.changedBytes + self.zeroBytes + self.resumedBytes
        return ByteCount(max(0, self.coveredBytes.bytes - others.bytes))
    }

    /// How much of the volume the change source has been through, from 0 to 1.
    public var fraction: Double {
        switch self.phase {
        case .queued, .freezing, .connecting: 0
        case .committing, .finished: 1
        case .streaming, .waiting:
            self.volumeBytes == .zero
                ? 1 : Double(self.coveredBytes.bytes) / Double(self.volumeBytes.bytes)
        }
    }
}

/// A number of bytes that any thread adds to.
struct ByteCounter: ~Copyable {
    private let bytes = Atomic<Int>(0)

    /// The number at this moment.
    var count: ByteCount { ByteCount(self.bytes.load(ordering: .relaxed)) }

    func add(_ count: ByteCount) { self.bytes.wrappingAdd(count.bytes, ordering: .relaxed) }

    func set(_ count: ByteCount) { self.bytes.store(count.bytes, ordering: .relaxed) }

    /// Moves it up to a place that was reached, in whichever order.
    func reach(_ place: ByteOffset) { self.bytes.max(place.bytes, ordering: .relaxed) }
}

/// The counters behind ``ReplicationProgress``; every data thread adds to them.
final class ProgressCounters: Sendable {
    let phase = Atomic<Int>(ReplicationPhase.queued.rawValue)
    let attempt = Atomic<Int>(0)
    let volume = ByteCounter()
    let covered = ByteCounter()
    let read = ByteCounter()
    let audited = ByteCounter()
    let changed = ByteCounter()
    let zero = ByteCounter()
    let compressedAway = ByteCounter()
    let wire = ByteCounter()
    let resumed = ByteCounter()
    /// In whole leaves at new addresses: what was compared, and what of it was equal.
    let compared = ByteCounter()
    let equal = ByteCounter()

    func enter(_ phase: ReplicationPhase) {
        self.phase.store(phase.rawValue, ordering: .relaxed)
    }

    var reading: ReplicationProgress {
        ReplicationProgress(
            phase: ReplicationPhase(rawValue: self.phase.load(ordering: .relaxed)) ?? .queued,
            volumeBytes: self.volume.count,
            coveredBytes: self.covered.count,
            readBytes: self.read.count,
            auditedBytes: self.audited.count,
            changedBytes: self.changed.count,
            zeroBytes: self.zero.count,
            compressedAwayBytes: self.compressedAway.count,
            wireBytes: self.wire.count,
            resumedBytes: self.resumed.count,
            attempt: self.attempt.load(ordering: .relaxed)
        )
    }
}
