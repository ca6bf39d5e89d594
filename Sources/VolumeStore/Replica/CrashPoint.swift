// SPDX-License-Identifier: Apache-2.0

/// The steps of a stage's life after which a crash leaves something different on the disk.
///
/// In the order in which they pass. Tests stop at each of them and open the pool again (P1).
public enum CrashPoint: String, CaseIterable, Sendable {
    /// The stage's files exist, its record does not.
    case stageFilesCreated
    /// The record is durable: the stage can be resumed.
    case stageRecorded
    /// Staged bytes are durable, the log does not say so.
    case stagedBytesSynced
    /// The log says what is durable.
    case stagedBytesLogged
    /// The root of the stage equals the sender's (P2).
    case rootProven
    /// The digests of the target are durable.
    case digestsSynced
    /// The stage has everything that a generation needs.
    case generationRecorded
    /// The stage of a held group is recorded as prepared: it waits for the release.
    case prepared
    /// The release of a group is durable: from here on each of its targets becomes visible.
    case releaseDecided
    /// The commit record is durable: from here on the target is the volume's generation.
    case commitRecorded
    /// The journal was applied, its result may not be durable.
    case journalApplied
    /// The result of the journal is durable.
    case journalSynced
    /// The target has its directory; the rename may not be durable.
    case switched
    /// The rename is durable.
    case switchSynced
    /// The final record is durable; the switch need not be repeated.
    case commitFinished
    /// Older generations are gone.
    case oldGenerationsRemoved
}

/// Called at each crash point; tests throw there, everybody else lets it pass.
public typealias CrashHook = @Sendable (CrashPoint) throws(StoreError) -> Void
