// SPDX-License-Identifier: Apache-2.0

public import BlockTypes

/// The bounds of a replica and its stage, each with its reason.
public enum ReplicaLimits {
    /// The extents that a stage remembers one by one: 1,048,576, which are 16 MiB of memory (P6).
    ///
    /// As many as one acceptance may list. A transfer with more of them goes on, but what comes
    /// after is not remembered for a resumption.
    public static let trackedExtents = 1 << 20

    /// What is copied at once when a journal is applied or a volume is read: one chunk.
    public static let copyStep = Geometry.maximumChunk

    /// The least that is written past the page cache at once: 128 KiB.
    ///
    /// Below, a device takes longer for each write than the cache needs to copy it.
    static let directWrite = ByteCount.kibibytes(128)

    /// Written bytes after which the kernel is told to start writing them out: 8 MiB.
    ///
    /// Measured: with it the last fsync of 1 GiB takes 0.02 s instead of 0.57 s.
    public static let writebackStep = ByteCount.mebibytes(8)

    /// Extents of a log that are merged into the ledger at once after a restart.
    static let restoreBatch = 4096

    /// Generations that a pool with reflinks keeps, the visible one included.
    public static let keptGenerations = 2

    /// The free space below which no new stage is begun: 64 MiB, two credit windows.
    public static let spaceReserve = ByteCount.mebibytes(64)

    /// The separate places of a base that may have drifted: 65,536, which are 1 MiB of memory (P6).
    ///
    /// A base that has more of them was overwritten; a full copy is cheaper than their list.
    package static let driftedPlaces = 1 << 16

    /// The extents that a verification lists; the number of leaves is always exact.
    public static let listedDrift = 1024
}
