// SPDX-License-Identifier: Apache-2.0

import BlockTypes
import WireProtocol

/// The bounds of a sender, each with its reason (P6).
enum SenderLimits {
    /// The smallest and the largest number of data connections of one transfer.
    ///
    /// A stream has about 5.5 MiB of buffers: 16 of them stay below the 128 MiB of a transfer.
    static let streams = 1...Limits.streams

    /// What a data connection has to read before another one is worth its handshake: 4 MiB.
    ///
    /// A handshake takes two milliseconds of processor time on both sides together, as 4 MiB do.
    static let streamWork = ByteCount.mebibytes(4)

    /// The data connections for what there is to read, at least one.
    static func streams(for work: ByteCount) -> Int {
        max(1, (work.bytes + Self.streamWork.bytes - 1) / Self.streamWork.bytes)
    }

    /// Leaves in one work unit while leaf digests are compared with the peer's: 16 MiB.
    ///
    /// Large enough that a round trip of 50 ms costs a third of a stream's time at most; small
    /// enough that three streams share a volume of 64 MiB.
    static let verifyUnitLeaves = 256

    /// Leaves in one work unit otherwise: one chunk, so that credit and progress move evenly.
    static let unitLeaves = Geometry.maximumChunk.bytes / Geometry.leaf.bytes

    /// What is asked from the disk ahead of the data threads, in each of two files: 32 MiB.
    ///
    /// Some milliseconds of a fast disk, or 150 ms of one with 200 MB/s; the page cache can spare it.
    static let readAhead = ByteCount.mebibytes(32)

    /// What is asked for at once, where there is much to read.
    static let refill = ByteCount.mebibytes(4)

    /// Units that wait for a data thread, however small they are: 36 MiB with the gaps between them.
    static let unitsAhead = 1024

    /// Leaves that one zero record may clear while the digests are locked: 64 MiB of volume.
    static let clearedLeaves = 1024

    /// Unchanged leaves of a volume that are read and checked in each run (P9): 64, and of a small one
    /// the 64th part, but 16.
    static func auditLeaves(of size: ByteCount) -> Int {
        let part = size.bytes / Geometry.leaf.bytes / 64
        return min(max(part, 16), 64)
    }

    /// How long a connection may take to be made.
    static let connectTimeout = Duration.seconds(10)

    /// How long a control frame may take to arrive once it is due: the destination may have to
    /// clone a volume of millions of extents before it accepts.
    static let answerTimeout = Duration.seconds(120)

    /// How long data threads wait for credit while nothing at all moves.
    ///
    /// No byte leaves, nothing is acknowledged; the run ends, although the destination answers
    /// pings. The slowest that must pass: a chunk of each of 16 streams in flight over 5 KB/s, and
    /// a disk that syncs 16 windows of 32 MiB at 150 KB/s. Both take just under an hour.
    static let stallLimit = Duration.seconds(3600)

    /// What a destination gets done at least while it commits, beyond ``stallLimit``: 16 MiB/s.
    ///
    /// A redo journal is applied before the commit is acknowledged, and that can be the whole
    /// volume; no disk that keeps volumes writes slower.
    static let commitPace = ByteCount.mebibytes(16)

    /// The longest wait for the end of a commit.
    static func commitLimit(_ size: ByteCount, stallLimit: Duration) -> Duration {
        stallLimit + .seconds(size.bytes / Self.commitPace.bytes)
    }

    /// How often a run tries again after a failure that trying again can help, without any
    /// progress in between.
    static let fruitlessAttempts = 5

    /// The waits before the tries; the last one repeats.
    static let backoff: [Duration] = [
        .milliseconds(200), .seconds(1), .seconds(3), .seconds(10),
    ]

    /// The longest wait that a busy destination can ask for inside a run: after it, the run ends
    /// with the reason rather than hang.
    static let longestWait = Duration.seconds(30)

    /// Runs that a pair's state file remembers: a cadence of seven, and one.
    static let rememberedRuns = 8
}
