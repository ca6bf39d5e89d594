// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// How the entry of a volume in the status follows its copy, in Stork's words: scripts look at them.
extension MigratedVolume {
    /// An entry after a look, and what is worth an event.
    typealias Step = (entry: MigratedVolume, notice: Notice?)

    /// A copy that was just asked for.
    static func started(_ claim: ObjectKey, _ volume: String, task: String) -> Self {
        var entry = Self(claim: claim, volume: volume, taskID: task)
        entry.reason = "Volume migration has started. Backup in progress."
        return entry
    }

    /// The entry once its volume is frozen.
    func frozen(as state: VolumeFreeze.Frozen?) -> Self {
        var entry = self
        entry.generation = state.map { Int(clamping: $0.generation) }
        entry.snapshot = state?.snapshot
        return entry
    }

    /// The entry of a RecoveryPoint; nil before the volume is frozen.
    var pointVolume: RecoveryPointSpec.Volume? {
        guard let generation = self.generation.flatMap({ UInt64(exactly: $0) }),
            let snapshot = self.snapshot
        else { return nil }
        return RecoveryPointSpec.Volume(
            claim: ObjectKey(self.namespace, self.claim),
            volume: self.volume,
            generation: generation,
            snapshot: snapshot
        )
    }

    /// The entry after a look at its copy.
    func following(_ progress: VolumeProgress) -> Step {
        var entry = self
        if progress.bytesTotal > 0 {
            entry.bytesTotal = Int(clamping: progress.bytesTotal)
            entry.bytesDone = Int(clamping: progress.bytesDone)
        }
        if let bytes = progress.bytesTransferred {
            entry.bytesTransferred = Int(clamping: bytes)
        }
        if let isFull = progress.isFull { entry.transfer = isFull ? .full : .incremental }
        entry.fullReason = progress.fullReason
        entry.run = progress.run.map { Int(clamping: $0) }
        switch progress.state {
        case .running:
            entry.reason = Self.running(progress)
            return (entry, nil)
        case .prepared:
            entry.reason =
                "Volume is copied and proven at the destination. It is shown there as soon as all "
                + "volumes are."
            return (entry, nil)
        case .done:
            entry.status = .successful
            // What nobody expects is said; scripts know the words before it.
            let surprise = progress.fullReason?.surprise.map { ". All of it was copied: \($0)" }
            entry.reason = "Migration successful for volume" + (surprise ?? "")
            let text = "Volume \(self.volume) migrated successfully" + (surprise ?? "")
            return (entry, .normal("Successful", text))
        case .failed(let trouble):
            return entry.failing(Trouble(trouble), stage: progress.stage)
        case .cancelled:
            let trouble = Trouble(
                .cancelled,
                "the transfer was cancelled at the agent",
                remedy: "create the Migration anew",
                isPassing: false
            )
            return entry.failing(trouble, stage: progress.stage)
        }
    }

    /// The entry of a copy that will not go on.
    func failing(_ trouble: Trouble, stage: String) -> Step {
        var entry = self
        entry.status = .failed
        entry.reason = "Migration \(stage) failed for volume: \(trouble.text)"
        entry.cause = trouble.reason.rawValue
        let notice = Notice.warning(
            "Failed",
            "Error migrating volume \(self.volume): \(trouble.text)"
        )
        return (entry, notice)
    }

    /// The entry of a copy that ends because another volume of the group has failed.
    func leftBehind() -> Step {
        self.failing(
            Trouble(
                .volumeGroupFailed,
                "another volume of this migration failed, and volumes are shown together or not at "
                    + "all",
                remedy: "look at the volume that failed",
                isPassing: false
            ),
            stage: "Restore"
        )
    }

    private static func running(_ progress: VolumeProgress) -> String {
        let waiting = progress.waitsFor.map { " Waiting: \($0)" } ?? ""
        return "Volume migration has started. \(progress.stage) in progress. "
            + "BytesDone: \(progress.bytesDone) BytesTotal: \(progress.bytesTotal) "
            + "ETA: \(progress.secondsLeft ?? 0) seconds" + waiting
    }

    /// Why it failed, from what the status keeps.
    var failure: Trouble? {
        guard self.status == .failed else { return nil }
        return Trouble(
            Trouble.Reason(rawValue: self.cause) ?? .volumeFailed,
            "claim \(self.namespace)/\(self.claim): \(self.reason)",
            isPassing: false
        )
    }
}

extension MigrationState {
    /// Whether nothing more will happen.
    var isFinal: Bool {
        switch self {
        case .initial, .pending, .inProgress: false
        case .failed, .partialSuccess, .successful, .purged: true
        }
    }
}
